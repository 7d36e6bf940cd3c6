"""Ctrl-C while a blocking call waits in the main thread."""

import contextlib
import os
import signal
import threading
import time

import pytest

from gocore_etcd import EtcdError, MalformedError

SOON = 2.0
"""How soon it is noticed, at the best of three tries: the machine may be busy."""


def _interrupt(delay, sent):
    """Make a timer that sends SIGINT to ourselves, from another thread."""

    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    return threading.Timer(delay, send)


@pytest.mark.parametrize("when", [(0.01, None), (0.1, None), (0.1, 30)])
def test_a_wait_notices_ctrl_c_and_leaves_nothing_in_etcd(client, other, contenders, until, when):
    delay, timeout = when
    latencies = []
    with other.lock("k", ttl=30):
        for _ in range(3):
            sent = []
            timer = _interrupt(delay, sent)
            with pytest.raises(KeyboardInterrupt) as kept:
                timer.start()
                client.lock("k", ttl=30, timeout=timeout)
            latencies.append(time.monotonic() - sent[0])
            timer.join()
            # Although the trace still refers to the frame that waited.
            until(lambda: len(contenders("k")) == 1)
            del kept
    print(f"noticed after {[round(latency * 1000, 2) for latency in latencies]} ms")
    assert min(latencies) < SOON
    assert client.kv.get("/none") is None


def test_ctrl_c_ends_a_campaign_and_leaves_no_candidate(client, other, candidates, until):
    with other.campaign("k", "other", ttl=30):
        for call in (
            lambda: client.campaign("k", "me", ttl=30),
            client.run_as_leader("k", "me", ttl=30)(lambda _: pytest.fail("it does not lead")),
        ):
            timer = _interrupt(0.1, [])
            with pytest.raises(KeyboardInterrupt):
                timer.start()
                call()
                time.sleep(30)  # until it comes
            timer.join()
            until(lambda: len(candidates("k")) == 1)


def test_ctrl_c_ends_the_leader_s_work_and_resigns(client, candidates):
    timer = _interrupt(0.1, [])

    @client.run_as_leader("k", "me", ttl=30)
    def work(leadership):
        timer.start()
        leadership.wait_lost()

    with pytest.raises(KeyboardInterrupt):
        work()
    timer.join()
    assert candidates("k") == []


def test_ctrl_c_ends_the_wait_for_a_close_and_another_call_waits_for_it(proxied, other):
    client, proxy = proxied
    kept = client.lock("kept", ttl=60)
    proxy.hold()
    timer = _interrupt(0.1, [])
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        client.close()
    timer.join()
    proxy.release()
    client.close()
    assert not kept.is_held()
    free = other.try_lock("kept")
    assert free is not None, "it was given back"
    free.unlock()


def test_ctrl_c_at_any_moment_leaks_no_candidate(client, other):
    for moment in range(30):
        timer = _interrupt(moment * 0.0004, [])
        with contextlib.suppress(KeyboardInterrupt):
            timer.start()
            client.campaign("k", "me", ttl=30).resign()
            time.sleep(30)  # until it comes
        timer.join()
    other.campaign("k", "other", timeout=60).resign()


def test_ctrl_c_at_any_moment_leaks_no_lock(client, other):
    for moment in range(30):
        timer = _interrupt(moment * 0.0004, [])
        with contextlib.suppress(KeyboardInterrupt):
            timer.start()
            client.lock("k", ttl=30).unlock()
            time.sleep(30)  # until it comes
        timer.join()
    other.lock("k", timeout=60).unlock()


def test_a_signal_handler_may_call(client):
    seen = []

    def handler(_signal, _frame):
        seen.append(client.kv.get("/none"))

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        lock = client.lock("k", ttl=10)
        assert not lock.wait_lost(timeout=0.3)
        lock.unlock()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen == [None]


@pytest.mark.parametrize("at", ["as it is made", "as it is copied"])
def test_ctrl_c_while_an_error_is_told_does_not_take_its_place(client, monkeypatch, at):
    client.kv.put(client.key("elections", "k", "foreign"), b"\xff")
    signals = [signal.SIGINT] if at == "as it is made" else [signal.SIGINT, None]

    def interrupted(error, *args, **facts):
        if signals and (number := signals.pop()):
            signal.raise_signal(number)
        EtcdError.__init__(error, *args, **facts)

    monkeypatch.setattr(MalformedError, "__init__", interrupted)
    with client.observe("k") as leaders:
        with pytest.raises(KeyboardInterrupt):
            leaders.next(timeout=60)
        with pytest.raises(MalformedError, match="foreign"):
            leaders.next(timeout=60)
