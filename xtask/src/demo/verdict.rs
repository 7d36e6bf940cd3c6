//! What was promised and what was seen.

use super::tell::Teller;
use crate::Outcome;

/// The findings, in the order of an act.
#[derive(Default)]
pub(super) struct Verdict {
    findings: Vec<Finding>,
}

struct Finding {
    promise: &'static str,
    held: bool,
    seen: String,
}

impl Verdict {
    pub(super) fn add(&mut self, promise: &'static str, held: bool, seen: String) {
        self.findings.push(Finding { promise, held, seen });
    }

    /// Prints all; how many promises did not hold.
    pub(super) fn tell(&self, tell: &Teller) -> usize {
        tell.scene("What was promised, did it hold, and what was seen");
        for Finding { promise, held, seen } in &self.findings {
            tell.verdict(promise, *held, seen);
        }
        self.findings.iter().filter(|finding| !finding.held).count()
    }
}

/// An error when promises did not hold.
pub(super) fn outcome(broken: usize) -> Outcome {
    match broken {
        0 => Ok(()),
        1 => Err("a promise did not hold".to_owned()),
        many => Err(format!("{many} promises did not hold")),
    }
}
