"""The story of election.py, in asyncio: ``python election_async.py [ENDPOINT]...``."""

import asyncio
import os
import sys

from gocore_etcd import Leader
from gocore_etcd.aio import Client, Leadership


async def main() -> None:
    """Observe, and write the report as leader."""
    async with Client(sys.argv[1:] or ["127.0.0.1:2379"]) as client:

        @client.run_as_leader("reporter", f"process {os.getpid()}", ttl=10)
        async def write(leadership: Leadership) -> int:
            """Work for a second; should the leadership be lost, this is cancelled, and begun again when it is won.

            The write is refused by etcd, should somebody else lead by the time it arrives: then it all starts over.
            """
            print(f"leading with fencing token {leadership.token}", flush=True)
            await asyncio.sleep(1)
            return await leadership.put(client.key("reports", "last"), b"all is well")

        with client.observe("reporter", show):
            revision = await write()
        print(f"the report was written at revision {revision}")
        print("resigned")


def show(leader: Leader | None) -> None:
    """Say who leads."""
    print(f"{leader.identity} leads with token {leader.token}" if leader else "nobody leads", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
