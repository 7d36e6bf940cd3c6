//! The table for people, and JSON for machines.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::Samples;
use super::surfaces::Table;

/// The put of the run in which the Go package was measured; its figures are scaled by ours.
const GO_PUT: Duration = Duration::from_micros(600);

/// What we want to be below.
#[derive(Clone, Copy)]
pub(super) enum Aim {
    /// So many times the plain client's median.
    OfPlain(f64),
    /// This.
    Absolute(Duration),
}

impl Aim {
    /// A share of what the Go package needs, on a machine where a put takes as long as here.
    pub(super) fn of_go(share: f64, go_millis: f64, put: &Samples) -> Aim {
        let scale = put.median().as_secs_f64() / GO_PUT.as_secs_f64();
        Aim::Absolute(Duration::from_secs_f64(share * go_millis / 1000.0 * scale))
    }
}

/// One operation.
pub(super) struct Row {
    name: &'static str,
    ours: Samples,
    plain: Samples,
    /// What the plain client does, where it cannot do the same.
    instead: Option<&'static str>,
    floor: Option<(&'static str, Duration)>,
    aim: Option<Aim>,
}

impl Row {
    pub(super) fn new(name: &'static str, ours: Samples, plain: Samples) -> Row {
        Row { name, ours, plain, instead: None, floor: None, aim: None }
    }

    pub(super) fn beside(mut self, instead: &'static str) -> Row {
        self.instead = Some(instead);
        self
    }

    pub(super) fn floor(mut self, what: &'static str, median: Duration) -> Row {
        self.floor = Some((what, median));
        self
    }

    pub(super) fn aim(mut self, aim: Aim) -> Row {
        self.aim = Some(aim);
        self
    }

    fn ratio(&self) -> f64 {
        over(self.ours.median(), self.plain.median())
    }

    fn limit(&self) -> Option<Duration> {
        self.aim.map(|aim| match aim {
            Aim::OfPlain(share) => self.plain.median().mul_f64(share),
            Aim::Absolute(limit) => limit,
        })
    }

    fn json(&self) -> Value {
        let side = |samples: &Samples| {
            let (p50, p99) = (millis(samples.median()), millis(samples.quantile(0.99)));
            json!({"p50_ms": p50, "p99_ms": p99, "per_second": samples.per_second(), "samples": samples.count()})
        };
        json!({
            "name": self.name,
            "ours": side(&self.ours),
            "plain": side(&self.plain),
            "plain_does": self.instead.unwrap_or("the same"),
            "ratio": self.ratio(),
            "floor": self.floor.map(|(what, floor)| {
                json!({"what": what, "p50_ms": millis(floor), "ratio": over(self.ours.median(), floor)})
            }),
            "aim_ms": self.limit().map(millis),
            "aim_met": self.limit().map(|limit| self.ours.median() <= limit),
        })
    }
}

/// A whole run.
pub(super) struct Report {
    pub(super) etcd: String,
    pub(super) time: Duration,
    pub(super) rows: Vec<Row>,
    pub(super) surfaces: Vec<Table>,
}

impl Report {
    pub(super) fn json(&self) -> Value {
        json!({
            "etcd": self.etcd,
            "runtime": "current_thread",
            "seconds_per_row": self.time.as_secs(),
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "surfaces": self.surfaces.iter().map(Table::json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, one member on loopback, with fsync; clients on a current-thread runtime;", self.etcd)?;
        writeln!(f, "{} s a row, the sides in turns of 0.1 s; times in milliseconds\n", self.time.as_secs())?;
        let (ours, plain) = ("gocore_etcd", "plain etcd-client");
        writeln!(f, "{:22} {ours:^24}   {plain:^24}", "")?;
        writeln!(f, "{:22} {SIDE}   {SIDE}   {:>5}   {:>6}  {:3}   floor", "", "ratio", "aim", "met")?;
        for row in &self.rows {
            write!(f, "{:22} ", row.name)?;
            for side in [&row.ours, &row.plain] {
                let (p50, p99) = (millis(side.median()), millis(side.quantile(0.99)));
                write!(f, "{p50:>7.3} {p99:>7.3} {:>6.0}/s   ", side.per_second())?;
            }
            write!(f, "{:>5.2}   ", row.ratio())?;
            match row.limit() {
                Some(limit) => {
                    let met = if row.ours.median() <= limit { "yes" } else { "no" };
                    write!(f, "{:>6.3}  {met:3}   ", millis(limit))?;
                }
                None => write!(f, "{:>6}  {:3}   ", "-", "")?,
            }
            if let Some((what, floor)) = row.floor {
                write!(f, "{:.2} × {what} ({:.3})", over(row.ours.median(), floor), millis(floor))?;
            }
            if let Some(instead) = row.instead {
                write!(f, "; plain has none, {instead} stands in")?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "\nratio: of the medians. aim: of plain's 1.05; of the Go package's 0.35, 0.1, 0.4, scaled by our put."
        )?;
        self.surfaces.iter().try_for_each(|table| write!(f, "{table}"))
    }
}

const SIDE: &str = "    p50     p99     rate";

fn over(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
