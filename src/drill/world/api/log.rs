//! pods/log: lines of a container, now and as they come.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{self, Answer};
use super::request::{Place, Query, Request};
use crate::drill::world::Shared;
use crate::drill::world::behaviour::{Line, View};
use crate::drill::world::clock::{earlier, later, parse};
use crate::drill::world::control::{pod, status};
use crate::drill::world::json::{list, part, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Id;
use crate::drill::world::refusal::Refusal;
use crate::drill::world::state::State;

/// No more lines of a run are kept than this; older ones are rotated away.
const MOST: usize = 20_000;

/// Which run of which container.
#[derive(Clone)]
struct Source {
    pod: Value,
    container: Value,
    status: Value,
    /// When this run ended.
    ended: Option<Timestamp>,
}

impl Source {
    fn view(&self, now: Timestamp) -> View<'_> {
        pod::view(now, &self.pod, &self.container, &self.status)
    }
}

pub fn log(shared: &Arc<Shared>, state: &State, place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let query = &request.query;
    let source = source(state, place, query)?;
    let since = since(query, state.now)?;
    let tail = query.number("tailLines")?.map_or(MOST, |lines| usize::try_from(lines).unwrap_or(MOST)).min(MOST);
    // Ends are said in whole seconds; what was written in the last of them belongs to the run.
    let until = source.ended.map_or(state.now, |ended| later(ended, Duration::from_millis(999)));
    let view = source.view(state.now);
    let after = since.unwrap_or(Timestamp::MIN).max(earlier(view.started, Duration::from_secs(1)));
    let lines = if tail == 0 { Vec::new() } else { state.behaviour.log(&view, after, until, tail) };
    let stamps = query.truth("timestamps");
    let mut written = String::new();
    for line in &lines {
        write_line(&mut written, line, stamps);
    }
    let limit = query.number("limitBytes")?.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if let Some(limit) = limit.filter(|limit| *limit < written.len()) {
        let mut end = limit;
        while !written.is_char_boundary(end) {
            end -= 1;
        }
        written.truncate(end);
    }
    if !query.truth("follow") || source.ended.is_some() {
        return Ok(answer::text(200, "text/plain", written));
    }
    let follow = Follow {
        shared: shared.clone(),
        id: Id::new(Kind::Pod, &place.namespace, &place.name),
        source,
        last: state.now,
        stamps,
        ready: VecDeque::from([written]),
    };
    Ok(answer::stream("text/plain", parts(follow)))
}

fn write_line(written: &mut String, line: &Line, stamps: bool) {
    if stamps {
        let _ = write!(written, "{} ", line.time.strftime("%Y-%m-%dT%H:%M:%S.%9fZ"));
    }
    written.push_str(&line.text);
    written.push('\n');
}

fn since(query: &Query, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    if let Some(seconds) = query.number("sinceSeconds")? {
        return Ok(Some(earlier(now, Duration::from_secs(seconds))));
    }
    match query.get("sinceTime") {
        "" => Ok(None),
        time => parse(time).map(Some).ok_or_else(|| Refusal::bad_request(format!("sinceTime: \"{time}\" is no RFC 3339 time"))),
    }
}

/// The container meant: the one named, or the only one.
pub fn container<'a>(pod: &'a Value, named: &str, (name, verb): (&str, &str)) -> Result<&'a Value, Refusal> {
    let containers = list(pod, "/spec/containers");
    if named.is_empty() {
        return match containers {
            [only] => Ok(only),
            [] => Err(Refusal::bad_request(format!("pod {name} has no containers"))),
            more => {
                let names: Vec<&str> = more.iter().map(|container| text(container, "/name")).collect();
                Err(Refusal::bad_request(format!(
                    "a container name must be specified for pod {name}, choose one of: [{}] for {verb}",
                    names.join(" ")
                )))
            }
        };
    }
    containers
        .iter()
        .find(|container| text(container, "/name") == named)
        .ok_or_else(|| Refusal::bad_request(format!("container {named} is not valid for pod {name}")))
}

