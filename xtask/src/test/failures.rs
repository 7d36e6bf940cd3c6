//! What failed, from what cargo and the tests' harness say: told once more at the end, which a log that is cut to its
//! tail still has.

use std::collections::HashMap;
use std::fmt;

/// So many of a test's last lines are told again,
const LINES: usize = 15;
/// of so many tests; of the others the names alone.
const TESTS: usize = 10;

/// Hears a run line by line.
#[derive(Debug, Default)]
pub(super) struct Failures {
    any_was_run: bool,
    targets: Vec<Target>,
    place: Place,
    names: Vec<String>,
    said: HashMap<String, Vec<String>>,
}

/// One of cargo's test programs.
#[derive(Debug)]
struct Target {
    /// The arguments that run it again.
    name: String,
    tests: Vec<Test>,
}

#[derive(Debug)]
struct Test {
    name: String,
    said: Vec<String>,
}

/// Where in a program's output we are.
#[derive(Debug, Default)]
enum Place {
    #[default]
    Running,
    /// What this test said.
    Said(Option<String>),
    /// The list of those that failed.
    Names,
}

impl Failures {
    pub(super) fn any_was_run(&self) -> bool {
        self.any_was_run
    }

    pub(super) fn hear(&mut self, line: &str) {
        let said_by = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
        if line.starts_with("test result: ") {
            self.any_was_run = true;
            self.place = Place::Running;
        } else if let Some(rest) = line.strip_prefix("error: test failed, to rerun pass `") {
            // So it is also when the program crashed, and told of no test.
            self.ended(rest.trim_end_matches('`'));
        } else if line == "failures:" {
            self.names.clear();
            let lists = matches!(self.place, Place::Said(Some(_)));
            self.place = if lists { Place::Names } else { Place::Said(None) };
        } else if let (Some(name), Place::Said(_) | Place::Names) = (said_by, &self.place) {
            self.place = Place::Said(Some(name.to_owned()));
        } else {
            match &self.place {
                Place::Running | Place::Said(None) => {}
                Place::Said(Some(name)) => self.said.entry(name.clone()).or_default().push(line.to_owned()),
                Place::Names => self.names.extend(line.strip_prefix("    ").map(str::to_owned)),
            }
        }
    }

    fn ended(&mut self, name: &str) {
        let mut said = std::mem::take(&mut self.said);
        let test = |name: String| Test { said: said.remove(&name).unwrap_or_default(), name };
        let tests = self.names.drain(..).map(test).collect();
        self.targets.push(Target { name: name.to_owned(), tests });
        self.place = Place::Running;
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for test in self.targets.iter().flat_map(|target| &target.tests).take(TESTS) {
            writeln!(f, "\n{} said last:", test.name)?;
            let worth: Vec<_> = test.said.iter().filter(|line| is_worth_telling(line)).collect();
            for line in &worth[worth.len().saturating_sub(LINES)..] {
                writeln!(f, "  {line}")?;
            }
        }
        for target in &self.targets {
            writeln!(f, "\nfailed: {}", target.name)?;
            for test in &target.tests {
                writeln!(f, "  {}", test.name)?;
            }
            if target.tests.is_empty() {
                writeln!(f, "  it ended before its tests had")?;
            }
        }
        Ok(())
    }
}

/// Neither empty nor a backtrace.
fn is_worth_telling(line: &str) -> bool {
    let line = line.trim_start();
    let frame = line.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    !(line.is_empty() || frame || line.starts_with("at ") || line.starts_with("stack backtrace:"))
}

#[cfg(test)]
mod tests;
