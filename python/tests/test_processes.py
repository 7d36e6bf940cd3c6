"""Forked and spawned processes, and calls from many threads."""

import multiprocessing
import os
import threading
import time

import pytest

import gocore_etcd
from gocore_etcd import Client, WrongContextError

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

CHILD = """
import gc, os, threading, warnings
from gocore_etcd import Client, WrongContextError
warnings.simplefilter("ignore")
client = Client(ENDPOINT, prefix=PREFIX)
lock = client.lock("parent", ttl=10)
leadership = client.campaign("parent", "me", ttl=10)
candidacy = client.candidacy("parent", "waiting", ttl=10)
leaders = client.observe("parent")
assert next(leaders).token == leadership.token

stop = threading.Event()
def call():  # the fork may hit any of these calls in the middle
    while not stop.is_set():
        client.kv.get("/none")
threads = [threading.Thread(target=call) for _ in range(3)]
for thread in threads:
    thread.start()

def child():
    global client, lock, leadership, candidacy, leaders
    refused = 0
    for call in (lambda: client.kv.get("/none"), lambda: client.lock("x"), lambda: lock.unlock(), client.close,
                 lambda: lock.put("/k", b""), lambda: lock.wait_lost(),
                 lambda: client.campaign("x", "child"), lambda: client.candidacy("x", "child"),
                 lambda: client.leader("parent"), lambda: client.observe("parent"), lambda: next(leaders),
                 lambda: leadership.identity, lambda: leadership.resign(), lambda: leadership.proclaim("child"),
                 lambda: leadership.leader(), lambda: leadership.observe(), lambda: leadership.put("/k", b""),
                 lambda: candidacy.state, lambda: candidacy.leadership, lambda: next(candidacy),
                 lambda: candidacy.resign()):
        try:
            call()
        except WrongContextError:
            refused += 1
    assert refused == 21, refused
    assert not lock.is_held() and not leadership.is_leader() and not candidacy.is_leader()
    assert leadership.key == candidacy.key and leadership.token > lock.token
    assert lock.key.endswith("/parent") and client.prefix == PREFIX
    with Client(ENDPOINT, prefix=PREFIX) as own:
        assert own.try_lock("parent") is None
        own.lock("child", ttl=10).unlock()
        assert own.leader("parent").identity == "me"
    del client, lock, leadership, candidacy, leaders
    gc.collect()

for _ in range(5):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child()
            code = 0
        finally:
            if code or ENDING == "hard":
                os._exit(code)
            stop.set()
            sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
stop.set()
for thread in threads:
    thread.join()
assert lock.is_held()
lock.put(client.key("k"), b"")
leadership.proclaim("still me")
assert next(leaders).identity == "still me" == client.leader("parent").identity
leadership.resign()
while not candidacy.is_leader():
    candidacy.next(timeout=60)
candidacy.resign()
lock.unlock()
client.close()
print("well")
"""


@pytest.mark.parametrize("ending", ["hard", "soft"])
def test_a_forked_child_is_told_begins_anew_and_disturbs_nobody(script, ending):
    code, out, err = script.run(f"ENDING = {ending!r}\n{CHILD}", "-X", "faulthandler")
    assert (code, out) == (0, "well\n"), err


def test_an_answer_that_a_forked_child_finds_untaken_is_the_parent_s(script):
    code, out, err = script.run(
        """
        import gc, os, time, warnings
        from gocore_etcd import Client, WrongContextError, _dispatch, _native
        warnings.simplefilter("ignore")
        client = Client(ENDPOINT, prefix=PREFIX)
        operation = _native.lock_acquire(client._handle, 0, None, "k", 30 * 10**9)
        answer = _dispatch.begin("test").wait(operation, 10 * 10**9)
        pid = os.fork()
        if pid == 0:
            try:
                answer.take()
            except WrongContextError:
                del answer, operation
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert answer.take().is_held()
        client.close()
        print("well")
        """,
    )
    assert (code, out) == (0, "well\n"), err


def _work(endpoint, prefix, turns):
    with Client(endpoint, prefix=prefix) as client:
        key = client.key("sum")
        for _ in range(turns):
            with client.lock("sum", ttl=20):
                found = client.kv.get(key)
                client.kv.put(key, b"%d" % (int(found.value if found else 0) + 1))
    return os.getpid()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_every_kind_exclude_each_other(client, endpoint, prefix, method):
    context = multiprocessing.get_context(method)
    with context.Pool(3) as pool:
        pids = pool.starmap(_work, [(endpoint, prefix, 5)] * 3, chunksize=1)
    assert os.getpid() not in pids
    assert client.kv.get(client.key("sum")).value == b"15"


_kept = []


def _take_and_keep(endpoint, prefix):
    client = Client(endpoint, prefix=prefix)
    _kept.extend([client, client.lock("kept", ttl=60)])
    threading.Thread(target=_late, args=[client]).start()


def _late(client):
    time.sleep(0.2)
    client.kv.put(client.key("late"), b"")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_end_of_a_process_of_every_kind_gives_back_what_it_kept(client, endpoint, prefix, method):
    process = multiprocessing.get_context(method).Process(target=_take_and_keep, args=(endpoint, prefix))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert client.kv.get(client.key("late")) is not None, "its threads may use their clients until they end"
    lock = client.try_lock("kept")
    assert lock is not None, "it was free when the process had ended"
    lock.unlock()


def test_many_threads_share_a_client(client):
    failures = []

    def call(number):
        try:
            for turn in range(20):
                key = client.key("threads", str(number), str(turn))
                client.kv.put(key, key.encode())
                assert client.kv.get(key).value == key.encode()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=call, args=[number]) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_finalizer_on_the_dispatcher_s_thread_is_refused_not_stuck(client):
    seen = []

    class Waiter:
        def complete(self, _answer, _batch):
            try:
                client.kv.get("/none")
            except WrongContextError as error:
                seen.append(error)
            done.set()

    done = threading.Event()
    number = gocore_etcd._dispatch.enter("test", Waiter())
    gocore_etcd._native.kv_get(client._handle, number, -1, b"/none")
    assert done.wait(60)
    assert len(seen) == 1
