//! Events, counted as Kubernetes counts them: the same thing about the same object is one event whose count grows.

use serde_json::{Value, json};

use crate::drill::world::clock::{earlier, parse, stamp};
use crate::drill::world::json::{count, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::{Id, Object};
use crate::drill::world::seed::hash;
use crate::drill::world::state::{Past, State};

/// After an hour Kubernetes forgets an event.
const KEPT: std::time::Duration = std::time::Duration::from_secs(3600);
/// And a world keeps no more than this many.
const MOST: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Normal,
    Warning,
}

/// One thing to tell.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub tone: Tone,
    pub reason: &'a str,
    pub message: &'a str,
    pub component: &'a str,
    /// The part of the object meant, as `spec.containers{name}`.
    pub field: &'a str,
}

/// A normal event about a whole object.
pub fn normal<'a>(component: &'a str, reason: &'a str, message: &'a str) -> Told<'a> {
    Told { tone: Tone::Normal, reason, message, component, field: "" }
}

pub fn warning<'a>(component: &'a str, reason: &'a str, message: &'a str) -> Told<'a> {
    Told { tone: Tone::Warning, ..normal(component, reason, message) }
}

pub fn tell(state: &mut State, about: &Object, told: Told<'_>) {
    if state.past == Past::Writing && earlier(state.clock.now(), KEPT) > state.now {
        return;
    }
    let namespace = if about.id.namespace.is_empty() { "default" } else { &about.id.namespace };
    let mark = hash(&format!("{}\n{}\n{}\n{}\n{}", about.uid, told.reason, told.message, told.component, told.field));
    let id = Id::new(Kind::Event, namespace, &format!("{}.{mark:016x}", about.id.name));
    let now = stamp(state.now);
    if state.store.get(&id).is_some() {
        state.edit(&id, |event| {
            set(event, &["count"], count(event, "/count") + 1);
            set(event, &["lastTimestamp"], now);
        });
        return;
    }
    forget(state);
    let host = if told.component == "kubelet" { about.pod.node.as_str() } else { "" };
    let mut source = json!({ "component": told.component });
    if !host.is_empty() {
        set(&mut source, &["host"], host);
    }
    let tone = match told.tone {
        Tone::Normal => "Normal",
        Tone::Warning => "Warning",
    };
    let event = json!({
        "metadata": { "name": id.name, "namespace": namespace },
        "involvedObject": involved(about, told.field),
        "reason": told.reason, "message": told.message, "source": source,
        "firstTimestamp": now, "lastTimestamp": now, "count": 1, "type": tone, "eventTime": null,
        "reportingComponent": told.component, "reportingInstance": host,
    });
    state.add(Kind::Event, event);
}

fn involved(about: &Object, field: &str) -> Value {
    let mut involved = json!({
        "kind": about.id.kind.info().kind, "namespace": about.id.namespace, "name": about.id.name, "uid": about.uid,
        "apiVersion": about.id.kind.api_version(), "resourceVersion": about.version.to_string(),
    });
    if about.id.namespace.is_empty() {
        super::super::json::remove(&mut involved, &["namespace"]);
    }
    if !field.is_empty() {
        set(&mut involved, &["fieldPath"], field);
    }
    involved
}

/// Drops what is older than an hour, looking only now and then.
fn forget(state: &mut State) {
    if !state.store.version().is_multiple_of(1024) {
        return;
    }
    let limit = earlier(state.now, KEPT);
    let mut events: Vec<(String, Id)> =
        state.store.list(Kind::Event, "").map(|event| (text(&event.value(), "/lastTimestamp").to_owned(), event.id.clone())).collect();
    events.sort();
    let surplus = events.len().saturating_sub(MOST);
    for (index, (time, id)) in events.into_iter().enumerate() {
        if index < surplus || parse(&time).is_some_and(|time| time < limit) {
            state.remove(&id);
        }
    }
}
