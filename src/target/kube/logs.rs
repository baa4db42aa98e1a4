//! Logs of a pod or of every pod of a selector, as they come. Never of a Deployment: with `--previous` kubectl picks one of its pods,
//! and in a bad rollout that was the healthy one.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream::{self, Stream};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;

use super::fault::{Fault, cause};
use super::wire::{Ask, Session, named};
use super::{Outcome, list, table};
use crate::action::Ending;
use crate::action::kube::Logs;
use crate::action::kube::call::Call;
use crate::action::kube::resource::Resource;
use crate::target::stream::{Collector, Origin};

/// Pods followed, and containers read, at the same time.
const AT_ONCE: usize = 10;
/// Of one container's log, where it isn't followed.
const LOG_BYTES: u64 = 10 * 1024 * 1024;
/// A line without an end is given on in parts of this size.
const LINE_BYTES: usize = 64 * 1024;

/// One container's log.
#[derive(Debug, Clone)]
struct Source {
    pod: String,
    container: String,
    /// Before each line; empty where there is one source only.
    prefix: String,
}

enum Piece {
    Line(Vec<u8>),
    /// More than [`LOG_BYTES`].
    Cut(String),
    Failed(String, Fault),
}

pub(super) async fn run(session: &Session<'_>, target: &Logs, lines: &mut Collector) -> Result<Outcome, Fault> {
    let since = target.since.as_deref().map(seconds).transpose()?;
    if target.tail.is_some_and(|tail| tail < 0) {
        return Err(Fault::refused("`tail` is a number of lines, 0 or more; leave it out for all lines"));
    }
    let pods = pods(session, target, lines).await?;
    let sources = sources(target, &pods)?;
    let alone = sources.len() == 1;
    // A followed log does not end: all must be open at once. There are at most 10 pods.
    // In a story they come one after the other, so that it goes the same way each time.
    let at_once = (!target.follow).then_some(if session.is_in_story() { 1 } else { AT_ONCE });
    let streams = stream::iter(sources).map(|source| Box::pin(read(session, ask(session, target, &source, since), source, target.follow)));
    let mut pieces = streams.flatten_unordered(at_once);
    let (mut read_any, mut first_fault) = (false, None);
    while let Some(piece) = pieces.next().await {
        match piece {
            Piece::Line(line) => {
                read_any = true;
                lines.push(Origin::Stdout, &line).await;
            }
            Piece::Cut(of) => {
                let note = format!("{of}: cut after {} MiB; narrow it with since or tail\n", LOG_BYTES / (1024 * 1024));
                lines.push(Origin::Stderr, note.as_bytes()).await;
            }
            Piece::Failed(_, fault) if alone => return Err(fault),
            Piece::Failed(of, fault) => {
                let note = format!("{of}: {}\n", fault.line(&session.whereabouts()));
                lines.push(Origin::Stderr, note.as_bytes()).await;
                first_fault.get_or_insert(fault);
            }
        }
    }
    match first_fault {
        Some(fault) if !read_any => Err(fault),
        _ => Ok(Outcome { ending: Ending::Succeeded, exit: None, out: None, cut_bytes: 0 }),
    }
}

async fn pods(session: &Session<'_>, target: &Logs, lines: &mut Collector) -> Result<Vec<Value>, Fault> {
    match (&target.pod, &target.selector) {
        (Some(_), Some(_)) | (None, None) => Err(Fault::refused("logs are of a pod or of a selector; give one of the two")),
        (Some(pod), None) => Ok(vec![session.object(&Resource::pods(), pod).await?]),
        (None, Some(selector)) => {
            let mut pods = list::of(session, &Resource::pods(), Some(selector)).await?;
            if pods.is_empty() {
                return Err(Fault::refused(format!(
                    "no pod matches {selector} in {}; check the selector and the namespace",
                    session.namespace()
                )));
            }
            if target.follow && pods.len() > AT_ONCE {
                let note =
                    format!("{} more pods match and are not followed (limit {AT_ONCE}); narrow the selector\n", pods.len() - AT_ONCE);
                lines.push(Origin::Stderr, note.as_bytes()).await;
                pods.truncate(AT_ONCE);
            }
            Ok(pods)
        }
    }
}

/// Which containers of which pods. `previous` of a container that never restarted does not exist and is not asked for.
fn sources(target: &Logs, pods: &[Value]) -> Result<Vec<Source>, Fault> {
    let mut all = Vec::new();
    for pod in pods {
        let name = table::text(pod, "/metadata/name");
        let containers: Vec<String> = match &target.container {
            Some(container) => vec![container.clone()],
            None => ["initContainers", "containers", "ephemeralContainers"]
                .iter()
                .flat_map(|kind| table::array(pod, &format!("/spec/{kind}")))
                .map(|container| table::text(container, "/name"))
                .filter(|container| !target.previous || has_previous(pod, container))
                .collect(),
        };
        let several = containers.len() > 1;
        for container in containers {
            named("container", &container)?;
            let prefix = match (target.selector.is_some(), several) {
                (true, false) => format!("[{name}] "),
                (true, true) => format!("[{name}/{container}] "),
                (false, true) => format!("[{container}] "),
                (false, false) => String::new(),
            };
            all.push(Source { pod: name.clone(), container, prefix });
        }
    }
    if all.is_empty() {
        return Err(Fault::refused("no container of it has run before: there is no previous log; leave out `previous`"));
    }
    Ok(all)
}

