"""Watches in asyncio: async iterators and handlers, cancellation, loops that come and go or stand still."""

import asyncio
import contextlib
import gc
import itertools
import random
import threading
import time
from pathlib import Path

import pytest

import gocore_etcd
from gocore_etcd import (
    Changes,
    ClosedError,
    Connected,
    DeadlineExceededError,
    Op,
    PermissionDeniedError,
    Put,
    Range,
    Snapshot,
    WrongContextError,
    aio,
)


@pytest.fixture
def run(endpoint, prefix):
    """Run a test's story with a client of its own."""

    def run(story, *args):
        async def told():
            async with aio.Client(endpoint, prefix=prefix) as client:
                return await asyncio.wait_for(story(client, *args), 300)

        return asyncio.run(told())

    return run


@pytest.fixture
def all_keys(client):
    return Range.prefix(client.key("w") + "/")


async def _until(condition):
    while not condition():  # noqa: ASYNC110 - it may be about another thread
        await asyncio.sleep(0.01)


async def until_connected(watch):
    while await watch.next(timeout=60) != Connected(True):
        pass


async def change(watch):
    """Give the next that is not about the connection: a silence can be taken for an outage."""
    while isinstance(update := await anext(watch), Connected):
        pass
    return update


async def updates(watch):
    """Without those about the connection."""
    async for update in watch:
        if not isinstance(update, Connected):
            yield update


def test_a_snapshot_comes_first_and_then_every_change_in_order(run, all_keys):
    async def story(client):
        key = client.key("w", "a")
        first = await client.kv.put(key, b"1")
        async with client.kv.watch(all_keys) as watch, contextlib.aclosing(updates(watch)) as seen:
            snapshot = await anext(seen)
            assert [(kv.mod_revision, kv.value) for kv in snapshot.kvs] == [(first, b"1")]
            revisions = [await client.kv.put(key, b"%d" % number) for number in range(300)]
            for revision in revisions:
                update = await anext(seen)
                assert (update.revision, update.changes[0].revision) == (revision, revision)

    run(story)


def test_the_next_update_is_waited_for_as_long_as_wanted(run, all_keys):
    async def story(client):
        async with client.kv.watch(all_keys) as watch:
            assert isinstance(await watch.next(), Snapshot)
            await until_connected(watch)
            with pytest.raises(DeadlineExceededError, match=r"kv\.watch"):
                while isinstance(await watch.next(timeout=0), Connected):
                    pass
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                while isinstance(await watch.next(timeout=0.1), Connected):
                    began = time.monotonic()
            assert time.monotonic() - began >= 0.1
            await client.kv.put(client.key("w", "a"), b"")
            while isinstance(update := await watch.next(timeout=None), Connected):
                pass
            assert isinstance(update, Changes)

    run(story)


def test_cancelling_the_wait_for_the_next_at_any_moment_loses_no_update(run, all_keys):
    async def story(client):
        cancelled, values, wanted = 0, [], None
        watch = client.kv.watch(all_keys)
        assert isinstance(await anext(watch), Snapshot)

        async def write():
            nonlocal wanted
            for number in itertools.count():
                await client.kv.put(client.key("w", "a"), b"%d" % number)
                if number >= 1000 and cancelled > 300:
                    wanted = number + 1
                    return

        writing = asyncio.create_task(write())
        while wanted is None or len(values) < wanted:
            try:
                limit = random.choice([0, 0.00005, 0.0003, 0.001])  # noqa: S311
                update = await asyncio.wait_for(anext(watch), limit)
            except TimeoutError:
                cancelled += 1
                continue
            if isinstance(update, Changes):
                values.append(int(update.changes[0].kv.value))
        await writing
        assert values == list(range(wanted))
        print(f"{cancelled} cancelled")
        watch.close()

    run(story)


