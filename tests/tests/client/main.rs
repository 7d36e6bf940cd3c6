//! The client against a real etcd: how it connects, what a fault costs, tokens, members, big messages; one file a
//! group of promises.

mod auth;
mod big;
mod close;
mod config;
mod connect;
mod figures;
mod load;
mod log;
mod outage;
mod raw;
mod story;
mod sync;
mod tls;
mod transfer;
