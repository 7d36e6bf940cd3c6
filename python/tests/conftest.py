"""A real etcd for every test: the one the environment names, else a private one."""

import base64
import contextlib
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.parse
import uuid

import pytest

import gocore_etcd

# Started in the background by a shell it would be ignored, in child processes too, and tests of it wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

ENDPOINT = "GOCORE_ETCD_ENDPOINT"
SOON = 60.0
"""What happens at once, on a machine that is busy with other tests; in seconds."""


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory):
    """``host:port`` of an etcd."""
    given = os.environ.get(ENDPOINT)
    if given:
        yield given
        return
    with Server(tmp_path_factory.mktemp("etcd")) as server:
        yield server.endpoint


@pytest.fixture
def server(tmp_path):
    """Give an etcd of the test's own, to kill and restart."""
    with Server(tmp_path) as server:
        yield server


class Server:
    """An etcd on free ports, with its data in a directory."""

    def __init__(self, directory):
        etcd = os.environ.get("ETCD_BIN") or shutil.which("etcd")
        assert etcd, f"set {ENDPOINT} to an etcd, or ETCD_BIN to its program"
        self._reserved = [_reserved_port() for _ in range(2)]
        self.endpoint, peer = (f"http://127.0.0.1:{port.getsockname()[1]}" for port in self._reserved)
        flags = {
            "data-dir": directory,
            "listen-client-urls": self.endpoint,
            "advertise-client-urls": self.endpoint,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "log-level": "error",
            "unsafe-no-fsync": "true",
        }
        self._command = [etcd, *(f"--{name}={value}" for name, value in flags.items())]
        self._start()

    def _start(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD_")}
        self._process = subprocess.Popen(self._command, env=environment)
        with gocore_etcd.Client(self.endpoint, dial_timeout=30):
            pass

    def enable_auth(self, user, password, prefix):
        """Let this user do everything below the prefix, and nothing elsewhere."""
        self._post("user/add", name="root", password=password)
        self._post("user/grant", user="root", role="root")
        self._post("user/add", name=user, password=password)
        self._post("role/add", name="few")
        self._post("role/grant", **self._below(prefix))
        self._post("user/grant", user=user, role="few")
        self._post("enable")

    def allow(self, password, prefix):
        """Let the user do everything below this prefix, too."""
        token = self._post("authenticate", name="root", password=password)["token"]
        self._post("role/grant", token, **self._below(prefix))

    @staticmethod
    def _below(prefix):
        keys = gocore_etcd.Range.prefix(prefix)
        first, end = (base64.b64encode(key).decode() for key in (keys.first, keys.end))
        return {"name": "few", "perm": {"permType": "READWRITE", "key": first, "range_end": end}}

    def _post(self, path, token=None, **body):
        return _post(self.endpoint, f"/v3/auth/{path}", token, **body)

    def requests(self, method):
        """Count the requests of this method that it has had so far."""
        url = urllib.parse.urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(url.hostname, url.port)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            metrics = connection.getresponse().read().decode()
        return int(
            re.search(rf'^grpc_server_started_total{{grpc_method="{method}",.*}} (\d+)', metrics, re.MULTILINE)[1]
        )

    def kill(self):
        """Kill it; its data stays."""
        self._process.kill()
        self._process.wait()

    def restart(self):
        """Kill it and start it again."""
        self.kill()
        self._start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        for port in self._reserved:
            port.close()


def _post(endpoint, path, token=None, **body):
    url = urllib.parse.urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    connection = http.client.HTTPConnection(url.hostname, url.port)
    with contextlib.closing(connection):
        headers = {"Authorization": token} if token else {}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, (path, answer)
        return json.loads(answer)


def _reserved_port():
    """Bind a socket that never listens: etcd can listen beside it, and nobody else is given its port by chance."""
    port = socket.socket()
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port.bind(("127.0.0.1", 0))
    return port


@pytest.fixture
def prefix():
    """A prefix that no other test has."""
    return f"/test/{uuid.uuid4().hex}"


@pytest.fixture
def client(endpoint, prefix):
    with gocore_etcd.Client(endpoint, prefix=prefix) as client:
        yield client


@pytest.fixture
def other(endpoint, prefix):
    """A second client of the same locks, as another machine has it."""
    with gocore_etcd.Client(endpoint, prefix=prefix) as other:
        yield other


@pytest.fixture
def until():
    return _until


def _until(condition, what="it", within=SOON):
    """Wait until the condition holds, and give its value."""
    end = time.monotonic() + within
    for attempt in itertools.count():
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not happen within {within} s"
        time.sleep(min(0.001 * 2 ** min(attempt, 10), 0.05))
    raise AssertionError


@pytest.fixture
def interrupted():
    return _interrupted


def _interrupted(call, step, wanted):
    """Make a call, with KeyboardInterrupt before a bytecode of the code that is wanted; give (result, interrupt)."""
    steps = itertools.count()

    def trace(frame, event, _):
        if not wanted(frame.f_code):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps) == step:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    # Python 3.12 traces bytecodes only if some frame wanted them before.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        return call(), None
    except KeyboardInterrupt as interrupt:
        return None, interrupt
    finally:
        sys.settrace(before)


