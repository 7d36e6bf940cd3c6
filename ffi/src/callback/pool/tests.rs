use std::sync::mpsc::{Sender, channel};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::*;

/// Says on which thread it runs, and has so many follow.
fn burst(left: usize, ran: Sender<ThreadId>) -> Job {
    Box::new(move || {
        ran.send(thread::current().id()).expect("waited for");
        if left > 0 {
            push_next(burst(left - 1, ran));
        }
    })
}

#[test]
fn jobs_that_follow_each_other_need_one_thread() {
    let _member = join("test").expect("a thread");
    let idle = || {
        let state = POOL.get().lock();
        state.idle == state.threads
    };
    while !idle() {
        thread::yield_now();
    }
    let (ran, threads) = channel();
    push(burst(1000, ran));
    let mut threads = std::iter::from_fn(|| threads.recv_timeout(Duration::from_secs(10)).ok());
    let first = threads.next().expect("runs");
    assert_eq!(threads.filter(|thread| *thread == first).count(), 1000);
    assert_eq!(POOL.get().lock().threads, 1);
}
