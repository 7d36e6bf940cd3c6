//! The same through every surface, and through the other packages for Python, in one run.

use std::fmt;
use std::pin::Pin;
use std::time::{Duration, Instant};

use etcd_client::Client as Plain;
use gocore_etcd_core::{Client, ClientConfig};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::build::{self, PEERS};
use super::measure::{Round, Samples, Work, alternate_all};
use super::player::Player;
use super::report::millis;
use super::work;

/// What was measured of one kind of work.
pub(super) struct Table {
    work: &'static str,
    sides: Vec<(&'static str, Samples)>,
    aims: Vec<Aim>,
}

/// Something that was wanted of it.
struct Aim {
    what: String,
    met: bool,
}

/// Rust on tokio's default runtime, as `#[tokio::main]` makes it: as in the other languages, who calls and who does the I/O
/// are two threads.
struct Threads {
    runtime: Option<Runtime>,
    client: Client,
}

impl Threads {
    fn connect(endpoint: &str) -> Result<Threads, String> {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        let connecting = Client::connect(ClientConfig::new([endpoint]));
        let client = beside(|| runtime.block_on(connecting)).map_err(|error| error.to_string())?;
        Ok(Threads { runtime: Some(runtime), client })
    }
}

impl Work for &Threads {
    fn round(&mut self, until: Instant) -> Pin<Box<dyn Future<Output = Round> + '_>> {
        let Some(runtime) = &self.runtime else { return Box::pin(async { Err("it has ended".to_owned()) }) };
        let mut get = work::get(&self.client);
        // Nobody else works in its turn.
        Box::pin(async move { beside(|| runtime.block_on(get.round(until))) })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// On a thread that is not in a runtime.
fn beside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

/// All players, ready.
struct Players {
    c: Player,
    python: Player,
    asyncio: Player,
    peers: Vec<Player>,
}

impl Players {
    fn start(endpoint: &str) -> Result<Players, String> {
        let start = |name, mut command: std::process::Command, more: &[&str]| {
            command.arg(endpoint).args(more);
            Player::start(name, command)
        };
        let python = build::python()?;
        let peer = |(name, wants): &(&'static str, &[&str])| {
            start(name, build::python_player(&build::peer(name, wants)?, "peer.py"), &[name])
        };
        Ok(Players {
            c: start("C", build::c()?, &[])?,
            python: start("Python", build::python_player(&python, "player.py"), &[])?,
            asyncio: start("asyncio", build::python_player(&python, "player_async.py"), &[])?,
            peers: PEERS.iter().map(peer).collect::<Result<_, _>>()?,
        })
    }

    /// Our surfaces, and those of the peers that can do it.
    fn all(&mut self, peers: &'static [&'static str]) -> impl Iterator<Item = &mut Player> {
        let others = self.peers.iter_mut().filter(|peer| peers.contains(&peer.name()));
        [&mut self.c, &mut self.python, &mut self.asyncio].into_iter().chain(others)
    }
}

/// One kind of work, and who of the others can do it.
const WORKS: [(&str, &[&str]); 3] =
    [("get", &["etcetra", "etcd-client-py", "etcd3"]), ("gets", &["etcetra", "aetcd"]), ("lock", &[])];

pub(super) async fn measure(
    endpoint: &str,
    ours: &Client,
    plain: &Plain,
    time: Duration,
) -> Result<Vec<Table>, String> {
    let mut players = Players::start(endpoint)?;
    let threads = Threads::connect(endpoint)?;
    let mut tables = Vec::new();
    for (what, peers) in WORKS {
        let mut sides = vec![("Rust", rust(what, ours))];
        if what == "get" {
            sides.push((TOKIO_MAIN, Box::new(&threads)));
        }
        for player in players.all(peers) {
            sides.push((player.name(), Box::new(player.work(what))));
        }
        tables.push(Table::of(what, time, sides).await?);
    }
    let mut sides: Vec<Side<'_>> = Vec::new();
    for player in players.all(&["etcd3"]) {
        sides.push((player.name(), Box::new(player.events(plain)?)));
    }
    tables.push(Table::of("event", time, sides).await?);
    Ok(tables)
}

/// The name of [`Threads`].
const TOKIO_MAIN: &str = "Rust, #[tokio::main]";

type Side<'a> = (&'static str, Box<dyn Work + 'a>);

fn rust<'a>(what: &str, ours: &'a Client) -> Box<dyn Work + 'a> {
    match what {
        "get" => Box::new(work::get(ours)),
        "gets" => Box::new(work::gets(ours)),
        _ => Box::new(work::lock(ours)),
    }
}

