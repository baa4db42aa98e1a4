//! A scripted API server on loopback: real HTTP, answers in the shape of recorded ones, and every way to misbehave that matters.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

/// What the server says to one request.
#[derive(Clone)]
pub enum Answer {
    Json(u16, Value),
    /// Any status, headers and text.
    Plain(u16, Vec<(&'static str, String)>, String),
    /// The first half of a JSON answer, then the connection is closed.
    Cut(Value),
    /// The whole text in parts, as a log comes; with `true` it then stays open.
    Parts(Vec<&'static str>, bool),
    /// Nothing, for ever.
    Hang,
    /// exec: frames (channel, text), then the end of the WebSocket.
    Frames(Vec<(u8, String)>),
}

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub content_type: String,
    pub authorization: String,
    pub body: Value,
}

impl Seen {
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

#[derive(Default)]
struct Inner {
    script: Mutex<HashMap<String, VecDeque<Answer>>>,
    seen: Mutex<Vec<Seen>>,
    arrived: Notify,
}

#[derive(Clone)]
pub struct Server {
    pub addr: SocketAddr,
    inner: Arc<Inner>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { addr: listener.local_addr().unwrap(), inner: Arc::default() };
        let (accepting, inner) = (listener, server.inner.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = accepting.accept().await {
                tokio::spawn(serve(stream, inner.clone()));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Answers for `METHOD /path` (without the query), in order; the last one repeats.
    pub fn on(&self, line: &str, answers: impl IntoIterator<Item = Answer>) -> &Self {
        self.inner.script.lock().unwrap().insert(line.to_owned(), answers.into_iter().collect());
        self
    }

    pub fn json(&self, line: &str, body: Value) -> &Self {
        self.on(line, [Answer::Json(200, body)])
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    /// The only request that is no GET.
    pub fn change(&self) -> Seen {
        let changes: Vec<Seen> = self.seen().into_iter().filter(|seen| seen.method != "GET").collect();
        assert_eq!(changes.len(), 1, "{changes:?}");
        changes[0].clone()
    }

    pub fn forget(&self) {
        self.inner.seen.lock().unwrap().clear();
    }

    /// Waits until a request of this line has come in.
    pub async fn wait_for(&self, line: &str) {
        loop {
            let arrived = self.inner.arrived.notified();
            if self.lines().iter().any(|seen| seen == line) {
                return;
            }
            arrived.await;
        }
    }
}

impl Inner {
    fn next(&self, line: &str) -> Answer {
        let mut script = self.script.lock().unwrap();
        match script.get_mut(line) {
            Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some(answers) => answers[0].clone(),
            None => Answer::Json(404, status(404, "NotFound", &format!("the server could not find the requested resource: {line}"))),
        }
    }

    fn note(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
        self.arrived.notify_waiters();
    }
}

/// A `Status` as the API server writes it.
pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
}

pub fn refusal(code: u16, reason: &str, message: &str) -> Answer {
    Answer::Json(code, status(code, reason, message))
}

async fn serve(stream: TcpStream, inner: Arc<Inner>) {
    if is_exec(&stream).await {
        exec(stream, inner).await;
        return;
    }
    let service = hyper::service::service_fn(move |request| answer(request, inner.clone()));
    // One request a connection: exec has to come on its own.
    let _ = hyper::server::conn::http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
}

async fn is_exec(stream: &TcpStream) -> bool {
    let mut head = [0; 2048];
    loop {
        let size = stream.peek(&mut head).await.unwrap_or(0);
        let text = String::from_utf8_lossy(&head[..size]).into_owned();
        // A TLS hello is no request line.
        if size == 0 || !head[0].is_ascii_uppercase() || text.contains("\r\n") || size == head.len() {
            return text.lines().next().is_some_and(|line| line.contains("/exec?"));
        }
        tokio::task::yield_now().await;
    }
}

#[allow(clippy::result_large_err, reason = "the callback's signature is the library's")]
async fn exec(stream: TcpStream, inner: Arc<Inner>) {
    let mut path = String::new();
    let callback = |request: &Request<()>, response: Response<()>| {
        let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        request.uri().path().clone_into(&mut path);
        inner.note(Seen {
            method: request.method().to_string(),
            path: path.clone(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            content_type: String::new(),
            authorization: text("authorization"),
            body: Value::Null,
        });
        let mut response = response;
        response.headers_mut().insert("sec-websocket-protocol", "v5.channel.k8s.io".parse().unwrap());
        match inner.next(&format!("GET {path}")) {
            Answer::Json(code, body) => Err(Response::builder().status(code).body(Some(body.to_string())).unwrap()),
            _ => Ok(response),
        }
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, callback).await else { return };
    match inner.next(&format!("GET {path}")) {
        Answer::Frames(frames) => {
            for (channel, text) in frames {
                let bytes: Vec<u8> = std::iter::once(channel).chain(text.bytes()).collect();
                if socket.send(Message::binary(bytes)).await.is_err() {
                    return;
                }
            }
            let _ = socket.close(None).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
        _ => while let Some(Ok(_)) = socket.next().await {},
    }
}

type Body = BoxBody<Bytes, std::io::Error>;

async fn answer(request: Request<Incoming>, inner: Arc<Inner>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: header("content-type"),
        authorization: header("authorization"),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let line = seen.line();
    inner.note(seen);
    let json = |code: u16| Response::builder().status(code).header("content-type", "application/json");
    Ok(match inner.next(&line) {
        Answer::Json(code, body) => json(code).body(whole(body.to_string())).unwrap(),
        Answer::Plain(code, headers, text) => {
            let builder = headers.into_iter().fold(Response::builder().status(code), |builder, (name, value)| builder.header(name, value));
            builder.body(whole(text)).unwrap()
        }
        Answer::Cut(body) => {
            let text = body.to_string();
            let half = Ok(Frame::data(Bytes::from(text[..text.len() / 2].to_owned())));
            let parts = futures::stream::iter([half, Err(std::io::Error::other("cut"))]);
            json(200).header("content-length", text.len()).body(BodyExt::boxed(StreamBody::new(parts))).unwrap()
        }
        Answer::Parts(parts, open) => {
            let parts = futures::stream::iter(parts).map(|part| Ok(Frame::data(Bytes::from(part))));
            let body = if open { parts.chain(futures::stream::pending()).left_stream() } else { parts.right_stream() };
            Response::builder().body(BodyExt::boxed(StreamBody::new(body))).unwrap()
        }
        Answer::Hang | Answer::Frames(_) => futures::future::pending().await,
    })
}

fn whole(text: String) -> Body {
    Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed()
}
