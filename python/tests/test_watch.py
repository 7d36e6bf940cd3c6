"""Watches, blocking: iterators and handlers."""

import gc
import itertools
import os
import queue
import random
import signal
import threading
import time
import urllib.request

import pytest

import gocore_etcd
from gocore_etcd import (
    Candidacy,
    Changes,
    Client,
    ClosedError,
    Connected,
    DeadlineExceededError,
    Delete,
    InvalidArgumentError,
    KeyValue,
    Op,
    PermissionDeniedError,
    Put,
    Range,
    Snapshot,
)

SOON = 60


def updates(watch):
    """Without those about the connection: a silence can be taken for an outage."""
    return (update for update in watch if not isinstance(update, Connected))


def until_connected(watch, connected=True, take=lambda _: None):
    while (update := watch.next(timeout=SOON)) != Connected(connected):
        take(update)


def heard_by(handler):
    """What a handler puts into this queue, but for what is about the connection."""
    return updates(iter(lambda: handler.get(timeout=SOON), None))


@pytest.fixture
def all_keys(client):
    return Range.prefix(client.key("w") + "/")


def put_many(client, revisions, keys=100):
    """Change that many keys in each of that many revisions."""
    names = [client.key("w", f"{number:04}") for number in range(keys)]
    for number in range(revisions):
        client.kv.txn(then=[Op.put(name, b"%d" % number) for name in names])


def test_a_snapshot_comes_first_and_then_every_change_in_order(client, all_keys):
    kv, a, b = client.kv, client.key("w", "a"), client.key("w", "b")
    first = kv.put(a, b"1")
    with kv.watch(all_keys) as watch:
        seen = updates(watch)
        snapshot = next(seen)
        assert isinstance(snapshot, Snapshot)
        assert snapshot.kvs == (KeyValue(a.encode(), b"1", first, first, 1, 0),)
        assert snapshot.revision >= first
        second = kv.put(b, b"2")
        kv.put(client.key("elsewhere"), b"")
        third = kv.txn(then=[Op.delete(a)]).revision
        fourth = kv.txn(then=[Op.put(b, b"3"), Op.put(a, b"4")]).revision
        assert next(seen) == Changes(second, (Put(KeyValue(b.encode(), b"2", second, second, 1, 0)),), False)
        assert next(seen) == Changes(third, (Delete(a.encode(), third),), False)
        both = next(seen)
        assert both.revision == fourth
        assert {(each.key, each.revision) for each in both.changes} == {(a.encode(), fourth), (b.encode(), fourth)}


def test_one_key_is_watched_by_its_name(client):
    with client.kv.watch(client.key("k")) as watch:
        assert next(watch).kvs == ()
        client.kv.put(client.key("k", "below"), b"")
        revision = client.kv.put(client.key("k"), b"")
        assert next(updates(watch)).revision == revision


def test_the_connection_is_told(client):
    with client.kv.watch("/none") as watch:
        assert isinstance(next(watch), Snapshot)
        until_connected(watch)


def test_what_makes_no_sense_is_refused(client):
    with pytest.raises(InvalidArgumentError, match=r"kv\.watch"):
        client.kv.watch("")
    with pytest.raises(InvalidArgumentError, match="end"):
        client.kv.watch(Range.between("b", "a"))
    with pytest.raises(TypeError, match="key must be"):
        client.kv.watch(7)
    with pytest.raises(TypeError, match="handler must be callable"):
        client.kv.watch("/k", "handler")
    with client.kv.watch("/k") as watch, pytest.raises(InvalidArgumentError, match="timeout"):
        watch.next(timeout=-1)


def test_the_next_update_is_waited_for_as_long_as_wanted(client, all_keys):
    with client.kv.watch(all_keys) as watch:
        assert isinstance(watch.next(), Snapshot)
        until_connected(watch)
        with pytest.raises(DeadlineExceededError, match=r"kv\.watch"):
            while isinstance(watch.next(timeout=0), Connected):
                pass
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            while isinstance(watch.next(timeout=0.1), Connected):
                began = time.monotonic()
        assert time.monotonic() - began >= 0.1
        client.kv.put(client.key("w", "a"), b"")
        while isinstance(update := watch.next(timeout=None), Connected):
            pass
        assert isinstance(update, Changes)


