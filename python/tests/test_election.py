"""Leader election, blocking: what it promises to candidates, leaders and observers."""

import gc
import queue
import threading
import time
import weakref

import pytest

import gocore_etcd
from gocore_etcd import (
    Client,
    ClosedError,
    DeadlineExceededError,
    InvalidArgumentError,
    Leader,
    Leading,
    LostError,
    MalformedError,
    Op,
)

TTL = 10


def test_a_leader_is_who_campaigned_until_it_resigns(client, other, candidates):
    leadership = client.campaign("jobs/a", "me", ttl=TTL)
    assert leadership.is_leader()
    assert (leadership.key, leadership.identity) == (client.key("elections", "jobs/a"), "me")
    assert other.leader("jobs/a") == leadership.leader() == Leader("me", leadership.token, leadership.token)
    assert repr(leadership) == f"<gocore_etcd.Leadership '{leadership.key}' token={leadership.token} leads>"
    leadership.resign()
    leadership.resign()
    assert not leadership.is_leader()
    assert "not leading" in repr(leadership)
    assert candidates("jobs/a") == []
    assert other.leader("jobs/a") is None


def test_candidates_lead_in_the_order_of_their_arrival(client, other, candidates, until):
    led = queue.SimpleQueue()

    def stand(client, identity):
        with client.campaign("k", identity, ttl=TTL) as leadership:
            led.put((leadership.identity, leadership.token))

    first = client.campaign("k", "a", ttl=TTL)
    threads = []
    # Two of one client, one of another.
    for number, (each, identity) in enumerate([(client, "b"), (other, "c"), (client, "d")]):
        threads.append(threading.Thread(target=stand, args=[each, identity]))
        threads[-1].start()
        until(lambda wanted=number + 2: len(candidates("k")) == wanted)
    assert led.empty()
    first.resign()
    for thread in threads:
        thread.join(60)
    order = [led.get(timeout=60) for _ in threads]
    assert [identity for identity, _ in order] == ["b", "c", "d"]
    tokens = [first.token, *(token for _, token in order)]
    assert tokens == sorted(set(tokens))


@pytest.mark.parametrize("timeout", [0.3, 0])
def test_a_limit_ends_the_campaign_and_leaves_nothing_in_the_queue(client, other, candidates, until, timeout):
    with client.campaign("k", "me", ttl=TTL) as leadership:
        begun = time.monotonic()
        with pytest.raises(DeadlineExceededError, match=r"election\.campaign.*key=k"):
            other.campaign("k", "other", timeout=timeout)
        assert timeout <= time.monotonic() - begun < timeout + 5
        until(lambda: len(candidates("k")) == 1)
        assert leadership.is_leader()


def test_a_single_try_leads_where_nobody_does(client, other, candidates):
    with other.candidacy("k", "waits", ttl=TTL) as waiting:
        next(state for state in waiting if isinstance(state, Leading))
        with pytest.raises(DeadlineExceededError, match="somebody else leads or campaigns"):
            client.campaign("k", "me", timeout=0)
    with client.campaign("k", "me", ttl=TTL, timeout=0) as leadership:
        assert leadership.is_leader()
        assert other.leader("k").identity == "me"
    with pytest.raises(InvalidArgumentError, match="identity: "):
        client.campaign("k", " ", timeout=0)
    assert candidates("k") == []


def test_the_default_ttl_is_what_etcd_granted(client, candidates, granted):
    with client.campaign("k", "me"):
        assert [granted(key) for key in candidates("k")] == [15]


