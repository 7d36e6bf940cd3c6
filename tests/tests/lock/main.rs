//! The lock against a real etcd: what it promises, one file a group of promises.

mod basics;
mod cancel;
mod close_and_limits;
mod exclusion;
mod foreign;
mod lagging;
mod lost_answer;
mod operators;
mod readme;
mod restored;
mod story;
mod survives;
