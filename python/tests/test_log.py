"""What the library has to say arrives in Python's logging."""

import logging
import re

from gocore_etcd import Client, _log


def test_connecting_is_logged_under_the_name_of_the_part(endpoint, prefix, caplog, until):
    caplog.set_level(logging.DEBUG, "gocore_etcd")
    with Client(endpoint, prefix=prefix):
        record = until(
            lambda: next((record for record in caplog.records if prefix in record.getMessage()), None), "a log record"
        )
    assert record.name.startswith("gocore_etcd.transport")
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("connected")


def test_a_secret_is_never_logged(server, proxy_of, prefix, caplog, until):
    server.enable_auth("alice", "hush-hush", prefix)
    proxy = proxy_of(server.endpoint)
    caplog.set_level(logging.DEBUG)
    with Client(proxy.endpoint, prefix=prefix, username="alice", password="hush-hush") as client:
        client.kv.put(client.key("k"), b"v")
        until(lambda: "connected" in caplog.text)
    # As etcd makes them: only what it was told by name would be found otherwise.
    tokens = re.findall(rb"[A-Za-z]{16}\.[0-9]+", proxy.answers)
    assert tokens, "etcd gave the client a token"
    for secret in ("hush", *(token.decode() for token in tokens)):
        assert secret not in caplog.text


def test_a_forked_child_logs_too(script):
    code, out, err = script.run(
        """
        import logging, os, time
        logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(process)d %(name)s %(message)s")
        from gocore_etcd import Client
        Client(ENDPOINT, prefix=PREFIX).close()
        pid = os.fork()
        if pid == 0:
            Client(ENDPOINT, prefix=PREFIX).close()
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        """,
    )
    assert code == 0, err
    assert len({line.split()[0] for line in out.splitlines() if "connected" in line}) == 2, out


def test_what_was_dropped_is_told(caplog, monkeypatch):
    class Taken:
        def __init__(self):
            self.answers = [([(20, "gocore_etcd_core::session", "held")], 7), None]

        def take(self):
            return self.answers.pop(0)

    reader = _log.Reader.__new__(_log.Reader)
    reader._log = Taken()
    caplog.set_level(logging.INFO)
    reader._run()
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("gocore_etcd", "7 records of the log were dropped: its handlers are too slow"),
        ("gocore_etcd.session", "held"),
    ]
