//! A job that must run once at a time: the lock as a program uses it.
//!
//! `cargo run --bin lock [ENDPOINT]...` (127.0.0.1:2379 without). Run it in two terminals: the second waits until the
//! first is done. Kill the first with SIGKILL, and the second goes on once the TTL has passed.

use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig, Lock, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let mut endpoints: Vec<String> = std::env::args().skip(1).collect();
    if endpoints.is_empty() {
        endpoints.push("127.0.0.1:2379".to_owned());
    }
    let client = Client::connect(ClientConfig::new(endpoints)).await?;

    println!("waiting for the lock");
    let lock = client.lock("jobs/report", Duration::from_secs(10)).await?;
    println!("holding {} with fencing token {}", lock.key(), lock.token());

    tokio::select! {
        () = lock.lost() => println!("lost: stop here, the next owner may begin any moment now"),
        revision = work(&client, &lock) => println!("the report was written at revision {}", revision?),
    }
    lock.unlock().await?; // an error of kind Lost if it had been lost
    println!("unlocked");
    client.close().await
}

/// The work. Its write is refused by etcd, should somebody else own the lock by the time it arrives.
async fn work(client: &Client, lock: &Lock) -> Result<i64> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    lock.put(client.key(["reports", "last"]), "all is well").await
}
