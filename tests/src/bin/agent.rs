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
//! | `{"do":"close"}` | `closed`, and the process ends |
//!
//! Whatever fails is `failed` (`do`, `kind`, `message`). Times are nanoseconds of CLOCK_BOOTTIME.

use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig, Error, ErrorKind, Lock, Op, Result, Txn};
use gocore_etcd_tests::clock::boottime;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    gocore_etcd_tests::trace::init();
    let mut args = std::env::args().skip(1);
    let prefix = args.next().unwrap_or_default();
    let endpoints: Vec<String> = args.collect();
    let client = match Client::connect(ClientConfig::new(endpoints).prefix(prefix)).await {
        Ok(client) => client,
        Err(error) => return failed("connect", &error),
    };
    say(json!({"event": "connected"}));

    let mut agent = Agent { client, lock: None };
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
            "close" => {
                self.client.close().await?;
                say(json!({"event": "closed"}));
            }
            other => say(json!({"event": "failed", "do": other, "kind": "Unknown", "message": "no such command"})),
        }
        Ok(())
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
