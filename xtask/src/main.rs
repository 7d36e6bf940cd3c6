//! The project's own commands: `cargo xtask <command>`. One file a command.
//!
//! - [`setup`]: brings what the others need
//! - [`demo`]: a lock and an election, told by processes that live them
//! - [`check`]: format, lints, docs, the C header; for every commit
//! - [`header`]: writes the C header from the sources
//! - [`mod@test`]: every test against a real etcd; what CI runs
//! - [`soak`]: the same scenarios at random and long
//! - [`install`]: the C library as users get it
//! - [`wheel`]: the Python package as users get it
//! - [`mod@bench`]: what an operation costs, beside the plain etcd-client

mod bench;
mod check;
mod demo;
mod header;
mod install;
mod library;
mod run;
mod setup;
mod soak;
mod test;
mod wheel;

use std::env;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <command>

  demo [--endpoints A,B] [--prefix P]  a lock and an election, in every language: on a private etcd, or on yours
                                       (plain http, without a user)
  setup                                bring what the other commands need, and say what there is
  check                                format, lints, docs, the C header: for every commit
  header [--check]                     write include/gocore_etcd.h and ffi/abi/symbols.txt from the sources
  test [cargo test's arguments]        every test against a real etcd
  soak [--minutes N] [--seed S]        the scenarios again and again, at random
  install --prefix DIR [--destdir DIR]  the C library, its headers, for pkg-config and CMake
  wheel                                build the Python wheel and sdist into target/wheels
  bench [--seconds N] [--json F] [--core]  what an operation costs, beside plain etcd-client and other packages
";

/// What a command comes to; the text of a failure is for the user.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let outcome = match command.as_str() {
        "demo" => demo::run(&args),
        "setup" => setup::run(),
        "check" => check::run(),
        "header" => header::run(&args),
        "test" => test::run(&args),
        "soak" => soak::run(&args),
        "install" => install::run(&args),
        "wheel" => wheel::run(),
        "bench" => bench::run(&args),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => Err(format!("there is no command `{other}`\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask {command}: {why}");
            ExitCode::FAILURE
        }
    }
}
