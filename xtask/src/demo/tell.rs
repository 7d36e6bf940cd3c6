//! How the story looks: one line an event, in columns, with a title for each act and a heading for each scene.

use std::env;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::time::Duration;

use gocore_etcd_tests::clock::boottime;

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "31";

/// Of the workers, in their order.
const COLOURS: [&str; 5] = ["36", "33", "35", "32", "96"];

/// Who acts in a line.
#[derive(Clone, Copy)]
pub(super) enum Who {
    /// By its place in the order, from 0.
    Worker(usize),
    Etcd,
    Network,
}

/// Tells it on stdout. A reader who has gone is no reason to stop.
pub(super) struct Teller {
    workers: Vec<String>,
    began: Duration,
    colourful: bool,
}

impl Teller {
    /// The clock of the story starts now.
    pub(super) fn begin(workers: Vec<String>) -> Teller {
        let colourful = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Teller { workers, began: boottime(), colourful }
    }

    /// What a worker is called.
    pub(super) fn name(&self, worker: usize) -> &str {
        &self.workers[worker]
    }

    /// A title with what is to be known beforehand.
    pub(super) fn title(&self, title: &str, facts: &[(&str, &str)]) {
        let mut text = format!("\n{}\n\n", self.paint(BOLD, title));
        for (name, value) in facts {
            let _ = writeln!(text, "  {name:<12}{value}");
        }
        let _ = write!(text, "\n  {}", self.paint(DIM, "seconds  who       token  revision  what happens"));
        print(&text);
    }

    pub(super) fn scene(&self, heading: &str) {
        print(&format!("\n  {}", self.paint(BOLD, heading)));
    }

    /// A line about what happened then; [`Line::says`] prints it.
    pub(super) fn at(&self, at: Duration, who: Who) -> Line<'_> {
        Line { teller: self, at, who, token: None, revision: None }
    }

    /// A line about what happens now.
    pub(super) fn now(&self, who: Who) -> Line<'_> {
        self.at(boottime(), who)
    }

    pub(super) fn verdict(&self, promise: &str, held: bool, seen: &str) {
        let mark = if held { self.paint(GREEN, "yes") } else { self.paint(RED, "NO ") };
        print(&format!("  {mark}  {promise:<47}  {seen}"));
    }

    pub(super) fn end(&self, text: &str) {
        print(&format!("\n{}", self.paint(BOLD, text)));
    }

    pub(super) fn interrupted(&self) {
        print(&format!("\n  {}", self.paint(DIM, "interrupted: clearing up")));
    }

    fn signed(&self, who: Who) -> String {
        let (name, colour) = match who {
            Who::Worker(place) => (self.name(place), COLOURS[place % COLOURS.len()]),
            Who::Etcd => ("etcd", "34"),
            Who::Network => ("network", RED),
        };
        self.paint(colour, &format!("{name:<8}"))
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colourful { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A line to be completed.
#[must_use]
pub(super) struct Line<'a> {
    teller: &'a Teller,
    at: Duration,
    who: Who,
    token: Option<i64>,
    revision: Option<i64>,
}

impl Line<'_> {
    /// A fencing token.
    pub(super) fn token(mut self, token: i64) -> Self {
        self.token = Some(token);
        self
    }

    /// A revision of etcd's store.
    pub(super) fn revision(mut self, revision: i64) -> Self {
        self.revision = Some(revision);
        self
    }

    pub(super) fn says(self, what: impl Display) {
        self.reads(what).tell();
    }

    /// The whole line, to be told later.
    pub(super) fn reads(self, what: impl Display) -> Told {
        let seconds = self.at.saturating_sub(self.teller.began).as_secs_f64();
        let who = self.teller.signed(self.who);
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let (token, revision) = (number(self.token), number(self.revision));
        Told { at: self.at, text: format!("  {seconds:>7.3}  {who}  {token:>5}  {revision:>8}  {what}") }
    }
}

/// A line to be told.
#[must_use]
pub(super) struct Told {
    at: Duration,
    text: String,
}

impl Told {
    pub(super) fn tell(self) {
        print(&self.text);
    }
}

/// What two processes saw of one event, the earlier first.
pub(super) fn in_order(mut lines: [Told; 2]) {
    lines.sort_by_key(|line| line.at);
    lines.into_iter().for_each(Told::tell);
}

pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
