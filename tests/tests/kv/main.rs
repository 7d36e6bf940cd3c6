//! Keys and values against a real etcd: what a call gives, and what it refuses; one file a group of promises.

mod faults;
mod keys;
mod ranges;
mod refused;
mod story;
mod together;
mod txns;