/// C has a thread for the I/O besides the caller's.
fn above(whom: &str, c: f64, rust: f64) -> Aim {
    let met = c <= (rust * 1.05).max(rust + 5e-6);
    Aim { what: format!("C at most 5 % or 5 µs above {whom} ({:+.1} µs)", (c - rust) * 1e6), met }
}

impl Table {
    async fn of(work: &'static str, time: Duration, mut sides: Vec<Side<'_>>) -> Result<Table, String> {
        let names: Vec<_> = sides.iter().map(|(name, _)| *name).collect();
        let mut works: Vec<&mut dyn Work> = sides.iter_mut().map(|(_, work)| &mut **work as &mut dyn Work).collect();
        let samples = alternate_all(work, time, &mut works).await?;
        let mut table = Table { work, sides: names.into_iter().zip(samples).collect(), aims: Vec::new() };
        table.aims = table.judge();
        Ok(table)
    }

    fn judge(&self) -> Vec<Aim> {
        let median = |name| self.of_side(name).map_or(f64::INFINITY, |samples| samples.median().as_secs_f64());
        let rate = |name| self.of_side(name).map_or(0.0, Samples::per_second);
        let aim = |what: &str, limit: f64, is: f64| Aim { what: format!("{what} ({is:.2})"), met: is <= limit };
        match self.work {
            "get" => {
                let best = median("etcetra").min(median("etcd-client-py")).min(median("etcd3"));
                let (rust, c) = (median("Rust"), median("C"));
                vec![
                    above("Rust", c, rust),
                    above(TOKIO_MAIN, c, median(TOKIO_MAIN)),
                    aim("Python at most 0.6 of the best of the others", 0.6, median("Python") / best),
                ]
            }
            "gets" => {
                let times = rate("asyncio") / rate("etcetra").max(rate("aetcd"));
                vec![Aim {
                    what: format!("asyncio at least 2 times the better of aetcd and etcetra ({times:.2})"),
                    met: times >= 2.0,
                }]
            }
            "event" => {
                let times = median("etcd3") / median("Python");
                vec![Aim {
                    what: format!("Python at least 10 times as quick as etcd3 ({times:.1})"),
                    met: times >= 10.0,
                }]
            }
            _ => Vec::new(),
        }
    }

    fn of_side(&self, name: &str) -> Option<&Samples> {
        self.sides.iter().find(|(side, _)| *side == name).map(|(_, samples)| samples)
    }

    pub(super) fn json(&self) -> Value {
        let side = |(name, samples): &(&str, Samples)| {
            json!({
                "name": name,
                "p50_ms": millis(samples.median()),
                "p99_ms": millis(samples.quantile(0.99)),
                "per_second": self.rate(samples),
            })
        };
        json!({
            "name": self.title(),
            "sides": self.sides.iter().map(side).collect::<Vec<_>>(),
            "aims": self.aims.iter().map(|aim| json!({"what": aim.what, "met": aim.met})).collect::<Vec<_>>(),
        })
    }

    fn title(&self) -> &'static str {
        match self.work {
            "get" => "get",
            "gets" => "32 concurrent gets (threads; tasks in Rust and asyncio)",
            "lock" => "lock + unlock",
            _ => "an event of a watch: processor time of the process that receives it, and how many fill a processor",
        }
    }

    /// In the time of its turns; for events, so many as fill a processor.
    fn rate(&self, samples: &Samples) -> f64 {
        match self.work {
            "event" => 1.0 / samples.median().as_secs_f64().max(1e-9),
            _ => samples.per_second(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title())?;
        for (name, samples) in &self.sides {
            let (p50, p99) = (millis(samples.median()), millis(samples.quantile(0.99)));
            writeln!(f, "  {name:20} {p50:>8.4} {p99:>8.4} {:>8.0}/s", self.rate(samples))?;
        }
        for aim in &self.aims {
            writeln!(f, "  aim: {}: {}", aim.what, if aim.met { "yes" } else { "no" })?;
        }
        Ok(())
    }
}
