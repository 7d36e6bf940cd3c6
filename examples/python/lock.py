"""A job that must run once at a time: the lock as a program uses it.

``python lock.py [ENDPOINT]...`` (127.0.0.1:2379 without). Run it in two terminals: the second waits until the first is
done. Kill the first with SIGKILL, and the second goes on once the TTL has passed.
"""

import sys

from gocore_etcd import Client, Lock


def main() -> None:
    """Take the lock, work, give it back."""
    with Client(sys.argv[1:] or ["127.0.0.1:2379"]) as client:
        print("waiting for the lock", flush=True)
        with client.lock("jobs/report", ttl=10) as lock:
            print(f"holding {lock.key} with fencing token {lock.token}", flush=True)
            revision = work(client, lock)
            print(f"the report was written at revision {revision}")
        # LostError has left the block if the lock had been lost.
        print("unlocked")


def work(client: Client, lock: Lock) -> int:
    """Work for a second, unless the lock is lost: then the next owner may begin any moment.

    The write is refused by etcd, should somebody else own the lock by the time it arrives.
    """
    lock.wait_lost(timeout=1)
    return lock.put(client.key("reports", "last"), b"all is well")


if __name__ == "__main__":
    main()
