//! Keys and values against a real etcd: what a call gives, what it refuses, what it costs; one file a group of promises.

mod cost;
mod faults;
mod keys;
mod ranges;
mod refused;
mod story;
mod txns;
