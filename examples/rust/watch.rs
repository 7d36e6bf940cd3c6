//! Feature flags that are always up to date: a watch as a program uses it.
//!
//! `cargo run --bin watch [ENDPOINT]...` (127.0.0.1:2379 without). Then put and delete keys below `/go-core/flags/`, stop
//! etcd, start it again, compact it. It ends when the flag `end` is put.

use std::collections::BTreeMap;

use gocore_etcd_core::{Change, Client, ClientConfig, ErrorKind, Range, Result, WatchUpdate};

#[tokio::main]
async fn main() -> Result<()> {
    let mut endpoints: Vec<String> = std::env::args().skip(1).collect();
    if endpoints.is_empty() {
        endpoints.push("127.0.0.1:2379".to_owned());
    }
    let client = Client::connect(ClientConfig::new(endpoints)).await?;
    let below = client.key(["flags"]) + "/";
    let end = format!("{below}end").into_bytes();

    let mut flags = BTreeMap::new();
    let mut watch = client.kv().watch(Range::prefix(below))?;
    while !flags.contains_key(&end) {
        let update = match watch.next().await {
            Err(error) if error.kind() != ErrorKind::Closed => {
                eprintln!("{error}"); // it is tried again
                continue;
            }
            told => told?,
        };
        match update {
            // All there is: at the beginning, and again should changes have been missed. It replaces what was before.
            WatchUpdate::Snapshot { kvs, .. } => {
                flags = kvs.into_iter().map(|kv| (kv.key, kv.value)).collect();
                println!("flags: {}", flags.len());
            }
            WatchUpdate::Changes { changes, .. } => changes.into_iter().for_each(|change| apply(&mut flags, change)),
            WatchUpdate::Connected(true) => println!("up to date"),
            WatchUpdate::Connected(false) => println!("etcd is away: changes will come later"),
            _ => {}
        }
    }
    drop(watch);
    client.close().await
}

fn apply(flags: &mut BTreeMap<Vec<u8>, Vec<u8>>, change: Change) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match change {
        Change::Put(kv) => {
            println!("{} = {}", text(&kv.key), text(&kv.value));
            flags.insert(kv.key, kv.value);
        }
        Change::Delete { key, .. } => {
            println!("{} is gone", text(&key));
            flags.remove(&key);
        }
        _ => {}
    }
}
