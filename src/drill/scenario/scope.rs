//! What an expression of a drill can look at: predicates see the world's truth and how far the incident has come, queries one event.
//! Lint reads the same lists of names as the scopes are made from.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::model::Drill;
use super::progress::Progress;
use crate::drill::world::plant::Health;
use crate::runbook::expression::{self, Undecided};
use crate::runbook::model::{Expression, StepId};
use crate::timeline::incident::{Held, Incident};
use crate::timeline::record::Record;

/// A name an expression may use, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub name: &'static str,
    pub says: &'static str,
}

const fn known(name: &'static str, says: &'static str) -> Known {
    Known { name, says }
}

/// In `when` and `mitigated`.
pub const PREDICATE: &[Known] = &[
    known("health", "the drill's service, in truth"),
    known("services", "each service of the world, by name, with the fields of health"),
    known("faults", "each fault by id: active, cured"),
    known("steps", "ids of the steps that were entered"),
    known("leads", "ids of the steps that findings led to"),
    known("findings", "the findings that hold now: step, number (from 0), means, go"),
    known("ran", "ids of the commands that ended with an answer"),
    known("changed", "ids of the changes that are in effect"),
    known("ever_changed", "ids of the changes that took effect, also where they were taken back"),
    known("refused", "ids of the commands that were refused"),
    known("messages", "ids of the injects and decoys that came"),
    known("diagnosed", "the cause that was stated last; empty before"),
    known("hints", "how many hints were taken"),
    known("after", "seconds since the drill began"),
];

/// Of `health` and of each of `services`.
pub const HEALTH: &[Known] = &[
    known("healthy", "users are served as they should be, and nothing is about to end that"),
    known("error_share", "failed requests of the last 30 s, 0 to 1"),
    known("p99_ms", "p99 of the last 30 s, in ms"),
    known("ready", "pods that are ready"),
    known("wanted", "pods that are wanted"),
    known("version", "the release that most ready pods run"),
];

/// Of each of `faults`.
pub const FAULT: &[Known] =
    &[known("active", "it does something now"), known("cured", "it does nothing any more, because of what was done")];

/// In `where`.
pub const QUERY: &[Known] = &[
    known("data", "the event's data, as docs/TIMELINE.md lists it"),
    known("after", "seconds since the first page; below zero before it"),
    known("command", "the command the event is about; empty where it is about none"),
];

/// What a drill's predicates see. `healths` has an entry for each service of the world.
pub fn predicate(drill: &Drill, incident: &Incident, healths: &BTreeMap<String, Health>, after: Duration) -> Value {
    let services: Map<String, Value> = healths.iter().map(|(name, health)| (name.clone(), truth(health))).collect();
    let progress = Progress(incident);
    let own = &incident.drill;
    let finding = |((step, number), held): (&(StepId, usize), &Held)| json!({ "step": step, "number": number, "means": held.means, "go": held.go.as_ref().map_or("", |go| go.as_str()) });
    let findings: Vec<Value> = incident.findings.iter().map(finding).collect();
    json!({
        "health": services.get(&drill.service),
        "services": services,
        "faults": faults(drill, healths),
        "steps": progress.steps().collect::<Vec<_>>(),
        "leads": incident.led,
        "findings": findings,
        "ran": progress.ran().collect::<Vec<_>>(),
        "changed": progress.changed(),
        "ever_changed": progress.ever_changed(),
        "refused": incident.refused,
        "messages": own.injected.iter().filter_map(|(_, injected)| injected.inject.as_deref()).collect::<Vec<_>>(),
        "diagnosed": own.diagnosed.as_ref().map_or("", |(_, diagnosed)| diagnosed.answer.as_str()),
        "hints": own.hinted.len(),
        "after": after.as_secs(),
    })
}

fn truth(health: &Health) -> Value {
    json!({
        "healthy": health.healthy,
        "error_share": health.error_share,
        "p99_ms": health.p99_ms,
        "ready": health.ready,
        "wanted": health.wanted,
        "version": health.version,
    })
}

/// All of the drill's: one that has not begun is neither active nor cured.
fn faults(drill: &Drill, healths: &BTreeMap<String, Health>) -> Value {
    let states = drill.faults.iter().map(|fault| {
        let state = healths.values().flat_map(|health| &health.faults).find(|state| state.id == fault.id);
        let state = state.map_or((false, false), |state| (state.active, state.cured));
        (fault.id.clone(), json!({ "active": state.0, "cured": state.1 }))
    });
    Value::Object(states.collect())
}

/// What a query sees of one event. `command` is that of the run it belongs to.
pub fn query(record: &Record, command: &str, after: SignedDuration) -> Value {
    let event = serde_json::to_value(&record.happening).unwrap_or_default();
    json!({ "data": event.get("data"), "after": after.as_secs(), "command": command })
}

pub fn holds(expression: &Expression, scope: &Value) -> Result<bool, Undecided> {
    expression::truth(&expression.value, scope)
}
