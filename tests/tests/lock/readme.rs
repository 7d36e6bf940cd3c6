//! The README's program in Rust, as it stands there.

use std::sync::OnceLock;

use gocore_etcd_tests::Server;

include!(concat!(env!("OUT_DIR"), "/readme.rs"));

static ENDPOINT: OnceLock<String> = OnceLock::new();

fn endpoint() -> String {
    ENDPOINT.get().expect("the test has set it").clone()
}

#[tokio::test]
async fn the_readmes_program_takes_the_lock_and_writes() {
    let server = Server::plain().await;
    ENDPOINT.set(server.endpoint()).expect("once");
    nightly_cleanup().await.expect("it does its work");
    let etcd = server.client().await;
    let written = etcd.kv_client().get("/apps/billing/cleanup/last", None).await.expect("get");
    assert_eq!(written.kvs()[0].value(), b"done");
    let queue = etcd_client::GetOptions::new().with_prefix();
    let left = etcd.kv_client().get("/apps/billing/locks/", Some(queue)).await.expect("get");
    assert_eq!(left.count(), 0, "it has unlocked");
}
