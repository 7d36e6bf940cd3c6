"""How an awaited call waits: its event loop takes the answer itself, and takes it once, whatever happens there."""

import asyncio
import gc
import itertools
import select
from pathlib import Path

import pytest

from gocore_etcd import PermissionDeniedError, _dispatch, aio
from gocore_etcd.aio import _call

SOON = 60
"""What happens at once, on a machine that is busy with other tests; in seconds."""
MANY = 33
"""Gets of one turn: one goes at once, the others share a request."""


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    # It is told of tasks that the tests leave unfinished.
    loop.set_exception_handler(lambda *_: None)
    yield loop
    if not loop.is_closed():
        loop.close()


def test_no_other_thread_of_python_is_woken_for_an_answer(endpoint, prefix, loop, monkeypatch):
    async def story():
        async with aio.Client(endpoint, prefix=prefix) as client:
            async with client.lock("k", ttl=30) as lock:
                await lock.put(client.key("k"), b"v")
            return (await client.kv.get(client.key("k"))).value

    # So the dispatcher would come.
    monkeypatch.setattr(loop, "call_soon_threadsafe", None)
    assert loop.run_until_complete(story()) == b"v"


def test_gets_of_one_turn_share_a_request_and_each_has_its_own_answer(server, loop):
    def counted():
        return [server.requests(method) for method in ("Range", "Txn")]

    async def story():
        async with aio.Client(server.endpoint) as client:
            kv, keys = client.kv, [f"/k{number}" for number in range(MANY)]
            for key in keys[1:]:
                await kv.put(key, key.encode())
            before = counted()
            found = await asyncio.gather(*(kv.get(key) for key in keys))
            ranges, txns = (after - then for after, then in zip(counted(), before, strict=True))
            assert [kv and kv.value for kv in found] == [None, *(key.encode() for key in keys[1:])]
            return ranges, txns

    # Noise only adds: a request that is silent for a second is sent again.
    ranges, txns = min(loop.run_until_complete(story()) for _ in range(3))
    # The first may be answered before the others are begun: then so goes the second.
    assert (ranges in {1, 2}, txns) == (True, 1)


class Recorded:
    """An inbox, and what was put off there."""

    def __init__(self, inbox):
        self._inbox = inbox
        self.put_off = []

    def post(self, operation, number, later):
        self.put_off.append(later)
        self._inbox.post(operation, number, later)

    def __getattr__(self, name):
        return getattr(self._inbox, name)


def test_only_what_has_others_to_go_along_with_is_put_off_and_answers_come_in_their_order(
    endpoint, prefix, loop, client
):
    async def story():
        async with aio.Client(endpoint, prefix=prefix) as other:
            mailbox = _dispatch._state.mailboxes[id(loop)]()
            inbox = mailbox._inbox = Recorded(mailbox._inbox)
            ended = []

            async def get(number):
                await other.kv.get(f"/{number}")
                ended.append(number)

            waiting = asyncio.ensure_future(_lock(other))
            await asyncio.sleep(0)
            await get(0)
            await asyncio.gather(*map(get, range(1, 8)), other.kv.put(other.key("k"), b""))
            waiting.cancel()
            return inbox.put_off, ended

    with client.lock("k", ttl=60):
        put_off, ended = loop.run_until_complete(story())
    assert put_off[:10] == [False, False, False, True, True, True, True, True, True, False]
    # Those that share a request; what goes by itself may be answered before them or after.
    assert [number for number in ended if number > 2] == [3, 4, 5, 6, 7]


async def _lock(client):
    return await client.lock("k", ttl=60)


def test_one_of_them_that_is_refused_is_refused_alone(server, loop):
    server.enable_auth("few", "secret", "/mine/")

    async def story():
        async with aio.Client(server.endpoint, username="few", password="secret") as client:
            keys = [f"/mine/{number}" for number in range(8)]
            return await asyncio.gather(*map(client.kv.get, [*keys, "/other"]), return_exceptions=True)

    *found, refused = loop.run_until_complete(story())
    assert found == [None] * 8
    assert isinstance(refused, PermissionDeniedError)
    assert refused.key == "/other"


def test_one_of_them_that_is_cancelled_takes_no_other_along(endpoint, loop):
    async def story():
        async with aio.Client(endpoint) as client:
            gets = [asyncio.create_task(client.kv.get("/none")) for _ in range(8)]
            for _ in range(2):
                await asyncio.sleep(0)
            gets[0].cancel()
            gets[3].cancel()
            return await asyncio.gather(*gets, return_exceptions=True)

    ended = loop.run_until_complete(story())
    assert [type(each) for each in ended].count(asyncio.CancelledError) <= 2
    assert [each for each in ended if each is not None and not isinstance(each, asyncio.CancelledError)] == []


