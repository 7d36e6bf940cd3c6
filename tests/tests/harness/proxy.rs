use std::io::ErrorKind;
use std::time::{Duration, Instant};

use gocore_etcd_tests::{Proxy, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(10);

/// A proxy in front of a server that sends back each byte.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    proxy
}

async fn connect(proxy: &Proxy) -> TcpStream {
    timeout(LONG, TcpStream::connect(proxy.address())).await.expect("in time").expect("connected")
}

async fn says(stream: &mut TcpStream, byte: u8) {
    stream.write_all(&[byte]).await.unwrap();
}

async fn hears(stream: &mut TcpStream, byte: u8) {
    let heard = timeout(LONG, stream.read_u8()).await.expect("in time").expect("a byte");
    assert_eq!(heard, byte);
}

async fn hears_nothing(stream: &mut TcpStream) {
    assert!(timeout(SHORT, stream.read_u8()).await.is_err(), "something came through");
}

#[tokio::test]
async fn everything_passes_and_is_counted() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    let sent: Vec<u8> = (0..3_000_000).map(|i| i as u8).collect();
    let (mut from, mut to) = stream.split();
    let mut heard = vec![0; sent.len()];
    let (wrote, read) = tokio::join!(to.write_all(&sent), from.read_exact(&mut heard));
    wrote.unwrap();
    read.unwrap();
    assert!(heard == sent);
    let traffic = proxy.traffic();
    assert_eq!((traffic.accepted, traffic.open), (1, 1));
    assert_eq!((traffic.requested, traffic.answered), (3_000_000, 3_000_000));
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut heard).await.unwrap(), 0, "the end passes too");
    eventually(LONG, "the connection is over", async || (proxy.traffic().open == 0).then_some(())).await;
}

#[tokio::test]
async fn refused_are_only_the_new() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    says(&mut old, 0).await;
    hears(&mut old, 0).await;
    proxy.refuse();
    assert_eq!(TcpStream::connect(proxy.address()).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    says(&mut old, 1).await;
    hears(&mut old, 1).await;
    proxy.pass();
    says(&mut connect(&proxy).await, 1).await;
}

#[tokio::test]
async fn a_black_hole_is_silent_and_gives_back_what_it_held() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    says(&mut old, 1).await;
    hears(&mut old, 1).await;
    proxy.black_hole();
    let before = proxy.traffic();
    says(&mut old, 2).await;
    hears_nothing(&mut old).await;
    assert!(timeout(SHORT, TcpStream::connect(proxy.address())).await.is_err(), "a black hole answered a SYN");
    assert_eq!(proxy.traffic(), before);
    proxy.pass();
    hears(&mut old, 2).await;
    let mut new = connect(&proxy).await;
    says(&mut new, 3).await;
    hears(&mut new, 3).await;
    assert_eq!(proxy.traffic().accepted, 2, "our own plug counts as a connection");
}

#[tokio::test]
async fn a_cut_resets_all_and_refuses() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    says(&mut old, 1).await;
    hears(&mut old, 1).await;
    proxy.cut();
    let reset = timeout(LONG, old.read_u8()).await.expect("at once").unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    assert_eq!(TcpStream::connect(proxy.address()).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    proxy.pass();
    let mut new = connect(&proxy).await;
    says(&mut new, 2).await;
    hears(&mut new, 2).await;
    proxy.drop_connections();
    assert_eq!(new.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    says(&mut connect(&proxy).await, 3).await;
}

#[tokio::test]
async fn one_direction_can_be_held() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    proxy.hold_answers();
    says(&mut stream, 1).await;
    hears_nothing(&mut stream).await;
    assert_eq!((proxy.traffic().requested, proxy.traffic().answered), (1, 0));
    proxy.hold_requests();
    hears(&mut stream, 1).await;
    says(&mut stream, 2).await;
    hears_nothing(&mut stream).await;
    proxy.pass();
    hears(&mut stream, 2).await;
}

#[tokio::test]
async fn a_delay_is_kept_in_both_directions() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    proxy.delay(Duration::from_millis(100));
    let begun = Instant::now();
    for byte in 0..10 {
        says(&mut stream, byte).await;
    }
    for byte in 0..10 {
        hears(&mut stream, byte).await;
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert!(took < Duration::from_millis(1500), "bytes are under way together: {took:?}");
}
