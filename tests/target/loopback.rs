//! A loopback HTTP server that answers with the bytes a test gives it, so that wrong and unfinished answers can be sent as well.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
pub enum Step {
    /// Sends and closes.
    Say(Vec<u8>),
    /// Sends, and then neither closes nor sends more.
    SayAndHang(Vec<u8>),
    /// Sends the first part once and the second one for ever.
    SayForEver(Vec<u8>, Vec<u8>),
    /// Closes without a word.
    Close,
}

pub struct Server {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    /// A permit for each request that arrived.
    pub arrived: Arc<tokio::sync::Semaphore>,
}

impl Server {
    pub async fn start(answer: impl Fn(&str) -> Step + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let arrived = Arc::new(tokio::sync::Semaphore::new(0));
        let (log, bell, answer) = (requests.clone(), arrived.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, bell, answer) = (log.clone(), bell.clone(), answer.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, &log, &bell, &*answer).await;
                });
            }
        });
        Self { port, requests, arrived }
    }

    /// One answer for every request.
    pub async fn saying(status: &str, headers: &str, body: &str) -> Self {
        let whole = answer(status, headers, body.as_bytes());
        Self::start(move |_| Step::Say(whole.clone())).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Head and body of each request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut whole = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len()).into_bytes();
    whole.extend_from_slice(body);
    whole
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<String>>,
    bell: &tokio::sync::Semaphore,
    answer: &(dyn Fn(&str) -> Step + Send + Sync),
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let whole = loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            break text;
        }
    };
    log.lock().unwrap().push(whole.clone());
    bell.add_permits(1);
    match answer(&whole) {
        Step::Close => {}
        Step::Say(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
        }
        Step::SayAndHang(bytes) => {
            stream.write_all(&bytes).await?;
            std::future::pending::<()>().await;
        }
        Step::SayForEver(first, again) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&again).await?;
            }
        }
    }
    Ok(())
}