def test_cancelling_a_task_that_has_its_wake_up_on_the_way_loses_no_update(run, all_keys):
    async def story(client):
        watch = client.kv.watch(all_keys)
        assert isinstance(await anext(watch), Snapshot)
        await until_connected(watch)
        for _ in range(50):
            waiting = asyncio.ensure_future(change(watch))
            await asyncio.sleep(0.001)
            put = asyncio.ensure_future(client.kv.put(client.key("w", "a"), b""))
            # The loop stands still while the update arrives: then both the wake-up and the cancellation are there.
            await asyncio.sleep(0)
            time.sleep(0.01)  # noqa: ASYNC251
            waiting.cancel()
            await asyncio.wait([waiting])
            revision = await put
            update = await change(watch) if waiting.cancelled() else waiting.result()
            assert update.revision == revision
        watch.close()

    run(story)


def test_closing_ends_iteration_also_from_another_thread(run, all_keys):
    async def story(client):
        for close in (lambda watch: watch.close(), lambda watch: threading.Thread(target=watch.close).start()):
            watch, both = client.kv.watch(all_keys), []

            async def iterate(watch=watch, both=both):
                async for update in watch:
                    both.append(update)

            tasks = [asyncio.create_task(iterate()) for _ in range(2)]
            await _until(lambda both=both: Connected(True) in both)
            close(watch)
            await asyncio.gather(*tasks)
            assert sum(isinstance(update, Snapshot) for update in both) == 1
            with pytest.raises(ClosedError):
                await watch.next()
            with pytest.raises(ClosedError):
                async with watch:
                    raise AssertionError

    run(story)


def test_the_end_of_the_client_is_told(endpoint, prefix):
    async def story():
        client = await aio.Client(endpoint, prefix=prefix)
        watch = client.kv.watch("/none")
        waiting = asyncio.create_task(_last(watch))
        await asyncio.sleep(0.1)
        await client.close()
        assert isinstance(await waiting, ClosedError)
        with pytest.raises(ClosedError):
            await anext(watch)

    asyncio.run(story())


async def _last(watch):
    try:
        async for _ in watch:
            pass
    except ClosedError as error:
        return error


def test_handlers_run_in_the_loop_plain_or_async_one_at_a_time_and_in_order(run, all_keys, caplog):
    async def story(client):
        loop, plain, awaited, running = asyncio.get_running_loop(), [], [], 0

        def handler(update):
            assert asyncio.get_running_loop() is loop
            if isinstance(update, Connected):
                return
            plain.append(update)
            raise ZeroDivisionError

        async def async_handler(update):
            nonlocal running
            if isinstance(update, Connected):
                return
            running += 1
            assert running == 1
            await asyncio.sleep(random.choice([0, 0.001]))  # noqa: S311
            await client.kv.get("/none")
            running -= 1
            awaited.append(update)
            if len(awaited) % 3 == 0:
                raise ZeroDivisionError
            if len(awaited) % 3 == 1:
                raise asyncio.CancelledError

        with client.kv.watch(all_keys, handler), client.kv.watch(all_keys, async_handler):
            await _until(lambda: len(plain) == len(awaited) == 1)
            revisions = [await client.kv.put(client.key("w", "a"), b"") for _ in range(101)]
            await _until(lambda: len(plain) == len(awaited) == 102)
        for seen in (plain, awaited):
            assert isinstance(seen[0], Snapshot)
            assert [update.revision for update in seen if isinstance(update, Changes)] == revisions
        logged = [record.exc_info[0] for record in caplog.records if record.exc_info]
        assert logged.count(ZeroDivisionError) == 102 + 34
        assert logged.count(asyncio.CancelledError) == 34

    run(story)


def test_no_call_starts_after_cancel(run, all_keys):
    async def story(client):
        heard, release = [], asyncio.Event()

        async def handler(update):
            heard.append(update)
            await release.wait()

        subscription = client.kv.watch(all_keys, handler)
        await _until(lambda: heard)
        await client.kv.put(client.key("w", "a"), b"")
        subscription.cancel()
        release.set()
        await client.kv.put(client.key("w", "a"), b"")
        await asyncio.sleep(0.1)
        assert len(heard) == 1

    run(story)


