"""The end of a program: quick, without a crash, and nothing stays in etcd that could be given back.

``GOCORE_ETCD_EXITS`` says how many ends are tried (100 without it).
"""

import os
import re
import signal
import subprocess
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

EXITS = int(os.environ.get("GOCORE_ETCD_EXITS", "100"))
LONGEST = 10.0
"""How long the interpreter may take after its last non-daemon thread has ended, in seconds."""

HEAD = """
import gocore_etcd, logging, threading, time, os
# What the core says, of an etcd that is slow for instance, is not about the end.
logging.getLogger("gocore_etcd").addHandler(logging.NullHandler())
from gocore_etcd import Client, Connected, Range
client = Client(ENDPOINT, prefix=PREFIX)
def done():  # the last thing an application does
    print("done", time.monotonic(), flush=True)
"""

STORIES = {
    "pending calls of daemon threads": """
        held = client.lock("held", ttl=30)
        def wait():
            client.lock("held", ttl=30)
        for _ in range(4):
            threading.Thread(target=wait, daemon=True).start()
        time.sleep(0.05)
        done()
    """,
    "calls of daemon threads that never stop": """
        def call():
            while True:
                client.kv.get("/none")
        for _ in range(4):
            threading.Thread(target=call, daemon=True).start()
        time.sleep(0.05)
        done()
    """,
    "daemon threads that have just begun to wait": """
        held = client.lock(f"held/{os.getpid()}", ttl=30)
        queue = Range.prefix(held.key + "/")
        for _ in range(4):
            threading.Thread(target=client.lock, args=[f"held/{os.getpid()}"], daemon=True).start()
        while len(client.kv.list(queue).kvs) < 5:
            pass
        done()
    """,
    "daemon threads whose waits end at any time": """
        import contextlib, random
        held = client.lock(f"held/{os.getpid()}", ttl=30)
        def wait():
            while True:
                with contextlib.suppress(gocore_etcd.DeadlineExceededError):
                    client.lock(f"held/{os.getpid()}", ttl=30, timeout=random.uniform(0.001, 0.06))
        for _ in range(8):
            threading.Thread(target=wait, daemon=True).start()
        time.sleep(random.uniform(0.01, 0.1))
        done()
    """,
    "Ctrl-C while the end waits for threads that call": """
        import contextlib, signal
        held = client.lock(f"held/{os.getpid()}", ttl=30)
        def call():
            while True:
                client.kv.get("/none")
        def wait():
            while True:
                with contextlib.suppress(gocore_etcd.DeadlineExceededError):
                    client.lock(f"held/{os.getpid()}", ttl=30, timeout=0.03)
        for work in (call, call, wait, wait):
            threading.Thread(target=work).start()
        def interrupt():
            while threading.main_thread().is_alive():
                time.sleep(0.001)
            done()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt, daemon=True).start()
    """,
    "held locks": """
        locks = [client.lock(f"held/{os.getpid()}/{n}", ttl=30) for n in range(3)]
        done()
    """,
    "unclosed clients": """
        clients = [Client(ENDPOINT, prefix=PREFIX) for _ in range(4)]
        del clients[0]
        done()
    """,
    "non-daemon threads that go on after main": """
        def work():
            time.sleep(0.1)
            with client.lock(f"late/{os.getpid()}", ttl=10) as lock:
                assert lock.put(client.key("late"), b"x") > 0
            assert Client(ENDPOINT).kv.get("/none") is None
            print("worked", flush=True)
            done()
        threading.Thread(target=work).start()
    """,
    "an unfinished event loop": """
        import asyncio
        from gocore_etcd import aio
        async def story():
            other = await aio.Client(ENDPOINT, prefix=PREFIX)
            held = await other.lock(f"loop/{os.getpid()}")
            waiting = asyncio.ensure_future(wait(other, held.key))
            await asyncio.sleep(0.01)
            return other, held, waiting
        async def wait(other, key):
            await other.lock(f"loop/{os.getpid()}")
        loop = asyncio.new_event_loop()
        kept = loop.run_until_complete(story())
        done()
    """,
    "a loop in a daemon thread": """
        import asyncio
        from gocore_etcd import aio
        async def story():
            async with aio.Client(ENDPOINT, prefix=PREFIX) as other:
                while True:
                    await asyncio.gather(*(other.kv.get("/none") for _ in range(20)))
        threading.Thread(target=asyncio.run, args=[story()], daemon=True).start()
        time.sleep(0.1)
        done()
    """,
    "sys.exit while others call": """
        def call():
            while True:
                client.kv.get("/none")
        threading.Thread(target=call, daemon=True).start()
        time.sleep(0.02)
        done()
        sys.exit(0)
    """,
    "sys.exit in a handler": """
        def handler():
            sys.exit(3)
        lock = client.lock(f"exit/{os.getpid()}", ttl=30)
        lock.on_lost(handler)
        client.kv.delete(Range.prefix(lock.key + "/"))
        lock.wait_lost()
        done()
    """,
    "leaderships and candidacies": """
        key = f"exit/{os.getpid()}"
        leadership = client.campaign(key, "me", ttl=30)
        kept = [client.candidacy(key, "next", ttl=30), client.candidacy(key, "third", ttl=30, handler=print)]
        leaders = client.observe(key)
        next(leaders)
        time.sleep(0.05)
        done()
    """,
    "work of leaders in daemon threads": """
        for work in (lambda leadership: leadership.wait_lost(), lambda leadership: time.sleep(60)):
            for _ in range(2):
                run = client.run_as_leader(f"exit/{os.getpid()}", "me", ttl=30)(work)
                threading.Thread(target=run, daemon=True).start()
        time.sleep(0.05)
        done()
    """,
    "work of a leader in an unfinished loop": """
        import asyncio
        from gocore_etcd import aio
        async def story():
            other = await aio.Client(ENDPOINT, prefix=PREFIX)
            working = asyncio.Event()
            async def work(leadership):
                working.set()
                await asyncio.sleep(60)
            run = asyncio.ensure_future(other.run_as_leader(f"exit/{os.getpid()}", "me", ttl=30)(work)())
            await working.wait()
            return other, run
        loop = asyncio.new_event_loop()
        kept = loop.run_until_complete(story())
        done()
    """,
    "handlers that are waiting": """
        lock = client.lock(f"handler/{os.getpid()}", ttl=30)
        lock.on_lost(lambda: time.sleep(60))
        other = client.lock(f"handler/{os.getpid()}/2", ttl=30)
        other.on_lost(lambda: None)
        client.kv.delete(Range.prefix(client.key("locks", "handler")))
        lock.wait_lost()
        done()
    """,
    "open watches": """
        settled = threading.Semaphore(0)
        key = f"/watched/{os.getpid()}"
        def settle(update):
            if update == Connected(True):
                settled.release()
        def iterate():
            for update in client.kv.watch(key):
                settle(update)
        watch = client.kv.watch(key)
        next(watch)
        client.kv.watch(key, settle)
        threading.Thread(target=iterate, daemon=True).start()
        settled.acquire()
        settled.acquire()
        time.sleep(0.05)
        done()
    """,
    "watches and handlers at work": """
        def write():
            while True:
                client.kv.put(f"/busy/{os.getpid()}", b"x")
        def iterate():
            for update in client.kv.watch(f"/busy/{os.getpid()}"):
                pass
        for work in (write, iterate, iterate):
            threading.Thread(target=work, daemon=True).start()
        kept = client.kv.watch(f"/busy/{os.getpid()}", lambda update: None)
        client.kv.watch(f"/busy/{os.getpid()}", lambda update: time.sleep(0.001))
        time.sleep(0.1)
        done()
    """,
    "watches of an unfinished event loop": """
        import asyncio
        from gocore_etcd import aio
        async def story():
            other = await aio.Client(ENDPOINT, prefix=PREFIX)
            heard = asyncio.Event()
            async def handler(update):
                heard.set()
                await asyncio.sleep(60)
            watch = other.kv.watch("/watched")
            waiting = asyncio.ensure_future(iterate(watch))
            subscription = other.kv.watch("/watched", handler)
            other.kv.watch("/watched", lambda update: None)
            await heard.wait()
            return other, watch, waiting, subscription
        async def iterate(watch):
            return [update async for update in watch]
        loop = asyncio.new_event_loop()
        kept = loop.run_until_complete(story())
        client.kv.put("/watched", b"")
        done()
    """,
    "watches in the loop of a daemon thread": """
        import asyncio
        from gocore_etcd import aio
        async def story():
            async with aio.Client(ENDPOINT, prefix=PREFIX) as other:
                key = f"/busy/{os.getpid()}"
                async def handler(update):
                    await other.kv.get("/none")
                other.kv.watch(key, handler)
                async for update in other.kv.watch(key):
                    await other.kv.put(key, b"x")
        threading.Thread(target=asyncio.run, args=[story()], daemon=True).start()
        time.sleep(0.1)
        done()
    """,
    "sys.exit in a watch's handler": """
        heard = threading.Event()
        def handler(update):
            heard.set()
            sys.exit(3)
        client.kv.watch("/watched", handler)
        heard.wait()
        done()
    """,
}


