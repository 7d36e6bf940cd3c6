"""How a blocking call waits: at first in native code, then on a lock of Python's; either way its answer comes once."""

import itertools
import threading
import time

import pytest

import gocore_etcd
from gocore_etcd import _call, _dispatch, _native
from gocore_etcd._calls import held, lock

SOON = 60
"""What happens at once, on a machine that is busy with other tests; in seconds."""
OURS = {each.__file__ for each in (_call, _dispatch, gocore_etcd.client, gocore_etcd.lock, held, lock)}
TTL = 30 * 10**9
"""In nanoseconds."""


@pytest.mark.parametrize("at_first", [_call.AT_FIRST, 0])
def test_an_interrupt_between_any_two_bytecodes_leaves_no_lock(  # noqa: PLR0917
    client, contenders, until, monkeypatch, at_first, interrupted
):
    monkeypatch.setattr(_call, "AT_FIRST", at_first)
    for step in itertools.count():
        # Although somebody keeps the interrupt, and with it the trace of what was under way.
        lock, kept = interrupted(lambda: client.lock("k", ttl=30), step, lambda code: code.co_filename in OURS)
        if lock is not None:
            lock.unlock()
            break
        with monkeypatch.context() as usual:
            usual.setattr(_call, "AT_FIRST", 10**10)
            until(lambda: contenders("k") == [])
        del kept
    assert step > 60, "it was interrupted in the middle"


def test_a_request_is_answered_without_the_dispatcher(client, monkeypatch):
    # A request ends after 8 s: were this thread not woken, it would see the answer when it gives up waiting for it.
    monkeypatch.setattr(_call, "AT_FIRST", 60 * 10**9)
    monkeypatch.setattr(_call, "Blocked", None)
    began = time.monotonic()
    assert client.kv.get("/none") is None
    assert time.monotonic() - began < 30, "the library's thread wakes this one"


def test_the_answer_is_not_lost_at_the_moment_of_the_hand_over(client, monkeypatch):
    seen, handed_over, enter_late = [], [], _dispatch.enter_late
    waiting = dict(_dispatch._state.waiting)
    key = client.key("k")
    client.kv.put(key, b"v")

    def get():
        began = time.monotonic_ns()
        seen.append(client.kv.get(key).value)
        return time.monotonic_ns() - began

    def count(waiter):
        handed_over.append(waiter)
        return enter_late(waiter)

    def call():
        # However long an answer takes here and now: the hand-over comes before it, at the same moment, and after.
        longest = 2 * sorted(get() for _ in range(51))[25]
        monkeypatch.setattr(_dispatch, "enter_late", count)
        for number in range(1000):
            monkeypatch.setattr(_call, "AT_FIRST", longest * number // 1000)
            get()

    # An answer that is lost is waited for for ever.
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(2 * SOON)
    assert seen == [b"v"] * 1051
    assert _dispatch._state.waiting == waiting
    assert 0 < len(handed_over) < 1000, "some were handed over, and others were not"


def begun(operation):
    """Begin it, as who waits for it does, without waiting."""
    assert _dispatch.begin("test").wait(operation, 0) is None
    return operation


def test_an_answer_that_came_before_the_hand_over_is_given_at_once(client, until, contenders):
    def hand_over():
        operation = begun(_native.lock_acquire(client._handle, 0, None, "k", TTL))
        until(lambda: len(contenders("k")) == 1)
        answer = operation.hand_over(12345)
        if answer is None:
            # It had not come: nobody has that number, and it is given back.
            until(lambda: not contenders("k"))
        return answer

    assert isinstance(until(hand_over, "an answer that is there").take(), _native.Lock)


@pytest.mark.parametrize("going_on", [True, False])
def test_what_nobody_has_begun_goes_on_only_if_it_gives_something_back(client, until, contenders, going_on):
    with client.lock("k", ttl=30) as lock:
        if going_on:
            # A signal has struck between its start and the wait.
            _native.lock_unlock(lock._native, 0, None)
            until(lambda: contenders("k") == [])
        else:
            _native.kv_put(client._handle, 0, None, client.key("never").encode(), b"", 0)
            client.kv.get("/none")
            assert client.kv.get(client.key("never")) is None
    assert contenders("k") == []


@pytest.mark.parametrize("cancels", [True, False])
def test_a_lock_whose_waiter_has_gone_is_given_back(client, until, contenders, cancels):
    operation = begun(_native.lock_acquire(client._handle, 0, None, "k", TTL))
    until(lambda: len(contenders("k")) == 1)
    client.kv.get("/none")
    if cancels:
        operation.cancel()
    else:
        del operation
    until(lambda: contenders("k") == [])


def test_an_answer_that_is_late_goes_to_the_waiter(proxied):
    slow, proxy = proxied
    proxy.hold()
    timer = threading.Timer(3 * _call.AT_FIRST / 1e9, proxy.release)
    timer.start()
    seen = []
    # An answer that is lost is waited for for ever.
    thread = threading.Thread(target=lambda: seen.append(slow.kv.get("/none")), daemon=True)
    thread.start()
    thread.join(SOON)
    timer.join()
    assert seen == [None]
