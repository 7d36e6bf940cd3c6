//! The Rust agent: a program that uses the library as its users do, in a process of its own, and says what happens.
//!
//! `agent PREFIX ENDPOINT...` connects and then takes one command a line on stdin, each a JSON object; it answers with
//! events, one JSON object a line. Agents in other languages speak the same:
//!
//! | command | events |
//! |---|---|
//! | (start) | `connected` |
//! | `{"do":"lock","key":…,"ttl_ms":…}` | `waiting`, then `acquired` (`key`, `token`, `at_ns`), later perhaps `lost` (`at_ns`; not for a lock that is given back) |
//! | `{"do":"try_lock","key":…,"ttl_ms":…}` | `acquired` or `not_acquired` |
//! | `{"do":"is_held"}` | `held` (`held`) |
//! | `{"do":"put","key":…,"value":…}` | `written` (`revision`): guarded by the lock, judged by etcd alone |
//! | `{"do":"unlock"}` | `unlocked` |
//! | `{"do":"count","key":…,"ttl_ms":…,"counter":…,"turns":…}` | `counted`: so many times lock, read, add one, write, unlock |
//! | `{"do":"campaign","key":…,"identity":…,"ttl_ms":…}` | `campaigning`, then `leading` (`key`, `identity`, `token`, `at_ns`), later perhaps `lost` (as for a lock) |
//! | `{"do":"is_leader"}` | `leads` (`leads`) |
//! | `{"do":"lead_put","key":…,"value":…}` | `written` (`revision`): guarded by the leadership, judged by etcd alone |
//! | `{"do":"proclaim","identity":…}` | `proclaimed` |
//! | `{"do":"resign"}` | `resigned` |
//! | `{"do":"leader","key":…}` | `leader` (`identity`, `token`, `revision`; null when there is none) |
//! | `{"do":"observe","key":…}` | `observed` for the present leader and for each change: the same fields |
//! | `{"do":"stand","key":…,"identity":…,"ttl_ms":…,"journal":…}` | a candidacy in the background: `leading` each time; while it leads, and a little longer, guarded puts of its token into the journal and proclamations of `IDENTITY#NUMBER`, and `believes` (`token`, `from_ns`, `until_ns`) |
//! | `{"do":"close"}` | `closed`, and the process ends |
//!
//! Whatever fails is `failed` (`do`, `kind`, `message`). Times are nanoseconds of CLOCK_BOOTTIME.

use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::{
    Candidacy, CandidacyState, Client, ClientConfig, Error, ErrorKind, Leader, Leadership, Lock, Observation, Op,
    Result, Txn,
};
use gocore_etcd_tests::clock::boottime;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::task::JoinSet;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    gocore_etcd_tests::trace::init();
    let mut args = std::env::args().skip(1);
    let prefix = args.next().unwrap_or_default();
    let endpoints: Vec<String> = args.collect();
    // Long: on a machine where all tests run at once a cluster may be silent for seconds.
    let config = ClientConfig::new(endpoints).prefix(prefix).dial_timeout(Duration::from_secs(15));
    let client = match Client::connect(config).await {
        Ok(client) => client,
        Err(error) => return failed("connect", &error),
    };
    say(json!({"event": "connected"}));

    let mut agent = Agent { client, lock: None, leadership: None };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let command: Value = serde_json::from_str(&line).unwrap_or_default();
        let what = command["do"].as_str().unwrap_or_default();
        if let Err(error) = agent.obey(what, &command).await {
            failed(what, &error);
        }
        if what == "close" {
            break;
        }
    }
}

struct Agent {
    client: Client,
    lock: Option<Lock>,
    leadership: Option<Leadership>,
}