fn source(state: &State, place: &Place, query: &Query) -> Result<Source, Refusal> {
    let pod = state.get(Kind::Pod, &place.namespace, &place.name).ok_or_else(|| Refusal::not_found(Kind::Pod.full(), &place.name))?;
    let container = container(&pod, query.get("container"), (&place.name, "logs"))?.clone();
    let name = text(&container, "/name").to_owned();
    let Some(mut status) = status::of(&pod, &name).cloned() else {
        return Err(Refusal::bad_request(format!("container \"{name}\" in pod \"{}\" is waiting to start: ContainerCreating", place.name)));
    };
    let previous = part(&status, "/lastState/terminated");
    if query.truth("previous") {
        if previous.is_null() {
            return Err(Refusal::bad_request(format!("previous terminated container \"{name}\" in pod \"{}\" not found", place.name)));
        }
        return Ok(ended(pod, container, status, &previous, 1));
    }
    let waiting = text(&status, "/state/waiting/reason").to_owned();
    if waiting == "CrashLoopBackOff" && !previous.is_null() {
        // The run that ended is the newest there is.
        return Ok(ended(pod, container, status, &previous, 0));
    }
    if !waiting.is_empty() {
        return Err(Refusal::bad_request(format!("container \"{name}\" in pod \"{}\" is waiting to start: {waiting}", place.name)));
    }
    let over = part(&status, "/state/terminated");
    if !over.is_null() {
        let ended = parse(text(&over, "/finishedAt"));
        return Ok(Source { pod, container, status, ended });
    }
    crate::drill::world::json::remove(&mut status, &["lastState"]);
    Ok(Source { pod, container, status, ended: None })
}

fn ended(pod: Value, container: Value, mut status: Value, end: &Value, back: i64) -> Source {
    let run = crate::drill::world::json::count(&status, "/restartCount") - back;
    crate::drill::world::json::set(&mut status, &["state"], serde_json::json!({ "terminated": end }));
    crate::drill::world::json::set(&mut status, &["restartCount"], run.max(0));
    Source { pod, container, status, ended: parse(text(end, "/finishedAt")) }
}

/// What a run of a container writes from a moment on, until it ends. `run`: the pod, its container, and that one's status.
pub fn onward(shared: &Arc<Shared>, from: (Id, Timestamp), run: (&Value, &Value, &Value)) -> impl Stream<Item = Bytes> + Send + use<> {
    let (pod, container, status) = run;
    let source = Source { pod: pod.clone(), container: container.clone(), status: status.clone(), ended: None };
    parts(Follow { shared: shared.clone(), id: from.0, source, last: from.1, stamps: false, ready: VecDeque::new() })
}

fn parts(follow: Follow) -> impl Stream<Item = Bytes> + Send + use<> {
    futures::stream::unfold(follow, |mut follow| async move { follow.next().await.map(|bytes| (bytes, follow)) })
}

struct Follow {
    shared: Arc<Shared>,
    id: Id,
    source: Source,
    last: Timestamp,
    stamps: bool,
    ready: VecDeque<String>,
}

impl Follow {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(text) = self.ready.pop_front()
                && !text.is_empty()
            {
                return Some(text.into());
            }
            let shared = self.shared.clone();
            let (lines, wait, over) = shared.look(|state| self.gather(state));
            let mut text = String::new();
            for line in &lines {
                write_line(&mut text, line, self.stamps);
            }
            if !text.is_empty() {
                self.ready.push_back(text);
                continue;
            }
            if over {
                return None;
            }
            let mut news = self.shared.look(|state| state.store.news(Kind::Pod))?;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                changed = news.changed() => if changed.is_err() { return None },
                () = self.shared.stop.cancelled() => return None,
            }
        }
    }

    /// The lines since the last look, how long until the next, and whether the container has ended.
    fn gather(&mut self, state: &State) -> (Vec<Line>, Duration, bool) {
        let until = state.now;
        let current = state.store.get(&self.id).map(|object| object.value());
        let name = text(&self.source.container, "/name");
        let running = current.as_ref().and_then(|pod| status::of(pod, name)).is_some_and(|status| {
            text(status, "/state/running/startedAt") == text(&self.source.status, "/state/running/startedAt")
                && status.pointer("/state/running").is_some()
        });
        let view = self.source.view(until);
        let lines = state.behaviour.log(&view, self.last, until, MOST);
        let next = state.behaviour.next_line(&view, until).and_then(|time| state.clock.until(time));
        self.last = until;
        (lines, next.unwrap_or(Duration::from_secs(3600)).max(Duration::from_millis(5)), !running)
    }
}
