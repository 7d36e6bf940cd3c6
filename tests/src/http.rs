//! One HTTP GET on loopback: etcd's `/health` and `/metrics` need no more.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The body of a 200 answer; anything else, and no answer in time, is an error.
pub(crate) async fn get(port: u16, path: &str, within: Duration) -> io::Result<String> {
    let answer = timeout(within, async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        // 1.0: no chunks, and the end of the stream ends the body.
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    })
    .await??;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("half an answer"))?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(io::Error::other(format!("{}: {body}", head.lines().next().unwrap_or_default()))),
    }
}