QUIET = {
    "pending calls of daemon threads",
    "daemon threads that have just begun to wait",
    "held locks",
    "unclosed clients",
    "non-daemon threads that go on after main",
    "open watches",
}
"""What has done nothing wrong hears nothing."""


def test_programs_end_quickly_and_without_a_crash(script):
    names = [list(STORIES)[number % len(STORIES)] for number in range(EXITS)]
    with ThreadPoolExecutor(2) as pool:
        problems = [problem for problem in pool.map(lambda name: _problem(script, name), names) if problem]
    assert not problems, "\n".join(problems)


def _problem(script, name):
    code, out, err = script.run(textwrap.dedent(HEAD) + textwrap.dedent(STORIES[name]), "-X", "faulthandler")
    ended = time.monotonic()
    done = re.search(r"done ([\d.]+)", out)
    if code != 0 or done is None or (name.startswith("non-daemon") and "worked" not in out):
        return f"{name}: exit code {code}\n{out}\n{err[:1000]}"
    if name in QUIET and err:
        return f"{name}: it complains\n{err[:1000]}"
    seconds = ended - float(done[1])
    return f"{name}: took {seconds} s\n{err[:1000]}" if seconds > LONGEST else None


def test_a_daemon_thread_whose_wait_goes_over_to_the_dispatcher_as_the_program_ends_stays_where_it_is(script):
    code, _, err = script.run(
        """
        import logging, threading, time
        import gocore_etcd
        from gocore_etcd import _dispatch
        logging.getLogger("gocore_etcd").addHandler(logging.NullHandler())
        client = gocore_etcd.Client(ENDPOINT, prefix=PREFIX)
        held = client.lock("k", ttl=30)
        going_over, enter_late = threading.Event(), _dispatch.enter_late
        def wait_for_the_end(waiter):
            going_over.set()
            while not _dispatch.has_ended():
                time.sleep(0.001)
            return enter_late(waiter)
        _dispatch.enter_late = wait_for_the_end
        threading.Thread(target=client.lock, args=["k"], daemon=True).start()
        going_over.wait()
        """,
    )
    assert (code, err) == (0, "")


