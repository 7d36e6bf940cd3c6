//! What many scenarios do and look at, each in a line: clients of ours, what a plain client sees, futures that are dropped.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use etcd_client::{EventType, GetOptions, WatchOptions};
use gocore_etcd_core::{Client, ClientConfig};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::Server;
use crate::clock::boottime;
use crate::process::Event;

/// What happens at once, on a machine that is busy with other tests.
pub const SOON: Duration = Duration::from_secs(15);

/// What cannot end is dropped after this.
pub const AWHILE: Duration = Duration::from_millis(150);
/// No attempt is polled more often.
pub const MOST_POLLS: u32 = 40;

/// A client of our library.
///
/// # Panics
/// When it cannot connect.
pub async fn client(endpoints: impl IntoIterator<Item = impl Into<String>>) -> Client {
    Client::connect(ClientConfig::new(endpoints)).await.expect("connect")
}

/// A client of our library on a direct path to a server.
///
/// # Panics
/// When it cannot connect.
pub async fn client_of(server: &Server) -> Client {
    client([server.endpoint()]).await
}

/// The keys below `prefix`, in order of their creation, by a plain client.
///
/// # Panics
/// When they cannot be read.
pub async fn keys(etcd: &etcd_client::Client, prefix: &str) -> Vec<String> {
    let options = GetOptions::new().with_prefix().with_keys_only();
    let found = etcd.kv_client().get(prefix, Some(options)).await.expect("a read on the healthy path");
    let mut kvs: Vec<_> = found.kvs().iter().map(|kv| (kv.create_revision(), kv.key().escape_ascii())).collect();
    kvs.sort_by_key(|(created, _)| *created);
    kvs.into_iter().map(|(_, key)| key.to_string()).collect()
}

/// The TTL that the lease of the first key below `prefix` was granted with, by a plain client.
///
/// # Panics
/// When there is none.
pub async fn granted(etcd: &etcd_client::Client, prefix: &str) -> Duration {
    let found = etcd.kv_client().get(prefix, Some(GetOptions::new().with_prefix())).await.expect("a read");
    let lease = found.kvs().first().expect("a key").lease();
    let lease = etcd.lease_client().time_to_live(lease, None).await.expect("a lease");
    Duration::from_secs(lease.granted_ttl().try_into().expect("not negative"))
}

/// When the first key below `prefix` was deleted, as an independent client sees it on a healthy path.
///
/// # Panics
/// When it cannot be watched.
pub async fn deletion(etcd: &etcd_client::Client, prefix: &str) -> JoinHandle<Duration> {
    let options = WatchOptions::new().with_prefix();
    let mut stream = etcd.watch_client().watch(prefix, Some(options)).await.expect("a plain watch");
    tokio::spawn(async move {
        loop {
            let message = stream.message().await.expect("the healthy path stays").expect("the watch goes on");
            if message.events().iter().any(|event| event.event_type() == EventType::Delete) {
                return boottime();
            }
        }
    })
}

/// When an agent says that it happened.
///
/// # Panics
/// When it does not say so.
pub fn at(event: &Event) -> Duration {
    Duration::from_nanos(event.body["at_ns"].as_u64().expect("at_ns"))
}

/// Polls `future` at most `polls` times, at most for `within`; None when it was dropped before it had ended.
pub async fn polled<F: Future>(future: F, polls: u32, within: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    let counted = poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    timeout(within, counted).await.ok().flatten()
}

/// Drops attempts after 0, 1, 2… polls, each followed by a look that nothing is left, until one comes to its end.
///
/// # Panics
/// When none does.
pub async fn dropped_at_every_await<T>(
    what: &str,
    client: impl AsyncFn() -> Client,
    attempt: impl AsyncFn(Client) -> T,
    nothing_is_left: impl AsyncFn(),
) -> T {
    for polls in 0..MOST_POLLS {
        if let Some(ended) = polled(attempt(client().await), polls, AWHILE).await {
            println!("{what}: ended with {polls} polls");
            return ended;
        }
        nothing_is_left().await;
    }
    panic!("{what}: not ended with {MOST_POLLS} polls");
}
