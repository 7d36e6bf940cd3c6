"""Keys and values."""

import sys
from datetime import timedelta

import pytest

from gocore_etcd import (
    CompactedError,
    Compare,
    DeadlineExceededError,
    InvalidArgumentError,
    KeyValue,
    LostError,
    NotFoundError,
    Op,
    Range,
)


def test_bytes_come_back_as_they_went_in(client):
    key = client.key("k").encode() + bytes(range(256))
    value = bytes(range(256)) * 100
    revision = client.kv.put(key, bytearray(value))
    found = client.kv.get(key)
    assert (found.key, found.value, found.create_revision, found.mod_revision) == (key, value, revision, revision)
    assert (found.version, found.lease) == (1, 0)


def test_an_absent_key_is_none_and_an_empty_value_is_not(client):
    assert client.kv.get(client.key("none")) is None
    client.kv.put(client.key("empty"), b"")
    assert client.kv.get(client.key("empty")).value == b""


def test_what_was_read_is_kept_by_nothing_but_its_value(client):
    key = client.key("k")
    client.kv.put(key, b"v" * 100)
    got, made = client.kv.get(key), KeyValue(key.encode(), b"w" * 100 + key.encode(), 1, 1, 1, 0)
    assert sys.getrefcount(got) == sys.getrefcount(made)
    assert sys.getrefcount(got.key) == sys.getrefcount(made.key)
    assert sys.getrefcount(got.value) == sys.getrefcount(made.value)


def test_values_are_bytes_and_keys_are_str_or_bytes(client):
    with pytest.raises(TypeError, match="value must be bytes, not str"):
        client.kv.put("/k", "text")
    with pytest.raises(TypeError, match="key must be str or bytes, not int"):
        client.kv.get(7)
    with pytest.raises(InvalidArgumentError, match=r"kv\.get: invalid argument: key"):
        client.kv.get("")
    with pytest.raises(InvalidArgumentError, match="is no text"):
        client.kv.get("\ud800")


def test_a_range_is_read_in_part_in_order_and_as_it_was(client):
    kv = client.kv
    for number in (2, 0, 1):
        revision = kv.put(client.key("r", str(number)), b"%d" % number)
    everything = Range.prefix(client.key("r") + "/")
    assert [each.value for each in kv.list(everything).kvs] == [b"0", b"1", b"2"]
    part = kv.list(Range.prefix(client.key("r") + "/", limit=2, order="oldest", keys_only=True))
    assert [each.key[-1:] for each in part.kvs] == [b"2", b"0"]
    assert (part.count, part.more, part.kvs[0].value) == (3, True, b"")
    assert kv.list(Range.prefix(client.key("r"), count_only=True)).count == 3
    assert kv.delete(Range.between(client.key("r", "0"), client.key("r", "2"))) == 2
    assert kv.list(Range.prefix(client.key("r") + "/", revision=revision)).count == 3
    assert kv.list(everything).count == 1
    assert kv.list(Range.key(client.key("r", "2"))).kvs[0].value == b"2"


def test_the_end_of_a_prefix_is_right_at_the_edges():
    assert Range.prefix(b"a\xff\xff").end == b"b"
    assert Range.prefix(b"\xff").end == b"\0"
    assert (Range.prefix("").first, Range.prefix("").end) == (b"\0", b"\0")


def test_a_range_that_makes_no_sense_is_refused(client):
    with pytest.raises(InvalidArgumentError, match="end"):
        client.kv.list(Range.between("b", "a"))
    with pytest.raises(InvalidArgumentError, match="limit"):
        Range.prefix("a", limit=-1)
    with pytest.raises(InvalidArgumentError, match="order"):
        client.kv.list(Range.prefix("a", order="random"))
    with pytest.raises(TypeError, match=r"Range\.prefix"):
        client.kv.list("/a")


def test_a_transaction_takes_one_branch_and_says_what_each_operation_did(client):
    key = client.key("t")
    create = {"when": [Compare.absent(key)], "then": [Op.put(key, b"1")], "otherwise": [Op.get(key)]}
    first = client.kv.txn(**create)
    assert (first.succeeded, first.results) == (True, [None])
    second = client.kv.txn(**create)
    assert not second.succeeded
    assert second.results[0][0].value == b"1"
    nested = client.kv.txn(
        [Compare.version(key, ">", 0), Compare.mod_revision(key, "==", first.revision)],
        [Op.txn([Compare.value(key, "!=", b"1")], [Op.delete(key)], [Op.get(key)]), Op.delete(Range.key(key))],
    )
    inner, deleted = nested.results
    assert (inner.succeeded, inner.results[0][0].key, deleted) == (False, key.encode(), 1)