impl Agent {
    async fn obey(&mut self, what: &str, command: &Value) -> Result<()> {
        let text = |field: &str| command[field].as_str().unwrap_or_default().to_owned();
        let (key, ttl) = (text("key"), Duration::from_millis(command["ttl_ms"].as_u64().unwrap_or(0)));
        match what {
            "lock" => {
                say(json!({"event": "waiting", "key": key}));
                let lock = self.client.lock(&key, ttl).await?;
                self.acquired(lock);
            }
            "try_lock" => match self.client.try_lock(&key, ttl).await? {
                Some(lock) => self.acquired(lock),
                None => say(json!({"event": "not_acquired", "key": key})),
            },
            "is_held" => {
                let held = self.lock.as_ref().is_some_and(Lock::is_held);
                say(json!({"event": "held", "held": held, "at_ns": now()}));
            }
            "put" => {
                let put = Op::put(key, text("value"));
                // Not `lock.put`, which knows that it is lost: here etcd is to judge.
                let txn = self.lock.iter().fold(Txn::new(), Txn::guarded_by).then(put);
                let result = self.client.kv().commit(txn).await?;
                say(json!({"event": "written", "revision": result.revision}));
            }
            "unlock" => {
                if let Some(lock) = self.lock.take() {
                    lock.unlock().await?;
                }
                say(json!({"event": "unlocked", "at_ns": now()}));
            }
            "count" => {
                let turns = command["turns"].as_u64().unwrap_or(0);
                for _ in 0..turns {
                    self.turn(&key, ttl, &text("counter")).await?;
                }
                say(json!({"event": "counted", "turns": turns}));
            }
            "campaign" | "is_leader" | "lead_put" | "proclaim" | "resign" | "leader" | "observe" | "stand" => {
                self.elect(what, &key, &text("identity"), ttl, command).await?;
            }
            "close" => {
                self.client.close().await?;
                say(json!({"event": "closed"}));
            }
            other => say(json!({"event": "failed", "do": other, "kind": "Unknown", "message": "no such command"})),
        }
        Ok(())
    }

    async fn elect(&mut self, what: &str, key: &str, identity: &str, ttl: Duration, command: &Value) -> Result<()> {
        let text = |field: &str| command[field].as_str().unwrap_or_default().to_owned();
        match (what, &self.leadership) {
            ("campaign", _) => {
                say(json!({"event": "campaigning", "key": key}));
                self.leads(self.client.campaign(key, identity, ttl).await?);
            }
            ("is_leader", leadership) => {
                let leads = leadership.as_ref().is_some_and(Leadership::is_leader);
                say(json!({"event": "leads", "leads": leads, "at_ns": now()}));
            }
            ("lead_put", leadership) => {
                let txn = leadership.iter().fold(Txn::new(), Txn::guarded_by).then(Op::put(key, text("value")));
                let result = self.client.kv().commit(txn).await?;
                say(json!({"event": "written", "revision": result.revision}));
            }
            ("proclaim", Some(leadership)) => {
                leadership.proclaim(identity).await?;
                say(json!({"event": "proclaimed", "at_ns": now()}));
            }
            ("resign", Some(leadership)) => {
                leadership.resign().await?;
                say(json!({"event": "resigned", "at_ns": now()}));
            }
            ("leader", _) => say(shown("leader", self.client.leader(key).await?)),
            ("observe", _) => drop(tokio::spawn(report(self.client.observe(key)?))),
            ("stand", _) => {
                let candidacy = self.client.candidacy(key, identity, ttl)?;
                tokio::spawn(stand(candidacy, self.client.clone(), text("journal")));
            }
            (what, _) => say(json!({"event": "failed", "do": what, "kind": "Unknown", "message": "no leadership"})),
        }
        Ok(())
    }

    fn leads(&mut self, leadership: Leadership) {
        let (key, identity, token) = (leadership.key(), leadership.identity(), leadership.token());
        say(json!({"event": "leading", "key": key, "identity": &*identity, "token": token, "at_ns": now()}));
        let loss = leadership.loss();
        tokio::spawn(async move {
            if loss.await {
                say(json!({"event": "lost", "at_ns": now()}));
            }
        });
        self.leadership = Some(leadership);
    }

