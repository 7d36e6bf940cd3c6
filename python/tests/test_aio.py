"""asyncio: the same, awaited; cancellation; loops that come and go."""

import asyncio
import gc
import threading
import time

import pytest

import gocore_etcd
from gocore_etcd import (
    ClosedError,
    Compare,
    DeadlineExceededError,
    LostError,
    Op,
    Range,
    WrongContextError,
    aio,
)
from gocore_etcd.aio import _call


@pytest.fixture
def run(endpoint, prefix):
    """Run a test's story with a client of its own."""

    def run(story, *args):
        async def told():
            async with aio.Client(endpoint, prefix=prefix) as client:
                return await asyncio.wait_for(story(client, *args), 300)

        return asyncio.run(told())

    return run


def test_the_default_ttl_of_a_lock_is_what_etcd_granted(run, contenders, granted):
    async def story(client):
        async with client.lock("k"):
            (key,) = await asyncio.to_thread(contenders, "k")
            assert granted(key) == 30

    run(story)


def test_every_method_can_be_awaited(run):
    async def story(client):
        kv, key = client.kv, client.key("k")
        revision = await kv.put(key, b"v")
        assert (await kv.get(key)).mod_revision == revision
        assert (await kv.list(Range.prefix(client.key("k")))).count == 1
        assert (await kv.txn([Compare.absent(key)], [], [Op.get(key)])).results[0][0].value == b"v"
        assert await kv.delete(key) == 1
        lock = await client.lock("l", ttl=10)
        assert await client.try_lock("l") is None
        (contender,) = (await kv.list(Range.prefix(lock.key + "/"))).kvs
        assert await lock.put(key, b"w", lease=contender.lease) > revision
        assert (await kv.get(key)).lease == contender.lease
        assert not await lock.wait_lost(timeout=0.05)
        assert not await lock.wait_lost(timeout=0)
        await lock.unlock()
        assert await lock.wait_lost()

    run(story)


def test_a_client_is_awaited_or_entered_and_before_that_it_is_not_connected(endpoint):
    async def story():
        client = aio.Client(endpoint)
        with pytest.raises(WrongContextError, match="await"):
            client.key("a")
        with pytest.raises(WrongContextError, match="await"):
            await client.try_lock("a")
        assert await client is client
        async with client:
            assert client.prefix == "/go-core"
        with pytest.raises(gocore_etcd.ClosedError):
            await client.kv.get("/k")
        await client.close()

    asyncio.run(story())


def test_tasks_that_connect_one_client_at_once_share_one_connection(endpoint, prefix):
    async def story():
        client = aio.Client(endpoint, prefix=prefix)

        async def take(number):
            return await (await client).lock(str(number), ttl=10)

        locks = await asyncio.gather(*(take(number) for number in range(8)))
        await client.close()
        assert not any(lock.is_held() for lock in locks)

    asyncio.run(story())


def test_closing_while_it_connects_leaves_nothing_open(endpoint):
    async def story():
        client = aio.Client(endpoint)

        async def connect():
            await client

        connecting = [asyncio.create_task(connect()) for _ in range(2)]
        await asyncio.sleep(0)
        await client.close()
        for each in connecting:
            with pytest.raises(ClosedError):
                await each
        with pytest.raises(ClosedError):
            await client
        assert client._handle is None
        assert "closed" in repr(client)

    asyncio.run(story())


def test_a_lock_is_entered_and_the_body_never_runs_without_it(run, steal):
    async def story(client):
        async with client.lock("k", ttl=10) as lock:
            assert lock.is_held()
            with pytest.raises(DeadlineExceededError, match="key=k"):
                async with client.lock("k", timeout=0.1):
                    raise AssertionError
            with pytest.raises(DeadlineExceededError, match="key=k"):
                await client.lock("k", timeout=0)
        assert not lock.is_held()
        with pytest.raises(LostError):
            async with lock:
                raise AssertionError

    run(story)


def test_leaving_after_the_lock_was_lost_raises_and_keeps_what_the_body_said(run, steal):
    async def story(client):
        with pytest.raises(LostError) as caught:
            async with client.lock("k", ttl=10) as lock:
                await asyncio.to_thread(steal, lock)
                assert await lock.wait_lost()
                raise ZeroDivisionError
        assert isinstance(caught.value.__context__, ZeroDivisionError)

    run(story)


def test_a_time_limit_around_a_lost_lock_stays_a_time_limit(run, steal):
    async def story(client):
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(None) as limit:
                async with client.lock("k", ttl=10) as lock:
                    await asyncio.to_thread(steal, lock)
                    limit.reschedule(asyncio.get_running_loop().time())
                    await asyncio.sleep(600)
        assert not isinstance(caught.value, gocore_etcd.EtcdError)
        assert "lost" in caught.value.__cause__.__notes__[0]

    run(story)


def test_what_is_never_awaited_is_told(run):
    async def story(client):
        with pytest.warns(RuntimeWarning, match="never awaited or entered"):
            client.lock("k")
            gc.collect()
        pending = client.lock("k", ttl=5)
        await (await pending).unlock()
        with pytest.raises(RuntimeError, match="already"):
            await pending

    run(story)


