//! What can be read at any time: where this console acts, its changes, the service's card, the facts.

use jiff::Timestamp;
use serde_json::Value;

use super::record::{ending, scalar};
use super::text::{between, span, wrap};
use crate::action::Identity;
use crate::engine::State;
use crate::engine::change::Change;
use crate::engine::state::Log;
use crate::runbook::model::Card;
use crate::timeline::incident::{Incident, RunState, What};
use crate::timeline::record::RunId;

/// Values of the card and of the facts listed at most.
const VALUES: usize = 200;

/// Where am I acting, what is next, what is the danger, how long has it been.
pub(super) fn whereabouts(state: &State, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    let incident = &state.incident;
    let open = incident.opened_at.map_or_else(|| "not open yet".to_owned(), |at| format!("open for {}", span(between(at, now))));
    let held = if state.setup.read_only { ", read-only" } else { "" };
    lines.extend(wrap("  incident   ", &format!("{}{held}, {open}: {}", super::mode(state), state.setup.runbook.title)));
    if let Some(opened) = &incident.opened {
        lines.extend(wrap("  acts on    ", &format!("{}: {}", opened.service_name, target(incident, &opened.target))));
    }
    lines.extend(wrap("  under way  ", &under_way(state, now)));
    let unknown = incident.unknown();
    if !unknown.is_empty() && state.change == Change::Idle {
        lines.extend(wrap(
            "  DANGER     ",
            &format!("nobody knows whether {} happened: nothing else is changed until that is settled", names(&unknown)),
        ));
    }
    if let Log::Lost(why) = &state.log {
        lines.extend(wrap("  DANGER     ", &format!("the log can't be written, so nothing is changed: {why}")));
    }
    let outstanding = incident.outstanding();
    let not_undone = if outstanding.is_empty() { "none".to_owned() } else { names(&outstanding) };
    lines.extend(wrap("  not undone ", &not_undone));
    lines.extend(incident.findings.values().flat_map(|held| wrap("  finding    ", &held.means)));
    let next = state.next_step().map_or_else(|| "every step is settled".to_owned(), |step| format!("{} ({})", step.title.value, step.id));
    lines.extend(wrap("  next step  ", &next));
    lines
}

fn target(incident: &Incident, identity: &Identity) -> String {
    match identity {
        Identity::Cluster(cluster) => {
            let user = cluster.user.as_deref().unwrap_or("no user named");
            format!("context {}, namespace {}, server {}, {user}", cluster.context, cluster.namespace, cluster.server)
        }
        Identity::Host(host) => {
            incident.process().map_or_else(|| format!("host {}, no process", host.host), |pid| format!("host {}, pid {pid}", host.host))
        }
        Identity::Here => "this machine".to_owned(),
    }
}

fn under_way(state: &State, now: Timestamp) -> String {
    let mut parts: Vec<String> =
        state.reads.iter().map(|(run, reading)| format!("{run} RO {} for {}", reading.title, span(between(reading.began, now)))).collect();
    match &state.change {
        Change::Idle => {}
        Change::Asking(asking) => parts.push(format!("to confirm: {}", asking.proposal.wish().title)),
        Change::Committing(_) => parts.push("a change is starting".to_owned()),
        Change::Running { run, title, began, .. } => parts.push(format!("{run} MUT {title} for {}", span(between(*began, now)))),
    }
    if !state.preparing.is_empty() {
        parts.push(format!("{} being made ready", state.preparing.len()));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
}

fn names(runs: &[RunId]) -> String {
    runs.iter().map(RunId::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn changes(state: &State) -> Vec<String> {
    let outstanding = state.incident.outstanding();
    let mut lines = Vec::new();
    for (id, run) in &state.incident.runs {
        let What::Change(intended) = &run.what else { continue };
        let became = match &run.state {
            RunState::Open if is_running(state, *id) => "running".to_owned(),
            RunState::Open => "OUTCOME UNKNOWN".to_owned(),
            RunState::Ended(how) => ending(how),
            RunState::Ruled { happened: true } => "unknown, then ruled to have happened".to_owned(),
            RunState::Ruled { happened: false } => "unknown, then ruled not to have happened".to_owned(),
            RunState::Undone { by } => format!("undone by {by}"),
        };
        let undo = if outstanding.contains(id) { format!(" (\"undo {}\" takes it back)", id.0) } else { String::new() };
        lines.extend(wrap(&format!("  {id:<4} "), &format!("{}: {became}{undo}", intended.title)));
    }
    if lines.is_empty() {
        lines.push("nothing was changed".to_owned());
    }
    lines
}

fn is_running(state: &State, id: RunId) -> bool {
    match &state.change {
        Change::Running { run, .. } => *run == id,
        Change::Idle | Change::Asking(_) | Change::Committing(_) => false,
    }
}

pub(super) fn card(state: &State) -> Vec<String> {
    let Card { owner, dashboard, logs, trace_query, slo, dependencies, rollback_command, feature_flags, recent_deploy_command } =
        &state.setup.runbook.card;
    let rows = [
        ("owner", owner),
        ("dashboard", dashboard),
        ("logs", logs),
        ("trace query", trace_query),
        ("slo", slo),
        ("rollback", rollback_command),
        ("feature flags", feature_flags),
        ("recent deploys", recent_deploy_command),
    ];
    let mut lines: Vec<String> =
        rows.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("  {name}: {value}"))).collect();
    if !dependencies.is_empty() {
        lines.push(format!("  depends on: {}", dependencies.join(", ")));
    }
    flatten("", &state.setup.service, &mut lines);
    some(lines, "the service has no card")
}

pub(super) fn facts(state: &State, now: Timestamp) -> Vec<String> {
    let Some((at, facts)) = &state.incident.facts else { return vec!["nothing was read about the target yet".to_owned()] };
    let mut lines = vec![format!("read {} ago:", span(between(*at, now)))];
    flatten("", facts, &mut lines);
    lines
}

fn some(mut lines: Vec<String>, none: &str) -> Vec<String> {
    if lines.is_empty() {
        lines.push(none.to_owned());
    }
    lines
}

/// `a.b: value`, one line for each value that is not a map or a list.
fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    if lines.len() == VALUES {
        lines.push("  ... (more is not listed)".to_owned());
    }
    if lines.len() > VALUES {
        return;
    }
    let under = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&under(name), value, lines)),
        Value::Array(items) => items.iter().enumerate().for_each(|(number, value)| flatten(&under(&number.to_string()), value, lines)),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => lines.push(format!("  {path}: {}", scalar(value))),
    }
}