    /// Reads, adds one, writes, all unguarded: only exclusion makes the sum right.
    async fn turn(&self, key: &str, ttl: Duration, counter: &str) -> Result<()> {
        let kv = self.client.kv();
        let lock = self.client.lock(key, ttl).await?;
        let before = kv.get(counter).await?.map_or(0, |kv| number(&kv.value));
        kv.put(counter, (before + 1).to_string()).await?;
        match lock.unlock().await {
            // The write is in: what a lost lock endangers is the next turn's exclusion, which the sum would show.
            Err(error) if error.kind() == ErrorKind::Lost => Ok(()),
            other => other,
        }
    }

    fn acquired(&mut self, lock: Lock) {
        say(json!({"event": "acquired", "key": lock.key(), "token": lock.token(), "at_ns": now()}));
        let loss = lock.loss();
        tokio::spawn(async move {
            if loss.await {
                say(json!({"event": "lost", "at_ns": now()}));
            }
        });
        self.lock = Some(lock);
    }
}

async fn report(mut observation: Observation) {
    loop {
        match observation.next().await {
            Ok(leader) => say(shown("observed", leader)),
            Err(error) if error.kind() == ErrorKind::Closed => return,
            Err(error) => failed("observe", &error),
        }
    }
}

fn shown(event: &str, leader: Option<Leader>) -> Value {
    let Some(Leader { identity, token, revision, .. }) = leader else {
        return json!({"event": event, "identity": null, "token": null, "revision": null, "at_ns": now()});
    };
    json!({"event": event, "identity": identity, "token": token, "revision": revision, "at_ns": now()})
}

/// Leads whenever it can.
async fn stand(mut candidacy: Candidacy, client: Client, journal: String) {
    loop {
        match candidacy.changed().await {
            Ok(CandidacyState::Leading { .. }) => {
                if let Some(leadership) = candidacy.leadership() {
                    lead(&leadership, &client, &journal).await;
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Closed => return,
            Err(error) => failed("stand", &error),
        }
    }
}

/// Says from when until when it believes to lead. A moment counts by the clock read before the belief: whatever stops
/// the process in between, it believed no earlier. Writes also when it believes no longer: etcd is to judge.
async fn lead(leadership: &Arc<Leadership>, client: &Client, journal: &str) {
    let (token, identity, from) = (leadership.token(), leadership.identity(), now());
    if !leadership.is_leader() {
        return;
    }
    say(json!({"event": "leading", "identity": &*identity, "token": token, "at_ns": from}));
    let (mut writing, mut proclaiming) = (JoinSet::new(), JoinSet::new());
    let (mut until, mut turn, mut late) = (from, 0, 0);
    while late < 100 {
        let moment = now();
        if late == 0 && leadership.is_leader() {
            until = moment;
        } else {
            late += 1;
        }
        if turn % 20 == 0 || late == 1 {
            say(json!({"event": "believes", "token": token, "from_ns": from, "until_ns": until}));
            if writing.try_join_next().is_some() || writing.is_empty() {
                let txn = Txn::new().guarded_by(&**leadership).then(Op::put(journal, token.to_string()));
                let kv = client.kv();
                writing.spawn(async move { kv.commit(txn).await });
            }
        }
        if turn % 200 == 199 && (proclaiming.try_join_next().is_some() || proclaiming.is_empty()) {
            let (leadership, identity) = (leadership.clone(), format!("{identity}#{turn}"));
            proclaiming.spawn(async move { leadership.proclaim(&identity).await });
        }
        turn += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn number(bytes: &[u8]) -> u64 {
    std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn now() -> u64 {
    u64::try_from(boottime().as_nanos()).unwrap_or(u64::MAX)
}

fn failed(what: &str, error: &Error) {
    say(json!({"event": "failed", "do": what, "kind": format!("{:?}", error.kind()), "message": error.to_string()}));
}

fn say(event: Value) {
    println!("{event}");
}
