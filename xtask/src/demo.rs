//! `cargo xtask demo`: a lock and an election, told by processes that live them against a real etcd.
//!
//! - [`stage`]: the etcd it plays on, private or the user's own, and how it is left as it was found
//! - [`build`]: what the workers run, an agent per language
//! - [`cast`]: the workers, each in an OS process of its own
//! - [`lock`], [`election`]: the acts
//! - [`contest`]: what each act calls its things
//! - [`scene`], [`fault`]: what the acts are made of
//! - [`tell`]: how it looks on the terminal
//! - [`verdict`]: what was promised and what was seen

mod build;
mod cast;
mod contest;
mod election;
mod fault;
mod lock;
mod scene;
mod stage;
mod tell;
mod verdict;

use gocore_etcd_tests::Etcd;
use gocore_etcd_tests::agents::Programs;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Outcome;
pub(crate) use build::programs;
use cast::Cast;
use stage::Stage;
use tell::Teller;

const INTERRUPTED: &str = "interrupted; nothing is left behind";

pub(crate) fn run(args: &[String]) -> Outcome {
    let options = Options::parse(args)?;
    if options.endpoints.is_empty() {
        // What takes its time comes before we listen for Ctrl-C, which ends all of it.
        Etcd::locate()?;
    }
    let programs = programs()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(play(&options, programs))
}

/// What the user asked for.
struct Options {
    /// `host:port` each; empty for a private etcd.
    endpoints: Vec<String>,
    /// What the demo's own prefix is put below.
    prefix: String,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options, String> {
        const USAGE: &str = "--endpoints host:port[,host:port...], --prefix P";
        let mut options = Options { endpoints: Vec::new(), prefix: String::new() };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value ({USAGE})"))?;
            match name.as_str() {
                "--endpoints" => {
                    let trimmed = value.split(',').map(|endpoint| endpoint.trim().trim_start_matches("http://"));
                    options.endpoints = trimmed.filter(|endpoint| !endpoint.is_empty()).map(str::to_owned).collect();
                    if options.endpoints.is_empty() {
                        return Err(format!("--endpoints names none ({USAGE})"));
                    }
                    if options.endpoints.iter().any(|endpoint| endpoint.contains("://")) {
                        return Err("the demo speaks plain http to etcd; TLS is for the library".to_owned());
                    }
                }
                "--prefix" => options.prefix = value.trim_end_matches('/').to_owned(),
                _ => return Err(format!("there is no option {name}; {USAGE}")),
            }
        }
        Ok(options)
    }
}

/// From curtain to curtain; a signal ends it at any moment, and what was begun is cleared away then too.
async fn play(options: &Options, programs: Programs) -> Outcome {
    let mut signals = Signals::listen()?;
    let stage = tokio::select! {
        stage = Stage::set(options) => stage?,
        () = signals.any() => return Err(INTERRUPTED.to_owned()),
    };
    let missing = programs.missing();
    let mut cast = Cast::of(programs.here);
    let tell = Teller::begin(cast.names());
    let outcome = tokio::select! {
        outcome = acts(&stage, &mut cast, &missing, &tell) => outcome,
        () = signals.any() => {
            tell.interrupted();
            Err(INTERRUPTED.to_owned())
        }
    };
    let cleared = stage.clear(cast).await;
    outcome.and(cleared)?;
    tell.end("Every promise held; nothing is left behind.");
    Ok(())
}

/// One after the other, each with a cast of its own; an error when one could not go on, or a promise did not hold.
async fn acts(stage: &Stage, cast: &mut Cast, missing: &str, tell: &Teller) -> Outcome {
    let first = lock::play(stage, cast, missing, tell).await?.tell(tell);
    let second = election::play(stage, cast, tell).await?.tell(tell);
    verdict::outcome(first + second)
}

/// Ctrl-C, a polite kill, the terminal's end.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> Result<Signals, String> {
        let listen = |kind| signal(kind).map_err(|error| error.to_string());
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(listen);
        Ok(Signals([interrupt?, terminate?, hangup?]))
    }

    async fn any(&mut self) {
        let Signals([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