@pytest.mark.parametrize(
    ("compare", "holds"),
    [
        (lambda key: Compare.lease(key, "==", 0), True),
        (lambda key: Compare.value(key, "<", b"w"), True),
        (lambda key: Compare.create_revision(key, ">", 0).until(key + "~"), True),
        (lambda key: Compare.version(key, "!=", 1), False),
    ],
)
def test_every_comparison_judges(client, compare, holds):
    key = client.key("c")
    client.kv.put(key, b"v")
    assert client.kv.txn([compare(key)]).succeeded is holds


def test_a_comparison_that_makes_no_sense_is_refused(client):
    with pytest.raises(InvalidArgumentError, match="cmp"):
        client.kv.txn([Compare.version("/k", "=", 1)])
    with pytest.raises(InvalidArgumentError, match="operand"):
        client.kv.txn([Compare("version", b"/k", "==", b"1")])
    with pytest.raises(TypeError):
        client.kv.txn([Compare.version("/k", "==", None)])


def test_a_plan_nested_too_deep_is_refused_and_not_a_crash(client):
    op = Op.get("/k")
    for _ in range(5_000):
        op = Op.txn(then=[op])
    with pytest.raises(InvalidArgumentError, match="deep"):
        client.kv.txn(then=[op])


def test_a_guarded_write_is_refused_once_the_lock_is_gone(client, steal):
    key = client.key("guarded")
    with client.lock("g", ttl=10) as lock:
        assert client.kv.txn(then=[Op.put(key, b"1")], guard=lock).succeeded
        guard = lock.guard()
    with pytest.raises(LostError, match=key):
        client.kv.txn(then=[Op.put(key, b"2")], guard=guard)
    assert not client.kv.txn(then=[Op.put(key, b"2")], otherwise=[Op.get(key)], guard=guard).succeeded
    assert client.kv.get(key).value == b"1"


def test_errors_of_etcd_have_their_kind(client):
    with pytest.raises(NotFoundError) as caught:
        client.kv.put("/k", b"", lease=12345)
    assert isinstance(caught.value, LookupError)
    revision = client.kv.put(client.key("old"), b"")
    with pytest.raises((CompactedError, InvalidArgumentError)):
        client.kv.list(Range.key("/k", revision=revision + 1_000_000))


@pytest.mark.parametrize("timeout", [None, 0, 5, 2.5, timedelta(seconds=5)])
def test_a_time_limit_is_seconds_a_timedelta_none_or_nothing(client, timeout):
    assert client.kv.get("/none", timeout=timeout) is None


def test_a_time_limit_ends_a_request_and_says_whether_a_write_may_have_been_applied(proxied):
    client, proxy = proxied
    with client.lock("k", ttl=30) as lock, client.campaign("k", "me", ttl=30) as leadership:
        proxy.hold()
        for request, writes in (
            (lambda: client.kv.put("/k", b"", timeout=0.7), True),
            (lambda: lock.put("/k", b"", timeout=0.7), True),
            (lambda: leadership.proclaim("other", timeout=0.7), True),
            (lambda: client.kv.get("/k", timeout=0.7), False),
            (lambda: leadership.leader(timeout=0.7), False),
            (lambda: client.try_lock("other", timeout=0.7), False),
        ):
            with pytest.raises(DeadlineExceededError) as caught:
                request()
            assert isinstance(caught.value, TimeoutError)
            assert caught.value.maybe_applied is writes, caught.value
            assert caught.value.key
        proxy.release()


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), timedelta(seconds=-1)])
def test_a_time_limit_that_makes_no_sense_is_refused(client, timeout):
    with pytest.raises(InvalidArgumentError, match=r"kv\.get: invalid argument: timeout"):
        client.kv.get("/k", timeout=timeout)


def test_a_time_limit_of_another_type_is_a_type_error(client):
    with pytest.raises(TypeError, match="timeout must be seconds"):
        client.kv.get("/k", timeout="5")
