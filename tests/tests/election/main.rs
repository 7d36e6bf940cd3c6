//! Elections against a real etcd: what they promise, one file a group of promises.

mod basics;
mod candidacy;
mod observers;
mod run;
mod story;
