//! Requests to the service, by the world itself: one at a time, small, with a deadline.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A service whose event loop is held answers late; later than this it does not answer.
const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: u64 = 4 * 1024 * 1024;

/// The body of what was answered with 200.
pub async fn get(service: SocketAddr, path: &str) -> io::Result<String> {
    ask(service, &format!("GET {path} HTTP/1.0\r\nhost: {service}\r\n\r\n")).await
}

pub async fn put(service: SocketAddr, path: &str, body: &str) -> io::Result<String> {
    let length = body.len();
    let head = format!("PUT {path} HTTP/1.0\r\nhost: {service}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    ask(service, &format!("{head}{body}")).await
}

/// HTTP/1.0: the answer ends with its connection, and is not chunked.
async fn ask(service: SocketAddr, request: &str) -> io::Result<String> {
    let answered = timeout(PATIENCE, async {
        let mut stream = TcpStream::connect(service).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LARGEST).read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&answer).into_owned())
    });
    let answer = answered.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let well = head.split(' ').nth(1) == Some("200");
    if well { Ok(body.to_owned()) } else { Err(io::Error::other(head.lines().next().unwrap_or_default().to_owned())) }
}
