"""Feature flags that are always up to date: a watch as a program uses it.

``python watch.py [ENDPOINT]...`` (127.0.0.1:2379 without). Then put and delete keys below ``/go-core/flags/``, stop
etcd, start it again, compact it. It ends when the flag ``end`` is put.
"""

import sys

from gocore_etcd import Change, Changes, Client, Connected, Delete, Put, Range, Snapshot


def main() -> None:
    """Keep the flags, and say what happens to them."""
    with Client(sys.argv[1:] or ["127.0.0.1:2379"]) as client:
        below = client.key("flags") + "/"
        end = f"{below}end".encode()
        flags: dict[bytes, bytes] = {}
        with client.kv.watch(Range.prefix(below)) as watch:
            for update in watch:
                match update:
                    case Snapshot(kvs=kvs):
                        # All there is: at the beginning, and again should changes have been missed. It replaces what
                        # was before.
                        flags = {kv.key: kv.value for kv in kvs}
                        print(f"flags: {len(flags)}", flush=True)
                    case Changes(changes=changes):
                        for change in changes:
                            apply(flags, change)
                    case Connected(connected):
                        print("up to date" if connected else "etcd is away: changes will come later", flush=True)
                if end in flags:
                    break


def apply(flags: dict[bytes, bytes], change: Change) -> None:
    """Do to the flags what was done in etcd."""
    match change:
        case Put(kv):
            print(f"{kv.key.decode()} = {kv.value.decode()}", flush=True)
            flags[kv.key] = kv.value
        case Delete(key):
            print(f"{key.decode()} is gone", flush=True)
            flags.pop(key, None)


if __name__ == "__main__":
    main()