@pytest.mark.parametrize("flags", [["-W", "error"], ["-X", "dev"]])
def test_the_end_gives_locks_back_and_tells_of_unclosed_clients(script, other, flags):
    code, _, err = script.run(
        """
        import gocore_etcd
        gocore_etcd._dispatch.EXIT_LIMIT = 30
        client = gocore_etcd.Client(ENDPOINT, prefix=PREFIX)
        lock = client.lock("k", ttl=60)
        """,
        *flags,
    )
    assert code == 0
    assert "unclosed <gocore_etcd.Client" in err
    lock = other.try_lock("k")
    assert lock is not None, "it was free when the program had ended"
    lock.unlock()


def test_handlers_at_exit_that_come_first_may_call_and_later_ones_are_told(script):
    code, out, err = script.run(
        """
        import atexit
        client = None
        def late():
            try:
                client.kv.get("/none")
            except gocore_etcd.ClosedError as error:
                print("late", type(error).__name__)
            try:
                gocore_etcd.Client(ENDPOINT)
            except gocore_etcd.ClosedError as error:
                print("new", type(error).__name__)
        # Registered before the package's own, so it runs after it.
        atexit.register(late)
        import gocore_etcd
        client = gocore_etcd.Client(ENDPOINT, prefix=PREFIX)
        atexit.register(lambda: print("early", client.kv.get("/none")))
        """,
    )
    assert (code, out.split()) == (0, ["early", "None", "late", "ClosedError", "new", "ClosedError"]), err


