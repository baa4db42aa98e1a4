//! One line for each record: what the timeline pane says happened.

use super::clock;
use super::theme::Role;
use crate::action::Ending;
use crate::timeline::record::{Around, Finished, Happening, Intended, Opened, Reading, Ruling, Started};

/// The line and what it is; none for what a drill hides from its trainee.
pub fn tell(happening: &Happening) -> Option<(Role, String)> {
    Some(match happening {
        Happening::Opened(opened) => (Role::Strong, opening(opened)),
        Happening::Resumed { actor } => (Role::Strong, format!("resumed by {actor}")),
        Happening::Closed { summary, not_undone, unknown } => (Role::Strong, closing(summary, not_undone.len(), unknown.len())),
        Happening::StepEntered { step, phase } => (Role::Faint, format!("→ step {step} ({})", phase.as_str())),
        Happening::StepCompleted { step, observed } => (Role::Good, format!("✓ step {step}: {observed}")),
        Happening::StepSkipped { step, reason } => (Role::Text, format!("– step {step} skipped: {reason}")),
        Happening::StepMisfit { step, reason } => (Role::Stale, format!("≠ step {step} does not fit: {reason}")),
        Happening::FactsRead { .. } => (Role::Faint, "· facts read from the target".to_owned()),
        Happening::Started(started) => (Role::Faint, starting(started)),
        Happening::Intended(intended) => (Role::Hazard, intending(intended)),
        Happening::Finished(finished) => finishing(finished),
        Happening::Ruled { run, happened, by, why } => {
            let by = match by {
                Ruling::Probe(command) => command.to_string(),
                Ruling::Person(person) => person.clone(),
            };
            let what = if *happened { "it took effect" } else { "it did not take effect" };
            (Role::Strong, format!("= {run} settled by {by}: {what} ({why})"))
        }
        Happening::Refused { command, why } => (Role::Bad, format!("⊘ {command} refused: {why}")),
        Happening::Declined { command } => (Role::Text, format!("⊘ {command} declined: nothing ran")),
        Happening::FindingHeld { step, means, .. } => (Role::Finding, format!("▲ {step}: {means}")),
        Happening::FindingLifted { step, number } => (Role::Faint, format!("△ {step}: finding {} no longer holds", number + 1)),
        Happening::Noted { text } => (Role::Strong, format!("✎ {text}")),
        Happening::Measured { run, when, readings } => (Role::Text, measuring(*when, &run.to_string(), readings)),
        Happening::LogMended { what } => (Role::Bad, format!("! log mended: {what}")),
        Happening::DrillObserved(_) | Happening::DrillRated(_) => return None,
        Happening::DrillBegan(began) => {
            (Role::Strong, format!("◆ drill {} ({}), sealed as {}", began.drill, began.level, began.hidden_sha256))
        }
        Happening::DrillInjected(injected) => (Role::Strong, format!("✉ {}: {}", injected.from.as_str(), injected.text)),
        Happening::DrillHinted(hinted) => (Role::Finding, format!("◇ hint {} (costs {}): {}", hinted.hint, hinted.penalty, hinted.text)),
        Happening::DrillDiagnosed(diagnosed) => (Role::Strong, format!("◆ diagnosis by {}: {}", diagnosed.by, diagnosed.answer)),
        Happening::DrillPaused { by } => (Role::Stale, format!("◆ drill paused by {by}")),
        Happening::DrillContinued { by } => (Role::Stale, format!("◆ drill goes on, by {by}")),
        Happening::DrillRevealed(revealed) => (Role::Faint, format!("◆ revealed: the log holds what was hidden ({})", revealed.sha256)),
        Happening::DrillEnded(ended) => (Role::Strong, format!("◆ drill ended, {}: {}", ended.outcome.as_str(), ended.why)),
    })
}

fn opening(opened: &Opened) -> String {
    format!("opened by {}: {} on {} ({})", opened.actor, opened.runbook_title, opened.service_name, opened.mode.as_str())
}

fn closing(summary: &str, not_undone: usize, unknown: usize) -> String {
    let left = match (not_undone, unknown) {
        (0, 0) => String::new(),
        (undone, unknown) => format!(" ({undone} changes left in place, {unknown} unknown)"),
    };
    format!("closed: {summary}{left}")
}

fn starting(started: &Started) -> String {
    let own = if started.ad_hoc { " (own command)" } else { "" };
    let confirmed = if started.confirmed.is_some() { ", vouched for" } else { "" };
    format!("▷ {} {}{own} [RO, {}{confirmed}]", started.run, started.title, started.hold.as_str())
}

fn intending(intended: &Intended) -> String {
    let own = if intended.ad_hoc { " (own command)" } else { "" };
    let reason = intended.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("▶ {} {}{own} [MUT, tier {}, {}]{reason}", intended.run, intended.title, intended.tier, intended.confirmed)
}

fn finishing(finished: &Finished) -> (Role, String) {
    let (role, said) = ending(finished);
    let took = clock::span(std::time::Duration::from_millis(finished.took_ms));
    (role, format!("{said} · {} {} · {took}", finished.run, finished.command))
}

/// How a run ended, as a mark and words: the same words everywhere.
pub fn ending(finished: &Finished) -> (Role, String) {
    match finished.ending() {
        Ending::Succeeded if finished.expected == Some(false) => (Role::Stale, "≠ ran, NOT as expected".to_owned()),
        Ending::Succeeded => (Role::Good, "✓ succeeded".to_owned()),
        Ending::Failed(why) => (Role::Bad, format!("✗ failed: {why}")),
        Ending::Unreachable(why) => (Role::Bad, format!("✗ unreachable: {why}")),
        Ending::Stopped => (Role::Stale, "■ stopped".to_owned()),
        Ending::Unknown(why) => (Role::Bad, format!("? OUTCOME UNKNOWN: {why}")),
        Ending::Voided(why) => (Role::Stale, format!("⊘ nothing ran: {why}")),
    }
}

fn measuring(when: Around, run: &str, readings: &[Reading]) -> String {
    let when = match when {
        Around::Before => "before",
        Around::After => "after",
    };
    let readings: Vec<String> = readings.iter().map(reading).collect();
    format!("∿ {when} {run}: {}", readings.join(", "))
}

/// `p99 340 ms`, or that it could not be read.
pub fn reading(reading: &Reading) -> String {
    format!("{} {}", reading.command, amount(reading))
}

/// `0.742 s`, to three decimals.
pub fn amount(reading: &Reading) -> String {
    match reading.value {
        Some(value) => {
            let rounded = (value * 1000.0).round() / 1000.0;
            format!("{rounded} {}", reading.unit).trim_end().to_owned()
        }
        None => "not readable".to_owned(),
    }
}
