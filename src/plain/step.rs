//! The step on the screen: its place, its reason, its numbered commands, its findings. Printed when it is entered; later only what changed.

use super::text::{block, wrap};
use crate::action::{Description, Hold, Verdict};
use crate::engine::State;
use crate::engine::event::{Considered, Ready, Rendered};
use crate::runbook::model::{Effect, Phase, Step, StepId};

/// Lines of what a command runs that stand in the list; the confirmation has all of them.
const RUNS: usize = 4;

/// What was printed last.
#[derive(Debug)]
pub(super) struct Shown {
    step: StepId,
    commands: Vec<Vec<String>>,
}

pub(super) fn changed(shown: &mut Option<Shown>, state: &State) -> Vec<String> {
    let Some(considered) = &state.considered else { return Vec::new() };
    let commands: Vec<Vec<String>> =
        considered.commands.iter().enumerate().map(|(number, rendered)| command(state, number + 1, rendered)).collect();
    let before = shown.replace(Shown { step: considered.step.clone(), commands: commands.clone() });
    match before {
        Some(before) if before.step == considered.step => {
            let new = commands.into_iter().enumerate().filter(|(number, lines)| before.commands.get(*number) != Some(lines));
            new.flat_map(|(_, lines)| lines).collect()
        }
        Some(_) | None => {
            let mut lines = head(state, considered);
            lines.extend(commands.into_iter().flatten());
            lines
        }
    }
}

fn head(state: &State, considered: &Considered) -> Vec<String> {
    let count = state.steps().count();
    let number = state.steps().position(|step| step.id == considered.step).map_or(0, |number| number + 1);
    let step = state.setup.runbook.step(&considered.step);
    let phase = step.map_or("", |step| step.phase.as_str());
    let mut lines = vec![String::new()];
    lines.extend(wrap("", &format!("{} STEP {number}/{count} {phase}: {} ({})", super::mode(state), considered.title, considered.step)));
    lines.extend(step.map(|step| wrap("  why: ", &step.why)).unwrap_or_default());
    lines.extend(step.map(requires).unwrap_or_default());
    if considered.commands.is_empty() {
        lines.push("  no commands here: \"done TEXT\" when it is done".to_owned());
    }
    lines
}

fn requires(step: &Step) -> Vec<String> {
    let needs = step.requires.iter().map(|need| format!("{} not older than {}", need.command.value, super::text::span(need.max_age)));
    let needs: Vec<String> = needs.collect();
    if needs.is_empty() { Vec::new() } else { wrap("  changes here need: ", &needs.join(", ")) }
}

/// ` 2  MUT  Scale to 5`, and under it what it runs or why it can't.
fn command(state: &State, number: usize, rendered: &Rendered) -> Vec<String> {
    let tag = state.command(&rendered.id).map(|(_, command)| command.effect);
    let badge = badge(tag, &rendered.ready);
    let title = format!("{} ({})", rendered.title, rendered.id);
    let mut lines = wrap(&format!("{number:>3}  {badge:<3}  "), &title);
    let indent = " ".repeat(10);
    match &rendered.ready {
        Ready::Now { describes, verdict } => {
            lines.extend(runs(&indent, describes));
            lines.extend(wrap(&indent, &held(tag, verdict)));
        }
        Ready::Needs(what) => lines.extend(wrap(&indent, &format!("not ready: {what}"))),
        Ready::NotNow(why) => lines.extend(wrap(&indent, &format!("not now: {why}"))),
    }
    lines
}

/// The stricter of the author's tag and what qrh makes of the command.
fn badge(tag: Option<Effect>, ready: &Ready) -> &'static str {
    let changes = match ready {
        Ready::Now { verdict: Verdict::Changes(_), .. } => true,
        Ready::Now { verdict: Verdict::Reads(_) | Verdict::Unknown(_), .. } | Ready::Needs(_) | Ready::NotNow(_) => false,
    };
    if changes || tag == Some(Effect::Mutating) { "MUT" } else { "RO" }
}

fn held(tag: Option<Effect>, verdict: &Verdict) -> String {
    match (tag, verdict) {
        (Some(Effect::Mutating), _) => "[asks first]".to_owned(),
        (_, Verdict::Reads(hold)) => format!("[{}]", hold.as_str()),
        (_, Verdict::Changes(why)) => format!("[tagged read-only, but {why}: asks first as a change]"),
        (_, Verdict::Unknown(_)) => format!("[{}: asks first]", Hold::DeclaredOnly.as_str()),
    }
}

fn runs(indent: &str, describes: &Description) -> Vec<String> {
    let mut lines = block(indent, describes.runs.iter().take(RUNS).cloned());
    if describes.runs.len() > RUNS {
        lines.push(format!("{indent}... {} more lines", describes.runs.len() - RUNS));
    }
    lines
}

/// All steps, by phase, with what became of them.
pub(super) fn all(state: &State) -> Vec<String> {
    use crate::timeline::incident::StepState;
    let mut lines = Vec::new();
    let mut phase: Option<Phase> = None;
    for (number, step) in state.steps().enumerate() {
        if phase.replace(step.phase) != Some(step.phase) {
            lines.push(step.phase.as_str().to_owned());
        }
        let (mark, said) = match state.incident.steps.get(&step.id) {
            Some(StepState::Completed { observed }) => ("done", observed.as_str()),
            Some(StepState::Skipped { reason }) => ("skipped", reason.as_str()),
            Some(StepState::Misfit { reason }) => ("does not fit", reason.as_str()),
            Some(StepState::Entered) => ("begun", ""),
            None => ("", ""),
        };
        let here = if state.incident.step.as_ref() == Some(&step.id) { ">" } else { " " };
        let state = [mark, said].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
        let state = if state.is_empty() { state } else { format!(" [{state}]") };
        lines.extend(wrap(&format!(" {here}{:>2}  ", number + 1), &format!("{} ({}){state}", step.title.value, step.id)));
    }
    lines
}
