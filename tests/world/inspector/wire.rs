//! A debugger at work over the path a responder has: kube-rs's exec and port-forward, HTTP and a WebSocket on it.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use qrh::drill::world::{self, Kind, Options, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}
pub type Stream = Box<dyn Wire>;

pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} took too long"))
}

/// One pod of the world, and the API to it.
pub struct Patient {
    pub world: Running,
    pub pods: Api<Pod>,
    pub name: String,
}

impl Patient {
    pub async fn of(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = world::start(options).await.unwrap();
        let config = KubeConfigOptions { context: Some("world".to_owned()), ..KubeConfigOptions::default() };
        let mut config = Config::from_custom_kubeconfig(Kubeconfig::from_yaml(world.kubeconfig()).unwrap(), &config).await.unwrap();
        config.proxy_url = None;
        let pods = Api::namespaced(Client::try_from(config).unwrap(), "shop");
        let name = checkout(&world);
        Self { world, pods, name }
    }

    pub async fn exec(&self, line: &[&str]) -> (String, bool) {
        let mut run = in_time("exec", self.pods.exec(&self.name, line.to_vec(), &kube::api::AttachParams::default())).await.unwrap();
        let mut said = String::new();
        let (mut out, mut err) = (run.stdout().unwrap(), run.stderr().unwrap());
        out.read_to_string(&mut said).await.unwrap();
        err.read_to_string(&mut said).await.unwrap();
        let status = run.take_status().unwrap().await.unwrap();
        (said, status.status.as_deref() == Some("Success"))
    }

    /// A connection to port 9229 of the pod; None: it was refused.
    pub async fn connect(&self, port: u16) -> Option<Stream> {
        let mut forward = in_time("port-forward", self.pods.portforward(&self.name, &[port])).await.unwrap();
        let refused = forward.take_error(port).unwrap();
        let mut stream = forward.take_stream(port).unwrap();
        tokio::spawn(async move { forward.join().await });
        // What is refused is said before anything else.
        stream.write_all(b"GET /json/version HTTP/1.1\r\nHost: 127.0.0.1:9229\r\n\r\n").await.ok();
        tokio::select! {
            refused = refused => { assert!(refused.is_none_or(|said| said.contains("connection refused"))); None }
            read = read_answer(&mut stream) => (!read.is_empty()).then(|| Box::new(stream) as Stream),
        }
    }

    pub async fn get(&self, path: &str) -> String {
        http(&mut self.connect(9229).await.expect("it listens"), path).await
    }

    pub async fn target(&self) -> Value {
        target(&self.get("/json/list").await)
    }

    pub async fn debug(&self) -> Debugger {
        let id = self.target().await["id"].as_str().unwrap().to_owned();
        Debugger::of(self.connect(9229).await.expect("it listens"), &id).await
    }

    pub async fn open(&self) -> Debugger {
        assert_eq!(self.exec(&["kill", "-USR1", "1"]).await, (String::new(), true));
        self.debug().await
    }
}

pub fn checkout(world: &Running) -> String {
    world.look(|state| {
        let mut pods = state.store.list(Kind::Pod, "shop").filter(|pod| pod.id.name.starts_with("checkout") && !pod.deleting);
        pods.next().unwrap().id.name.clone()
    })
}

/// An HTTP answer, by its length, or to the end of the connection.
pub async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = String::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let length =
            all.to_ascii_lowercase().split_once("content-length: ").map(|(_, rest)| rest.lines().next().unwrap().parse::<usize>().unwrap());
        if let (Some(length), Some((_, body))) = (length, all.split_once("\r\n\r\n"))
            && body.len() >= length
        {
            return all;
        }
        match in_time("an answer", stream.read(&mut buffer)).await {
            Ok(read) if read > 0 => all.push_str(&String::from_utf8_lossy(&buffer[..read])),
            _ => return all,
        }
    }
}

pub async fn http(stream: &mut Stream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:9229\r\n\r\n").as_bytes()).await.unwrap();
    read_answer(stream).await
}

pub fn target(answer: &str) -> Value {
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    serde_json::from_str::<Value>(body).unwrap()[0].take()
}

pub struct Debugger {
    socket: WebSocketStream<Stream>,
    last: i64,
}

impl Debugger {
    pub async fn of(stream: Stream, id: &str) -> Self {
        let upgrade = tokio_tungstenite::client_async(format!("ws://127.0.0.1:9229/{id}"), stream);
        Self { socket: in_time("the upgrade", upgrade).await.unwrap().0, last: 0 }
    }

    pub async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next message; None: the connection was closed.
    pub async fn next(&mut self) -> Option<Value> {
        match in_time("a message", self.socket.next()).await {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
            _ => None,
        }
    }

    pub async fn send(&mut self, method: &str, params: &Value) -> i64 {
        self.last += 1;
        self.say(&json!({ "id": self.last, "method": method, "params": params }).to_string()).await;
        self.last
    }

    /// The answer, and the notifications before it.
    pub async fn ask_all(&mut self, method: &str, params: &Value) -> Vec<Value> {
        let id = self.send(method, params).await;
        let mut all = Vec::new();
        loop {
            let message = self.next().await.unwrap_or_else(|| panic!("{method}: the connection was closed"));
            let last = message.get("id").is_some_and(|answered| *answered == id);
            all.push(message);
            if last {
                return all;
            }
        }
    }

    pub async fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.ask_all(method, params).await.pop().unwrap()
    }

    pub async fn value(&mut self, expression: &str) -> Value {
        let answer = self.ask("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true })).await;
        assert!(answer["result"].get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["result"]["value"].clone()
    }
}