def test_a_handler_that_has_always_something_to_do_leaves_the_loop_its_turns(run, client, all_keys):
    async def story(ours):
        handled, turns = [], 0

        def handler(update):
            handled.append(update)

        subscription = ours.kv.watch(all_keys, handler)
        await _until(lambda: Connected(True) in handled)
        _write_while_the_loop_stands_still(client, 1000)
        while sum(isinstance(update, Changes) for update in handled) < 1000:
            turns += 1
            await asyncio.sleep(0)
        subscription.cancel()
        assert turns >= 1000 // gocore_etcd._handlers.IN_A_ROW

    run(story)


def _write_while_the_loop_stands_still(client, count):
    """Have all of it there at once."""
    writer = threading.Thread(target=lambda: [client.kv.put(client.key("w", str(n)), b"") for n in range(count)])
    writer.start()
    writer.join()


def test_an_iteration_that_has_always_another_update_leaves_the_loop_its_turns(run, client, all_keys):
    async def story(ours):
        watch = ours.kv.watch(all_keys)
        assert isinstance(await anext(watch), Snapshot)
        await ours.kv.put(ours.key("w", "begin"), b"")
        while not isinstance(await anext(watch), Changes):
            pass
        _write_while_the_loop_stands_still(client, 2000)
        turns = 0

        async def tick():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        for _ in range(2000):
            await anext(watch)
        ticking.cancel()
        watch.close()
        assert turns >= 2000 // gocore_etcd._events.BATCH

    run(story)


def _rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_loop_that_stands_still_while_100_000_changes_arrive_costs_bounded_memory(run, client, all_keys, picture):
    value = b"v" * 500
    heard = []

    def write():
        for revision in range(1000):
            first = revision % 20 * 100
            client.kv.txn(then=[Op.put(client.key("w", f"{first + n:04}"), value) for n in range(100)])
        return client.kv.put(client.key("w", "end"), b"")

    async def story(ours):
        watch = ours.kv.watch(all_keys)
        picture.update(await anext(watch))
        await until_connected(watch)
        subscription = ours.kv.watch(all_keys, heard.append)
        await _until(lambda: Connected(True) in heard)
        pending = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        gc.collect()
        before, began, last = _rss(), time.monotonic(), []
        writer = threading.Thread(target=lambda: last.append(write()))
        writer.start()
        while writer.is_alive() or time.monotonic() - began < 5:
            time.sleep(0.05)  # noqa: ASYNC251 - the loop stands still
        grown = _rss() - before
        print(f"100,000 changes in {time.monotonic() - began:.1f} s: {grown >> 20} MB more")
        # 100,000 changes weigh over 60 MB, twice; at most 4,096 of each watch are kept.
        assert grown < 40 << 20
        picture.update(await pending)
        while picture.revision < last[0]:
            picture.update(await watch.next(timeout=60))
        await _until(lambda: any(getattr(update, "revision", 0) == last[0] for update in heard))
        watch.close()
        subscription.cancel()
        assert sum(len(update.changes) for update in heard if isinstance(update, Changes)) < 20_000

    run(story)
    picture.assert_true(client, client.key("w"))


def test_a_watch_outlives_the_loops_it_is_used_in(endpoint, prefix, client):
    async def connected():
        return await aio.Client(endpoint, prefix=prefix)

    ours = asyncio.run(connected())
    watch = ours.kv.watch(client.key("k"))

    async def take():
        return await asyncio.wait_for(change(watch), 60)

    async def give_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(change(watch), 0.01)

    assert isinstance(asyncio.run(take()), Snapshot)
    for _ in range(20):
        asyncio.run(give_up())
        revision = client.kv.put(client.key("k"), b"")
        assert asyncio.run(take()).revision == revision
    watch.close()
    asyncio.run(ours.close())


