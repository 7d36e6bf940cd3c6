//! What was promised and what was seen.

use super::tell::Teller;
use crate::Outcome;

/// The findings, in the order of the story.
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

    /// Prints all; an error when a promise did not hold.
    pub(super) fn tell(&self, tell: &Teller) -> Outcome {
        tell.act("What was promised, did it hold, and what was seen");
        for Finding { promise, held, seen } in &self.findings {
            tell.verdict(promise, *held, seen);
        }
        let broken = self.findings.iter().filter(|finding| !finding.held).count();
        match broken {
            0 => Ok(()),
            1 => Err("a promise did not hold".to_owned()),
            many => Err(format!("{many} promises did not hold")),
        }
    }
}
