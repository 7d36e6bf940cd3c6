//! The lock against a real etcd: what it promises, one file a group of promises.

mod basics;
mod cost;
mod exclusion;
mod foreign;
mod lost_in_time;
mod operators;
mod story;
mod survives;
