//! The workers: agents in OS processes of their own.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use gocore_etcd_tests::Agent;
use gocore_etcd_tests::process::Event;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::run::cargo;

/// How long an answer may take on a busy machine; longer than any request of the library.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a worker may take to close before it is killed.
const FAREWELL: Duration = Duration::from_secs(1);

/// Builds the agent's program (in no time when it is there) and says where it lies: whatever target directory or
/// profile, and never a stale one.
pub(super) fn build_agent() -> Result<PathBuf, String> {
    let args = ["build", "--quiet", "--package", "gocore-etcd-tests", "--bin", "agent"];
    let mut build = cargo(&args);
    build.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    // ring's build script is rebuilt when it changes, and cargo has set it for us.
    build.env_remove("CARGO_MANIFEST_DIR");
    let output = build.output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo {}: {}", args.join(" "), output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut built = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = built.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    program.ok_or_else(|| format!("cargo {}: it built no program", args.join(" ")))
}

/// Everybody who is on stage.
pub(super) struct Cast {
    program: PathBuf,
    workers: Vec<Worker>,
}

impl Cast {
    pub(super) fn of(program: PathBuf) -> Cast {
        Cast { program, workers: Vec::new() }
    }

    /// Starts the next worker; its place is its number minus one.
    pub(super) fn start(&mut self, prefix: &str, endpoints: &[String]) -> &mut Worker {
        let args = [prefix.to_owned()].into_iter().chain(endpoints.iter().cloned());
        let agent = Agent::spawn(&self.program, args);
        let number = self.workers.len() + 1;
        self.workers.push(Worker { number, agent, waiting: VecDeque::new() });
        self.worker(number)
    }

    /// Worker 1, 2 or 3.
    pub(super) fn worker(&mut self, number: usize) -> &mut Worker {
        &mut self.workers[number - 1]
    }

    /// Asks all to close, which gives back what they hold.
    pub(super) fn ask_to_close(&mut self) {
        for worker in &mut self.workers {
            // One that was killed need not be asked.
            let _ = worker.ask(json!({"do": "close"}));
        }
    }

    /// Waits until all have ended; who takes too long is killed.
    pub(super) async fn ended(mut self) {
        let end = Instant::now() + FAREWELL;
        for worker in &mut self.workers {
            while let Ok(Some(_)) = timeout_at(end, worker.agent.next()).await {}
        }
    }
}

/// One worker.
pub(super) struct Worker {
    number: usize,
    agent: Agent,
    /// Events that came while another one was waited for.
    waiting: VecDeque<Event>,
}

impl Worker {
    pub(super) fn pid(&self) -> u32 {
        self.agent.pid()
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        self.agent.kill();
    }

    /// Gives it a command.
    pub(super) fn ask(&mut self, command: Value) -> Result<(), String> {
        let number = self.number;
        self.agent.send(&command).map_err(|error| format!("worker {number} does not listen: {error}"))
    }

    /// Waits for the event of that name; a failure instead is an error.
    pub(super) async fn says(&mut self, name: &str) -> Result<Event, String> {
        let event = self.first(&[name, "failed"]).await?;
        if event.name() != name {
            let (what, why) = (text(&event, "do"), text(&event, "message"));
            return Err(format!("worker {} failed at `{what}`: {why}", self.number));
        }
        Ok(event)
    }

    /// Waits for the outcome of a guarded write, where a failure is one too.
    pub(super) async fn outcome_of_write(&mut self) -> Result<Event, String> {
        self.first(&["written", "failed"]).await
    }

    async fn first(&mut self, names: &[&str]) -> Result<Event, String> {
        if let Some(at) = self.waiting.iter().position(|event| names.contains(&event.name())) {
            return Ok(self.waiting.remove(at).expect("it was just seen there"));
        }
        let (end, number) = (Instant::now() + PATIENCE, self.number);
        loop {
            match timeout_at(end, self.agent.next()).await {
                Ok(Some(event)) if names.contains(&event.name()) => return Ok(event),
                Ok(Some(event)) => self.waiting.push_back(event),
                Ok(None) => return Err(format!("worker {number} ended without `{}`", names[0])),
                Err(_) => return Err(format!("worker {number} did not say `{}` within {PATIENCE:?}", names[0])),
            }
        }
    }
}

/// When it happened by the worker's own clock, which is the clock of all: CLOCK_BOOTTIME.
pub(super) fn time(event: &Event) -> Duration {
    event.body["at_ns"].as_u64().map_or(event.at, Duration::from_nanos)
}

/// A field that is a text.
pub(super) fn text<'a>(event: &'a Event, field: &str) -> &'a str {
    event.body[field].as_str().unwrap_or_default()
}

/// A field that is a number.
pub(super) fn number(event: &Event, field: &str) -> i64 {
    event.body[field].as_i64().unwrap_or_default()
}
