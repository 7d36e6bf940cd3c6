"""What is read: native, but to everybody a frozen dataclass with slots."""

import copy
import dataclasses
import gc
import inspect
import pickle
import pprint
import sys

import pytest

import gocore_etcd
from gocore_etcd import Changes, Connected, Delete, KeyValue, Put, Snapshot

KV = KeyValue(b"k", b"v", 1, 2, 3, 4)

VALUES = [
    (KV, {"key": b"k", "value": b"v", "create_revision": 1, "mod_revision": 2, "version": 3, "lease": 4}),
    (Put(KV), {"kv": KV}),
    (Delete(b"k", -(2**63)), {"key": b"k", "revision": -(2**63)}),
    (Snapshot(2**63 - 1, (KV,)), {"revision": 2**63 - 1, "kvs": (KV,)}),
    (
        Changes(1, (Put(KV), Delete(b"", 1)), True),
        {"revision": 1, "changes": (Put(KV), Delete(b"", 1)), "coalesced": True},
    ),
    (Connected(False), {"connected": False}),
]

each_value = pytest.mark.parametrize(("value", "fields"), VALUES, ids=lambda each: type(each).__name__)


def like(value, fields):
    """Make the dataclass that it must look like."""
    cls = dataclasses.make_dataclass(type(value).__name__, list(fields), frozen=True, slots=True)
    return cls(**fields)


def changed(value, fields):
    """Give it with another field changed each time."""
    for name, content in fields.items():
        if isinstance(content, KeyValue):
            other = dataclasses.replace(content, lease=99)
        elif isinstance(content, bool):
            other = not content
        elif isinstance(content, int):
            other = 77
        else:
            other = content + content or content[:0] + type(content)(b"x")
        yield type(value)(**{**fields, name: other})


@each_value
def test_it_can_be_printed_prettily(value, fields):
    assert type(value).__dataclass_params__.frozen
    for width in (1, 80, 1000):
        assert pprint.pformat([value, fields], width=width)


@each_value
def test_its_fields_are_what_it_was_made_of_by_place_or_by_name(value, fields):
    cls = type(value)
    for made in (value, cls(*fields.values()), cls(**fields)):
        assert {name: getattr(made, name) for name in fields} == fields
        assert made == value
    assert cls.__match_args__ == tuple(fields)
    assert list(inspect.signature(cls).parameters) == list(fields)


@each_value
def test_it_looks_and_compares_like_a_dataclass(value, fields):
    model = like(value, fields)
    assert repr(value) == repr(model)
    assert hash(value) == hash(model)
    assert value != model
    assert value != tuple(fields.values())
    with pytest.raises(TypeError):
        value < value  # noqa: B015, PLR0124
    for other in changed(value, fields):
        assert other != value


@each_value
def test_it_cannot_be_changed(value, fields):
    for name in [*fields, "another"]:
        with pytest.raises(AttributeError):
            setattr(value, name, None)
        with pytest.raises(AttributeError):
            delattr(value, name)
    assert not hasattr(value, "__dict__")


@each_value
def test_it_can_be_copied_and_pickled(value, fields):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(value, protocol))
        assert type(back) is type(value)
        assert back == value
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value


@each_value
def test_dataclasses_take_it_for_one_of_theirs(value, fields):
    assert [field.name for field in dataclasses.fields(value)] == list(fields)
    assert dataclasses.asdict(value) == dataclasses.asdict(like(value, fields))
    name, content = next(iter(fields.items()))
    for replace in (dataclasses.replace, type(value).__replace__):
        assert replace(value) == value
        assert getattr(replace(value, **{name: content}), name) == content
        with pytest.raises(TypeError):
            replace(value, another=1)


@each_value
def test_it_is_public_and_documented(value, fields):
    cls = type(value)
    assert getattr(gocore_etcd, cls.__name__) is cls
    assert cls.__module__ == "gocore_etcd"
    for each in (cls, *(getattr(cls, name) for name in fields)):
        assert each.__doc__


def test_what_does_not_fit_is_refused():
    for wrong in (
        lambda: KeyValue("k", b"v", 1, 2, 3, 4),
        lambda: KeyValue(b"k", b"v", "1", 2, 3, 4),
        lambda: KeyValue(b"k"),
        lambda: Put(b"k"),
        lambda: Snapshot(1, [KV]),
        lambda: Changes(1, (), 1),
        lambda: Connected(None),
    ):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(OverflowError):
        Delete(b"k", 2**63)


def test_it_can_be_matched():
    match Changes(7, (Put(KV), Delete(b"d", 7)), False):
        case Changes(revision, (Put(KeyValue(key, value=b"v")), Delete(deleted, revision=7)), coalesced=False):
            assert (revision, key, deleted) == (7, b"k", b"d")
        case _:
            pytest.fail("it did not match")


def test_a_put_tells_of_its_key():
    put = Put(KV)
    assert (put.key, put.revision) == (b"k", 2)
    assert put.kv is KV


def test_reading_it_leaves_nothing_behind():
    key, value = b"a key of its own", b"a value of its own"
    before = sys.getrefcount(key), sys.getrefcount(value)
    for _ in range(100):
        kv = KeyValue(key, value, 1, 2, 3, 4)
        changes = Changes(1, (Put(kv),), False)
        assert changes.changes[0].kv.key is key
        assert changes == copy.copy(changes)
        assert hash(changes)
        assert repr(changes)
    del kv, changes
    assert (sys.getrefcount(key), sys.getrefcount(value)) == before


def test_one_that_holds_itself_is_collected():
    class Held:
        pass

    gone = []
    for make in (lambda held: Snapshot(1, (held,)), lambda held: Changes(1, (held,), False)):
        held = Held()
        held.by = make(held)
        held.last = type("Last", (), {"__del__": lambda _: gone.append(1)})()
        del held
    gc.collect()
    assert len(gone) == 2
