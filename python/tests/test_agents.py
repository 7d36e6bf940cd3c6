"""The agents, of which tests in Rust make a mixed cast: that both speak the protocol of ``tests/src/bin/agent.rs``."""

import collections
import json
import pathlib
import queue
import subprocess
import sys
import threading

import pytest

from gocore_etcd import Range

HERE = pathlib.Path(__file__).parent


class Agent:
    def __init__(self, program, prefix, endpoint):
        command = [sys.executable, "-X", "dev", HERE / program, prefix, endpoint]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1)
        self._said = collections.defaultdict(queue.SimpleQueue)
        threading.Thread(target=self._listen, daemon=True).start()
        self.expect("connected")

    def ask(self, do, **command):
        self.process.stdin.write(json.dumps({"do": do, **command}) + "\n")

    def expect(self, event):
        """Wait for the next of its name; handlers say theirs in between."""
        return self._said[event].get(timeout=120)

    def _listen(self):
        for line in self.process.stdout:
            # The log is between the events.
            if line.startswith("{"):
                said = json.loads(line)
                self._said[said["event"]].put(said)


@pytest.fixture(params=["agent.py", "agent_async.py"])
def agent(request, prefix, endpoint):
    agent = Agent(request.param, prefix, endpoint)
    with agent.process:
        yield agent
        agent.ask("close")
        agent.expect("closed")
        assert agent._said["failed"].empty()
        assert (agent.process.wait(120), agent.process.stderr.read()) == (0, "")


def test_an_agent_campaigns_proclaims_and_resigns_and_observes(agent, client):
    agent.ask("observe", key="k")
    assert agent.expect("observed")["identity"] is None
    agent.ask("campaign", key="k", identity='a "🚀"', ttl_ms=10000)
    leading = agent.expect("leading")
    assert (leading["key"], leading["identity"]) == (client.key("elections", "k"), 'a "🚀"')
    seen = agent.expect("observed")
    assert (seen["identity"], seen["token"]) == (leading["identity"], leading["token"])
    agent.ask("proclaim", identity="b")
    assert agent.expect("observed")["identity"] == "b"
    agent.ask("leader", key="k")
    leader = client.leader("k")
    said = agent.expect("leader")
    assert [said[name] for name in ("identity", "token", "revision")] == ["b", leader.token, leader.revision]
    agent.ask("is_leader")
    assert agent.expect("leads")["leads"]
    agent.ask("lead_put", key=client.key("x"), value="1")
    agent.expect("written")
    agent.ask("resign")
    agent.expect("resigned")
    assert agent.expect("observed")["identity"] is None
    agent.ask("campaign", key="k", identity="again", ttl_ms=10000)
    agent.expect("leading")
    client.kv.delete(client.kv.list(_queue(client)).kvs[0].key)
    agent.expect("lost")
    agent.ask("is_leader")
    assert not agent.expect("leads")["leads"]


def test_an_agent_stands_and_says_what_it_believes(agent, client, until):
    journal = client.key("journal")
    with client.observe("k") as leaders:
        agent.ask("stand", key="k", identity="me", ttl_ms=10000, journal=journal)
        tokens = [agent.expect("leading")["token"]]
        while next(leaders) is None or "#" not in client.leader("k").identity:
            pass
        assert int(until(lambda: client.kv.get(journal), "the journal").value) == tokens[0]
        client.kv.delete(client.kv.list(_queue(client)).kvs[0].key)
        tokens.append(agent.expect("leading")["token"])
        while (believes := agent.expect("believes"))["token"] == tokens[0]:
            pass
        assert believes["from_ns"] <= believes["until_ns"]
    assert tokens[0] < tokens[1] == believes["token"]


def _queue(client):
    return Range.prefix(client.key("elections", "k") + "/", order="oldest")
