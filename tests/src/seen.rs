//! What an independent client sees on a path that no fault touches.

use std::time::Duration;

use etcd_client::{Client, EventType, WatchOptions};
use tokio::task::JoinHandle;

use crate::clock::boottime;

/// When the first key below `prefix` is deleted, from now on.
///
/// # Panics
/// When the watch cannot be made; when it ends, the task panics.
pub async fn deletion(etcd: &Client, prefix: &str) -> JoinHandle<Duration> {
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
