//! The C library: `include/gocore_etcd.h` in Rust. Each module is one section of the header.
//!
//! The contract is written where a user of C reads it: at the head of the header (`ffi/header.txt`) and at each
//! function. Here is only how it is kept. What the functions do is the core's; how they wait, cancel, fork and fail is
//! `gocore_etcd_core::bridge`.
//!
//! # Layout
//! Sections of the header, in its order:
//! - [`version`], [`error`], [`cancel`]
//! - [`config`], [`client`], [`subscription`], [`dispatch`], [`log`]
//! - [`entry`], [`range`], [`kv`], [`txn`], [`txn_result`], [`watch`], [`watch_update`]
//! - [`lock`], [`lock_events`]
//! - [`election`], [`leader`], [`leadership`], [`election_events`], [`candidacy`], [`election_run`]
//!
//! What they stand on:
//! - `args`: reads what C passes. The one place where a raw pointer becomes something of Rust
//! - `out`: gives results to C, and takes them back to be freed
//! - `callback`: how callbacks reach C: subscriptions, threads, dispatching
//! - `entry_point`: what every function begins with: the panic guard, the error slot; how a blocking call waits
//!
//! # Why the functions are safe ones
//! A function that C calls gets raw pointers whose validity nobody can check. They are trusted under one set of
//! conventions, the header's first page, in one file, `args`. Marking each of the functions `unsafe` would repeat that
//! a hundred times and show nothing; no Rust code calls them.

// The names are those of C.
#![allow(non_camel_case_types)]

pub mod version;

pub mod error;

pub mod cancel;

pub mod config;

pub mod client;

pub mod subscription;

pub mod dispatch;

pub mod log;

pub mod entry;

pub mod range;

pub mod kv;

pub mod txn;

pub mod txn_result;

pub mod watch;

pub mod watch_update;

pub mod lock;

pub mod lock_events;

pub mod election;

pub mod leader;

pub mod leadership;

pub mod election_events;

pub mod candidacy;

pub mod election_run;

mod args;
mod callback;
mod entry_point;
mod out;
