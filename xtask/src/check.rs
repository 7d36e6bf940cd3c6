//! `cargo xtask check`: what can be said about the sources without running them, for every commit.

use crate::Outcome;
use crate::header;
use crate::run::{cargo, show};
use crate::wheel;

pub(crate) fn run() -> Outcome {
    show(cargo(&["fmt", "--all", "--check"]))?;
    show(cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    // Without TLS, core must stand too.
    let bare = ["clippy", "--package", "gocore-etcd-core", "--no-default-features", "--locked", "--", "-D", "warnings"];
    show(cargo(&bare))?;
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    show(doc)?;
    header::check()?;
    wheel::check()
}
