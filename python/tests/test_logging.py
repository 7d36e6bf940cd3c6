"""Filters and handlers of logging that raise: a record is lost by it, and nothing else."""

import asyncio
import logging
import queue
import threading

import pytest

from gocore_etcd import MalformedError, _dispatch, _handlers, _log, aio

SOON = 60


@pytest.fixture
def refusing(monkeypatch):
    """Have a filter that raises; gives what it was asked about."""
    asked = queue.SimpleQueue()

    def refuse(record):
        asked.put(record)
        raise ZeroDivisionError

    logger = logging.getLogger("gocore_etcd")
    monkeypatch.setattr(logger, "filters", [refuse])
    monkeypatch.setattr(logger, "isEnabledFor", lambda _: True)
    return asked


def _put_what_is_no_leader(client):
    foreign = client.key("elections", "k", "foreign")
    client.kv.put(foreign, b"\xff")
    return foreign


def test_a_subscription_goes_on(client, refusing):
    heard = queue.SimpleQueue()
    foreign = _put_what_is_no_leader(client)

    def handler(leader):
        heard.put(leader)
        raise SystemExit

    with client.observe("k", handler):
        # Of the leader that cannot be read, and then of the handler that raised.
        assert isinstance(refusing.get(timeout=SOON).args[0], MalformedError)
        client.kv.delete(foreign)
        assert heard.get(timeout=SOON) is None
        assert refusing.get(timeout=SOON).exc_info[0] is SystemExit
        with client.campaign("k", "me") as leadership:
            assert heard.get(timeout=SOON).token == leadership.token


@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
def test_a_subscription_in_a_loop_goes_on(endpoint, prefix, refusing, error):
    async def story():
        async with aio.Client(endpoint, prefix=prefix) as client:
            heard = asyncio.Queue()

            async def handler(leader):
                heard.put_nowait(leader)
                raise error

            with client.observe("k", handler):
                assert await asyncio.wait_for(heard.get(), SOON) is None
                async with client.campaign("k", "me") as leadership:
                    assert (await asyncio.wait_for(heard.get(), SOON)).token == leadership.token
        return leadership

    asyncio.run(story())
    while (record := refusing.get(timeout=SOON)).exc_info is None or record.exc_info[0] is not error:
        pass


def test_the_dispatcher_goes_on_when_it_has_no_thread_for_a_handler(client, refusing, monkeypatch, until):
    pool, start = _handlers.Pool(), threading.Thread.start
    pool.open()
    monkeypatch.setattr(_handlers, "_pool", pool)

    def refuse(thread):
        if thread.name == "gocore-etcd-handler":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    busy, end, heard = threading.Event(), threading.Event(), queue.SimpleQueue()
    with client.observe("busy", lambda _: (busy.set(), end.wait(60))):
        assert busy.wait(SOON)
        with client.observe("k", heard.put):
            assert "another has ended" in refusing.get(timeout=SOON).msg
            assert _dispatch._state.thread.is_alive()
            end.set()
            assert heard.get(timeout=SOON) is None


def test_a_loop_that_cannot_be_told_holds_up_no_other(endpoint, prefix, client, caplog, until):
    class Deaf(asyncio.SelectorEventLoop):
        deaf = False

        def call_soon_threadsafe(self, *args, **kwargs):
            if self.deaf and threading.current_thread() is _dispatch._state.thread:
                raise ZeroDivisionError
            return super().call_soon_threadsafe(*args, **kwargs)

    async def connected():
        return await aio.Client(endpoint, prefix=prefix)

    async def update(ours):
        async with ours.kv.watch("/none") as watch:
            return await watch.next()

    loop = Deaf()
    ours = loop.run_until_complete(connected())
    loop.deaf = True
    task = loop.create_task(update(ours))
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    until(lambda: "could not be handed on" in caplog.text, "the error")
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    with client.campaign("k", "me"):
        assert client.lock("k", timeout=SOON).unlock() is None
    asyncio.run(ours.close())


def test_the_records_that_follow_are_logged(monkeypatch):
    taken = [([(20, "gocore_etcd_core::session", str(number))], number) for number in range(3)]

    class Taken:
        def take(self):
            return taken.pop(0) if taken else None

    asked = []

    def refuse(record):
        asked.append((record.name, record.getMessage()))
        raise ZeroDivisionError

    for name in ("gocore_etcd", "gocore_etcd.session"):
        monkeypatch.setattr(logging.getLogger(name), "filters", [refuse])
        monkeypatch.setattr(logging.getLogger(name), "isEnabledFor", lambda _: True)
    reader = _log.Reader.__new__(_log.Reader)
    reader._log = Taken()
    reader._run()
    assert [text for name, text in asked if name == "gocore_etcd.session"] == ["0", "1", "2"]
    assert len(asked) == 5, "and of what was dropped"
