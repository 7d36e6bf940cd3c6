"""The lock, blocking: what it promises."""

import gc
import queue
import threading
import time
import weakref

import pytest

import gocore_etcd
from gocore_etcd import DeadlineExceededError, InvalidArgumentError, LostError, NotFoundError


def test_a_lock_is_held_by_one_until_it_is_given_back(client, other):
    lock = client.lock("jobs/a", ttl=10)
    assert lock.is_held()
    assert lock.key == client.key("locks", "jobs/a")
    assert other.try_lock("jobs/a") is None
    lock.unlock()
    assert not lock.is_held()
    second = other.try_lock("jobs/a", ttl=10)
    assert second.token > lock.token
    second.unlock()


def test_threads_of_one_client_exclude_each_other_and_lose_no_update(client):
    key, turns = client.key("counter"), 5
    client.kv.put(key, b"0")

    def count():
        for _ in range(turns):
            with client.lock("count", ttl=20):
                client.kv.put(key, b"%d" % (int(client.kv.get(key).value) + 1))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert int(client.kv.get(key).value) == 8 * turns


def test_a_limit_ends_the_wait_and_leaves_nothing_in_the_queue(client, other, contenders, until):
    with client.lock("k", ttl=10) as lock:
        begun = time.monotonic()
        with pytest.raises(DeadlineExceededError, match=r"lock\.acquire.*key=k"):
            other.lock("k", timeout=0.3)
        assert time.monotonic() - begun >= 0.3
        with pytest.raises(TimeoutError, match=r"lock\.acquire.*key=k"):
            other.lock("k", timeout=0)
        until(lambda: len(contenders("k")) == 1)
        assert lock.is_held()


def test_the_default_ttl_is_what_etcd_granted(client, contenders, granted):
    for lock in (lambda: client.lock("k"), lambda: client.lock("k", timeout=0), lambda: client.try_lock("k")):
        with lock():
            assert [granted(key) for key in contenders("k")] == [30]


def test_a_body_never_runs_without_the_lock(client, steal, until):
    lock = client.lock("k", ttl=10)
    steal(lock)
    until(lambda: not lock.is_held())
    entered = False
    with pytest.raises(LostError, match=lock.key), lock:
        entered = True
    assert not entered


def test_leaving_after_the_lock_was_lost_raises_and_keeps_what_the_body_said(client, steal):
    with pytest.raises(LostError, match=r"lock\.unlock.*key=") as caught, client.lock("k", ttl=10) as lock:
        steal(lock)
        assert lock.wait_lost(timeout=60)
        raise ZeroDivisionError
    assert isinstance(caught.value.__context__, ZeroDivisionError)
    with pytest.raises(LostError) as caught, client.lock("k", ttl=10) as lock:
        steal(lock)
        assert lock.wait_lost()
    assert caught.value.__context__ is None


def test_what_tears_the_body_down_goes_on_with_a_note(client, steal):
    with pytest.raises(KeyboardInterrupt) as caught, client.lock("k", ttl=10) as lock:
        steal(lock)
        assert lock.wait_lost()
        raise KeyboardInterrupt
    assert "lost" in caught.value.__notes__[0]


def test_a_lost_write_raises_what_it_raised(client, steal):
    with pytest.raises(LostError, match=r"lock\.put"), client.lock("k", ttl=10) as lock:
        steal(lock)
        assert lock.wait_lost()
        lock.put(client.key("x"), b"late")
    assert client.kv.get(client.key("x")) is None


def test_the_body_s_own_error_comes_out_and_the_lock_is_free(client, other):
    with pytest.raises(ZeroDivisionError), client.lock("k", ttl=30):
        raise ZeroDivisionError
    other.lock("k", timeout=60).unlock()


def test_waiting_for_the_end_says_whether_it_came(client):
    lock = client.lock("k", ttl=10)
    assert not lock.wait_lost(timeout=0)
    assert not lock.wait_lost(timeout=0.05)
    unlocking = threading.Timer(0.1, lock.unlock)
    unlocking.start()
    assert lock.wait_lost(timeout=60)
    unlocking.join()
    assert lock.wait_lost(timeout=0)


def test_a_guarded_write_goes_through_while_held(client):
    with client.lock("k", ttl=10) as lock:
        assert lock.put(client.key("x"), b"1") > lock.token
    assert client.kv.get(client.key("x")).value == b"1"


