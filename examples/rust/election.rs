//! A report that one instance of a service writes, whoever leads: work that is run as leader, and an observer of it.
//!
//! `cargo run --bin election [ENDPOINT]...` (127.0.0.1:2379 without). Run it in two terminals: the second waits until the
//! first is done. Kill the first with SIGKILL, and the second leads once the TTL has passed. Both see who does.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig, Leadership, Observation, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let mut endpoints: Vec<String> = std::env::args().skip(1).collect();
    if endpoints.is_empty() {
        endpoints.push("127.0.0.1:2379".to_owned());
    }
    let client = Client::connect(ClientConfig::new(endpoints)).await?;
    let observer = tokio::spawn(show(client.observe("reporter")?));

    let identity = format!("process {}", std::process::id());
    let work = |leadership| write(client.clone(), leadership);
    let revision = client.run_as_leader("reporter", &identity, Duration::from_secs(10), work).await?;
    println!("the report was written at revision {revision}");

    // It ends the observation, too: after it every call says Closed.
    client.close().await?;
    observer.await.expect("showing does not panic");
    Ok(())
}

/// The work. It is stopped when the leadership is lost; and its write is refused by etcd, should somebody else lead by
/// the time it arrives: then it all starts over.
async fn write(client: Client, leadership: Arc<Leadership>) -> ControlFlow<i64> {
    println!("leading with fencing token {}", leadership.token());
    tokio::time::sleep(Duration::from_secs(1)).await;
    match leadership.put(client.key(["reports", "last"]), "all is well").await {
        Ok(revision) => ControlFlow::Break(revision),
        Err(error) => {
            println!("once more: {error}");
            ControlFlow::Continue(())
        }
    }
}

/// Says who leads, until the client is closed.
async fn show(mut observation: Observation) {
    while let Ok(leader) = observation.next().await {
        match leader {
            Some(leader) => println!("{} leads with token {}", leader.identity, leader.token),
            None => println!("nobody leads"),
        }
    }
}
