//! One renewal for all who met the same stale token.

use std::iter::successors;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{Granted, Refusal, Tokens};
use crate::client_config::Credentials;
use crate::error::{Error, ErrorKind};
use crate::tasks::Tasks;
use crate::time::{BootTime, Deadline};

fn tokens() -> (Arc<Tokens>, Tasks) {
    let password = Zeroizing::new("secret".to_string());
    (Tokens::new(Some(Credentials { name: "app".to_string(), password })), Tasks::new())
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}

#[tokio::test]
async fn many_who_were_refused_authenticate_once() {
    let ((tokens, tasks), asked) = (tokens(), Arc::new(AtomicU32::new(0)));
    let seen = tokens.current().version;
    let renewals = (0..50).map(|_| {
        let (tokens, tasks, asked) = (Arc::clone(&tokens), tasks.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            let grant = |_| {
                let asked = Arc::clone(&asked);
                async move {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    Ok(Granted::Token(format!("token-{}", asked.fetch_add(1, Ordering::Relaxed))))
                }
            };
            tokens.renew("test", seen, soon(), &tasks, grant).await
        })
    });
    for renewal in renewals.collect::<Vec<_>>() {
        renewal.await.unwrap().unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_ne!(tokens.current().version, seen);
    assert_eq!(tokens.current().header.as_ref().unwrap(), "token-0");
}

#[tokio::test]
async fn a_refused_user_is_not_asked_about_again_at_once() {
    let (tokens, tasks) = tokens();
    let seen = tokens.current().version;
    let refused = |_| async { Err(Error::new(ErrorKind::Unauthenticated, "test")) };
    tokens.renew("first", seen, soon(), &tasks, refused).await.unwrap_err();
    let again =
        tokens.renew("second", seen, soon(), &tasks, |_| async { unreachable!("not asked") }).await.unwrap_err();
    assert_eq!((again.kind(), again.op()), (ErrorKind::Unauthenticated, "second"));
}

#[test]
fn each_refusal_holds_twice_as_long_as_the_one_before_up_to_half_a_minute() {
    let error = || Error::new(ErrorKind::Unauthenticated, "test");
    let first = Refusal::after(None, error(), BootTime::ZERO);
    let refusals = successors(Some(first), |last| Some(Refusal::after(Some(last), error(), last.until)));
    let holds: Vec<_> = refusals.take(7).map(|refusal| refusal.holds.as_secs()).collect();
    assert_eq!(holds, [1, 2, 4, 8, 16, 30, 30]);
}

#[tokio::test]
async fn whoever_gives_up_leaves_the_renewal_going_on() {
    let (tokens, tasks) = tokens();
    let seen = tokens.current().version;
    let (grant, granted) = watch::channel(false);
    let asked = AtomicU32::new(0);
    let slow = |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        let mut granted = granted.clone();
        async move { Ok(granted.wait_for(|granted| *granted).await.map(|_| Granted::Token("t".to_string())).unwrap()) }
    };
    let late = Deadline::after(Duration::from_millis(5));
    let error = tokens.renew("test", seen, late, &tasks, slow).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    tokio::time::timeout(Duration::from_millis(5), tokens.renew("test", seen, soon(), &tasks, slow)).await.unwrap_err();
    grant.send_replace(true);
    tokens.renew("test", seen, soon(), &tasks, slow).await.unwrap();
    assert_eq!(asked.into_inner(), 1);
    assert!(tokens.current().header.is_some());
}

#[tokio::test]
async fn a_renewal_that_panics_is_an_error_and_the_next_begins_anew() {
    let (tokens, tasks) = tokens();
    let seen = tokens.current().version;
    let panics = |_| async { panic!("on purpose") };
    let error = tokens.renew("test", seen, soon(), &tasks, panics).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    tokens.renew("test", seen, soon(), &tasks, |_| async { Ok(Granted::Token("t".to_string())) }).await.unwrap();
}

#[tokio::test]
async fn closing_ends_a_renewal_and_only_what_gives_back_begins_another() {
    let (tokens, tasks) = tokens();
    let seen = tokens.current().version;
    let renewal = tokens.renew("test", seen, soon(), &tasks, |_| std::future::pending());
    tokio::time::timeout(Duration::from_millis(5), renewal).await.unwrap_err();
    tasks.shut_down(Duration::from_secs(5));
    tokens.renew("test", seen, soon(), &tasks, |_| async { Ok(Granted::Token("t".to_string())) }).await.unwrap();
    tasks.ended().await;
    assert!(tasks.gave_everything_back());
    let seen = tokens.current().version;
    drop(tasks.clone().terminate_on_drop());
    let error = tokens.renew("test", seen, soon(), &tasks, |_| std::future::pending()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_server_without_authentication_leaves_no_token() {
    let (tokens, tasks) = tokens();
    let seen = tokens.current().version;
    tokens.renew("test", seen, soon(), &tasks, |_| async { Ok(Granted::NotEnabled) }).await.unwrap();
    assert!(tokens.current().header.is_none());
    assert_ne!(tokens.current().version, seen);
}

#[tokio::test]
async fn a_token_is_never_shown() {
    let (tokens, tasks) = tokens();
    let seen = tokens.current().version;
    tokens.renew("test", seen, soon(), &tasks, |_| async { Ok(Granted::Token("hush".to_string())) }).await.unwrap();
    assert!(!format!("{:?}", tokens.current().header).contains("hush"));
}
