//! A lock and an election are contests of one kind: what each calls its things, in etcd, to the agents and in the story.

/// A contest for something that one at a time can have.
pub(super) struct Contest {
    /// Where it lies below the prefix.
    pub(super) room: &'static str,
    /// As the agents are told it.
    pub(super) key: &'static str,
    /// What the winners write, below the prefix.
    pub(super) result: &'static str,
    /// Whether a contender says who it is, for observers.
    pub(super) identified: bool,
    pub(super) agent: Protocol,
    pub(super) words: Words,
    pub(super) promises: Promises,
}

/// Commands to an agent and the events that answer them: see `tests/src/bin/agent.rs`.
pub(super) struct Protocol {
    pub(super) contend: &'static str,
    pub(super) contends: &'static str,
    pub(super) won: &'static str,
    pub(super) ask: &'static str,
    /// The event's field is called so too.
    pub(super) answer: &'static str,
    pub(super) write: &'static str,
    pub(super) give_back: &'static str,
    pub(super) given_back: &'static str,
}

/// Of a worker who ...
pub(super) struct Words {
    pub(super) has_it: &'static str,
    pub(super) has_it_no_more: &'static str,
    pub(super) gives_it_back: &'static str,
    /// What it has.
    pub(super) its: &'static str,
}

/// What the verdict is about.
pub(super) struct Promises {
    pub(super) expiry: &'static str,
    pub(super) loss: &'static str,
    pub(super) order: &'static str,
    pub(super) tokens: &'static str,
}

pub(super) const LOCK: Contest = Contest {
    room: "locks",
    key: "report",
    result: "result",
    identified: false,
    agent: Protocol {
        contend: "lock",
        contends: "waiting",
        won: "acquired",
        ask: "is_held",
        answer: "held",
        write: "put",
        give_back: "unlock",
        given_back: "unlocked",
    },
    words: Words {
        has_it: "holds the lock",
        has_it_no_more: "holds it no more",
        gives_it_back: "unlocks",
        its: "its lock",
    },
    promises: Promises {
        expiry: "a dead holder's lock is free after its TTL",
        loss: "a lock is lost here before the next has it",
        order: "turns come in the order of arrival",
        tokens: "each holder's fencing token is higher",
    },
};

pub(super) const ELECTION: Contest = Contest {
    room: "elections",
    key: "/leader/scheduler",
    result: "schedule",
    identified: true,
    agent: Protocol {
        contend: "campaign",
        contends: "campaigning",
        won: "leading",
        ask: "is_leader",
        answer: "leads",
        write: "lead_put",
        give_back: "resign",
        given_back: "resigned",
    },
    words: Words { has_it: "leads", has_it_no_more: "leads no more", gives_it_back: "resigns", its: "its leadership" },
    promises: Promises {
        expiry: "a dead leader is followed after its TTL",
        loss: "leadership is lost here before the next leads",
        order: "leaders come in the order of candidacy",
        tokens: "each leader's fencing token is higher",
    },
};
