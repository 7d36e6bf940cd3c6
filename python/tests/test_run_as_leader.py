"""Work that the leader alone does, blocking."""

import itertools
import threading
import time

import pytest

from gocore_etcd import (
    AGAIN,
    Client,
    ClosedError,
    DeadlineExceededError,
    LostError,
    UnavailableError,
)
from gocore_etcd._calls.run import Pace

TTL = 10


def test_work_gets_the_leadership_and_its_arguments_and_gives_its_result(client, other, candidates):
    @client.run_as_leader("k", "me", ttl=TTL)
    def work(leadership, first, *, second):
        """Say what is the work."""
        assert leadership.is_leader()
        assert other.leader("k").token == leadership.token
        return first + second

    assert work(1, second=2) == 3
    assert candidates("k") == [], "it has resigned"
    assert work.__doc__ == "Say what is the work."


def test_work_that_asks_for_another_turn_lets_others_lead(client, other, candidates, until):
    turns, between = [], []

    def stand():
        with other.campaign("k", "other", ttl=TTL) as leadership:
            between.append(leadership.token)

    @client.run_as_leader("k", "me", ttl=TTL)
    def work(leadership):
        turns.append(leadership.token)
        if len(turns) == 2:
            return None
        thread = threading.Thread(target=stand)
        thread.start()
        until(lambda: len(candidates("k")) == 2)
        return AGAIN

    assert work() is None
    assert turns[0] < between[0] < turns[1]


def test_work_that_asks_for_another_turn_at_once_is_begun_after_pauses_that_grow(client):
    turns = []

    @client.run_as_leader("k", "me", ttl=TTL)
    def work(_leadership):
        turns.append(time.monotonic())
        return AGAIN if len(turns) < 5 else None

    work()
    for number, (one, following) in enumerate(itertools.pairwise(turns)):
        assert following - one >= 0.9 * 0.05 * 2**number


def test_after_a_long_turn_there_is_no_pause():
    pace = Pace()
    pauses = [pace.after(turn) for turn in [0, 0, 1.9, 0, 0, 0, 0, 0, 2.0, 0]]
    wanted = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 0, 0.05]
    assert pauses == [pytest.approx(pause, rel=0.1) for pause in wanted]


def test_what_work_raises_is_raised_after_it_has_resigned(client, candidates):
    @client.run_as_leader("k", "me", ttl=30)
    def work(_leadership):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert candidates("k") == []


@pytest.mark.parametrize("ending", ["returns", "returns a value", "is refused", "resigns"])
def test_work_that_ends_because_its_leadership_was_lost_is_begun_again(client, steal, ending):
    tokens, running = [], []

    @client.run_as_leader("k", "me", ttl=TTL)
    def work(leadership):
        assert running == [], "two works at once"
        running.append(leadership)
        tokens.append(leadership.token)
        try:
            if len(tokens) == 3:
                return "done"
            steal(leadership)
            assert leadership.wait_lost(timeout=60)
            if ending == "is refused":
                leadership.put(client.key("x"), b"")
            if ending == "resigns":
                leadership.resign()
            return "of a loser" if ending == "returns a value" else None
        finally:
            running.remove(leadership)

    assert work() == "done"
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 3


def test_no_other_campaign_begins_before_the_work_of_a_loser_has_ended(client, candidates, steal, until):
    ends, begun = threading.Event(), []

    @client.run_as_leader("k", "me", ttl=TTL)
    def work(leadership):
        begun.append(leadership)
        if len(begun) == 1:
            steal(leadership)
            assert ends.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: begun and not begun[0].is_leader())
    assert candidates("k") == [], "it is no candidate as long as it works"
    ends.set()
    thread.join(60)
    assert len(begun) == 2


def test_a_loss_of_something_else_is_the_works_own(client, candidates, steal):
    @client.run_as_leader("k", "me", ttl=TTL)
    def work(_leadership):
        with client.lock("l", ttl=TTL) as lock:
            steal(lock)
            assert lock.wait_lost(timeout=60)

    with pytest.raises(LostError, match=r"lock\.unlock"):
        work()
    assert candidates("k") == []


