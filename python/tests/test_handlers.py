"""The threads that handlers run in, on a machine that has none to give."""

import itertools
import queue
import threading
import time

import pytest

from gocore_etcd import _events, _handlers


@pytest.fixture
def scarce(monkeypatch):
    """Give an event: while it is set there is no other thread for a handler. There is none before the test, either."""
    scarce, start = threading.Event(), threading.Thread.start

    def start_if_there_is_one(thread):
        if scarce.is_set() and thread.name == "gocore-etcd-handler":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_if_there_is_one)
    monkeypatch.setattr(_handlers, "_pool", _handlers.Pool())
    return scarce


@pytest.fixture
def busy(client, scarce):
    """Give an event that ends a handler, which runs in the only thread there is."""
    runs, ends = threading.Event(), threading.Event()

    def handler(_leader):
        runs.set()
        ends.wait(60)

    with client.observe("busy", handler):
        assert runs.wait(60)
        scarce.set()
        yield ends
        ends.set()


def test_a_handler_for_which_there_is_no_thread_runs_when_another_has_ended(client, busy, caplog, until):
    heard = queue.SimpleQueue()
    with client.observe("k", heard.put):
        until(lambda: "can't start new thread" in caplog.text, "the error")
        assert [record.levelname for record in caplog.records if record.name == "gocore_etcd"] == ["ERROR"]
        assert heard.empty()
        busy.set()
        assert heard.get(timeout=60) is None
        with client.campaign("k", "me") as leadership:
            assert heard.get(timeout=60).token == leadership.token


def test_a_handler_for_which_there_was_no_thread_has_one_as_soon_as_the_next_does(client, scarce, busy, caplog, until):
    late, later = queue.SimpleQueue(), queue.SimpleQueue()
    with client.observe("k", late.put):
        until(lambda: "can't start new thread" in caplog.text, "the error")
        scarce.clear()
        with client.observe("l", later.put):
            assert late.get(timeout=60) is later.get(timeout=60) is None
    assert not busy.is_set()


def test_a_slow_handler_delays_no_other_but_its_own_after_threads_were_scarce(client, scarce, busy, caplog, until):
    with client.observe("k", lambda _leader: busy.wait(60)):
        until(lambda: "can't start new thread" in caplog.text, "the error")
        scarce.clear()
        heard = queue.SimpleQueue()
        with client.observe("l", heard.put):
            assert heard.get(timeout=60) is None


def test_a_subscription_that_can_have_no_thread_at_all_is_refused(client, scarce):
    heard = queue.SimpleQueue()
    scarce.set()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        client.observe("k", heard.put)
    scarce.clear()
    with client.observe("k", heard.put):
        assert heard.get(timeout=60) is None


def test_who_waits_again_at_once_does_not_keep_the_dispatcher(client):
    told = []

    class Waiter:
        def complete(self, _answer, _batch):
            told.append(self)
            assert len(told) < 3
            events._waiting.add(self)

    with client.kv.watch(client.key("k")) as watch:
        events = watch._events
        events._waiting.update([Waiter(), Waiter()])
        events.complete(None, None)
    assert len(set(told)) == 2


def test_an_interrupt_as_it_begins_leaves_no_subscription(client, interrupted):
    begin, wait = _handlers.Subscription.begin.__code__, _events.Events.wait.__code__
    heard, kept = [[]], []
    for step in itertools.count():
        subscription, interrupt = interrupted(
            lambda: client.observe("k", heard[-1].append), step, lambda code: code in {begin, wait}
        )
        if subscription is not None:
            break
        heard.append([])
        # With its trace, which refers to what has begun.
        kept.append(interrupt)
    assert step > 20, "it was interrupted in the middle"
    told = [len(each) for each in heard]
    with subscription, client.campaign("k", "me") as leadership:
        while not heard[-1] or getattr(heard[-1][-1], "token", 0) != leadership.token:
            time.sleep(0.001)
        # They would hear of it in the same breath.
        time.sleep(0.1)
    # But for the last bytecodes, which give it to the caller: there no signal is seen to.
    assert [len(each) for each in heard[:-4]] == told[:-4]