LEAVES = {
    "a client collected on return of main": """
        def main():
            client = Client(PROXY, prefix=PREFIX)
            lock = client.lock("k", ttl=60)
            hold()
        main()
    """,
    "a close that was interrupted": """
        import signal
        client = Client(PROXY, prefix=PREFIX)
        lock = client.lock("k", ttl=60)
        hold()
        timer = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT])
        try:
            timer.start()
            client.close()
        except KeyboardInterrupt:
            print("interrupted")
    """,
    "a close that was interrupted, and its client collected": """
        import signal
        client = Client(PROXY, prefix=PREFIX)
        lock = client.lock("k", ttl=60)
        hold()
        timer = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT])
        try:
            timer.start()
            client.close()
        except KeyboardInterrupt:
            del client, lock
    """,
    "a close that was cancelled": """
        import asyncio
        from gocore_etcd import aio
        async def story():
            client = await aio.Client(PROXY, prefix=PREFIX)
            lock = await client.lock("k", ttl=60)
            hold()
            try:
                await asyncio.wait_for(client.close(), 0.1)
            except TimeoutError:
                return client
        kept = asyncio.run(story())
    """,
    "a close in a daemon thread": """
        client = Client(PROXY, prefix=PREFIX)
        lock = client.lock("k", ttl=60)
        hold()
        threading.Thread(target=client.close, daemon=True).start()
        time.sleep(0.1)
    """,
}


@pytest.mark.parametrize("story", LEAVES)
def test_the_end_waits_for_what_is_being_closed_already(script, proxied, other, story):
    _, proxy = proxied
    head = f"""
        import atexit, os, threading, time
        from gocore_etcd import Client, _dispatch
        PROXY, _dispatch.EXIT_LIMIT = {proxy.endpoint!r}, 30
        def hold():
            print("held", flush=True)
            sys.stdin.readline()
        atexit.register(print, "ending", flush=True)
    """
    with script.start(textwrap.dedent(head) + textwrap.dedent(LEAVES[story])) as process:
        assert process.stdout.readline() == "held\n"
        proxy.hold()
        print(file=process.stdin, flush=True)
        while process.stdout.readline() != "ending\n":
            assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        proxy.release()
        assert (process.wait(60), process.stderr.read()) == (0, "")
    lock = other.try_lock("k")
    assert lock is not None, "it was free when the program had ended"
    lock.unlock()


def test_ctrl_c_at_the_end_leaves_no_thread_behind(script, proxied):
    _, proxy = proxied
    with script.start(
        f"""
        import atexit, logging
        # Registered before the package's own, so it runs after it.
        atexit.register(lambda: print("alive", [thread.name for thread in (thread, log._thread) if thread.is_alive()]))
        from gocore_etcd import Client, _dispatch
        _dispatch.EXIT_LIMIT = 30
        client = Client({proxy.endpoint!r}, prefix=PREFIX)
        lock = client.lock("k", ttl=60)
        thread, log = _dispatch._state.thread, _dispatch._state.log
        print("held", flush=True)
        sys.stdin.readline()
        atexit.register(print, "ending", flush=True)
        """
    ) as process:
        assert process.stdout.readline() == "held\n"
        proxy.hold()
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "ending\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "alive []\n")
        assert "KeyboardInterrupt" in err


def test_a_warning_that_is_an_error_leaves_no_thread_behind(script):
    code, out, err = script.run(
        """
        import atexit
        atexit.register(lambda: print("alive", [thread.name for thread in (thread, log._thread) if thread.is_alive()]))
        from gocore_etcd import Client, _dispatch
        client = Client(ENDPOINT, prefix=PREFIX)
        thread, log = _dispatch._state.thread, _dispatch._state.log
        """,
        "-W",
        "error",
    )
    assert (code, out) == (0, "alive []\n")
    assert "unclosed" in err
