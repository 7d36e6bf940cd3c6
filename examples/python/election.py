"""A report that one instance of a service writes, whoever leads: work that is run as leader, and an observer of it.

``python election.py [ENDPOINT]...`` (127.0.0.1:2379 without). Run it in two terminals: the second waits until the first
is done. Kill the first with SIGKILL, and the second leads once the TTL has passed. Both see who does.
"""

import os
import sys

from gocore_etcd import AGAIN, Again, Client, Leader, Leadership


def main() -> None:
    """Observe, and write the report as leader."""
    with Client(sys.argv[1:] or ["127.0.0.1:2379"]) as client:

        @client.run_as_leader("reporter", f"process {os.getpid()}", ttl=10)
        def write(leadership: Leadership) -> int | Again:
            """Work for a second, unless the leadership is lost: then the next leader may begin any moment.

            The write is refused by etcd, should somebody else lead by the time it arrives: then it all starts over.
            """
            say(f"leading with fencing token {leadership.token}")
            if leadership.wait_lost(timeout=1):
                return AGAIN
            return leadership.put(client.key("reports", "last"), b"all is well")

        with client.observe("reporter", show):
            revision = write()
        say(f"the report was written at revision {revision}")
        say("resigned")


def show(leader: Leader | None) -> None:
    """Say who leads; called on a thread of the library."""
    say(f"{leader.identity} leads with token {leader.token}" if leader else "nobody leads")


def say(line: str) -> None:
    """Print a line in one piece: another thread may say something, too."""
    print(f"{line}\n", end="", flush=True)


if __name__ == "__main__":
    main()
