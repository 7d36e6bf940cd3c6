//! A player: a process in another language that does what is measured, told by lines on its standard input.
//!
//! The players lie in `xtask/players`; `player.c` tells the protocol.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use etcd_client::{Client as Plain, Txn, TxnOp};
use tokio::task::JoinSet;

use super::measure::{Round, Work};
use super::work::{VALUE, told};

/// How many events there are in one round, and in one transaction: fewer than a watch keeps for a slow consumer.
const EVENTS: usize = 2000;
const EVENTS_AT_ONCE: usize = 100;

pub(super) struct Player {
    name: &'static str,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Player {
    pub(super) fn start(name: &'static str, mut command: Command) -> Result<Player, String> {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| format!("{name}: {error}"))?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(answers.ok_or("no pipe")?);
        Ok(Player { name, child, orders, answers })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    fn order(&mut self, what: &str, number: u128) -> Result<(), String> {
        let Some(orders) = &mut self.orders else { return Err(format!("{}: it was ended", self.name)) };
        writeln!(orders, "{what} {number}").map_err(|error| format!("{}: {what}: {error}", self.name))
    }

    fn answer(&mut self) -> Round {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        let nanos: Vec<u64> = read
            .map_err(|error| error.to_string())
            .and_then(|_| serde_json::from_str(&line).map_err(|error| error.to_string()))
            .map_err(|error| format!("{}: {error}", self.name))?;
        Ok(nanos.into_iter().map(Duration::from_nanos).collect())
    }

    /// What it does in rounds: `get`, `gets` or `lock`.
    pub(super) fn work(&mut self, what: &'static str) -> impl Work + '_ {
        async move |until: Instant| {
            self.order(what, until.saturating_duration_since(Instant::now()).as_millis())?;
            self.answer()
        }
    }

    /// What processor time one event takes, in a burst of them that `writer` writes.
    /// Each player has a place of its own, so that it sleeps while others are measured.
    pub(super) fn events<'a>(&'a mut self, writer: &'a Plain) -> Result<impl Work + 'a, String> {
        let place = self.child.id();
        self.order("watch", place.into())?;
        self.answer()?;
        Ok(async move |_| {
            self.order("events", EVENTS as u128)?;
            burst(writer, place).await?;
            let took = self.answer()?;
            Ok(took.into_iter().map(|took| took / EVENTS as u32).collect())
        })
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // The end of its orders ends it.
        self.orders = None;
        let _ = self.child.wait();
    }
}

/// Writes the events of one round, as quickly as etcd takes them.
async fn burst(writer: &Plain, place: u32) -> Result<(), String> {
    let mut writes = JoinSet::new();
    for number in 0..EVENTS / EVENTS_AT_ONCE {
        let mut kv = writer.kv_client();
        let puts = (0..EVENTS_AT_ONCE)
            .map(|event| TxnOp::put(format!("/bench/events/{place}/{}", number * EVENTS_AT_ONCE + event), VALUE, None));
        let txn = Txn::new().and_then(puts.collect::<Vec<_>>());
        writes.spawn(async move { kv.txn(txn).await });
    }
    while let Some(write) = writes.join_next().await {
        write.map_err(told)?.map_err(told)?;
    }
    Ok(())
}
