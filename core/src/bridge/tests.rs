use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::error::{Error, ErrorKind};

fn runtime() -> Runtime {
    Runtime::shared("test").expect("a thread")
}

#[test]
fn one_runtime_serves_the_process_and_another_begins_after_it_has_ended() {
    let first = runtime();
    let value = Operation::run(&first, "test", Limit::Default, CancelToken::new(), async { Ok(7) });
    assert_eq!(value.expect("runs"), 7);
    drop(first);
    let value = Operation::run(&runtime(), "test", Limit::Default, CancelToken::new(), async { Ok(8) });
    assert_eq!(value.expect("runs again"), 8);
}

#[test]
fn an_operation_completes_exactly_once_however_it_ends() {
    let runtime = runtime();
    let completions = Arc::new(AtomicUsize::new(0));
    let (done, ended) = std::sync::mpsc::channel();
    let start = |limit: Limit, panics: bool, cancels: bool| {
        let (completions, done) = (completions.clone(), done.clone());
        let token = CancelToken::new();
        let work = async move {
            assert!(!panics, "boom");
            std::future::pending::<()>().await;
            Ok(())
        };
        let operation = Operation::start(&runtime, "test", limit, token, work, move |result| {
            completions.fetch_add(1, Ordering::SeqCst);
            done.send(result.expect_err("never succeeds").kind()).expect("waited for");
        });
        if cancels {
            operation.cancel();
            operation.cancel();
        }
        ended.recv_timeout(Duration::from_secs(10)).expect("completes")
    };
    assert_eq!(start(Limit::Never, false, true), ErrorKind::Cancelled);
    assert_eq!(start(Limit::After(Duration::from_millis(10)), false, false), ErrorKind::DeadlineExceeded);
    assert_eq!(start(Limit::Never, true, false), ErrorKind::Internal);
    assert_eq!(completions.load(Ordering::SeqCst), 3);
}

#[test]
fn a_completion_that_panics_harms_nobody_else() {
    let runtime = runtime();
    let log = Log::new(LogLevel::Error);
    log.listen(|| {});
    let ends = |_: Result<(), Error>| panic!("in a completion");
    Operation::start(&runtime, "test", Limit::Never, CancelToken::new(), async { Ok(()) }, ends);
    let next = Operation::run(&runtime, "test", Limit::Never, CancelToken::new(), async { Ok(7) });
    assert_eq!(next.expect("runs"), 7);
    let told = log.take(usize::MAX).0;
    assert!(told.iter().any(|record| record.text.contains("in a completion")), "{told:?}");
}

#[test]
fn a_panic_becomes_an_error_with_its_message() {
    let error = guarded::<()>("test", || panic!("the reason")).expect_err("caught");
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("the reason"), "{error}");
}

#[test]
fn a_wake_up_is_outstanding_at_most_once_and_what_was_dropped_is_told() {
    let buffer = Buffer::new(3);
    assert!(buffer.push(1), "the first wakes");
    assert!(!buffer.push(2) && !buffer.push(3) && !buffer.push(4));
    assert_eq!(buffer.take(2), (vec![2, 3], 1));
    assert!(!buffer.push(5), "the consumer goes on by itself");
    assert_eq!(buffer.take(10), (vec![4, 5], 0));
    assert!(buffer.push(6), "and is woken again after it saw the end");
}

#[test]
fn notices_come_in_batches_and_end_with_the_queue() {
    let notices = Notices::default();
    assert_eq!(notices.take(Duration::from_millis(1)), Some(vec![]));
    notices.push(1).expect("open");
    notices.push(2).expect("open");
    assert_eq!(notices.take(Duration::MAX), Some(vec![1, 2]));
    notices.push(3).expect("open");
    notices.close();
    assert_eq!(notices.push(4), Err(4));
    assert_eq!(notices.take(Duration::MAX), Some(vec![3]));
    assert_eq!(notices.take(Duration::MAX), None);
}

/// In a child of its own, because a forked test process is of no further use.
#[test]
fn a_forked_child_is_told_so_and_can_begin_anew() {
    let runtime = runtime();
    let owned = Owned::new(Arc::new(()));
    let shared = Arc::clone(owned.peek());
    // SAFETY: the child touches nothing but what is under test, and leaves by `_exit`.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let refused = owned.get("test").is_err_and(|error: Error| error.kind() == ErrorKind::WrongContext);
        drop(owned);
        let leaked = Arc::strong_count(&shared) == 2;
        let new = Runtime::shared("test");
        let works = new.is_ok_and(|new| {
            Operation::run(&new, "test", Limit::After(Duration::from_secs(5)), CancelToken::new(), async { Ok(()) })
                .is_ok()
        });
        let code = i32::from(!refused) + 2 * i32::from(!leaked) + 4 * i32::from(!works);
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is ours; the child is ours.
    unsafe { libc::waitpid(pid, &mut status, 0) };
    assert_eq!(status, 0, "the child's findings");
    assert!(owned.get("test").is_ok());
    drop(runtime);
}