def test_another_error_of_a_loser_is_not_lost(client, steal):
    @client.run_as_leader("k", "me", ttl=TTL)
    def work(leadership):
        steal(leadership)
        assert leadership.wait_lost(timeout=60)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


def test_work_may_resign_by_itself(client, candidates):
    @client.run_as_leader("k", "me", ttl=TTL)
    def work(leadership):
        leadership.resign()
        assert candidates("k") == []
        return "done"

    assert work() == "done"


def test_a_campaign_that_fails_because_etcd_is_away_is_tried_again(server, prefix):
    with Client(server.endpoint, prefix=prefix, request_timeout=2) as ours:
        server.kill()
        with pytest.raises((UnavailableError, TimeoutError)):
            ours.campaign("k", "me", ttl=TTL)
        restarting = threading.Timer(1.0, server._start)
        restarting.start()
        assert ours.run_as_leader("k", "me", ttl=TTL)(lambda leadership: leadership.is_leader())()
        restarting.join()


def test_work_whose_etcd_is_away_at_its_end_is_done_all_the_same(server, prefix):
    with Client(server.endpoint, prefix=prefix, request_timeout=2) as ours:

        @ours.run_as_leader("k", "me", ttl=60)
        def work(_leadership):
            server.kill()
            return "done"

        assert work() == "done"
        server._start()
        ours.campaign("k", "next", timeout=60).resign()


def test_work_whose_etcd_is_away_at_its_end_has_another_turn_when_it_is_back(server, prefix, until, resignation_failed):
    # The session outlives the test, and the work keeps its leaderships: nothing else gives the first one back.
    turns = []
    with Client(server.endpoint, prefix=prefix, request_timeout=2) as ours:

        @ours.run_as_leader("k", "me", ttl=60)
        def work(leadership):
            turns.append(leadership)
            if len(turns) == 2:
                return None
            server.kill()
            return AGAIN

        thread = threading.Thread(target=work)
        thread.start()
        until(resignation_failed)
        server._start()
        thread.join(60)
        assert not thread.is_alive(), "it waits behind itself"
        assert turns[0].token < turns[1].token


def test_the_end_of_the_client_ends_a_run_that_cannot_resign(server, prefix, until, resignation_failed):
    failures = []

    def run(work):
        with pytest.raises(ClosedError) as caught:
            work()
        failures.append(caught.value)

    def work(_leadership):
        server.kill()
        return AGAIN

    ours = Client(server.endpoint, prefix=prefix, request_timeout=2)
    thread = threading.Thread(target=run, args=[ours.run_as_leader("k", "me", ttl=60)(work)])
    thread.start()
    until(resignation_failed)
    with pytest.raises(DeadlineExceededError, match=r"client\.close"):
        ours.close()
    thread.join(60)
    assert not thread.is_alive()
    assert len(failures) == 1


def test_the_end_of_the_client_ends_the_run(endpoint, prefix, client, candidates, until):
    failures = []

    def run(work):
        try:
            work()
        except ClosedError as error:
            failures.append(error)

    with Client(endpoint, prefix=prefix) as ours, client.campaign("k", "other", ttl=TTL):
        waiting = threading.Thread(target=run, args=[ours.run_as_leader("k", "me", ttl=TTL)(lambda _: None)])
        working = threading.Thread(
            target=run, args=[ours.run_as_leader("w", "me", ttl=TTL)(lambda leading: leading.wait_lost() and AGAIN)]
        )
        waiting.start()
        working.start()
        until(lambda: len(candidates("k")) == 2 and len(candidates("w")) == 1)
        ours.close()
        for thread in (waiting, working):
            thread.join(60)
            assert not thread.is_alive()
    assert len(failures) == 2


def test_work_that_is_async_is_for_asyncio(client):
    async def work(_leadership):
        pass

    with pytest.raises(TypeError, match=r"gocore_etcd\.aio"):
        client.run_as_leader("k", "me")(work)