def test_closing_ends_iteration_and_nothing_else(client, all_keys):
    watch = client.kv.watch(all_keys)
    with watch:
        for update in watch:
            assert isinstance(update, Snapshot)
            watch.close()
    assert list(watch) == []
    watch.close()
    with pytest.raises(ClosedError):
        watch.next()
    with pytest.raises(ClosedError):
        watch.__enter__()
    assert "closed" in repr(watch)
    assert client.kv.get("/none") is None


def test_closing_from_another_thread_ends_every_wait(client, all_keys):
    watch, ended = client.kv.watch(all_keys), queue.SimpleQueue()

    def iterate():
        for _ in watch:
            pass
        ended.put("iteration")

    def take():
        with pytest.raises(ClosedError):
            while True:
                watch.next()
        ended.put("next")

    threads = [threading.Thread(target=each) for each in (iterate, take, iterate)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    assert ended.empty()
    watch.close()
    assert sorted(ended.get(timeout=SOON) for _ in threads) == ["iteration", "iteration", "next"]
    for thread in threads:
        thread.join()


def test_the_end_of_the_client_is_told_as_often_as_one_asks(endpoint, prefix):
    client, told = Client(endpoint, prefix=prefix), queue.SimpleQueue()
    watch = client.kv.watch("/none")
    assert isinstance(next(watch), Snapshot)
    until_connected(watch)

    def iterate():
        try:
            for _ in watch:
                pass
        except ClosedError as error:
            told.put(error)

    thread = threading.Thread(target=iterate)
    thread.start()
    time.sleep(0.1)
    client.close()
    assert "kv.watch" in str(told.get(timeout=SOON))
    for _ in range(3):
        with pytest.raises(ClosedError):
            next(watch)
    with pytest.raises(ClosedError):
        client.kv.watch("/none")
    thread.join()


def test_threads_share_a_watch_and_each_update_goes_to_one(client, all_keys):
    watch, seen = client.kv.watch(all_keys), queue.SimpleQueue()
    assert isinstance(next(watch), Snapshot)

    def iterate():
        for update in updates(watch):
            seen.put(update.revision)

    threads = [threading.Thread(target=iterate) for _ in range(4)]
    for thread in threads:
        thread.start()
    revisions = [client.kv.put(client.key("w", str(number)), b"") for number in range(500)]
    assert sorted(seen.get(timeout=SOON) for _ in revisions) == revisions
    watch.close()
    for thread in threads:
        thread.join(SOON)
    assert seen.empty()


def test_a_watch_nobody_refers_to_ends(server, until):
    def watchers():
        with urllib.request.urlopen(f"{server.endpoint}/metrics") as metrics:  # noqa: S310
            lines = metrics.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("etcd_debugging_mvcc_watcher_total"))

    with Client(server.endpoint) as client:
        watch = client.kv.watch("/k")
        next(watch)
        with pytest.raises(DeadlineExceededError):
            while True:
                watch.next(timeout=0.05)
        until(lambda: watchers() == 1)
        subscription = client.kv.watch("/k", print)
        until(lambda: watchers() == 2)
        del watch
        until(lambda: watchers() == 1)
        subscription.cancel()
        until(lambda: watchers() == 0)


def test_a_slow_consumer_gets_the_newest_state(client, all_keys, picture):
    with client.kv.watch(all_keys) as watch:
        picture.update(next(watch))
        client.kv.put(client.key("w", "begin"), b"")
        while not picture.keys:
            picture.update(next(watch))
        with client.kv.watch(all_keys) as quick:
            put_many(client, 120)
            last = client.kv.put(client.key("w", "end"), b"")
            # When this one has all of it, so has the other, or most.
            while next(updates(quick)).revision < last:
                pass
        while picture.revision < last:
            picture.update(next(watch))
    picture.assert_true(client, client.key("w"))
    assert picture.coalesced
    assert picture.snapshots == 1