def test_a_guarded_write_may_be_under_a_lease(client, contenders):
    with client.lock("k", ttl=10) as lock:
        lease = client.kv.get(contenders("k")[0]).lease
        lock.put(client.key("x"), b"1", lease=lease)
        assert client.kv.get(client.key("x")).lease == lease != 0
        lock.put(client.key("x"), b"2")
        assert client.kv.get(client.key("x")).lease == 0
        with pytest.raises(NotFoundError, match=r"lock\.put"):
            lock.put(client.key("x"), b"3", lease=12345)
        with pytest.raises(InvalidArgumentError, match=r"lease: "):
            lock.put(client.key("x"), b"3", lease=-1)
    assert client.kv.get(client.key("x")).value == b"2"


def test_a_lock_nobody_refers_to_is_released(client, other):
    client.lock("dropped", ttl=30)
    other.lock("dropped", timeout=60).unlock()


def test_unlocking_again_gives_the_first_result(client, steal):
    lock = client.lock("k", ttl=10)
    lock.unlock()
    lock.unlock()
    lost = client.lock("k", ttl=10)
    steal(lost)
    assert lost.wait_lost()
    for _ in range(2):
        with pytest.raises(LostError):
            lost.unlock()


def test_a_failure_that_was_seen_to_keeps_no_lock_from_being_given_back(client, steal):
    lock = client.lock("k", ttl=10)
    steal(lock)
    assert lock.wait_lost()
    reference = weakref.ref(lock)
    gc.disable()
    try:
        # Not pytest's, which keeps the failure.
        try:
            lock.unlock()
        except LostError:
            lock = None
        assert reference() is None
    finally:
        gc.enable()


def test_a_handler_hears_once_of_a_lost_lock_and_its_failure_is_logged(client, steal, caplog, until):
    heard = queue.SimpleQueue()

    def handler():
        heard.put(threading.current_thread())
        client.kv.put(client.key("heard"), b"a blocking call")
        raise ZeroDivisionError

    lock = client.lock("k", ttl=10)
    lock.on_lost(handler)
    second = lock.on_lost(lambda: heard.put("second"))
    cancelled = lock.on_lost(lambda: heard.put("cancelled"))
    cancelled.cancel()
    steal(lock)
    got = {heard.get(timeout=60), heard.get(timeout=60)}
    assert "second" in got
    (thread,) = got - {"second"}
    assert thread.daemon
    assert thread is not threading.current_thread()
    second.cancel()
    until(lambda: any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records))
    assert heard.empty()
    # One whose lock is gone already hears at once.
    lock.on_lost(lambda: heard.put("late"))
    assert heard.get(timeout=60) == "late"


def test_giving_a_lock_back_is_not_losing_it(client, endpoint, prefix):
    heard = []
    unlocked = client.lock("unlocked", ttl=10)
    unlocked.on_lost(lambda: heard.append("unlocked"))
    unlocked.unlock()
    client.lock("dropped", ttl=10).on_lost(lambda: heard.append("dropped"))
    with gocore_etcd.Client(endpoint, prefix=prefix) as closed:
        lock = closed.lock("closed", ttl=10)
        lock.on_lost(lambda: heard.append("closed"))
    assert lock.wait_lost(timeout=0)
    client.lock("dropped", ttl=10, timeout=60).unlock()
    assert heard == []


def test_a_slow_handler_holds_up_nobody(client, steal):
    release, heard = threading.Event(), queue.SimpleQueue()
    slow, quick = client.lock("slow", ttl=10), client.lock("quick", ttl=10)
    slow.on_lost(lambda: release.wait(300))
    quick.on_lost(lambda: heard.put("quick"))
    steal(slow)
    assert slow.wait_lost(timeout=60)
    steal(quick)
    assert heard.get(timeout=60) == "quick"
    release.set()


@pytest.mark.parametrize(("key", "ttl"), [("", 10), (" ", 10), ("a\0b", 10), ("k", -1), ("k", float("nan"))])
def test_what_makes_no_sense_is_refused_by_name(client, key, ttl):
    name = "ttl" if key == "k" else "key"
    for take in (client.lock, client.try_lock):
        with pytest.raises(InvalidArgumentError, match=name):
            take(key, ttl=ttl)
