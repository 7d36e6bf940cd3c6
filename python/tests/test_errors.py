"""The errors as a family: one class a kind, the same list as the core's, whole after pickling."""

import copy
import pickle

import pytest

import gocore_etcd
from gocore_etcd import ErrorKind, EtcdError, _native
from gocore_etcd._errors import BY_KIND, from_native

ALSO = {
    "InvalidArgument": ValueError,
    "NotFound": LookupError,
    "DeadlineExceeded": TimeoutError,
    "Unavailable": ConnectionError,
    "PermissionDenied": PermissionError,
    "Unsupported": NotImplementedError,
    "WrongContext": RuntimeError,
    "Malformed": ValueError,
}


def test_kinds_numbers_and_names_are_those_of_the_core():
    ours = {kind.value: kind.name.replace("_", "").lower() for kind in ErrorKind}
    assert ours == {number: name.lower() for number, name in _native.error_kinds()}
    for number, name in _native.error_kinds():
        expected = "OperationCancelledError" if name == "Cancelled" else f"{name}Error"
        assert BY_KIND[number].__name__ == expected
        assert getattr(gocore_etcd, expected) is BY_KIND[number]
        assert expected in gocore_etcd.__all__


@pytest.mark.parametrize(("number", "name"), _native.error_kinds())
def test_each_is_whole_and_can_be_copied_and_pickled(number, name):
    error = from_native(number, "kv.get: it failed key=/k", "kv.get", "/k", True, True)
    error.add_note("a note")
    assert isinstance(error, (EtcdError, ALSO.get(name, EtcdError)))
    assert issubclass(type(error), ALSO.get(name, EtcdError))
    for each in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert str(each) == "kv.get: it failed key=/k"
        assert each.args == ("kv.get: it failed key=/k",)
        assert (each.kind, each.op, each.key, each.retryable, each.maybe_applied) == (
            number,
            "kv.get",
            "/k",
            True,
            True,
        )
        assert each.__notes__ == ["a note"]


def test_one_can_be_made_by_hand_for_a_test_of_ones_own():
    error = gocore_etcd.LostError("gone", key="/k")
    assert (str(error), error.op, error.key, error.retryable) == ("gone", "", "/k", False)
    assert str(EtcdError()) == ""


@pytest.mark.parametrize("place", ["entry", "work"])
def test_a_bug_in_the_library_is_an_internal_error_and_the_process_lives_on(script, monkeypatch, place):
    monkeypatch.setenv("GOCORE_ETCD_TEST_PANIC", f"kv.get@{place}")
    code, out, err = script.run(
        """
        import gocore_etcd
        with gocore_etcd.Client(ENDPOINT, prefix=PREFIX) as client:
            try:
                client.kv.get("/none")
            except gocore_etcd.InternalError as error:
                print(error, error.kind.name, error.op)
            print(client.kv.get("/none"))
        """
    )
    assert code == 0, err
    assert "asked for by a test" in err, "the message of the panic"
    said = "kv.get: internal error: caught a panic, please report it: asked for by a test"
    key = " key=/none" if place == "work" else ""
    assert out.splitlines() == [f"{said}{key} INTERNAL kv.get", "None"]
