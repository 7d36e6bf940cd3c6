//! Elections against a real etcd: what they promise, one file a group of promises.

mod basics;
mod cancel;
mod candidacy;
mod deadlines;
mod foreign;
mod lost_answer;
mod observers;
mod restored;
mod rights;
mod run;
mod story;
