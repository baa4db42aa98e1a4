//! One record as lines: the same text when it happens and in `timeline`.

use std::time::Duration;

use serde_json::Value;

use super::text::{clock, span, wrap};
use crate::action::Ending;
use crate::engine::State;
use crate::runbook::model::StepId;
use crate::timeline::record::{Around, Finished, Happening, Intended, Opened, Reading, Record, Ruling, Started};
use crate::timeline::story;

/// None for what a drill hides from its trainee.
pub(super) fn lines(state: &State, record: &Record) -> Vec<String> {
    sentence(state, &record.happening).map_or_else(Vec::new, |said| wrap(&format!("{}  ", clock(record.time)), &said))
}

fn sentence(state: &State, happening: &Happening) -> Option<String> {
    Some(match happening {
        Happening::Opened(opened) => open(opened),
        Happening::Resumed { actor } => format!("{actor} took the incident up again"),
        Happening::Closed { summary, not_undone, unknown } => {
            let open = not_undone.len() + unknown.len();
            let left = if open == 0 { String::new() } else { format!(" ({} not undone, {} unknown)", not_undone.len(), unknown.len()) };
            format!("CLOSED: {summary}{left}")
        }
        Happening::StepEntered { step, .. } => format!("at step {step}"),
        Happening::StepCompleted { step, observed } => format!("DONE {step}: {observed}"),
        Happening::StepSkipped { step, reason } => format!("SKIPPED {step}: {reason}"),
        Happening::StepMisfit { step, reason } => format!("DOES NOT FIT {step}: {reason}"),
        Happening::FactsRead { .. } => "read the facts of the target".to_owned(),
        Happening::Started(started) => start(started),
        Happening::Intended(intended) => intend(intended),
        Happening::Finished(finished) => finish(finished),
        Happening::Ruled { run, happened, by, why } => {
            let by = match by {
                Ruling::Probe(probe) => format!("by {probe}"),
                Ruling::Person(person) => format!("by {person}"),
            };
            format!("{run} {} ({by}): {why}", if *happened { "HAPPENED" } else { "DID NOT HAPPEN" })
        }
        Happening::Refused { command, why } => format!("REFUSED {command}: {why}"),
        Happening::Declined { command } => format!("declined {command}: nothing ran"),
        Happening::FindingHeld { means, go, .. } => {
            format!("FINDING: {means}{}", go.as_ref().map_or_else(String::new, |go| toward(state, go)))
        }
        Happening::FindingLifted { step, number } => format!("a finding no longer holds: {}", lifted(state, step, *number)),
        Happening::Noted { text } => format!("NOTE: {text}"),
        Happening::Measured { run, when, readings } => {
            let when = match when {
                Around::Before => "before",
                Around::After => "after",
            };
            format!("{when} {run}: {}", readings.iter().map(reading).collect::<Vec<_>>().join(", "))
        }
        Happening::LogMended { what } => format!("LOG: {what}"),
        Happening::DrillObserved(_) | Happening::DrillRated(_) => return None,
        Happening::DrillBegan(began) => {
            format!("DRILL {} ({}) began; what is hidden is sealed as {}", began.drill, began.level, began.hidden_sha256)
        }
        Happening::DrillInjected(injected) => format!("{}: {}", injected.from.as_str().to_uppercase(), injected.text),
        Happening::DrillHinted(hinted) => format!("HINT {} (costs {}): {}", hinted.hint, hinted.penalty, hinted.text),
        Happening::DrillDiagnosed(diagnosed) => format!("DIAGNOSIS by {}: {}", diagnosed.by, diagnosed.answer),
        Happening::DrillPaused { by } => format!("DRILL paused by {by}"),
        Happening::DrillContinued { by } => format!("DRILL goes on, by {by}"),
        Happening::DrillRevealed(revealed) => format!("DRILL revealed: the log holds what was hidden (SHA-256 {})", revealed.sha256),
        Happening::DrillEnded(ended) => format!("DRILL ended, {}: {}", ended.outcome.as_str(), ended.why),
    })
}

fn open(opened: &Opened) -> String {
    let held = if opened.read_only { ", read-only" } else { "" };
    format!("{} incident opened by {}: {} for {}{held}", opened.mode.as_str(), opened.actor, opened.runbook_title, opened.service_name)
}

fn toward(state: &State, go: &StepId) -> String {
    let number = state.steps().position(|step| step.id == *go);
    number.map_or_else(|| format!(" -> {go}"), |number| format!(" -> step {} ({go})", number + 1))
}

fn lifted(state: &State, step: &StepId, number: usize) -> String {
    let finding = state.setup.runbook.step(step).and_then(|step| step.findings.get(number));
    finding.map_or_else(|| step.0.clone(), |finding| finding.means.value.clone())
}

fn start(started: &Started) -> String {
    let own = if started.ad_hoc { " (your own)" } else { "" };
    format!("{} RO  started: {}{own} [{}]", started.run, started.title, started.hold.as_str())
}

fn intend(intended: &Intended) -> String {
    let reason = intended.reason.as_ref().map_or_else(String::new, |reason| format!(", because: {reason}"));
    format!("{} MUT {}: confirmed at tier {} ({}){reason}", intended.run, intended.title, intended.tier, intended.confirmed)
}

fn finish(finished: &Finished) -> String {
    let took = span(Duration::from_millis(finished.took_ms));
    let mut said = vec![format!("{} {} {} after {took}", finished.run, finished.command, ending(finished.ending()))];
    said.extend(finished.report.exit.map(|exit| format!("exit {exit}")));
    said.extend(finished.expected.map(|expected| if expected { "as expected" } else { "NOT as expected" }.to_owned()));
    said.extend(finished.reading.as_ref().map(reading));
    said.extend(finished.captured.iter().map(|(name, value)| format!("{name} = {}", scalar(value))));
    said.extend(finished.undecided.iter().map(|why| format!("not decided: {why}")));
    said.join("; ")
}

pub(super) fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Succeeded => "ok".to_owned(),
        Ending::Failed(why) => format!("FAILED ({why})"),
        Ending::Unreachable(why) => format!("UNREACHABLE ({why})"),
        Ending::Stopped => "stopped".to_owned(),
        Ending::Unknown(why) => format!("OUTCOME UNKNOWN ({why})"),
        Ending::Voided(why) => format!("VOID ({why})"),
    }
}

fn reading(reading: &Reading) -> String {
    format!("{} {}", reading.command, story::amount(reading))
}

/// A value on one line, at most 200 characters of it.
pub(super) fn scalar(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let short: String = text.chars().take(200).collect();
    match text.chars().count().saturating_sub(200) {
        0 => short,
        cut => format!("{short}... ({cut} more characters)"),
    }
}
