"""Candidacies, blocking: campaigning in the background."""

import queue
import threading

import pytest

from gocore_etcd import (
    Client,
    ClosedError,
    DeadlineExceededError,
    Leading,
    Lost,
    PermissionDeniedError,
    Resigned,
    Waiting,
)

TTL = 10


def _until_leading(candidacy):
    while not isinstance(state := candidacy.next(timeout=60), Leading):
        pass
    return state


def _told(candidacy):
    try:
        return candidacy.next(timeout=60)
    except PermissionDeniedError as error:
        return type(error)


def test_a_candidacy_waits_with_its_place_leads_and_resigns(client, other, candidates, until):
    leader = other.campaign("k", "leader", ttl=TTL)
    before = other.candidacy("k", "before", ttl=TTL)
    until(lambda: len(candidates("k")) == 2)
    candidacy = client.candidacy("k", "me", ttl=TTL)
    assert candidacy.key == client.key("elections", "k")
    # Who looks late finds it queued.
    state = candidacy.next(timeout=60)
    assert state in (Waiting(None), Waiting(2))
    if state == Waiting(None):
        assert candidacy.next(timeout=60) == Waiting(2)
    assert candidacy.state == Waiting(2)
    assert not candidacy.is_leader()
    assert candidacy.leadership is None
    with pytest.raises(DeadlineExceededError):
        candidacy.next(timeout=0)
    before.resign()
    assert candidacy.next(timeout=60) == Waiting(1)
    leader.resign()
    state = candidacy.next(timeout=60)
    leadership = candidacy.leadership
    assert state == candidacy.state == Leading(leadership.token)
    assert leadership.token > leader.token
    assert candidacy.is_leader()
    assert leadership.is_leader()
    assert leadership.put(client.key("x"), b"mine") > 0
    assert other.leader("k").identity == "me"
    candidacy.resign()
    candidacy.resign()
    assert candidacy.state == Resigned()
    assert not candidacy.is_leader()
    assert not leadership.is_leader()
    assert candidacy.leadership is None
    assert candidates("k") == []
    assert list(candidacy) == [Resigned()]
    assert list(candidacy) == [], "nothing comes after"
    with pytest.raises(ClosedError):
        candidacy.next()


def test_a_candidacy_that_loses_stands_again(client, steal):
    heard, states = queue.SimpleQueue(), []

    def until_heard(state):
        while not states or states[-1] != state:
            states.append(heard.get(timeout=60))

    with client.candidacy("k", "me", ttl=TTL, handler=heard.put) as candidacy:
        first = _until_leading(candidacy)
        # Who is slow may miss what is over.
        until_heard(first)
        leadership = candidacy.leadership
        lost = queue.SimpleQueue()
        leadership.on_lost(lambda: lost.put(leadership.token))
        steal(leadership)
        assert lost.get(timeout=60) == first.token
        second = _until_leading(candidacy)
        assert second.token > first.token
        assert candidacy.leadership.token == second.token
        assert not leadership.is_leader()
        until_heard(second)
    until_heard(Resigned())
    between = states[states.index(first) : states.index(second)]
    assert between[1] == Lost(), "between two leaderships there is always one without"
    assert states[-2] == second


def test_a_handler_hears_of_each_state_and_resigned_is_the_last(client, caplog):
    heard = queue.SimpleQueue()

    def handler(state):
        heard.put(state)
        client.kv.put(client.key("heard"), b"a blocking call")
        raise ZeroDivisionError

    candidacy = client.candidacy("k", "me", ttl=TTL, handler=handler)
    while not isinstance(heard.get(timeout=60), Leading):
        pass
    candidacy.resign()
    assert heard.get(timeout=60) == Resigned()
    assert any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)


def test_a_slow_handler_takes_no_two_leaderships_for_one(client, steal):
    release, heard = threading.Event(), queue.SimpleQueue()

    def handler(state):
        heard.put(state)
        if isinstance(state, Leading):
            release.wait(30)

    with client.candidacy("k", "me", ttl=TTL, handler=handler) as candidacy:
        first = _until_leading(candidacy)
        while heard.get(timeout=60) != first:
            pass
        steal(candidacy.leadership)
        second = _until_leading(candidacy)
        assert second != first
        release.set()
        assert heard.get(timeout=60) == Lost()
        while heard.get(timeout=60) != second:
            pass


@pytest.mark.parametrize("with_handler", [False, True])
def test_a_candidacy_nobody_refers_to_ends(client, other, candidates, until, with_handler):
    handler = (lambda _: None) if with_handler else None
    with other.campaign("k", "leader", ttl=TTL):
        candidacy = client.candidacy("k", "me", ttl=TTL, handler=handler)
        until(lambda: len(candidates("k")) == 2)
        del candidacy
        until(lambda: len(candidates("k")) == 1)
    candidacy = client.candidacy("k", "me", ttl=TTL, handler=handler)
    until(candidacy.is_leader)
    leadership = candidacy.leadership
    del candidacy
    assert leadership.put(client.key("x"), b"") > 0, "somebody has the leadership: it goes on"
    del leadership
    until(lambda: not candidates("k"))


def test_resigning_its_leadership_ends_a_candidacy(client):
    candidacy = client.candidacy("k", "me", ttl=TTL)
    _until_leading(candidacy)
    candidacy.leadership.resign()
    assert list(candidacy) == [Resigned()]


def test_a_body_that_raises_leaves_no_candidate(client, candidates):
    with pytest.raises(ZeroDivisionError), client.candidacy("k", "me", ttl=30) as candidacy:
        _until_leading(candidacy)
        raise ZeroDivisionError
    assert candidates("k") == []


def test_closing_the_client_resigns_and_says_so(endpoint, prefix, client):
    heard = queue.SimpleQueue()
    with Client(endpoint, prefix=prefix) as ours:
        candidacy = ours.candidacy("k", "me", ttl=30, handler=heard.put)
        _until_leading(candidacy)
        while not isinstance(heard.get(timeout=60), Leading):
            pass
    assert not candidacy.is_leader()
    assert list(candidacy) in ([Resigned()], [])
    client.campaign("k", "other", timeout=60).resign()


def test_a_candidacy_outlives_an_outage(server, prefix):
    with Client(server.endpoint, prefix=prefix) as ours, ours.candidacy("k", "me", ttl=30) as candidacy:
        token = _until_leading(candidacy).token
        server.restart()
        assert candidacy.leadership.put(ours.key("x"), b"") > token
        assert candidacy.state == Leading(token)


def test_what_does_not_pass_by_itself_is_told_once_and_campaigning_goes_on_to_its_end(server, prefix):
    # All that is needed to connect and to have a session, and no election.
    server.enable_auth("user", "word", f"{prefix}/.gocore/")
    heard = queue.SimpleQueue()
    with Client(server.endpoint, prefix=prefix, username="user", password="word") as ours:
        for run in (lambda: ours.campaign("k", "me", ttl=TTL), ours.run_as_leader("k", "me", ttl=TTL)(lambda _: None)):
            with pytest.raises(PermissionDeniedError):
                run()
        candidacy = ours.candidacy("k", "me", ttl=TTL, handler=heard.put)
        # Who looks late hears of the failure first.
        assert {_told(candidacy), _told(candidacy)} == {Waiting(None), PermissionDeniedError}
        assert heard.get(timeout=60) == Waiting(None)
        with pytest.raises(DeadlineExceededError):
            candidacy.next(timeout=1)
        candidacy.resign()
        assert heard.get(timeout=60) == Resigned()
        assert list(candidacy) == [Resigned()]
        assert list(candidacy) == [], "the failure was not its end"
