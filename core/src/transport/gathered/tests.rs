//! When a write waits, and when it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Wake, Waker};

use super::*;

/// How often a task was woken.
#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_burst_waits_one_turn_and_is_woken_for_it() {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let mut io = Gathered::new(Vec::new());
    for burst in 1..=3 {
        assert!(Pin::new(&mut io).poll_write(&mut cx, b"head").is_pending(), "the message may still come");
        assert_eq!(woken.0.load(Ordering::Relaxed), burst, "nobody else would wake it");
        for bytes in [&b"head"[..], b"message"] {
            assert!(matches!(Pin::new(&mut io).poll_write(&mut cx, bytes), Poll::Ready(Ok(n)) if n == bytes.len()));
        }
        assert!(Pin::new(&mut io).poll_flush(&mut cx).is_ready());
    }
    assert_eq!(io.inner, b"headmessage".repeat(3));
}

#[test]
fn what_is_large_or_closed_or_flushed_does_not_wait() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut io = Gathered::new(Vec::new());
    assert!(Pin::new(&mut io).poll_write(&mut cx, &[0; SMALL + 1]).is_ready());
    assert!(Pin::new(&mut io).poll_flush(&mut cx).is_ready());
    assert!(Pin::new(&mut io).poll_shutdown(&mut cx).is_ready());
}
