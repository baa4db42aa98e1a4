//! What a drill's predicates can name: the world's truth, and the incident as the log has it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Exercise, Truth};
use crate::drill::world::plant::Health;
use crate::runbook::expression;
use crate::runbook::model::Expression;
use crate::timeline::incident::{Incident, RunState, What};

/// One that can't be decided does not hold.
pub fn holds(exercise: &Exercise, truth: &Truth<'_>, predicate: &Expression) -> bool {
    expression::truth(&predicate.value, &scope(exercise, truth)).unwrap_or(false)
}

/// - `health`: of the drill's service: `error_share`, `p99_ms`, `ready`, `wanted`, `healthy`, `version`; `services.NAME`: of any.
/// - `faults.ID`: `active`, `cured`.
/// - `steps`, `leads`, `ran`, `changed`: ids of steps entered, of steps that findings held for, of commands that ran and gave an
///   answer, of changes that took effect.
/// - `diagnosed`: the cause that was stated, or an empty text. `after`: seconds since the drill began.
pub fn scope(exercise: &Exercise, truth: &Truth<'_>) -> Value {
    let mut names = Map::new();
    let own = truth.health.get(&exercise.drill.service).cloned().unwrap_or_default();
    names.insert("health".to_owned(), health(&own));
    let services: Map<String, Value> = truth.health.iter().map(|(name, of)| (name.clone(), health(of))).collect();
    names.insert("services".to_owned(), Value::Object(services));
    names.insert("faults".to_owned(), faults(exercise, truth));
    names.insert("after".to_owned(), exercise.passed(truth.now).as_secs().into());
    let drill = &truth.incident.drill;
    let diagnosed = drill.diagnosed.as_ref().map_or("", |(_, diagnosed)| diagnosed.answer.as_str());
    names.insert("diagnosed".to_owned(), diagnosed.into());
    names.extend(walked(truth.incident));
    Value::Object(names)
}

fn health(health: &Health) -> Value {
    json!({
        "error_share": health.error_share,
        "p99_ms": health.p99_ms,
        "ready": health.ready,
        "wanted": health.wanted,
        "healthy": health.healthy,
        "version": health.version,
    })
}

/// Every fault of the drill, also one that has not begun.
fn faults(exercise: &Exercise, truth: &Truth<'_>) -> Value {
    let mut all: Map<String, Value> =
        exercise.drill.faults.iter().map(|fault| (fault.id.clone(), json!({ "active": false, "cured": false }))).collect();
    for fault in truth.health.values().flat_map(|health| &health.faults) {
        all.insert(fault.id.clone(), json!({ "active": fault.active, "cured": fault.cured }));
    }
    Value::Object(all)
}

fn walked(incident: &Incident) -> Map<String, Value> {
    let (mut ran, mut changed) = (BTreeSet::new(), BTreeSet::new());
    for run in incident.runs.values() {
        let kind = match &run.what {
            What::Read(_) => &mut ran,
            What::Change(_) => &mut changed,
        };
        if run.took_effect() || matches!(run.state, RunState::Undone { .. }) {
            kind.insert(run.what.command().as_str());
        }
    }
    let steps: BTreeSet<&str> = incident.steps.keys().map(|step| step.as_str()).collect();
    let leads: BTreeSet<&str> = incident.findings.values().filter_map(|held| Some(held.go.as_ref()?.as_str())).collect();
    let named = [("steps", json!(steps)), ("leads", json!(leads)), ("ran", json!(ran)), ("changed", json!(changed))];
    named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