def test_nothing_is_lost_or_told_twice_when_the_server_restarts(server, picture):
    with Client(server.endpoint) as client, client.kv.watch(Range.prefix("/w/")) as watch:
        picture.update(next(watch))
        for turn in range(3):
            until_connected(watch, take=picture.update)
            for number in range(50):
                last = client.kv.put(f"/w/{turn}/{number % 20}", b"")
            while picture.revision < last:
                picture.update(watch.next(timeout=SOON))
            server.kill()
            until_connected(watch, False, take=picture.update)
            server.restart()
        last = client.kv.put("/w/end", b"")
        while picture.revision < last:
            picture.update(watch.next(timeout=SOON))
        picture.assert_true(client, "/w/")
    assert picture.snapshots == 1, "resumed each time, never listed again"


class Interrupted(BaseException):
    """What the signal's handler raises; as KeyboardInterrupt, but not pytest's."""


class Alarm:
    """Interrupts what runs in this thread, once each time it is set."""

    def __init__(self):
        self.count = 0
        self._is_set = False

    def set(self):
        self._is_set = True
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.002))  # noqa: S311

    def clear(self):
        self._is_set = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def ring(self, _signal, _frame):
        # One that was still on its way when it was set anew counts as the new one, which then finds it cleared.
        if self._is_set:
            self._is_set = False
            self.count += 1
            raise Interrupted


@pytest.fixture
def alarm():
    alarm = Alarm()
    before = signal.signal(signal.SIGALRM, alarm.ring)
    yield alarm
    alarm.clear()
    signal.signal(signal.SIGALRM, before)


def _candidacy(watch):
    """Make one whose states are the updates of a watch: it has its own way to give them, and too few of its own."""
    candidacy = Candidacy.__new__(Candidacy)
    candidacy._watch = watch
    return candidacy


@pytest.mark.parametrize("iterator", [iter, _candidacy])
def test_a_signal_at_any_moment_loses_no_update(client, all_keys, alarm, iterator):
    seen, written, end = [], itertools.count(), client.key("w", "end").encode()

    def write():
        while (number := next(written)) < 1000 or alarm.count < 300:
            client.kv.put(client.key("w", str(number % 50)), b"%d" % number)
        client.kv.put(end, b"")

    def has_ended():
        return bool(seen) and isinstance(seen[-1], Changes) and seen[-1].changes[0].key == end

    def iterate():
        try:
            if not has_ended():
                alarm.set()
                for update in iterator(watch):
                    seen.append(update)
                    if has_ended():
                        break
                    alarm.set()
            alarm.clear()
        except Interrupted:
            return False
        return True

    with client.kv.watch(all_keys) as watch:
        assert isinstance(next(watch), Snapshot)
        writer = threading.Thread(target=write)
        writer.start()
        while not iterate():
            pass
        writer.join()
    changes = [change for update in seen if isinstance(update, Changes) for change in update.changes]
    assert [int(change.kv.value) for change in changes[:-1]] == list(range(next(written) - 1))
    print(f"{alarm.count} interruptions")


def test_ctrl_c_is_noticed_at_once_and_the_watch_goes_on(client, all_keys):
    watch = client.kv.watch(all_keys)
    assert isinstance(next(watch), Snapshot)
    until_connected(watch)
    latencies = []
    for number in range(3):
        sent = []

        def send(sent=sent):
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.1, send)
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            for _ in watch:
                pass
        latencies.append(time.monotonic() - sent[0])
        timer.join()
        revision = client.kv.put(client.key("w", str(number)), b"")
        assert next(updates(watch)).revision == revision
    print(f"noticed after {[round(latency * 1000, 2) for latency in latencies]} ms")
    assert min(latencies) < 2


