//! The workers: agents in OS processes of their own, each in another language.

use std::collections::VecDeque;
use std::time::Duration;

use gocore_etcd_tests::Agent;
use gocore_etcd_tests::agents::{Language, Program};
use gocore_etcd_tests::process::Event;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

/// How long an answer may take on a busy machine; longer than any request of the library.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a worker may take to close before it is killed.
const FAREWELL: Duration = Duration::from_secs(1);

/// Each act has so many parts, and there are as many languages.
const PARTS: usize = Language::ALL.len();

/// Who plays, and everybody who is on stage.
pub(super) struct Cast {
    parts: Vec<Part>,
    workers: Vec<Worker>,
}

struct Part {
    name: String,
    program: Program,
}

impl Cast {
    /// One worker a language, in the order of their entrance; where there are too few, the first plays more parts.
    pub(super) fn of(mut programs: Vec<Program>) -> Cast {
        while programs.len() < PARTS {
            programs.push(programs[0].clone());
        }
        let mut parts = Vec::<Part>::new();
        for program in programs {
            let language = program.language;
            let name = match parts.iter().filter(|part| part.program.language == language).count() {
                0 => language.name().to_owned(),
                played => format!("{} {}", language.name(), played + 1),
            };
            parts.push(Part { name, program });
        }
        Cast { parts, workers: Vec::new() }
    }

    /// What the workers are called, in their order.
    pub(super) fn names(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.name.clone()).collect()
    }

    /// Starts the next worker.
    pub(super) fn start(&mut self, prefix: &str, endpoints: &[String]) -> &mut Worker {
        let Part { name, program } = &self.parts[self.workers.len()];
        let agent = program.start(prefix, endpoints);
        self.workers.push(Worker { name: name.clone(), agent, killed: false, waiting: VecDeque::new() });
        self.worker(self.workers.len() - 1)
    }

    /// By its place in the order, from 0.
    pub(super) fn worker(&mut self, place: usize) -> &mut Worker {
        &mut self.workers[place]
    }

    /// Asks all to close, which gives back what they hold.
    pub(super) fn ask_to_close(&mut self) {
        for worker in &mut self.workers {
            // One that was killed need not be asked.
            let _ = worker.ask(json!({"do": "close"}));
        }
    }

    /// All leave the stage, which gives back what they hold; what each had still said, by its place. Others may start then.
    pub(super) async fn leave(&mut self) -> Result<Vec<Vec<Event>>, String> {
        self.ask_to_close();
        let mut last_words = Vec::new();
        // They stay ours until all have ended: whoever interrupts this clears away the rest.
        for worker in &mut self.workers {
            last_words.push(worker.leaves().await?);
        }
        self.workers.clear();
        Ok(last_words)
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
    name: String,
    agent: Agent,
    killed: bool,
    /// Events that came while another one was waited for.
    waiting: VecDeque<Event>,
}

impl Worker {
    pub(super) fn pid(&self) -> u32 {
        self.agent.pid()
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        self.killed = true;
        self.agent.kill();
    }

    /// Gives it a command.
    pub(super) fn ask(&mut self, command: Value) -> Result<(), String> {
        self.agent.send(&command).map_err(|error| format!("{} does not listen: {error}", self.name))
    }

    /// Waits for the event of that name; a failure instead is an error.
    pub(super) async fn says(&mut self, name: &str) -> Result<Event, String> {
        let event = self.first(&[name, "failed"]).await?;
        if event.name() != name {
            let (what, why) = (text(&event, "do"), text(&event, "message"));
            return Err(format!("{} failed at `{what}`: {why}", self.name));
        }
        Ok(event)
    }

    /// Waits for the outcome of a guarded write, where a failure is one too.
    pub(super) async fn outcome_of_write(&mut self) -> Result<Event, String> {
        self.first(&["written", "failed"]).await
    }

    /// Waits until it has closed and ended; what it had still said.
    async fn leaves(&mut self) -> Result<Vec<Event>, String> {
        if !self.killed {
            self.says("closed").await?;
        }
        let end = Instant::now() + PATIENCE;
        loop {
            match timeout_at(end, self.agent.next()).await {
                Ok(Some(event)) => self.waiting.push_back(event),
                Ok(None) => return Ok(self.waiting.drain(..).collect()),
                Err(_) => return Err(format!("{} has closed and does not end within {PATIENCE:?}", self.name)),
            }
        }
    }

    async fn first(&mut self, names: &[&str]) -> Result<Event, String> {
        if let Some(at) = self.waiting.iter().position(|event| names.contains(&event.name())) {
            return Ok(self.waiting.remove(at).expect("it was just seen there"));
        }
        let (end, name) = (Instant::now() + PATIENCE, &self.name);
        loop {
            match timeout_at(end, self.agent.next()).await {
                Ok(Some(event)) if names.contains(&event.name()) => return Ok(event),
                Ok(Some(event)) => self.waiting.push_back(event),
                Ok(None) => return Err(format!("{name} ended without `{}`", names[0])),
                Err(_) => return Err(format!("{name} did not say `{}` within {PATIENCE:?}", names[0])),
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