fn has_previous(pod: &Value, container: &str) -> bool {
    ["initContainerStatuses", "containerStatuses"]
        .iter()
        .flat_map(|kind| table::array(pod, &format!("/status/{kind}")))
        .any(|status| status["name"] == container && status["lastState"]["terminated"].is_object())
}

fn ask(session: &Session<'_>, target: &Logs, source: &Source, since: Option<u64>) -> Ask {
    let path = format!("{}/log", Resource::pods().object(session.namespace(), &source.pod));
    let call = Call::get(path)
        .with("container", Some(source.container.clone()))
        .with("follow", target.follow.then_some("true"))
        .with("previous", target.previous.then_some("true"))
        .with("sinceSeconds", since.map(|seconds| seconds.to_string()))
        .with("tailLines", target.tail.map(|tail| tail.to_string()))
        .with("limitBytes", (!target.follow).then(|| LOG_BYTES.to_string()));
    let what = format!("read the log of {}/{}", source.pod, source.container);
    Ask::new(what, format!("get pods/{} --subresource=log", source.pod), call)
}

enum State {
    Closed,
    Open { body: Body, pending: Vec<u8>, seen: u64 },
    Done,
}

fn read<'a>(session: &'a Session<'a>, ask: Ask, source: Source, follow: bool) -> impl Stream<Item = Piece> + 'a {
    let start = (State::Closed, VecDeque::new());
    stream::unfold((start, ask, source), move |((mut state, mut ready), ask, source)| async move {
        loop {
            if let Some(piece) = ready.pop_front() {
                return Some((piece, ((state, ready), ask, source)));
            }
            state = match state {
                State::Done => return None,
                State::Closed => match session.open(&ask).await {
                    Ok(answer) => State::Open { body: answer.into_body(), pending: Vec::new(), seen: 0 },
                    Err(fault) => {
                        ready.push_back(Piece::Failed(label(&source), fault));
                        State::Done
                    }
                },
                State::Open { mut body, mut pending, mut seen } => match body.frame().await {
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            seen += data.len() as u64;
                            pending.extend_from_slice(&data);
                            split(&mut pending, &source.prefix, &mut ready);
                        }
                        State::Open { body, pending, seen }
                    }
                    Some(Err(error)) => {
                        last(&pending, &source.prefix, &mut ready);
                        ready.push_back(Piece::Failed(label(&source), Fault::new(&ask, cause(&error))));
                        State::Done
                    }
                    None => {
                        last(&pending, &source.prefix, &mut ready);
                        if !follow && seen >= LOG_BYTES {
                            ready.push_back(Piece::Cut(label(&source)));
                        }
                        State::Done
                    }
                },
            };
        }
    })
}

fn label(source: &Source) -> String {
    format!("{}/{}", source.pod, source.container)
}

/// Takes the whole lines out of `pending`.
fn split(pending: &mut Vec<u8>, prefix: &str, ready: &mut VecDeque<Piece>) {
    let mut rest = pending.as_slice();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        ready.push_back(line(prefix, &rest[..end]));
        rest = &rest[end + 1..];
    }
    while rest.len() > LINE_BYTES {
        ready.push_back(line(prefix, &rest[..LINE_BYTES]));
        rest = &rest[LINE_BYTES..];
    }
    *pending = rest.to_vec();
}

fn last(pending: &[u8], prefix: &str, ready: &mut VecDeque<Piece>) {
    if !pending.is_empty() {
        ready.push_back(line(prefix, pending));
    }
}

fn line(prefix: &str, bytes: &[u8]) -> Piece {
    Piece::Line([prefix.as_bytes(), bytes, b"\n"].concat())
}

/// `90s`, `10m`, `1h30m`, `2d` in seconds.
fn seconds(text: &str) -> Result<u64, Fault> {
    let wrong = || Fault::refused(format!("`since: {text}` is no length of time; write it like 90s, 10m, 1h30m or 2d"));
    let (mut total, mut number) = (0_u64, String::new());
    for c in text.trim().chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: u64 = std::mem::take(&mut number).parse().map_err(|_| wrong())?;
        total = count.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
    }
    if total == 0 || !number.is_empty() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_or_refused() {
        assert_eq!(seconds("10m").unwrap(), 600);
        assert_eq!(seconds("1h30m").unwrap(), 5400);
        for bad in ["", "10", "m", "1w", "-5m", "1.5h", "0s", "99999999999999999999s", "18446744073709551615d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_arrives_whole_however_the_bytes_come() {
        let (mut pending, mut ready) = (Vec::new(), VecDeque::new());
        for bytes in [b"one\ntw".as_slice(), b"o\n", b"three"] {
            pending.extend_from_slice(bytes);
            split(&mut pending, "[web] ", &mut ready);
        }
        last(&pending, "[web] ", &mut ready);
        let got: Vec<String> = ready
            .into_iter()
            .map(|piece| match piece {
                Piece::Line(line) => String::from_utf8(line).unwrap(),
                Piece::Cut(of) | Piece::Failed(of, _) => of,
            })
            .collect();
        assert_eq!(got, ["[web] one\n", "[web] two\n", "[web] three\n"]);
    }
}
