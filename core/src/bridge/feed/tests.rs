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

/// Attends the feed.
fn attend(feed: &Arc<Feed<u32>>) -> (Operation, Receiver<()>) {
    let (tell, told) = channel();
    let attended = Arc::clone(feed);
    let work = async move {
        attended.attend(|| tell.send(()).unwrap_or_default()).await;
        Ok(())
    };
    (Operation::start(&runtime(), "test", Limit::Never, CancelToken::new(), work, drop), told)
}

/// Whether the attendant has nobody to tell, and nothing to tell of.
fn is_quiet(told: &Receiver<()>) -> bool {
    // What it was to do it has done before what is begun after it.
    let after = Operation::run(&runtime(), "test", Limit::Never, CancelToken::new(), async { Ok(()) });
    after.is_ok() && told.try_recv().is_err()
}

fn values(taken: Taken<u32>) -> (Vec<u32>, bool) {
    (taken.events.into_iter().map(|event| event.expect("a value")).collect(), taken.is_over)
}

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_consumer_takes_all_there_is_and_is_told_of_the_next() {
    let (sender, feed) = feed();
    let (_attendant, told) = attend(&feed);
    assert_eq!(values(feed.take(10)), (vec![], false));
    assert!(feed.wait());
    for value in 0..5 {
        sender.send(Ok(value)).expect("open");
    }
    told.recv_timeout(SOON).expect("told");
    assert!(is_quiet(&told), "once, however many came");
    assert_eq!(values(feed.take(3)), (vec![0, 1, 2], false));
    assert!(!feed.wait(), "there is more already");
    assert_eq!(values(feed.take(3)), (vec![3, 4], false));
    assert!(feed.wait());
    drop(sender);
    told.recv_timeout(SOON).expect("told of the end");
    assert_eq!(values(feed.take(3)), (vec![], true));
    assert!(!feed.wait(), "nothing follows");
}

#[test]
fn who_asks_before_there_is_an_attendant_is_told() {
    for is_there in [false, true] {
        let (sender, feed) = feed();
        if is_there {
            sender.send(Ok(1)).expect("open");
        }
        assert!(feed.wait());
        let (_attendant, told) = attend(&feed);
        if !is_there {
            sender.send(Ok(1)).expect("open");
        }
        told.recv_timeout(SOON).expect("told");
        assert_eq!(values(feed.take(10)), (vec![1], false));
    }
}

#[test]
fn nobody_is_told_who_has_not_asked() {
    let (sender, feed) = feed();
    let (_attendant, told) = attend(&feed);
    sender.send(Ok(1)).expect("open");
    assert!(is_quiet(&told));
    assert_eq!(values(feed.take(10)), (vec![1], false));
    sender.send(Ok(2)).expect("open");
    assert!(is_quiet(&told));
    assert!(!feed.wait(), "it is there already");
    assert!(is_quiet(&told));
    assert_eq!(values(feed.take(10)), (vec![2], false));
}

#[test]
fn waiting_takes_nothing_away_also_when_its_attendant_ends() {
    let (sender, feed) = feed();
    let (attendant, told) = attend(&feed);
    assert!(feed.wait());
    attendant.cancel();
    assert!(told.recv_timeout(SOON).is_err(), "it has ended");
    sender.send(Ok(1)).expect("open");
    let (_attendant, told) = attend(&feed);
    told.recv_timeout(SOON).expect("told");
    assert!(!feed.wait(), "still: nobody has taken it");
    assert_eq!(values(feed.take(10)), (vec![1], false));
}

/// Taking, on the consumer's thread, must not leave the source with nobody to wake.
#[test]
fn whoever_has_polled_last_the_attendant_is_woken() {
    let (sender, feed) = feed();
    let (_attendant, told) = attend(&feed);
    for round in 0..1000 {
        assert!(feed.wait());
        assert_eq!(values(feed.take(10)), (vec![], false));
        sender.send(Ok(round)).expect("open");
        told.recv_timeout(SOON).expect("told");
        assert_eq!(values(feed.take(10)), (vec![round], false));
    }
}

/// Each event comes once and none stays behind, whatever the threads do.
#[test]
fn a_consumer_that_asks_whenever_it_finds_nothing_gets_everything() {
    let (sender, feed) = feed();
    let (_attendant, told) = attend(&feed);
    let writer = std::thread::spawn(move || {
        for value in 0..100_000 {
            sender.send(Ok(value)).expect("open");
        }
    });
    let mut seen = 0;
    loop {
        let (taken, is_over) = values(feed.take(7));
        for value in taken {
            assert_eq!(value, seen);
            seen += 1;
        }
        if is_over {
            break;
        }
        if feed.wait() {
            told.recv_timeout(SOON).expect("told");
        }
    }
    assert_eq!(seen, 100_000);
    writer.join().expect("has written");
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
    let (_attendant, told) = attend(&feed);
    if feed.wait() {
        told.recv_timeout(SOON).expect("told");
    }
    assert_eq!(values(feed.take(1)).0, [7]);
}

#[test]
fn who_lingers_is_woken_by_an_event_and_by_the_end_and_otherwise_goes_when_the_time_is_over() {
    let (sender, feed) = feed();
    let (_attendant, told) = attend(&feed);
    assert!(!feed.linger(Duration::from_millis(1)));
    let lingering = || {
        let feed = feed.clone();
        std::thread::spawn(move || feed.linger(SOON * 6))
    };
    let began = std::time::Instant::now();
    let (one, two) = (lingering(), lingering());
    sender.send(Ok(1)).expect("open");
    assert!(one.join().expect("no panic") && two.join().expect("no panic"), "nobody has taken it");
    assert!(feed.linger(SOON), "it is still there");
    assert_eq!(values(feed.take(10)), (vec![1], false));
    assert!(is_quiet(&told), "nobody has asked");
    let last = lingering();
    drop(sender);
    assert!(last.join().expect("no panic"));
    assert_eq!(values(feed.take(10)), (vec![], true));
    assert!(began.elapsed() < SOON * 6, "woken");
}

#[test]
fn ended_its_source_is_dropped_at_once_also_while_somebody_lingers() {
    let (sender, feed) = feed();
    let (_attendant, _told) = attend(&feed);
    let lingering = {
        let feed = feed.clone();
        std::thread::spawn(move || feed.linger(SOON * 6))
    };
    feed.end();
    assert!(sender.send(Ok(1)).is_err(), "nobody receives");
    assert!(lingering.join().expect("no panic"));
    assert_eq!(values(feed.take(10)), (vec![], true));
}

/// Now lingering, now asking to be told.
#[test]
fn a_consumer_that_lingers_first_gets_everything() {
    let (sender, feed) = feed();
    let (_attendant, told) = attend(&feed);
    let writer = std::thread::spawn(move || {
        for value in 0..20_000 {
            sender.send(Ok(value)).expect("open");
            if value % 1000 == 0 {
                std::thread::yield_now();
            }
        }
    });
    let mut seen = 0;
    loop {
        let (taken, is_over) = values(feed.take(7));
        for value in taken {
            assert_eq!(value, seen);
            seen += 1;
        }
        if is_over {
            break;
        }
        if !feed.linger(Duration::from_micros(10)) && feed.wait() {
            told.recv_timeout(SOON).expect("told");
        }
    }
    assert_eq!(seen, 20_000);
    writer.join().expect("has written");
}
