//! `cargo xtask bench`: what an operation costs, beside the plain etcd-client doing the same in the same run.
//!
//! - [`measure`]: rounds in turns, so that the machine's noise hits all sides alike
//! - [`work`]: what is measured, for us and for the plain client
//! - [`hand_over`]: the same for a lock that goes round
//! - [`surfaces`]: the same through C and Python, and through other packages; [`player`], [`build`]: who does it there
//! - [`report`]: the tables, the aims, JSON

mod build;
mod hand_over;
mod measure;
mod player;
mod report;
mod surfaces;
mod work;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use etcd_client::Client as Plain;
use gocore_etcd_core::{Client, ClientConfig};
use gocore_etcd_tests::{Etcd, Server, ServerOptions};
use tokio::runtime::Builder;

use crate::Outcome;
use crate::run::{cargo, show};
use measure::{Samples, Work, alternate};
use report::{Aim, Report, Row};

pub(crate) fn run(args: &[String]) -> Outcome {
    let options = Options::parse(args)?;
    if cfg!(debug_assertions) {
        eprintln!("building the benchmark optimised (some minutes the first time) ...");
        let mut optimised = cargo(&["run", "--quiet", "--profile", "bench", "--package", "xtask", "--", "bench"]);
        // ring's build script is rebuilt when it changes, and cargo has set it for us.
        optimised.args(args).env_remove("CARGO_MANIFEST_DIR");
        return show(optimised);
    }
    let etcd = Etcd::locate()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let report = runtime.block_on(measure_all(etcd, &options))?;
    print!("{report}");
    match options.json {
        Some(file) => {
            fs::write(&file, format!("{:#}\n", report.json())).map_err(|e| format!("{}: {e}", file.display()))
        }
        None => Ok(()),
    }
}

struct Options {
    /// How long each row is measured, all sides together.
    time: Duration,
    json: Option<PathBuf>,
    /// Only what needs no other language.
    core_only: bool,
    /// Only what is measured through other languages.
    surfaces_only: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options, String> {
        let mut options = Options { time: Duration::from_secs(8), json: None, core_only: false, surfaces_only: false };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--core" => options.core_only = true,
                "--surfaces" => options.surfaces_only = true,
                "--seconds" => {
                    let seconds = value()?.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
                    options.time = Duration::from_secs(seconds.ok_or("--seconds needs a number from 1 to 3600")?);
                }
                // Ours is another directory when cargo runs us again.
                "--json" => options.json = Some(std::path::absolute(value()?).map_err(|error| error.to_string())?),
                _ => {
                    return Err(format!(
                        "there is no option {name}; --seconds N (a row), --json FILE, --core, --surfaces"
                    ));
                }
            }
        }
        Ok(options)
    }
}

async fn measure_all(etcd: &Etcd, options: &Options) -> Result<Report, String> {
    let time = options.time;
    // As a user runs it: with fsync, and etcd's own timing.
    let server = Server::start(ServerOptions::new().etcd_timing().flag("--unsafe-no-fsync=false")).await;
    let endpoint = server.endpoint();
    let ours = Client::connect(ClientConfig::new([endpoint.as_str()])).await.map_err(|error| error.to_string())?;
    let other = Client::connect(ClientConfig::new([endpoint.as_str()])).await.map_err(|error| error.to_string())?;
    let plain = Plain::connect([endpoint.as_str()], None).await.map_err(|error| error.to_string())?;
    work::prepare(&plain).await?;

    let rows = match options.surfaces_only {
        true => Vec::new(),
        false => measure_core(&ours, &other, &plain, time).await?,
    };
    let surfaces = match options.core_only {
        true => Vec::new(),
        false => surfaces::measure(&endpoint, &ours, &plain, time).await?,
    };
    for client in [&ours, &other] {
        client.close().await.map_err(|error| error.to_string())?;
    }
    Ok(Report { etcd: etcd.to_string(), time, rows, surfaces })
}

/// What is measured in Rust alone, beside the plain client.
async fn measure_core(ours: &Client, other: &Client, plain: &Plain, time: Duration) -> Result<Vec<Row>, String> {
    let [mine, its] = alternate("get", time, [&mut work::get(ours), &mut work::plain_get(plain)]).await?;
    let mut rows = vec![Row::new("get", mine, its).aim(Aim::OfPlain(1.05))];

    let [mine, its] = alternate("put", time, [&mut work::put(ours), &mut work::plain_put(plain)]).await?;
    rows.push(Row::new("put", mine, its).aim(Aim::OfPlain(1.05)));

    let [mine, its] = alternate("32 gets", time, [&mut work::gets(ours), &mut work::plain_gets(plain)]).await?;
    rows.push(Row::new("32 concurrent gets", mine, its));

    // What is held against the Go package has our put as the scale, in the same turns.
    let lease = work::lease(plain).await?;
    let (mut put, mut two_puts) = (work::put(ours), work::two_puts(plain));
    let mut its = work::plain_lock(plain, lease);
    let sides: [&mut dyn Work; 4] = [&mut work::lock(ours), &mut its, &mut two_puts, &mut put];
    let [mine, its, floor, scale] = alternate("lock", time, sides).await?;
    let row = Row::new("lock + unlock", mine, its).floor("2 puts", floor.median());
    rows.push(row.aim(Aim::of_go(0.35, 4.1, &scale)));

    let mut its = work::plain_campaign(plain, lease);
    let sides: [&mut dyn Work; 4] = [&mut work::campaign(ours), &mut its, &mut two_puts, &mut put];
    let [mine, its, floor, scale] = alternate("campaign", time, sides).await?;
    let row = Row::new("campaign + resign", mine, its).floor("2 puts", floor.median());
    rows.push(row.aim(Aim::of_go(0.35, 4.1, &scale)));

    let held = other.lock(work::HELD, work::TTL).await.map_err(|error| error.to_string())?;
    let sides: [&mut dyn Work; 3] = [&mut work::try_lock(ours), &mut work::plain_get(plain), &mut put];
    let [mine, its, scale] = alternate("try", time, sides).await?;
    let get = its.median();
    let row = Row::new("contended try_lock", mine, its).beside("a get").floor("1 get", get);
    rows.push(row.aim(Aim::of_go(0.1, 3.8, &scale)));
    held.unlock().await.map_err(|error| error.to_string())?;

    let leases = hand_over::leases(plain).await?;
    let mut floor = hand_over::floor(plain).await?;
    let mut its = hand_over::plain_in_line(plain, leases.clone(), lease);
    let sides: [&mut dyn Work; 4] = [&mut hand_over::ours_in_line(ours, plain), &mut its, &mut floor, &mut put];
    let [mine, its, bare, scale] = alternate("hand-over", time, sides).await?;
    let row = Row::new("hand-over, 16 waiters", mine, its).floor("put + event + get", bare.median());
    rows.push(row.aim(Aim::of_go(0.4, 3.2, &scale)));

    let mut its = hand_over::plain(plain, leases);
    let sides: [&mut dyn Work; 4] = [&mut hand_over::ours(ours), &mut its, &mut floor, &mut put];
    let [mine, its, bare, scale] = alternate("hand-over again", time, sides).await?;
    let row = Row::new("…, queueing again", mine, its).floor("put + event + get", bare.median());
    rows.push(row.aim(Aim::of_go(0.4, 3.2, &scale)));
    Ok(rows)
}
