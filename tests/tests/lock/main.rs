//! The lock against a real etcd: what it promises, one file a group of promises.

mod basics;
mod cost;