@pytest.fixture
def contenders(client):
    """Give the keys in the queue of a lock."""

    def contenders(key):
        queue = gocore_etcd.Range.prefix(client.key("locks", key) + "/", order="oldest")
        return [kv.key for kv in client.kv.list(queue).kvs]

    return contenders


@pytest.fixture
def candidates(client):
    """Give the keys in the queue of an election."""

    def candidates(key):
        queue = gocore_etcd.Range.prefix(client.key("elections", key) + "/", order="oldest")
        return [kv.key for kv in client.kv.list(queue).kvs]

    return candidates


@pytest.fixture
def granted(endpoint):
    """Give the TTL that etcd granted the lease of a contender or a candidate, by its key; in seconds."""

    def granted(key):
        lease = int(key.rsplit(b"/", 1)[1].split(b"-")[0], 16)
        answer = _post(endpoint, "/v3/lease/timetolive", ID=str(lease))
        return int(answer["grantedTTL"])

    return granted


@pytest.fixture
def resignation_failed(caplog):
    """Say whether a leader whose work has ended could not resign."""
    caplog.set_level("DEBUG", "gocore_etcd")
    # The core's own records have longer names.
    return lambda: any("election.resign: " in said for name, _, said in caplog.record_tuples if name == "gocore_etcd")


@pytest.fixture
def steal(client):
    """Delete the key of a lock or a leadership, as an operator may: its owner must find out."""

    def steal(held):
        (owner,) = client.kv.list(gocore_etcd.Range.prefix(held.key + "/", order="oldest", limit=1)).kvs
        assert owner.create_revision == held.token
        client.kv.delete(owner.key)

    return steal


@pytest.fixture
def proxied(endpoint, prefix):
    """Give a client and the proxy it reaches etcd through."""
    proxy = Proxy(endpoint)
    with gocore_etcd.Client(proxy.endpoint, prefix=prefix) as client:
        yield client, proxy
        proxy.release()


@pytest.fixture
def proxy_of():
    return Proxy


class Proxy:
    """A way to etcd on which everything can stand still."""

    def __init__(self, endpoint):
        self.answers = bytearray()
        """What etcd has sent."""
        host, port = endpoint.removeprefix("http://").rsplit(":", 1)
        self._to = host, int(port)
        self._passes = threading.Event()
        self._passes.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self):
        """Pass nothing on from now on."""
        self._passes.clear()

    def release(self):
        """Pass everything on again."""
        self._passes.set()

    def _accept(self):
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(self._to)
            for ends in ((near, far, bytearray()), (far, near, self.answers)):
                threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source, sink, passed):
        with contextlib.suppress(OSError), source, sink:
            while data := source.recv(65536):
                self._passes.wait()
                passed += data
                sink.sendall(data)


class Picture:
    """What a user makes of the updates of a watch: the keys with the revision of their last change."""

    def __init__(self):
        self.keys = {}
        self.revision = 0
        self.snapshots = 0
        self.coalesced = False

    def update(self, update):
        match update:
            case gocore_etcd.Snapshot(revision, kvs):
                self.keys = {kv.key: kv.mod_revision for kv in kvs}
                self.revision = revision
                self.snapshots += 1
            case gocore_etcd.Changes(revision, changes, coalesced):
                assert revision > self.revision, "in order, and none twice"
                self.revision = revision
                self.coalesced |= coalesced
                for change in changes:
                    if isinstance(change, gocore_etcd.Put):
                        self.keys[change.key] = change.revision
                    else:
                        del self.keys[change.key]

    def assert_true(self, client, prefix):
        listing = client.kv.list(gocore_etcd.Range.prefix(prefix))
        assert self.keys == {kv.key: kv.mod_revision for kv in listing.kvs}


@pytest.fixture
def picture():
    return Picture()


class Script:
    """A program of its own that uses the package."""

    def __init__(self, endpoint, prefix):
        self._args = [endpoint, prefix]

    def start(self, source, *flags):
        head = "import sys\nENDPOINT, PREFIX = sys.argv[1:3]\n"
        command = [sys.executable, *flags, "-c", head + textwrap.dedent(source), *self._args]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def run(self, source, *flags, within=300):
        """Run it to its end; give (exit code, stdout, stderr)."""
        with self.start(source, *flags) as process:
            try:
                out, err = process.communicate(timeout=within)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, out, err


@pytest.fixture
def script(endpoint, prefix):
    return Script(endpoint, prefix)
