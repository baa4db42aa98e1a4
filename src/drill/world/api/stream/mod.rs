//! exec, attach and portforward: what is asked of a container on a connection of its own. Over WebSocket as kubectl 1.31 and newer and
//! kube-rs do it, over SPDY as older ones do, and for port-forward over SPDY in a WebSocket, which newer kubectls try first.

mod forward;
mod process;
mod socket;
mod spdy;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::answer::{self, Answer};
use super::log::container;
use super::request::{Place, Query, Request};
use crate::drill::world::Shared;
use crate::drill::world::behaviour::View;
use crate::drill::world::control::{pod, status};
use crate::drill::world::json::text;
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Id;
use crate::drill::world::refusal::Refusal;

/// Bytes of one message on a WebSocket.
const MESSAGE: usize = 4 * 1024 * 1024;
/// What SPDY clients offer their protocols in.
const OFFERED: HeaderName = HeaderName::from_static("x-stream-protocol-version");
/// Port-forward over SPDY in a WebSocket.
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

/// The container of a running pod, and its status.
struct Inside {
    id: Id,
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
            return Err(if place.sub == "portforward" { Refusal::bad_request(message) } else { Refusal::internal(message) });
        }
        Ok(Inside { id: Id::new(Kind::Pod, &place.namespace, &place.name), pod, container, status })
    })
}

/// What is to be done in it.
enum Wish {
    Exec(Vec<String>),
    /// See what it writes.
    Attach,
    Forward(Vec<u16>),
}

/// Which of the process's streams the client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wants {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    /// Then what goes to stderr is seen on stdout.
    tty: bool,
}

struct Job {
    shared: Arc<Shared>,
    inside: Inside,
    wish: Wish,
    wants: Wants,
}

impl Job {
    fn new(shared: &Arc<Shared>, place: &Place, request: &Request) -> Result<Self, Refusal> {
        let query: &Query = &request.query;
        let wish = match place.sub.as_str() {
            "exec" => Wish::Exec(query.all("command")),
            "attach" => Wish::Attach,
            _ => Wish::Forward(query.all("ports").iter().flat_map(|ports| ports.split(',')).filter_map(|port| port.parse().ok()).collect()),
        };
        let wants =
            Wants { stdin: query.truth("stdin"), stdout: query.truth("stdout"), stderr: query.truth("stderr"), tty: query.truth("tty") };
        Ok(Self { shared: shared.clone(), inside: inside(shared, place, request)?, wish, wants })
    }
}

/// What is spoken on the connection once it is upgraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// Messages that begin with the number of a channel.
    Channels,
    Tunnel,
    Spdy,
}

/// The protocol both sides know, and how it is spoken.
fn choose(headers: &HeaderMap, sub: &str) -> Result<(Speech, &'static str), Refusal> {
    let of = |name: HeaderName| headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    let upgrade = of(header::UPGRADE).to_ascii_lowercase();
    let (offered, known): (String, &[(Speech, &'static str)]) = match (upgrade.as_str(), sub) {
        ("websocket", "portforward") => {
            (of(header::SEC_WEBSOCKET_PROTOCOL), &[(Speech::Tunnel, TUNNEL), (Speech::Channels, "v4.channel.k8s.io")])
        }
        ("websocket", _) => {
            (of(header::SEC_WEBSOCKET_PROTOCOL), &[(Speech::Channels, "v5.channel.k8s.io"), (Speech::Channels, "v4.channel.k8s.io")])
        }
        ("spdy/3.1", "portforward") => (of(OFFERED), &[(Speech::Spdy, "portforward.k8s.io")]),
        ("spdy/3.1", _) => (of(OFFERED), &[(Speech::Spdy, "v4.channel.k8s.io")]),
        (other, _) => return Err(Refusal::not_simulated(&format!("{sub} over {other:?}; the world speaks WebSocket and SPDY/3.1"))),
    };
    let found = known.iter().find(|(_, protocol)| offered.split(',').any(|one| one.trim() == *protocol));
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(|(_, protocol)| *protocol).collect();
        Refusal::not_simulated(&format!("{sub} as {offered:?} over {upgrade}; the world speaks {}", known.join(", ")))
    })
}

fn switched(headers: &HeaderMap, speech: Speech, protocol: &'static str) -> Answer {
    let mut response = answer::empty(101);
    let answered = response.headers_mut();
    answered.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    match speech {
        Speech::Spdy => {
            answered.insert(header::UPGRADE, HeaderValue::from_static("SPDY/3.1"));
            answered.insert(OFFERED, HeaderValue::from_static(protocol));
        }
        Speech::Channels | Speech::Tunnel => {
            answered.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            answered.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
            let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
            if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key)) {
                answered.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
            }
        }
    }
    response
}

pub fn open(shared: &Arc<Shared>, place: &Place, taken: &Request, request: hyper::Request<Incoming>) -> Result<Answer, Refusal> {
    let (speech, protocol) = choose(request.headers(), &place.sub)?;
    let job = Arc::new(Job::new(shared, place, taken)?);
    let response = switched(request.headers(), speech, protocol);
    let shared = shared.clone();
    shared.tasks.clone().spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let connection = TokioIo::new(upgraded);
        let work = async {
            let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE));
            match speech {
                Speech::Spdy => spdy::serve(connection, job).await,
                Speech::Tunnel => {
                    let socket = WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await;
                    let (ours, theirs) = tokio::io::duplex(64 * 1024);
                    tokio::join!(socket::carry(socket, ours), spdy::serve(theirs, job));
                }
                Speech::Channels => {
                    let socket = WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await;
                    socket::serve(socket, &job).await;
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = shared.stop.cancelled() => {}
        }
    });
    Ok(response)
}
