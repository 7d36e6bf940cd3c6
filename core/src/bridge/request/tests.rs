use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{Request, Requests};
use crate::bridge::{CancelToken, Feed, Limit, Operation, Runtime};
use crate::error::{Error, ErrorKind, Result};

type Squares = Requests<u32, u32>;

fn runtime() -> Runtime {
    Runtime::shared("test").expect("a thread")
}

fn ask(requests: &Squares, question: u32, limit: Limit) -> (Operation, Receiver<Result<u32>>) {
    let (done, answer) = channel();
    let requests = requests.clone();
    let work = async move { requests.ask("test", question, limit).await };
    let complete = move |result| drop(done.send(result));
    (Operation::start(&runtime(), "test", Limit::Never, CancelToken::new(), work, complete), answer)
}

/// The next request, as a surface takes it.
fn next(feed: &Arc<Feed<Request<u32>>>) -> Option<Request<u32>> {
    let (tell, told) = channel();
    let attended = Arc::clone(feed);
    let work = async move {
        attended.attend(|| tell.send(()).unwrap_or_default()).await;
        Ok(())
    };
    let attendant = Operation::start(&runtime(), "test", Limit::Never, CancelToken::new(), work, drop);
    if feed.wait() {
        told.recv_timeout(SOON).expect("something comes");
    }
    attendant.cancel();
    feed.take(1).events.pop().map(|event| event.expect("a request"))
}

fn host(requests: &Squares) -> Arc<Feed<Request<u32>>> {
    Arc::new(Feed::new(&runtime(), "test", requests.incoming()))
}

const SOON: Duration = Duration::from_secs(10);

#[test]
fn each_asker_gets_the_answer_to_its_own_question_in_whatever_order_they_come() {
    let requests = Squares::default();
    let host = host(&requests);
    let askers: Vec<_> = (0..3).map(|question| (question, ask(&requests, question, Limit::Never))).collect();
    let mut asked: Vec<_> = (0..3).map(|_| next(&host).expect("asked")).collect();
    asked.reverse();
    for request in asked {
        let Request::Asked { id, question } = request else { panic!("nobody has gone") };
        assert!(requests.reply(id, Ok(question * question)));
        assert!(!requests.reply(id, Ok(0)), "answered already");
    }
    for (question, (_operation, answer)) in askers {
        assert_eq!(answer.recv_timeout(SOON).expect("comes").expect("answered"), question * question);
    }
}

#[test]
fn an_error_of_the_host_is_the_answer() {
    let requests = Squares::default();
    let host = host(&requests);
    let (_operation, answer) = ask(&requests, 1, Limit::Never);
    let Some(Request::Asked { id, .. }) = next(&host) else { panic!("asked") };
    assert!(requests.reply(id, Err(Error::new(ErrorKind::InvalidArgument, "host"))));
    assert_eq!(answer.recv_timeout(SOON).expect("comes").expect_err("refused").kind(), ErrorKind::InvalidArgument);
}

#[test]
fn an_asker_that_goes_takes_its_question_back_or_says_so() {
    let requests = Squares::default();
    let host = host(&requests);
    let (taken, answer) = ask(&requests, 1, Limit::Never);
    let Some(Request::Asked { id, .. }) = next(&host) else { panic!("asked") };
    // The second is withdrawn before the host has heard of it.
    let (_expires, expired) = ask(&requests, 2, Limit::After(Duration::from_millis(1)));
    assert_eq!(expired.recv_timeout(SOON).expect("ends").expect_err("late").kind(), ErrorKind::DeadlineExceeded);
    taken.cancel();
    assert_eq!(answer.recv_timeout(SOON).expect("ends").expect_err("cancelled").kind(), ErrorKind::Cancelled);
    assert_eq!(next(&host), Some(Request::Withdrawn { id }));
    assert!(!requests.reply(id, Ok(1)), "nobody waits any more");
    assert!(!requests.reply(99, Ok(1)), "never asked");
}

#[test]
fn whoever_waits_for_a_host_that_ends_gets_closed() {
    let requests = Squares::default();
    let host = host(&requests);
    let (_operation, answer) = ask(&requests, 1, Limit::Never);
    assert!(matches!(next(&host), Some(Request::Asked { .. })));
    requests.close();
    assert_eq!(answer.recv_timeout(SOON).expect("ends").expect_err("closed").kind(), ErrorKind::Closed);
    let (_operation, answer) = ask(&requests, 2, Limit::Never);
    assert_eq!(answer.recv_timeout(SOON).expect("ends").expect_err("closed").kind(), ErrorKind::Closed);
    assert_eq!(next(&host), None);
}
