//! One renewal for all who met the same stale token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Granted, Tokens};
use crate::client_config::Credentials;
use crate::error::{Error, ErrorKind};
use crate::time::Deadline;

fn tokens() -> Arc<Tokens> {
    let password = Zeroizing::new("secret".to_string());
    Arc::new(Tokens::new(Some(Credentials { name: "app".to_string(), password })))
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}

#[tokio::test]
async fn many_who_were_refused_authenticate_once() {
    let (tokens, asked) = (tokens(), Arc::new(AtomicU32::new(0)));
    let seen = tokens.current().version;
    let renewals = (0..50).map(|_| {
        let (tokens, asked) = (Arc::clone(&tokens), Arc::clone(&asked));
        tokio::spawn(async move {
            let grant = |_| async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(Granted::Token(format!("token-{}", asked.fetch_add(1, Ordering::Relaxed))))
            };
            tokens.renew("test", seen, soon(), grant).await
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
    let tokens = tokens();
    let seen = tokens.current().version;
    let refused = |_| async { Err(Error::new(ErrorKind::Unauthenticated, "test")) };
    tokens.renew("first", seen, soon(), refused).await.unwrap_err();
    let again = tokens.renew("second", seen, soon(), |_| async { unreachable!("not asked") }).await.unwrap_err();
    assert_eq!((again.kind(), again.op()), (ErrorKind::Unauthenticated, "second"));
}

#[tokio::test]
async fn whoever_gives_up_leaves_the_renewal_to_the_next() {
    let tokens = tokens();
    let seen = tokens.current().version;
    let never = tokens.renew("test", seen, soon(), |_| std::future::pending());
    tokio::time::timeout(Duration::from_millis(5), never).await.unwrap_err();
    tokens.renew("test", seen, soon(), |_| async { Ok(Granted::Token("t".to_string())) }).await.unwrap();
    assert!(tokens.current().header.is_some());
}

#[tokio::test]
async fn a_server_without_authentication_leaves_no_token() {
    let tokens = tokens();
    let seen = tokens.current().version;
    tokens.renew("test", seen, soon(), |_| async { Ok(Granted::NotEnabled) }).await.unwrap();
    assert!(tokens.current().header.is_none());
    assert_ne!(tokens.current().version, seen);
}

#[tokio::test]
async fn a_token_is_never_shown() {
    let tokens = tokens();
    let seen = tokens.current().version;
    tokens.renew("test", seen, soon(), |_| async { Ok(Granted::Token("hush".to_string())) }).await.unwrap();
    assert!(!format!("{:?}", tokens.current().header).contains("hush"));
}