IDENTITIES = {
    "emoji": "🚀 лидер 👩‍👩‍👧",
    "quotes": "a \"quoted\" 'name' \\ with {braces}",
    "lines": "line\nline\r\n\ttab ",
    "controls": "\x01\x7f\x85\u2028\ufeff\uffff",
    "zero width": "\u200b",
    "1 MiB": "ä" * 2**19,
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_identity_of_any_text_comes_through(client, other, name):
    identity = IDENTITIES[name]
    with other.observe("k") as leaders:
        assert next(leaders) is None
        with client.campaign("k", identity, ttl=TTL) as leadership:
            assert leadership.identity == identity
            assert other.leader("k").identity == identity
            assert leaders.next(timeout=60) == Leader(identity, leadership.token, leadership.token)
            leadership.proclaim("x" + identity[1:])
            assert leaders.next(timeout=60).identity == leadership.identity == "x" + identity[1:]


REFUSED = [
    ("key", {"key": ""}),
    ("key", {"key": " "}),
    ("key", {"key": "a\0b"}),
    ("key", {"key": "\ud800"}),
    ("identity", {"identity": ""}),
    ("identity", {"identity": "\n\t\u2003"}),
    ("identity", {"identity": "a\0b"}),
    ("identity", {"identity": "\udfff"}),
    ("identity", {"identity": "x" * (2**20 + 1)}),
    ("ttl", {"ttl": -1}),
    ("ttl", {"ttl": float("nan")}),
]


@pytest.mark.parametrize(("name", "wrong"), REFUSED)
def test_what_makes_no_sense_is_refused_by_name(client, candidates, name, wrong):
    arguments = {"key": "k", "identity": "me", "ttl": TTL} | wrong
    for call in (client.campaign, client.candidacy, lambda **run: client.run_as_leader(**run)(lambda _: None)()):
        with pytest.raises(InvalidArgumentError, match=f"{name}: "):
            call(**arguments)
    if name == "key":
        for call in (client.leader, client.observe):
            with pytest.raises(InvalidArgumentError, match="key: "):
                call(wrong["key"])
    if name == "identity":
        with client.campaign("k", "me", ttl=TTL) as leadership:
            with pytest.raises(InvalidArgumentError, match="identity: "):
                leadership.proclaim(wrong["identity"])
            assert leadership.identity == "me"
    assert candidates("k") == []


def test_what_is_no_text_is_refused_by_name(client):
    for call in (client.campaign, client.candidacy):
        with pytest.raises(TypeError, match="identity must be str"):
            call("k", b"me")


def test_an_observer_sees_nobody_then_each_leader_and_proclamation_then_nobody(client, other):
    with other.observe("never/before") as leaders:
        assert leaders.next(timeout=60) is None, "nobody was ever a candidate"
        tokens = []
        for identity in ("a", "b"):
            with client.campaign("never/before", identity, ttl=TTL) as leadership:
                tokens.append(leadership.token)
                assert leaders.next(timeout=60) == Leader(identity, leadership.token, leadership.token)
                leadership.proclaim(identity + "2")
                seen = leaders.next(timeout=60)
                assert (seen.identity, seen.token) == (identity + "2", leadership.token), "the token is unchanged"
                assert seen.revision > leadership.token
            assert leaders.next(timeout=60) is None, "it has resigned"
        assert tokens == sorted(set(tokens))
        with pytest.raises(DeadlineExceededError, match=r"election\.observe"):
            leaders.next(timeout=0)
    assert list(leaders) == [], "closed, it ends"


def test_an_observer_hears_of_a_leader_whose_lease_ends(endpoint, prefix, client):
    proxied = Client(endpoint, prefix=prefix)
    leadership = proxied.campaign("k", "me", ttl=TTL)
    with client.observe("k") as leaders:
        assert leaders.next(timeout=60).token == leadership.token
        proxied.close()
        assert leaders.next(timeout=60) is None


def test_a_leader_observes_too_and_its_observation_outlives_it(client, other):
    leadership = client.campaign("k", "a", ttl=TTL)
    with leadership.observe() as leaders:
        assert next(leaders).identity == "a"
        leadership.resign()
        assert leaders.next(timeout=60) is None
        with other.campaign("k", "b", ttl=TTL):
            assert leaders.next(timeout=60).identity == leadership.leader().identity == "b"


def test_a_handler_hears_of_each_leader_in_order(client, other):
    heard = queue.SimpleQueue()

    def handler(leader):
        heard.put((leader and leader.identity, threading.current_thread().daemon, client.kv.get("/none")))
        raise ZeroDivisionError

    with other.observe("k", handler):
        assert heard.get(timeout=60) == (None, True, None)
        with client.campaign("k", "a", ttl=TTL) as leadership:
            assert heard.get(timeout=60)[0] == "a"
            leadership.proclaim("b")
            assert heard.get(timeout=60)[0] == "b"
        assert heard.get(timeout=60)[0] is None
    client.campaign("k", "unheard", ttl=TTL).resign()
    with other.observe("k") as leaders:
        assert next(leaders) is None
    assert heard.empty(), "cancelled, it hears no more"


def test_a_leader_that_cannot_be_read_is_told_and_observing_goes_on(client, other, caplog):
    foreign = client.key("elections", "k", "foreign")
    heard = queue.SimpleQueue()
    with other.observe("k") as leaders, other.observe("k", heard.put):
        assert leaders.next(timeout=60) is heard.get(timeout=60) is None
        client.kv.put(foreign, b"\xff\xfe")
        with pytest.raises(MalformedError, match=r"token.*foreign"):
            leaders.next(timeout=60)
        with pytest.raises(MalformedError, match="foreign"):
            client.leader("k")
        client.kv.put(foreign, b"readable")
        assert leaders.next(timeout=60) == heard.get(timeout=60) == client.leader("k")
        client.kv.delete(foreign)
        assert leaders.next(timeout=60) is heard.get(timeout=60) is None
    told = [record.message for record in caplog.records if record.message.startswith("told in place of an event: ")]
    assert len(told) == 1, "a handler's is logged, once"
    assert "foreign" in told[0]


def test_a_failure_that_was_seen_to_keeps_no_observation(client):
    client.kv.put(client.key("elections", "k", "foreign"), b"\xff")
    leaders = client.observe("k")
    reference = weakref.ref(leaders)
    gc.disable()
    try:
        # Not pytest's, which keeps the failure.
        try:
            next(leaders)
        except MalformedError:
            leaders = None
        assert reference() is None
    finally:
        gc.enable()


def test_the_end_of_the_client_ends_an_observation_that_had_failures(endpoint, prefix, client):
    client.kv.put(client.key("elections", "k", "foreign"), b"\xff")
    with Client(endpoint, prefix=prefix) as ours:
        leaders = ours.observe("k")
        with pytest.raises(MalformedError):
            next(leaders)
    for _ in range(2):
        with pytest.raises(ClosedError):
            next(leaders)


def test_guarded_writes_go_through_while_leading_and_are_refused_after_the_loss(client, candidates, steal):
    key = client.key("x")
    leadership = client.campaign("k", "me", ttl=TTL)
    lease = client.kv.get(candidates("k")[0]).lease
    assert leadership.put(key, b"1", lease=lease) > leadership.token
    assert client.kv.get(key).lease == lease != 0
    for guard in (leadership, leadership.guard()):
        assert client.kv.txn(then=[Op.put(key, b"2")], guard=guard).succeeded
    steal(leadership)
    # Judged by etcd, whatever is known here.
    for guard in (leadership, leadership.guard()):
        with pytest.raises(LostError):
            client.kv.txn(then=[Op.put(key, b"3")], guard=guard)
    assert leadership.wait_lost(timeout=60)
    with pytest.raises(LostError, match=r"election\.put"):
        leadership.put(key, b"3")
    with pytest.raises(LostError, match=r"election\.proclaim"):
        leadership.proclaim("late")
    assert client.kv.get(key).value == b"2"


def test_a_body_never_runs_without_leading(client, steal):
    leadership = client.campaign("k", "me", ttl=TTL)
    steal(leadership)
    assert leadership.wait_lost(timeout=60)
    entered = False
    with pytest.raises(LostError, match=leadership.key), leadership:
        entered = True
    assert not entered


def test_leaving_after_the_loss_raises_and_keeps_what_the_body_said(client, steal):
    with (
        pytest.raises(LostError, match=r"election\.resign.*key=") as caught,
        client.campaign("k", "me", ttl=TTL) as leadership,
    ):
        steal(leadership)
        assert leadership.wait_lost(timeout=60)
        raise ZeroDivisionError
    assert isinstance(caught.value.__context__, ZeroDivisionError)
    for _ in range(2):
        with pytest.raises(LostError):
            leadership.resign()


def test_the_body_s_own_error_comes_out_and_another_leads(client, other):
    with pytest.raises(ZeroDivisionError), client.campaign("k", "me", ttl=30):
        raise ZeroDivisionError
    other.campaign("k", "other", timeout=60).resign()


def test_a_leadership_nobody_refers_to_is_given_back(client, other):
    client.campaign("k", "me", ttl=30)
    other.campaign("k", "other", timeout=60).resign()


def test_waiting_for_the_end_says_whether_it_came(client):
    leadership = client.campaign("k", "me", ttl=TTL)
    assert not leadership.wait_lost(timeout=0)
    assert not leadership.wait_lost(timeout=0.05)
    resigning = threading.Timer(0.1, leadership.resign)
    resigning.start()
    assert leadership.wait_lost(timeout=60)
    resigning.join()
    assert leadership.wait_lost(timeout=0)


def test_a_handler_hears_of_a_loss_and_of_no_other_end(client, endpoint, prefix, steal):
    heard, lost = [], queue.SimpleQueue()
    resigned = client.campaign("resigned", "me", ttl=TTL)
    resigned.on_lost(lambda: heard.append("resigned"))
    resigned.resign()
    client.campaign("dropped", "me", ttl=TTL).on_lost(lambda: heard.append("dropped"))
    with client.candidacy("stood", "me", ttl=TTL) as candidacy:
        while not candidacy.is_leader():
            candidacy.next(timeout=60)
        leadership = candidacy.leadership
        leadership.on_lost(lambda: heard.append("stood"))
    assert leadership.wait_lost(timeout=60)
    with Client(endpoint, prefix=prefix) as closed:
        leadership = closed.campaign("closed", "me", ttl=TTL)
        leadership.on_lost(lambda: heard.append("closed"))
    assert leadership.wait_lost(timeout=0)
    stolen = client.campaign("stolen", "me", ttl=TTL)
    stolen.on_lost(lambda: lost.put("stolen"))
    cancelled = stolen.on_lost(lambda: heard.append("cancelled"))
    cancelled.cancel()
    steal(stolen)
    assert lost.get(timeout=60) == "stolen"
    # One that is lost already hears at once.
    stolen.on_lost(lambda: lost.put("late"))
    assert lost.get(timeout=60) == "late"
    assert heard == []


def test_a_leadership_does_not_outlive_its_client(endpoint, prefix, client):
    with Client(endpoint, prefix=prefix) as closed:
        leadership = closed.campaign("k", "me", ttl=30)
    assert not leadership.is_leader()
    client.campaign("k", "other", timeout=60).resign()
    for call in (
        lambda: closed.campaign("k", "me"),
        lambda: closed.candidacy("k", "me"),
        lambda: closed.leader("k"),
        lambda: closed.observe("k"),
        lambda: leadership.proclaim("x"),
        leadership.leader,
        leadership.observe,
    ):
        with pytest.raises(ClosedError):
            call()


def test_a_campaign_nobody_waits_for_leaves_no_candidate(client, other, candidates, until):
    # As when a signal strikes between its start and the moment somebody has it.
    with other.campaign("k", "other", ttl=30):
        gocore_etcd._native.election_campaign(client._handle, 10**9, None, "k", "me", 30 * 10**9)
        until(lambda: len(candidates("k")) == 1)
        time.sleep(0.2)
        assert len(candidates("k")) == 1