@pytest.mark.parametrize("where", ["deliver", "__call__", "post", "run_async"])
def test_an_interrupt_between_any_two_bytecodes_loses_no_other_answer(endpoint, loop, interrupted, where):
    client = loop.run_until_complete(connected(endpoint))
    for step in itertools.count():
        gets = [loop.create_task(client.kv.get("/none")) for _ in range(3)]
        all_of_them = loop.create_task(asyncio.wait(gets))
        _, interrupt = interrupted(
            lambda task=all_of_them: loop.run_until_complete(task),
            step,
            lambda code: code.co_name == where and code.co_filename == _call.__file__,
        )
        # All that wait, and what begins now.
        loop.run_until_complete(asyncio.wait_for(all_of_them, SOON))
        loop.run_until_complete(asyncio.wait_for(client.kv.get("/none"), SOON))
        # The task it struck in has it, if it struck in one.
        failed = [error for each in gets if (error := each.exception()) is not None]
        assert failed in ([], [interrupt])
        mailbox = _dispatch._state.mailboxes[id(loop)]()
        assert (mailbox._waiting, mailbox._together) == ({}, set())
        del gets, all_of_them, failed
        if interrupt is None:
            break
    assert step > 5, "it was interrupted in the middle"
    loop.run_until_complete(client.close())


@pytest.mark.parametrize("has_come", [True, False])
def test_a_lock_that_comes_to_a_loop_that_was_closed_is_given_back(  # noqa: PLR0917
    endpoint, prefix, loop, client, contenders, until, has_come
):
    held = client.lock("k", ttl=60)
    other = loop.run_until_complete(connected(endpoint, prefix))
    task = loop.create_task(_lock(other))
    # Its turns until it waits.
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0))
    until(lambda: len(contenders("k")) == 2)
    if has_come:
        held.unlock()
        mailbox = _dispatch._state.mailboxes[id(loop)]()
        assert select.select([mailbox._inbox.fileno()], [], [], SOON)[0], "the lock is here"
    loop.close()
    if not has_come:
        held.unlock()
    # Although somebody keeps the task, which waits for ever.
    until(lambda: contenders("k") == [])
    assert not task.done()
    del task
    asyncio.run(other.close())


def test_the_end_of_the_program_does_not_keep_a_loop_busy(endpoint, loop):
    client = loop.run_until_complete(connected(endpoint))
    mailbox = _dispatch._state.mailboxes[id(loop)]()
    task = loop.create_task(client.kv.get("/none"))
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0))
    readable, _, _ = select.select([mailbox._inbox.fileno()], [], [], SOON)
    assert readable, "the answer is here"
    mailbox.close()
    assert select.select(readable, [], [], 0)[0] == []
    assert not task.done()
    task.cancel()
    asyncio.run(client.close())


def test_loops_that_come_and_go_leave_nothing_behind(endpoint):
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    client = asyncio.run(connected(endpoint))

    async def get():
        return await client.kv.get("/none")

    gc.collect()
    before, mailboxes = descriptors(), len(_dispatch._state.mailboxes)
    for _ in range(20):
        assert asyncio.run(get()) is None
    # A connection may come in between; each loop had two.
    assert descriptors() < before + 20
    assert len(_dispatch._state.mailboxes) <= mailboxes
    asyncio.run(client.close())


def test_a_loop_in_a_daemon_thread_is_not_woken_when_the_program_ends(script):
    code, out, err = script.run(
        """
        import asyncio, threading, time
        from gocore_etcd import Client, Range, aio

        async def story():
            client = await aio.Client(ENDPOINT, prefix=PREFIX)
            try:
                await client.lock("k", ttl=60)
            except BaseException as error:
                print("woken", error)

        client = Client(ENDPOINT, prefix=PREFIX)
        held = client.lock("k", ttl=60)
        threading.Thread(target=lambda: asyncio.run(story()), daemon=True).start()
        while client.kv.list(Range.prefix(client.key("locks", "k"))).count < 2:
            time.sleep(0.01)
        """,
        "-W",
        "ignore",
    )
    assert (code, out) == (0, ""), err


async def connected(endpoint, prefix="/go-core"):
    return await aio.Client(endpoint, prefix=prefix)
