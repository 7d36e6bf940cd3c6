use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{Feed, Taken};
use crate::bridge::{CancelToken, Limit, Operation, Runtime};
use crate::error::{Error, ErrorKind, Result};

fn runtime() -> Runtime {
    Runtime::shared("test").expect("a thread")
}

/// A feed of what is sent.
fn feed() -> (UnboundedSender<Result<u32>>, Arc<Feed<u32>>) {
    let (sender, receiver) = unbounded_channel();
    let source = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    (sender, Arc::new(Feed::new(&runtime(), "test", source)))
}

/// Tells when the feed is ready.
fn wait(feed: &Arc<Feed<u32>>) -> (Operation, Receiver<Result<()>>) {
    let (done, ready) = channel();
    let waited = Arc::clone(feed);
    let work = async move {
        waited.ready().await;
        Ok(())
    };
    let complete = move |result| drop(done.send(result));
    (Operation::start(&runtime(), "test", Limit::Never, CancelToken::new(), work, complete), ready)
}

fn values(taken: Taken<u32>) -> (Vec<u32>, bool) {
    (taken.events.into_iter().map(|event| event.expect("a value")).collect(), taken.is_over)
}

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_consumer_takes_all_there_is_and_is_woken_for_the_next() {
    let (sender, feed) = feed();
    assert_eq!(values(feed.take(10)), (vec![], false));
    let (_operation, ready) = wait(&feed);
    for value in 0..5 {
        sender.send(Ok(value)).expect("open");
    }
    ready.recv_timeout(SOON).expect("woken").expect("ready");
    assert_eq!(values(feed.take(3)), (vec![0, 1, 2], false));
    assert_eq!(values(feed.take(3)), (vec![3, 4], false));
    drop(sender);
    assert_eq!(values(feed.take(3)), (vec![], true));
}

#[test]
fn waiting_takes_nothing_away_also_when_it_is_cancelled() {
    let (sender, feed) = feed();
    let (operation, ready) = wait(&feed);
    operation.cancel();
    assert_eq!(ready.recv_timeout(SOON).expect("ends").expect_err("cancelled").kind(), ErrorKind::Cancelled);
    sender.send(Ok(1)).expect("open");
    let (_operation, ready) = wait(&feed);
    ready.recv_timeout(SOON).expect("woken").expect("ready");
    let (_operation, ready) = wait(&feed);
    ready.recv_timeout(SOON).expect("at once").expect("ready again: nobody has taken it");
    assert_eq!(values(feed.take(10)), (vec![1], false));
}

/// The empty waker of `take` must not replace that of who waits.
#[test]
fn taking_while_another_waits_does_not_leave_it_waiting() {
    let (sender, feed) = feed();
    for round in 0..1000 {
        let (_operation, ready) = wait(&feed);
        while feed.lock().waiting.is_none() {
            std::thread::yield_now();
        }
        assert_eq!(values(feed.take(10)), (vec![], false));
        sender.send(Ok(round)).expect("open");
        ready.recv_timeout(SOON).expect("woken").expect("ready");
        assert_eq!(values(feed.take(10)), (vec![round], false));
    }
}

#[test]
fn an_error_is_an_event_among_others_and_a_panic_is_the_last() {
    let source = stream::iter([Ok(1), Err(Error::new(ErrorKind::Malformed, "test")), Ok(2)])
        .chain(stream::once(async { panic!("boom") }));
    let feed: Feed<u32> = Feed::new(&runtime(), "test", source);
    let taken = feed.take(10);
    let kinds: Vec<_> = taken.events.into_iter().map(|event| event.map_err(|error| error.kind())).collect();
    assert_eq!(kinds, [Ok(1), Err(ErrorKind::Malformed), Ok(2), Err(ErrorKind::Internal)]);
    assert!(taken.is_over);
}

/// A source may sleep and send, for which it needs the runtime, also when it is polled on a thread of the host.
#[test]
fn a_source_that_sleeps_can_be_taken_from_on_any_thread() {
    let source = stream::once(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(7)
    });
    let feed = Arc::new(Feed::new(&runtime(), "test", source));
    assert_eq!(values(feed.take(1)), (vec![], false), "it has begun to sleep, here");
    let (_operation, ready) = wait(&feed);
    ready.recv_timeout(SOON).expect("woken").expect("ready");
    assert_eq!(values(feed.take(1)).0, [7]);
}