def test_a_subscription_ends_with_its_loop(endpoint, prefix, client, until):
    heard = []

    async def story(ours):
        ours = ours or await aio.Client(endpoint, prefix=prefix)
        connected = asyncio.Event()

        async def handler(update):
            heard.append(update)
            if update == Connected(True):
                connected.set()
            await asyncio.sleep(600 if isinstance(update, Changes) else 0)

        ours.kv.watch(client.key("k"), handler)
        await connected.wait()
        return ours

    ours = None
    for _ in range(10):
        ours = asyncio.run(story(ours))
    seen = len(heard)
    # The first change finds the loops closed.
    client.kv.put(client.key("k"), b"")
    until(lambda: not gocore_etcd._handlers._waiting, "the end of the subscriptions")
    assert len(heard) == seen

    def left():
        gc.collect()
        return [each for each in gc.get_objects() if isinstance(each, gocore_etcd.Subscription)]

    until(lambda: not left(), "the end of all that refers to them")
    asyncio.run(ours.close())


def test_a_loop_s_end_cancels_a_handler_that_waits(endpoint, prefix):
    ended = []

    async def story():
        async with aio.Client(endpoint, prefix=prefix) as client:
            reached = asyncio.Event()

            async def handler(_):
                reached.set()
                try:
                    await asyncio.sleep(600)
                finally:
                    ended.append(True)

            subscription = client.kv.watch("/k", handler)
            await reached.wait()
        return subscription

    began = time.monotonic()
    assert asyncio.run(story())._source.is_closed
    assert ended == [True]
    assert time.monotonic() - began < 100


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_a_blocking_iteration_in_a_running_loop_is_refused(run, client):
    async def story(_):
        with client.kv.watch("/none") as watch:
            with pytest.raises(WrongContextError, match=r"gocore_etcd\.aio"):
                next(watch)
            with pytest.raises(WrongContextError):
                watch.next(timeout=0)
            assert isinstance(await asyncio.to_thread(next, watch), Snapshot)

    run(story)


def test_a_handler_needs_a_loop(endpoint):
    async def connected():
        return await aio.Client(endpoint)

    client = asyncio.run(connected())
    with pytest.raises(RuntimeError, match="no running event loop"):
        client.kv.watch("/k", print)
    asyncio.run(client.close())


def test_many_watches_in_one_loop_are_all_served(run, client):
    async def story(ours):
        names = [ours.key("many", str(number)) for number in range(200)]

        async def first(name):
            async with ours.kv.watch(name) as watch:
                async for update in watch:
                    match update:
                        case Snapshot():
                            await ours.kv.put(name, name.encode())
                        case Changes(changes=[Put(kv)]):
                            return kv.value.decode()
            return None

        assert await asyncio.gather(*(first(name) for name in names)) == names

    run(story)


def test_blocking_and_asyncio_watches_see_the_same(run, client, all_keys):
    def is_last(update):
        return isinstance(update, Changes) and update.changes[0].key.endswith(b"end")

    async def story(ours):
        blocking, awaited, done = [], [], threading.Event()

        def handler(update):
            if not isinstance(update, Connected):
                blocking.append(update)
            if is_last(update):
                done.set()

        with client.kv.watch(all_keys, handler):
            async with ours.kv.watch(all_keys) as watch:
                awaited.append(await change(watch))
                await _until(lambda: blocking)
                for number in range(20):
                    await ours.kv.put(ours.key("w", str(number)), b"x")
                    await ours.kv.delete(ours.key("w", str(number)))
                await ours.kv.put(ours.key("w", "end"), b"")
                while not is_last(awaited[-1]):
                    awaited.append(await change(watch))
            assert await asyncio.to_thread(done.wait, 15)
        # The first is a snapshot, at a revision of its own.
        assert blocking[1:] == awaited[1:]

    run(story)


def test_a_watch_that_may_not_read_says_so_once_and_begins_when_it_may(server, prefix):
    # All that is needed to connect.
    server.enable_auth("user", "word", f"{prefix}/.gocore/")

    async def story():
        user = aio.Client(server.endpoint, prefix=prefix, username="user", password="word")
        async with user as ours, ours.kv.watch(Range.prefix(f"{prefix}/w/")) as watch:
            with pytest.raises(PermissionDeniedError):
                await watch.next(timeout=60)
            with pytest.raises(DeadlineExceededError):
                await watch.next(timeout=0.3)
            await asyncio.to_thread(server.allow, "word", f"{prefix}/w/")
            async for update in watch:
                if isinstance(update, Snapshot):
                    return

    asyncio.run(story())
