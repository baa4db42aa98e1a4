//! exec and portforward over WebSocket: kubectl 1.31 and newer, kube-rs. SPDY, which older ones speak, is refused by name.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::answer::{self, Answer};
use super::log::container;
use super::request::{Place, Request};
use crate::drill::world::Shared;
use crate::drill::world::behaviour::{Ran, View};
use crate::drill::world::control::{pod, status};
use crate::drill::world::json::text;
use crate::drill::world::kind::Kind;
use crate::drill::world::program;
use crate::drill::world::refusal::Refusal;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// No more is taken from a command's stdin.
const STDIN: usize = 16 * 1024 * 1024;
/// A command that reads stdin waits no longer for its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The container of a running pod, and its status.
struct Inside {
    pod: Value,
    container: Value,
    status: Value,
}

impl Inside {
    fn view(&self, now: jiff::Timestamp) -> View<'_> {
        pod::view(now, &self.pod, &self.container, &self.status)
    }
}

fn inside(shared: &Shared, place: &Place, request: &Request) -> Result<Inside, Refusal> {
    shared.look(|state| {
        let pod = state.get(Kind::Pod, &place.namespace, &place.name).ok_or_else(|| Refusal::not_found(Kind::Pod.full(), &place.name))?;
        let named = request.query.get("container");
        // Port-forward is about the pod; any of its containers may listen.
        let named = if place.sub == "portforward" { text(&pod, "/spec/containers/0/name").to_owned() } else { named.to_owned() };
        let container = container(&pod, &named, (&place.name, &place.sub))?.clone();
        let status = status::of(&pod, text(&container, "/name")).cloned().unwrap_or_default();
        if status.pointer("/state/running").is_none() {
            let message = format!("container not found (\"{}\"): it does not run", text(&container, "/name"));
            return Err(if place.sub == "exec" { Refusal::internal(message) } else { Refusal::bad_request(message) });
        }
        Ok(Inside { pod, container, status })
    })
}

pub fn open(shared: &Arc<Shared>, place: &Place, taken: &Request, request: hyper::Request<Incoming>) -> Result<Answer, Refusal> {
    let of = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if !of("upgrade").eq_ignore_ascii_case("websocket") {
        return Err(Refusal::not_simulated(&format!(
            "{} over {}; the world speaks WebSocket, as kubectl 1.31 and newer do",
            place.sub,
            of("upgrade")
        )));
    }
    let offered = of("sec-websocket-protocol");
    let wanted: &[&str] = if place.sub == "exec" { &["v5.channel.k8s.io", "v4.channel.k8s.io"] } else { &["v4.channel.k8s.io"] };
    let Some(chosen) = wanted.iter().find(|wanted| offered.split(',').any(|one| one.trim() == **wanted)) else {
        return Err(Refusal::not_simulated(&format!("{} over {offered}; the world speaks {}", place.sub, wanted.join(", "))));
    };
    let inside = inside(shared, place, taken)?;
    let key = of("sec-websocket-key");
    let mut response = answer::empty(101);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONNECTION, "Upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes())),
        (header::SEC_WEBSOCKET_PROTOCOL, (*chosen).to_owned()),
    ] {
        if let Ok(value) = header::HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    let (shared, query, sub) = (shared.clone(), taken.query.clone(), place.sub.clone());
    shared.tasks.clone().spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        let work = async {
            if sub == "exec" {
                exec(&shared, socket, &inside, &query.all("command"), query.truth("stdin")).await;
            } else {
                let ports =
                    query.all("ports").iter().flat_map(|ports| ports.split(',')).filter_map(|port| port.parse().ok()).collect::<Vec<u16>>();
                forward(&shared, socket, &inside, &ports).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = shared.stop.cancelled() => {}
        }
    });
    Ok(response)
}

/// An end without a reason is an error to kubectl.
const NORMAL: CloseFrame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::from_static("") };

fn framed(channel: u8, bytes: &[u8]) -> Message {
    let mut frame = Vec::with_capacity(bytes.len() + 1);
    frame.push(channel);
    frame.extend_from_slice(bytes);
    Message::binary(frame)
}

/// What is sent until the other side closes stdin.
async fn stdin(socket: &mut Socket) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(Some(Ok(message))) = tokio::time::timeout(PATIENCE, socket.next()).await {
        if message.is_close() || all.len() > STDIN {
            break;
        }
        let data = message.into_data();
        match data.split_first() {
            Some((0, rest)) => all.extend_from_slice(rest),
            // v5: a stream was closed.
            Some((255, [0])) => break,
            Some(_) | None => {}
        }
    }
    all
}

/// How exec tells an exit code.
pub fn outcome(ran: &Ran) -> Value {
    if ran.code == 0 {
        return json!({ "metadata": {}, "status": "Success" });
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {}", ran.code),
        "details": { "causes": [{ "reason": "ExitCode", "message": ran.code.to_string() }] },
    })
}

async fn exec(shared: &Shared, mut socket: Socket, inside: &Inside, argv: &[String], reads: bool) {
    let sent = if reads && program::reads(argv) { stdin(&mut socket).await } else { Vec::new() };
    let ran = shared.look(|state| state.behaviour.exec(&inside.view(state.now), argv, &sent));
    for (channel, bytes) in [(1, &ran.stdout), (2, &ran.stderr)] {
        for part in bytes.chunks(32 * 1024) {
            if socket.send(framed(channel, part)).await.is_err() {
                return;
            }
        }
    }
    let _ = socket.send(framed(3, outcome(&ran).to_string().as_bytes())).await;
    let _ = socket.close(Some(NORMAL)).await;
    // The other side answers the close; what else it still sends is of no use.
    while let Ok(Some(Ok(_))) = tokio::time::timeout(Duration::from_secs(5), socket.next()).await {}
}

/// Each port has two channels, for data and for errors; the first frame on each names the port.
async fn forward(shared: &Shared, mut socket: Socket, inside: &Inside, ports: &[u16]) {
    let Some(port) = ports.first().copied().filter(|_| ports.len() == 1) else {
        let _ = socket.send(framed(1, b"not simulated: more than one port on one connection")).await;
        return;
    };
    for channel in [0, 1] {
        if socket.send(framed(channel, &port.to_le_bytes())).await.is_err() {
            return;
        }
    }
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let talk = shared.look(|state| state.behaviour.connect(&inside.view(state.now), port, theirs));
    let Some(talk) = talk else {
        let refused = format!("failed to connect to localhost:{port} inside the pod: connection refused");
        let _ = socket.send(framed(1, refused.as_bytes())).await;
        let _ = socket.close(Some(NORMAL)).await;
        return;
    };
    let (mut from_pod, mut to_pod) = tokio::io::split(ours);
    let (mut sink, mut source) = socket.split();
    let outward = async {
        let mut buffer = vec![0_u8; 16 * 1024];
        while let Ok(read) = from_pod.read(&mut buffer).await {
            if read == 0 || sink.send(framed(0, buffer.get(..read).unwrap_or_default())).await.is_err() {
                break;
            }
        }
        let _ = sink.send(Message::Close(Some(NORMAL))).await;
    };
    let inward = async {
        while let Some(Ok(message)) = source.next().await {
            if message.is_close() {
                break;
            }
            if let Some((0, data)) = message.into_data().split_first()
                && to_pod.write_all(data).await.is_err()
            {
                break;
            }
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(talk, outward) } => {}
        () = inward => {}
    }
}