def test_a_handler_hears_everything_in_order_on_a_daemon_thread(client, all_keys):
    heard, threads = queue.SimpleQueue(), set()

    def handler(update):
        threads.add(threading.current_thread())
        client.kv.get("/none")
        heard.put(update)

    seen = heard_by(heard)
    with client.kv.watch(all_keys, handler):
        assert isinstance(next(seen), Snapshot)
        revisions = [client.kv.put(client.key("w", "a"), b"") for _ in range(50)]
        assert [next(seen).revision for _ in revisions] == revisions
    assert all(thread.daemon for thread in threads)


def test_a_handler_that_raises_goes_on_and_is_logged(client, all_keys, caplog):
    heard = queue.SimpleQueue()

    def handler(update):
        heard.put(update)
        if isinstance(update, Changes):
            raise SystemExit
        raise ZeroDivisionError

    seen = heard_by(heard)
    subscription = client.kv.watch(all_keys, handler)
    assert isinstance(next(seen), Snapshot)
    for _ in range(3):
        revision = client.kv.put(client.key("w", "a"), b"")
        assert next(seen).revision == revision
    subscription.cancel()
    logged = {record.exc_info[0] for record in caplog.records if record.exc_info}
    assert logged >= {ZeroDivisionError}


def test_no_call_starts_after_cancel_not_even_from_the_handler_itself(client, all_keys):
    heard, reached, release = [], threading.Event(), threading.Event()

    def handler(update):
        heard.append(update)
        reached.set()
        release.wait(SOON)

    subscription = client.kv.watch(all_keys, handler)
    assert reached.wait(SOON)
    client.kv.put(client.key("w", "a"), b"")
    subscription.cancel()
    subscription.cancel()
    release.set()
    own, known = [], threading.Event()
    itself = client.kv.watch(all_keys, lambda update: (own.append(update), known.wait(), itself.cancel()))
    known.set()
    done = threading.Event()
    with client.kv.watch(all_keys, lambda update: isinstance(update, Changes) and done.set()):
        while not done.is_set():
            client.kv.put(client.key("w", "a"), b"")
    assert len(heard) == 1
    assert len(own) == 1


def test_a_slow_handler_delays_itself_alone_and_catches_up(client, all_keys, picture, until):
    release, quick = threading.Event(), queue.SimpleQueue()
    last = [None]
    caught_up = threading.Event()

    def slow(update):
        picture.update(update)
        if picture.revision == last[0]:
            caught_up.set()
        elif picture.keys:
            release.wait(300)

    with client.kv.watch(all_keys, slow), client.kv.watch(all_keys, quick.put):
        client.kv.put(client.key("w", "begin"), b"")
        until(lambda: picture.keys)
        put_many(client, 120)
        last[0] = client.kv.put(client.key("w", "end"), b"")
        while getattr(quick.get(timeout=SOON), "revision", 0) < last[0]:
            pass
        release.set()
        assert caught_up.wait(SOON)
    picture.assert_true(client, client.key("w"))
    assert picture.coalesced


def test_a_handler_may_iterate_another_watch_and_close_what_it_likes(client, all_keys):
    told = queue.SimpleQueue()

    def handler(update):
        if isinstance(update, Snapshot):
            with client.kv.watch(all_keys) as inner:
                told.put(next(inner))

    with client.kv.watch(all_keys, handler):
        assert isinstance(told.get(timeout=SOON), Snapshot)


def test_letting_a_subscription_go_changes_nothing_and_the_client_s_end_ends_it(endpoint, prefix, caplog, until):
    heard = queue.SimpleQueue()
    with Client(endpoint, prefix=prefix) as client:
        client.kv.watch(client.key("k"), heard.put)
        gc.collect()
        seen = heard_by(heard)
        assert isinstance(next(seen), Snapshot)
        gc.collect()
        assert heard.get(timeout=SOON) == Connected(True)
        revision = client.kv.put(client.key("k"), b"")
        assert next(seen).revision == revision
    until(lambda: not gocore_etcd._handlers._waiting, "the end of the subscription")
    assert heard.empty()
    # The core's own records have longer names.
    assert not [record for record in caplog.records if record.name == "gocore_etcd"]


