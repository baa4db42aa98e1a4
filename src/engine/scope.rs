//! What templates and expressions can name: one JSON object, built from what the log holds.

use serde_json::{Map, Value, json};

use super::state::State;
use crate::timeline::incident::Outcome;

/// `service`, `target`, `facts`, `inputs` and each input, captures, and `<command id>.{out, exit, lines, at}`.
pub fn scope(state: &State) -> Value {
    let mut names = Map::new();
    if let Some(opened) = &state.incident.opened {
        let inputs: Map<String, Value> = opened.inputs.iter().map(|(name, value)| (name.0.clone(), value.clone())).collect();
        names.extend(inputs.clone());
        names.insert("inputs".to_owned(), Value::Object(inputs));
    }
    names.extend(state.incident.captured.iter().map(|(name, value)| (name.0.clone(), value.clone())));
    names.extend(state.incident.results.iter().map(|(id, outcome)| (id.0.clone(), result(outcome))));
    if let Some((_, facts)) = &state.incident.facts {
        names.insert("facts".to_owned(), facts.clone());
    }
    names.insert("service".to_owned(), state.setup.service.clone());
    names.insert("target".to_owned(), state.setup.target.clone());
    Value::Object(names)
}

fn result(outcome: &Outcome) -> Value {
    let report = &outcome.finished.report;
    json!({ "out": report.out, "exit": report.exit, "lines": report.lines, "at": outcome.at.to_string() })
}

/// The scope of one command's own expressions: the rest, and what it gave.
pub fn with_result(scope: &Value, report: &crate::action::Report) -> Value {
    let mut scope = scope.clone();
    if let Value::Object(names) = &mut scope {
        names.insert("out".to_owned(), report.out.clone());
        names.insert("exit".to_owned(), report.exit.into());
        names.insert("lines".to_owned(), report.lines.into());
    }
    scope
}