def test_handlers_run_in_the_loop_plain_or_async(run, steal):
    async def story(client):
        loop, heard = asyncio.get_running_loop(), asyncio.Queue()

        async def handler():
            await client.kv.put(client.key("heard"), b"")
            heard.put_nowait(asyncio.get_running_loop())

        lock = await client.lock("k", ttl=10)
        lock.on_lost(handler)
        lock.on_lost(lambda: heard.put_nowait(asyncio.get_running_loop()))
        lock.on_lost(handler).cancel()
        await asyncio.to_thread(steal, lock)
        assert await heard.get() is loop
        assert await heard.get() is loop
        await client.kv.get("/none")
        assert heard.empty()

    run(story)


def test_cancelling_a_task_that_waits_leaves_nothing_in_etcd(run, contenders, until):
    async def story(client):
        async with client.lock("k", ttl=10):
            waiting = asyncio.create_task(_forever(client))
            await asyncio.to_thread(until, lambda: len(contenders("k")) == 2)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await asyncio.to_thread(until, lambda: len(contenders("k")) == 1)

    run(story)


async def _forever(client):
    async with client.lock("k", ttl=10):
        raise AssertionError


def test_cancelling_at_any_moment_leaks_no_lock(run, contenders, until):
    async def story(client):
        for moment in range(60):
            taking = asyncio.create_task(_take(client))
            await asyncio.sleep(moment * 0.0003)
            taking.cancel()
            await asyncio.wait([taking])
            assert taking.cancelled() or await taking.result().unlock() is None
            # Whoever still has the task, and with it the trace of where it was cancelled.
            await asyncio.to_thread(until, lambda: not contenders("k"))
            del taking

    run(story)


def test_a_lock_that_comes_in_the_breath_it_is_cancelled_in_is_given_back(run, contenders, until, monkeypatch):
    async def story(client):
        deliver = _call._Mailbox.deliver

        def deliver_and_cancel(mailbox):
            deliver(mailbox)
            taking.cancel()

        taking = asyncio.create_task(_take(client))
        monkeypatch.setattr(_call._Mailbox, "deliver", deliver_and_cancel)
        await asyncio.wait([taking])
        monkeypatch.undo()
        assert taking.cancelled()
        await asyncio.to_thread(until, lambda: not contenders("k"))

    run(story)


async def _take(client):
    return await client.lock("k", ttl=30)


def test_cancelling_an_unlock_does_not_keep_the_lock(run, other, until):
    async def story(client):
        lock = await client.lock("k", ttl=30)
        unlocking = asyncio.create_task(lock.unlock())
        await asyncio.sleep(0)
        unlocking.cancel()
        await asyncio.wait([unlocking])
        await asyncio.to_thread(until, lambda: not lock.is_held())
        await asyncio.to_thread(lambda: other.lock("k", timeout=60).unlock())

    run(story)


def test_many_calls_in_flight_all_come_back(run):
    async def story(client):
        keys = [client.key("many", str(number)) for number in range(500)]
        await asyncio.gather(*(client.kv.put(key, key.encode()) for key in keys))
        found = await asyncio.gather(*(client.kv.get(key) for key in keys))
        assert [each.value.decode() for each in found] == keys

    run(story)


def test_a_client_outlives_the_loops_it_is_used_in(endpoint, prefix):
    client = asyncio.run(_connected(endpoint, prefix))
    lock = asyncio.run(_take(client))
    for _ in range(20):
        assert asyncio.run(_get(client, lock)) is None
    threads = [threading.Thread(target=asyncio.run, args=[_get(client, lock)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(lock.unlock())
    asyncio.run(client.close())


async def _connected(endpoint, prefix):
    return await aio.Client(endpoint, prefix=prefix)


async def _get(client, lock):
    assert lock.is_held()
    return await client.kv.get("/none")


def test_answers_for_a_closed_loop_are_released(endpoint, prefix, client, contenders, until):
    held = client.lock("k", ttl=30)
    waiting = asyncio.run(_connected(endpoint, prefix))
    loop = asyncio.new_event_loop()
    task = loop.create_task(_take(waiting))
    until(lambda: loop.run_until_complete(asyncio.sleep(0.01)) or len(contenders("k")) == 2)
    loop.close()
    held.unlock()
    # Nobody is there to take it: it is given back, and others go on.
    del task
    gc.collect()
    client.lock("k", timeout=60).unlock()
    asyncio.run(waiting.close())


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_a_blocking_call_in_a_running_loop_is_refused(run, client):
    async def story(_):
        for call in (lambda: client.kv.get("/k"), lambda: client.lock("k"), client.close):
            with pytest.raises(WrongContextError, match=r"gocore_etcd\.aio"):
                call()
        assert await asyncio.to_thread(client.kv.get, "/none") is None

    run(story)
    assert client.kv.get("/none") is None, "a close that was refused closes nothing"


def test_the_loop_goes_on_while_calls_wait(run):
    async def story(client):
        async with client.lock("k", ttl=10):
            waiting = asyncio.create_task(_forever(client))
            longest, last = 0, time.monotonic()
            for _ in range(100):
                await asyncio.sleep(0.001)
                now = time.monotonic()
                longest, last = max(longest, now - last), now
            waiting.cancel()
            await asyncio.wait([waiting])
        assert longest < 10

    run(story)


def test_an_unclosed_client_warns(endpoint):
    client = asyncio.run(_connected(endpoint, "/unclosed"))
    with pytest.warns(ResourceWarning, match=r"unclosed <gocore_etcd\.aio\.Client"):
        del client
        gc.collect()