def test_a_child_of_a_fork_has_no_part_in_the_parent_s_watches(script):
    code, out, err = script.run(
        """
        import os, threading, time, warnings
        from gocore_etcd import Client, Connected, Snapshot, WrongContextError
        warnings.simplefilter("ignore")
        client = Client(ENDPOINT, prefix=PREFIX)
        key = client.key("k")
        watch, taken, waited = client.kv.watch(key), client.kv.watch(key), client.kv.watch(key)
        thread = threading.Thread(target=lambda: list(waited))
        thread.start()
        heard = []
        subscription = client.kv.watch(key, heard.append)
        for each in (watch, taken):
            assert isinstance(next(each), Snapshot)
            while each.next(timeout=60) != Connected(True):
                pass
        for _ in range(3):
            revision = client.kv.put(key, b"")
        while getattr(next(watch), "revision", 0) < revision:
            pass
        # By now all three have come to this one too: it has some of them in hand.
        time.sleep(0.1)
        next(taken)
        for _ in range(10):
            pid = os.fork()
            if pid == 0:
                try:
                    for each in (watch, taken, waited):
                        try:
                            next(each)
                            os._exit(1)
                        except WrongContextError:
                            pass
                        each.close()
                    subscription.cancel()
                    try:
                        client.kv.watch(key)
                        os._exit(2)
                    except WrongContextError:
                        pass
                    del watch, taken, waited, subscription
                    with Client(ENDPOINT, prefix=PREFIX) as own, own.kv.watch(key) as new:
                        assert isinstance(next(new), Snapshot)
                    os._exit(0)
                finally:
                    os._exit(3)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        revision = client.kv.put(key, b"")
        while getattr(watch.next(timeout=60), "revision", 0) < revision:
            pass
        while getattr(heard[-1], "revision", 0) < revision:
            time.sleep(0.01)
        waited.close()
        thread.join()
        client.close()
        print("well")
        """,
        "-X",
        "faulthandler",
    )
    assert (code, out) == (0, "well\n"), err


def test_many_watches_at_once_are_all_served(client):
    names = [client.key("many", str(number)) for number in range(300)]
    heard = queue.SimpleQueue()
    subscriptions = [client.kv.watch(name, heard.put) for name in names[:150]]
    watches = [client.kv.watch(name) for name in names[150:]]
    for watch in watches:
        assert isinstance(next(watch), Snapshot)
    seen = heard_by(heard)
    assert all(isinstance(next(seen), Snapshot) for _ in subscriptions)
    for name in names:
        client.kv.put(name, b"")
    assert {change.key for _ in subscriptions for change in next(seen).changes} == {
        name.encode() for name in names[:150]
    }
    for name, watch in zip(names[150:], watches, strict=True):
        assert next(updates(watch)).changes[0].key == name.encode()
    for each in subscriptions:
        each.cancel()


def test_a_watch_that_may_not_read_says_so_once_and_begins_when_it_may(server, prefix, caplog):
    # All that is needed to connect.
    server.enable_auth("user", "word", f"{prefix}/.gocore/")
    heard = queue.SimpleQueue()
    with (
        Client(server.endpoint, prefix=prefix, username="user", password="word") as ours,
        ours.kv.watch(Range.prefix(f"{prefix}/w/")) as watch,
        ours.kv.watch(Range.prefix(f"{prefix}/w/"), heard.put),
    ):
        with pytest.raises(PermissionDeniedError, match=r"kv\.watch"):
            watch.next(timeout=SOON)
        with pytest.raises(DeadlineExceededError):
            watch.next(timeout=0.3)
        server.allow("word", f"{prefix}/w/")
        assert isinstance(next(updates(watch)), Snapshot)
        while not isinstance(heard.get(timeout=SOON), Snapshot):
            pass
    told = [record.message for record in caplog.records if record.message.startswith("told in place of an event: ")]
    assert len(told) == 1
    assert "permission denied" in told[0]
