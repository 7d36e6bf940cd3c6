"""The Python agents' part in elections: commands, as in ``agent.py``, and what a candidacy that stands does."""

from saying import now, say

from gocore_etcd import Op


class Elections:
    """The commands. ``follow`` and ``begin`` are the agent's way to have something go on meanwhile."""

    def __init__(self, client, follow, begin):
        self.client = client
        self._follow = follow
        self._begin = begin
        self._leadership = None
        self.standing = []

    def do_campaign(self, key="", identity="", ttl_ms=0):
        say("campaigning", key=key)
        leadership = yield self.client.campaign(key, identity, ttl_ms / 1000)
        say("leading", key=leadership.key, identity=leadership.identity, token=leadership.token, at_ns=now())
        leadership.on_lost(lambda: say("lost", at_ns=now()))
        self._leadership = leadership

    def do_is_leader(self):
        say("leads", leads=self._leadership is not None and self._leadership.is_leader(), at_ns=now())

    def do_lead_put(self, key="", value=""):
        # Not `leadership.put`, which knows that it is lost: here etcd is to judge.
        result = yield self.client.kv.txn(then=[Op.put(key, value.encode())], guard=self._leadership)
        say("written", revision=result.revision)

    def do_proclaim(self, identity=""):
        if self._leadership is None:
            _no_leadership("proclaim")
        else:
            yield self._leadership.proclaim(identity)
            say("proclaimed", at_ns=now())

    def do_resign(self):
        if self._leadership is None:
            _no_leadership("resign")
        else:
            yield self._leadership.resign()
            say("resigned", at_ns=now())

    def do_leader(self, key=""):
        _shown("leader", (yield self.client.leader(key)))

    def do_observe(self, key=""):
        self.client.observe(key, lambda leader: _shown("observed", leader))

    def do_stand(self, key="", identity="", ttl_ms=0, journal=""):
        candidacy = self.client.candidacy(key, identity, ttl_ms / 1000)
        self.standing.append(self._follow(candidacy, lambda leadership: self._believe(leadership, journal)))

    def _believe(self, leadership, journal):
        """Say from when until when it believes to lead; a generator that pauses a millisecond at each step.

        A moment counts by the clock read before the belief: whatever stops the process in between, it believed no
        earlier. It writes also when it believes no longer: etcd is to judge.
        """
        token, identity, begun = leadership.token, leadership.identity, now()
        if not leadership.is_leader():
            return
        say("leading", identity=identity, token=token, at_ns=begun)
        writing = proclaiming = None
        until, turn, late = begun, 0, 0
        while late < 100:
            moment = now()
            if late == 0 and leadership.is_leader():
                until = moment
            else:
                late += 1
            if turn % 20 == 0 or late == 1:
                say("believes", token=token, from_ns=begun, until_ns=until)
                if writing is None or writing.done():
                    put = Op.put(journal, b"%d" % token)
                    writing = self._begin(lambda put=put: self.client.kv.txn(then=[put], guard=leadership))
            if turn % 200 == 199 and (proclaiming is None or proclaiming.done()):
                proclaiming = self._begin(lambda name=f"{identity}#{turn}": leadership.proclaim(name))
            turn += 1
            yield


def _shown(event, leader):
    fields = ("identity", "token", "revision")
    say(event, **{field: leader and getattr(leader, field) for field in fields}, at_ns=now())


def _no_leadership(what):
    say("failed", do=what, kind="Unknown", message="no leadership")
