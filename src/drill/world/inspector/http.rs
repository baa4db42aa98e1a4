//! What comes before a session: the target list over HTTP, and the upgrade. As Node does it, HTTP/1.0 answers on a connection that stays.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::{Entry, process, session};

/// Bytes of a request's head.
const HEAD: usize = 16 * 1024;
/// Bytes of a message.
const MESSAGE: usize = 1024 * 1024;
/// How long one may take for a request, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request's head, as far as it matters.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    method: String,
    path: String,
    host: String,
    /// It asks for a WebSocket, with this key.
    key: Option<String>,
}

enum Reply {
    Text(String),
    Upgrade(String),
    Refused(&'static str, String),
}

pub async fn talk(mut stream: DuplexStream, entry: Entry) {
    let mut bytes = Vec::new();
    loop {
        let read = tokio::time::timeout(PATIENCE, head(&mut stream, &mut bytes)).await;
        let Ok(Some(head)) = read else { return };
        let (sent, goes_on) = match answer(&entry, &head) {
            None => return,
            Some(Reply::Text(text)) => {
                let about = "Content-Type: application/json; charset=UTF-8\r\nCache-Control: no-cache";
                (format!("HTTP/1.0 200 OK\r\n{about}\r\nContent-Length: {}\r\n\r\n{text}", text.len()), true)
            }
            Some(Reply::Refused(status, text)) => {
                (format!("HTTP/1.0 {status}\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n{text}\r\n"), false)
            }
            Some(Reply::Upgrade(accept)) => {
                let about = format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}");
                let sent = format!("HTTP/1.1 101 Switching Protocols\r\n{about}\r\n\r\n");
                if stream.write_all(sent.as_bytes()).await.is_ok() {
                    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE));
                    let socket = WebSocketStream::from_partially_read(stream, bytes, Role::Server, Some(config)).await;
                    session::serve(socket, entry).await;
                }
                return;
            }
        };
        if stream.write_all(sent.as_bytes()).await.is_err() || !goes_on {
            // Whoever hung up does not want the answer.
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// The next request's head; what came after it stays. None: there is none.
async fn head(stream: &mut DuplexStream, bytes: &mut Vec<u8>) -> Option<Head> {
    let mut buffer = [0_u8; 1024];
    loop {
        if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let taken: Vec<u8> = bytes.drain(..end + 4).collect();
            return Some(parse(&String::from_utf8_lossy(&taken)));
        }
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0 && bytes.len() < HEAD)?;
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
}

fn parse(text: &str) -> Head {
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let mut head = Head { method: first.next().unwrap_or_default(), path: first.next().unwrap_or_default(), ..Head::default() };
    let (mut upgrades, mut key) = (false, None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "host" => value.clone_into(&mut head.host),
            "upgrade" => upgrades = value.eq_ignore_ascii_case("websocket"),
            "sec-websocket-key" => key = Some(value.to_owned()),
            _ => {}
        }
    }
    head.key = key.filter(|_| upgrades);
    head
}

/// A name could be anybody's who lets it lead here: only addresses and localhost are answered.
fn allowed(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.chars().all(|digit| digit.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.is_empty() || name.parse::<IpAddr>().is_ok() || ["localhost", "localhost6"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// None: the inspector is closed by now.
fn answer(entry: &Entry, head: &Head) -> Option<Reply> {
    entry.inside()?;
    let refused = Reply::Refused("400 Bad Request", "WebSockets request was expected".to_owned());
    if head.method != "GET" || !allowed(&head.host) {
        return Some(refused);
    }
    if let Some(key) = &head.key {
        let ours = head.path.strip_prefix('/') == Some(entry.id.as_str());
        return Some(if ours { Reply::Upgrade(derive_accept_key(key.as_bytes())) } else { refused });
    }
    Some(match head.path.to_ascii_lowercase().as_str() {
        "/json" | "/json/" | "/json/list" => Reply::Text(targets(entry, &head.host)),
        "/json/version" => {
            Reply::Text(format!("{{\n  \"Browser\": \"node.js/v{}\",\n  \"Protocol-Version\": \"1.1\"\n}}", process::VERSION))
        }
        "/json/protocol" => Reply::Refused("501 Not Implemented", "not simulated: /json/protocol".to_owned()),
        _ => refused,
    })
}

/// The address is the one that was asked: a port-forward's own.
fn targets(entry: &Entry, host: &str) -> String {
    let socket = format!("{host}/{}", entry.id);
    let page = |page: &str| format!("devtools://devtools/bundled/{page}.html?experiments=true&v8only=true&ws={socket}");
    let target = json!([{
        "description": "node.js instance", "devtoolsFrontendUrl": page("js_app"), "devtoolsFrontendUrlCompat": page("inspector"),
        "faviconUrl": "https://nodejs.org/static/images/favicons/favicon.ico", "id": entry.id, "title": "server.js", "type": "node",
        "url": format!("file://{}", process::SCRIPT), "webSocketDebuggerUrl": format!("ws://{socket}"),
    }]);
    format!("{target:#}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_not_answered() {
        for good in ["127.0.0.1:9229", "localhost", "LOCALHOST:1", "[::1]:9229", "", "10.0.0.7"] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["evil.example", "evil.example:9229", "localhost.evil.example", "127.0.0.1.evil.example"] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[test]
    fn a_key_without_an_upgrade_is_none() {
        let head = parse("GET /json HTTP/1.1\r\nHost: 127.0.0.1:9229\r\nSec-WebSocket-Key: x\r\n\r\n");
        assert_eq!((head.path.as_str(), head.host.as_str(), head.key), ("/json", "127.0.0.1:9229", None));
    }
}
