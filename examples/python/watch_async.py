"""The story of watch.py, in asyncio: ``python watch_async.py [ENDPOINT]...``."""

import asyncio
import sys

from gocore_etcd import Changes, Connected, Delete, Put, Range, Snapshot
from gocore_etcd.aio import Client


async def main() -> None:
    """Keep the flags, and say what happens to them."""
    async with Client(sys.argv[1:] or ["127.0.0.1:2379"]) as client:
        below = client.key("flags") + "/"
        end = f"{below}end".encode()
        flags: dict[bytes, bytes] = {}
        async with client.kv.watch(Range.prefix(below)) as watch:
            async for update in watch:
                match update:
                    case Snapshot(kvs=kvs):
                        flags = {kv.key: kv.value for kv in kvs}
                        print(f"flags: {len(flags)}", flush=True)
                    case Changes(changes=changes):
                        for change in changes:
                            match change:
                                case Put(kv):
                                    print(f"{kv.key.decode()} = {kv.value.decode()}", flush=True)
                                    flags[kv.key] = kv.value
                                case Delete(key):
                                    print(f"{key.decode()} is gone", flush=True)
                                    flags.pop(key, None)
                    case Connected(connected):
                        print("up to date" if connected else "etcd is away: changes will come later", flush=True)
                if end in flags:
                    break


if __name__ == "__main__":
    asyncio.run(main())
