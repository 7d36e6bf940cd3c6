"""The blocking API and asyncio: the same names, parameters and defaults."""

import inspect
import sys

import pytest

import gocore_etcd
from gocore_etcd import aio

AWAITED_OR_ENTERED = {("Client", "lock"), ("Client", "campaign")}
"""Methods whose result is awaited or entered; all others that wait are coroutines."""

NEVER_WAITS = {
    ("Kv", "watch"),
    ("Client", "observe"),
    ("Client", "candidacy"),
    ("Client", "run_as_leader"),
    ("Leadership", "observe"),
}
"""Methods of both that wait for nothing, but give something that does."""


def _public(cls):
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize("name", aio.__all__)
def test_both_have_the_same_methods_with_the_same_parameters(name):
    blocking, awaited = getattr(gocore_etcd, name), getattr(aio, name)
    assert _public(blocking) == _public(awaited)
    for method in sorted(_public(blocking) | {"__init__"}):
        ours, theirs = getattr(blocking, method), getattr(awaited, method)
        if isinstance(ours, property):
            assert isinstance(theirs, property)
            continue
        assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters, method
        same = ours is theirs  # inherited by both: it does not wait
        known = same or method == "__init__" or (name, method) in AWAITED_OR_ENTERED | NEVER_WAITS
        assert known or inspect.iscoroutinefunction(theirs), method
        assert method == "__init__" or (ours.__doc__ and theirs.__doc__), method


def test_what_is_entered_with_here_is_entered_with_async_with_there():
    for name in aio.__all__:
        blocking, awaited = getattr(gocore_etcd, name), getattr(aio, name)
        assert hasattr(blocking, "__enter__") == hasattr(awaited, "__aenter__")
        assert hasattr(blocking, "__next__") == hasattr(awaited, "__anext__")
        assert not hasattr(awaited, "__enter__"), "a blocking with in asyncio would block"
        assert not hasattr(awaited, "__next__")


def test_whoever_blocks_has_a_twin_in_asyncio():
    classes = {name: each for name in gocore_etcd.__all__ if inspect.isclass(each := getattr(gocore_etcd, name))}

    def blocks(each):
        return hasattr(sys.modules[each.__module__], "run_sync") or hasattr(each, "__next__")

    assert {name for name, each in classes.items() if blocks(each)} == set(aio.__all__)


def test_everything_public_is_listed_and_documented():
    for module in (gocore_etcd, aio):
        for name in module.__all__:
            each = getattr(module, name)
            assert not inspect.isclass(each) or each.__doc__, name
