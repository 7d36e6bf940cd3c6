"""The story of lock.py, in asyncio: ``python lock_async.py [ENDPOINT]...``."""

import asyncio
import sys

from gocore_etcd.aio import Client, Lock


async def main() -> None:
    """Take the lock, work, give it back."""
    async with Client(sys.argv[1:] or ["127.0.0.1:2379"]) as client:
        print("waiting for the lock", flush=True)
        async with client.lock("jobs/report", ttl=10) as lock:
            print(f"holding {lock.key} with fencing token {lock.token}", flush=True)
            revision = await work(client, lock)
            print(f"the report was written at revision {revision}")
        # LostError has left the block if the lock had been lost.
        print("unlocked")


async def work(client: Client, lock: Lock) -> int:
    """Work for a second, unless the lock is lost: then the next owner may begin any moment.

    The write is refused by etcd, should somebody else own the lock by the time it arrives.
    """
    await lock.wait_lost(timeout=1)
    return await lock.put(client.key("reports", "last"), b"all is well")


if __name__ == "__main__":
    asyncio.run(main())
