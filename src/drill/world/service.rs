//! The programs of a healthy world: small Node services that start, serve, log and stop as asked. Faults are put over this.

use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::behaviour::{Behaviour, Exit, Line, Pull, Ran, Run, Talk, Usage, View};
use super::clock::{between, later};
use super::json::{list, strings, text};
use super::program;
use super::seed::{hash, mix};

/// The registry the scenario's images come from: it has these repositories and no others.
pub const REGISTRY: &str = "registry.example.com/";
/// Images of [`REGISTRY`] that exist, besides everything given by digest.
const TAGS: &[&str] =
    &["registry.example.com/checkout:1.4.2", "registry.example.com/checkout:1.5.0", "registry.example.com/payments:2.0.1"];

#[derive(Debug, Clone, Copy, Default)]
pub struct Healthy;

/// A digest that exists: of a repository and a release.
pub fn digest(repository: &str, release: &str) -> String {
    let from = hash(&format!("{repository}@{release}"));
    let words: Vec<String> = (1..=4).map(|word| format!("{:016x}", mix(from.wrapping_add(word)))).collect();
    format!("sha256:{}", words.concat())
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// Between two lines of a service's log, at the least.
const PACE: u64 = 700;

/// When line `index` of a run was written.
fn line_time(view: &View<'_>, index: u64) -> Timestamp {
    later(view.started, millis(120 + index * PACE + mix(view.chance ^ index) % 400))
}

fn line_text(view: &View<'_>, index: u64) -> String {
    let time = line_time(view, index).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let name = text(view.container, "/name");
    if index == 0 {
        return json!({ "time": time, "level": "info", "msg": "listening", "service": name, "port": port_of(view.container) }).to_string();
    }
    let chance = mix(view.chance.wrapping_mul(31) ^ index);
    let routes = ["/cart", "/checkout", "/orders", "/prices"];
    let route = routes.get(usize::try_from(chance % 4).unwrap_or(0)).copied().unwrap_or("/");
    json!({
        "time": time, "level": "info", "msg": "request", "service": name, "route": route, "status": 200,
        "duration_ms": 8 + chance % 37, "request_id": format!("{:012x}", chance >> 16),
    })
    .to_string()
}

fn port_of(container: &Value) -> u64 {
    list(container, "/ports").first().and_then(|port| port.get("containerPort")?.as_u64()).unwrap_or(0)
}

/// Is it one of the world's own services, rather than something a person put in?
fn serves(view: &View<'_>) -> bool {
    text(view.container, "/image").starts_with(REGISTRY)
}

/// The command of a container that is no service of the world's.
fn command(view: &View<'_>) -> Vec<String> {
    let words = |field: &str| list(view.container, field).iter().filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>();
    [words("/command"), words("/args")].concat()
}

impl Behaviour for Healthy {
    fn pull(&self, image: &str) -> Pull {
        let known = !image.starts_with(REGISTRY) || image.contains("@sha256:") || TAGS.contains(&image);
        if !known {
            let message = format!(
                "Failed to pull image \"{image}\": rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": not found"
            );
            return Pull::Failed { message };
        }
        let repository = image.split(['@', ':']).next().unwrap_or(image);
        let digest = match image.split_once('@') {
            Some((_, digest)) => format!("{repository}@{digest}"),
            None => format!("{repository}@{}", digest(repository, image)),
        };
        Pull::Took { time: millis(900 + hash(image) % 1500), digest }
    }

    fn run(&self, view: &View<'_>) -> Run {
        let lasting = Run { ready_after: Some(millis(2_000 + view.chance % 1_500)), exit: None, stop_after: millis(800) };
        if serves(view) {
            return lasting;
        }
        // What a person runs: its command ends, or it lasts.
        let argv = command(view);
        let (after, code) = match argv.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => return Run { ready_after: Some(millis(500)), ..lasting },
            ["sleep", time] => (time.trim_end_matches('s').parse().map_or(Duration::MAX, Duration::from_secs), 0),
            _ => (millis(200), program::exec((view, &[]), &argv, &[]).code),
        };
        if after == Duration::MAX {
            return Run { ready_after: Some(millis(500)), ..lasting };
        }
        let reason = if code == 0 { "Completed" } else { "Error" };
        Run { ready_after: Some(millis(50)), exit: Some(Exit { after, code, reason, message: String::new() }), stop_after: millis(100) }
    }

    fn usage(&self, view: &View<'_>) -> Usage {
        // A service that idles along: around a third of what it asks for, moving slowly and never twice the same.
        let asked =
            |resource: &str| super::quantity::parse(text(view.container, &format!("/resources/requests/{resource}"))).unwrap_or(0.0);
        let slot = between(view.started, view.now).as_secs() / 15;
        let share = 30 + mix(view.chance ^ slot) % 12;
        let part = f64::from(u8::try_from(share).unwrap_or(30)) / 100.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes, and positive")]
        let memory = (asked("memory").max(32.0 * 1024.0 * 1024.0) * (part + 0.1)) as u64;
        Usage { cpu: asked("cpu").max(0.01) * part, memory }
    }

    fn log(&self, view: &View<'_>, after: Timestamp, until: Timestamp, limit: usize) -> Vec<Line> {
        if !serves(view) {
            let ran = program::exec((view, &[]), &command(view), &[]);
            let time = later(view.started, millis(1));
            let all = [ran.stdout, ran.stderr].concat();
            let lines = String::from_utf8_lossy(&all).lines().map(|text| Line { time, text: text.to_owned() }).collect::<Vec<_>>();
            return if time > after && time <= until && !command(view).is_empty() { lines } else { Vec::new() };
        }
        let last = between(view.started, until).as_millis() / u128::from(PACE);
        let last = u64::try_from(last).unwrap_or(0);
        let mut lines: Vec<Line> = (0..=last)
            .rev()
            .map(|index| (index, line_time(view, index)))
            .filter(|(_, time)| *time <= until)
            .take_while(|(_, time)| *time > after)
            .take(limit)
            .map(|(index, time)| Line { time, text: line_text(view, index) })
            .collect();
        lines.reverse();
        lines
    }

    fn next_line(&self, view: &View<'_>, after: Timestamp) -> Option<Timestamp> {
        if !serves(view) {
            return None;
        }
        let passed = u64::try_from(between(view.started, after).as_millis() / u128::from(PACE)).unwrap_or(0);
        (passed.saturating_sub(1)..passed + 3).map(|index| line_time(view, index)).find(|time| *time > after)
    }

    fn exec(&self, view: &View<'_>, argv: &[String], stdin: &[u8]) -> Ran {
        program::exec((view, &[]), argv, stdin)
    }

    fn connect(&self, view: &View<'_>, port: u16, stream: DuplexStream) -> Option<Talk> {
        let ready = list(view.pod, "/status/conditions").iter().any(|one| text(one, "/type") == "Ready" && text(one, "/status") == "True");
        let version = strings(view.pod, "/metadata/labels").get("version").cloned().unwrap_or_default();
        (serves(view) && u64::from(port) == port_of(view.container)).then(|| talk(stream, ready, version).boxed())
    }
}

/// The three health endpoints over HTTP/1.1; everything else is not found.
async fn talk(mut stream: DuplexStream, ready: bool, version: String) {
    let mut head = Vec::new();
    let mut buffer = [0_u8; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < 16_384 {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(buffer.get(..read).unwrap_or_default()),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let (status, body) = match head.split_whitespace().nth(1).unwrap_or_default() {
        "/livez" => ("200 OK", "ok".to_owned()),
        "/readyz" if ready => ("200 OK", "ready".to_owned()),
        "/readyz" => ("503 Service Unavailable", "not ready".to_owned()),
        "/healthz" => ("200 OK", json!({ "status": "ok", "version": version }).to_string()),
        other => ("404 Not Found", format!("not simulated: {other}")),
    };
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    // Whoever hung up does not want the answer.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
