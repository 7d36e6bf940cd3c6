"""Connecting, closing, the end of a program."""

import gc
import threading
import time

import pytest

import gocore_etcd
from gocore_etcd import Client, ClosedError, InvalidArgumentError, TlsConfig, UnavailableError


def test_a_key_lies_below_the_prefix(client, prefix):
    assert client.prefix == prefix
    assert client.key("a/", "", "/b") == f"{prefix}/a/b"


def test_the_default_prefix_is_that_of_go(endpoint):
    with Client(endpoint) as client:
        assert client.prefix == "/go-core"


def test_everything_that_is_wrong_is_said_at_once_and_by_name():
    with pytest.raises(InvalidArgumentError) as caught:
        Client([], prefix="\0", username="")
    assert all(name in str(caught.value) for name in ("endpoints", "prefix", "user"))


@pytest.mark.parametrize("name", ["dial_timeout", "request_timeout", "auto_sync_interval"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_time_that_makes_no_sense_is_refused(name, value):
    with pytest.raises(InvalidArgumentError, match=name):
        Client("127.0.0.1:1", **{name: value})


def test_nobody_there_is_unavailable_and_a_connection_error():
    with pytest.raises(UnavailableError, match=r"client\.connect") as caught:
        Client("127.0.0.1:1", dial_timeout=3)
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.retryable
    assert not caught.value.maybe_applied


def test_a_certificate_is_read_before_anything_is_sent(tmp_path):
    for ca in (b"garbage", tmp_path / "missing.pem"):
        with pytest.raises(InvalidArgumentError, match="ca"):
            Client("https://127.0.0.1:1", tls=TlsConfig(ca=ca))


def test_secrets_are_not_shown():
    assert "hush" not in repr(TlsConfig(cert=b"c", key=b"hush"))
    client = Client.__new__(Client)
    super(Client, client).__init__(
        "h:1",
        prefix="/p",
        username="u",
        password="hush",
        dial_timeout=1,
        request_timeout=1,
        tls=None,
        auto_sync_interval=None,
    )
    assert "hush" not in repr(client) + repr(vars(client))


def test_after_close_everything_is_closed_and_closing_again_is_nothing(endpoint):
    client = Client(endpoint)
    kv, lock = client.kv, client.lock("closed", ttl=5)
    client.close()
    client.close()
    assert not lock.is_held()
    for call in (lambda: kv.get("/k"), lambda: client.lock("k"), lambda: client.try_lock("k")):
        with pytest.raises(ClosedError):
            call()
    assert "closed" in repr(client)


def test_closing_ends_the_calls_of_other_threads(endpoint, client, prefix, contenders, until):
    held = client.lock("busy", ttl=10)
    failures = []

    def wait(waiting):
        try:
            waiting.lock("busy", ttl=10)
        except ClosedError as error:
            failures.append(error)

    with Client(endpoint, prefix=prefix) as waiting:
        thread = threading.Thread(target=wait, args=[waiting])
        thread.start()
        until(lambda: len(contenders("busy")) == 2)
    thread.join(60)
    assert len(failures) == 1
    assert until(lambda: len(contenders("busy")) == 1)
    held.unlock()


def test_an_unclosed_client_warns_and_is_closed_all_the_same(endpoint, prefix, contenders, until):
    client = Client(endpoint, prefix=prefix)
    lock = client.lock("unclosed", ttl=30)
    with pytest.warns(ResourceWarning, match=r"unclosed <gocore_etcd\.Client"):
        del lock, client
        gc.collect()
    with Client(endpoint, prefix=prefix) as other:
        other.lock("unclosed", timeout=60).unlock()


def test_the_version_is_that_of_the_package():
    assert gocore_etcd.__version__.count(".") == 2


def test_an_operation_nobody_has_is_cancelled(client, other, contenders, until):
    # As when a signal strikes between its start and the moment somebody has it.
    with other.lock("k", ttl=30):
        gocore_etcd._native.lock_acquire(client._handle, 10**9, None, "k", 30 * 10**9)
        until(lambda: len(contenders("k")) == 1)
        time.sleep(0.2)
        assert len(contenders("k")) == 1
