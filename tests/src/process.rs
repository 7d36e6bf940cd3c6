//! Agents: programs under test in processes of their own, that take commands and report events, one JSON value a line.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::child::Tied;
use crate::clock::boottime;

/// One line an agent wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When the line arrived here, on [`boottime`]. What must be exact to the millisecond, the agent says itself.
    pub at: Duration,
    /// The line; a JSON string when it was not JSON.
    pub body: Value,
}

impl Event {
    /// The event's name: its field `event`.
    pub fn name(&self) -> &str {
        self.body["event"].as_str().unwrap_or_default()
    }
}

/// A running agent; it is killed when this is dropped, and when our process dies.
#[derive(Debug)]
pub struct Agent {
    process: Tied,
    stdin: Option<ChildStdin>,
    events: mpsc::UnboundedReceiver<Event>,
    /// Events that arrived while another one was waited for.
    passed_over: VecDeque<Event>,
}

impl Agent {
    /// Starts `program`; its stderr goes to ours.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(program: impl AsRef<Path>, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Agent {
        let mut command = Command::new(program.as_ref());
        command.args(args);
        Agent::spawn_command(command)
    }

    /// Starts `command`, with an environment or a directory of its own perhaps.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn_command(mut command: Command) -> Agent {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let shown = format!("{command:?}");
        let mut process = Tied::spawn(command).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let stdout = BufReader::new(process.child.stdout.take().expect("stdout is piped"));
        let (report, events) = mpsc::unbounded_channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let body = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if report.send(Event { at: boottime(), body }).is_err() {
                    break;
                }
            }
        });
        Agent { stdin: process.child.stdin.take(), process, events, passed_over: VecDeque::new() }
    }

    /// Writes one command as a line.
    ///
    /// # Errors
    /// When the agent has gone.
    pub fn send(&mut self, command: &Value) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(format!("{command}\n").as_bytes())
    }

    /// Closes the agent's stdin: the polite way to ask it to end.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The next event, or `None` when the agent has ended and all it said was read.
    ///
    /// # Cancel safety
    /// No event is lost.
    pub async fn next(&mut self) -> Option<Event> {
        match self.passed_over.pop_front() {
            Some(event) => Some(event),
            None => self.events.recv().await,
        }
    }

    /// Waits for the first event of that name. Others stay for later, in their order.
    ///
    /// # Panics
    /// When `within` has passed, or the agent ends without saying it; the message lists what it said instead.
    pub async fn expect(&mut self, name: &str, within: Duration) -> Event {
        if let Some(at) = self.passed_over.iter().position(|event| event.name() == name) {
            return self.passed_over.remove(at).expect("it was just seen there");
        }
        let end = Instant::now() + within;
        loop {
            match timeout_at(end, self.events.recv()).await {
                Ok(Some(event)) if event.name() == name => return event,
                Ok(Some(event)) => self.passed_over.push_back(event),
                Ok(None) => panic!("the agent ended without `{name}`; it said: {:?}", self.passed_over),
                Err(_) => panic!("no `{name}` within {within:?}; the agent said: {:?}", self.passed_over),
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// SIGSTOP; returns once it stands still.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// SIGKILL; returns once it is gone.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When `within` has passed.
    pub async fn wait(&mut self, within: Duration) -> ExitStatus {
        let end = Instant::now() + within;
        loop {
            if let Some(status) = self.process.exited() {
                return status;
            }
            assert!(Instant::now() < end, "the agent still runs after {within:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
