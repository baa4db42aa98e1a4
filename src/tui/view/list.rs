//! Lists to choose from: what can be undone, what is unknown, what runs, where findings send.

use std::collections::BTreeSet;

use ratatui::layout::{Margin, Rect};

use super::{Scene, prompt};
use crate::engine::State;
use crate::engine::change::Change;
use crate::runbook::model::StepId;
use crate::timeline::record::RunId;
use crate::tui::clock;
use crate::tui::model::{Choice, List};
use crate::tui::paint::{Brush, Row, Weight};
use crate::tui::theme::Role;

/// What a list offers now.
pub fn choices(state: &State, list: List) -> Vec<Choice> {
    let runs = |runs: Vec<RunId>| runs.into_iter().map(Choice::Run).collect();
    match list {
        List::Undo => runs(state.incident.outstanding()),
        List::Unknown => runs(state.incident.unknown().into_iter().filter(|run| !running(state).contains(run)).collect()),
        List::Verdict(run) => vec![Choice::Happened { run, happened: true }, Choice::Happened { run, happened: false }],
        List::Running => runs(running(state)),
        List::Findings => {
            let steps: BTreeSet<&StepId> = state.incident.findings.values().filter_map(|held| held.go.as_ref()).collect();
            state.steps().filter(|step| steps.contains(&step.id)).map(|step| Choice::Step(step.id.clone())).collect()
        }
        List::Causes => causes(state).iter().map(|(id, _)| Choice::Cause(id.clone())).collect(),
    }
}

/// What may be stated as the cause.
fn causes(state: &State) -> &[(String, String)] {
    state.setup.drill.as_ref().map_or(&[], |drill| &drill.causes)
}

/// What can be stopped: the change first.
pub fn running(state: &State) -> Vec<RunId> {
    let change = match &state.change {
        Change::Running { run, .. } => Some(*run),
        Change::Idle | Change::Asking(_) | Change::Committing(_) => None,
    };
    change.into_iter().chain(state.reads.keys().copied()).collect()
}

fn heading(list: List) -> (&'static str, &'static str) {
    match list {
        List::Undo => ("Undo a change", "Choosing one shows the dialog of its undo; nothing runs before its answer."),
        List::Unknown => ("Unknown outcomes", "Choose the one you know about."),
        List::Verdict(_) => ("What became of it", "Choose what you know to be true; then say how you know."),
        List::Running => ("Stop a command", "Choose which."),
        List::Findings => ("Follow a finding", "Choose where to go."),
        List::Causes => ("State the cause", "A later statement takes the place of this one."),
    }
}

pub fn draw(scene: &Scene, (list, marked): (List, Option<&Choice>), body: Rect, brush: &mut Brush) {
    let choices = choices(scene.state, list);
    let selected = choices.iter().position(|choice| Some(choice) == marked);
    let (title, about) = heading(list);
    let rows = u16::try_from(choices.len() * 2).unwrap_or(u16::MAX);
    let height = rows.saturating_add(4).min(body.height);
    let frame = Rect { y: body.bottom() - height, height, ..body };
    brush.frame(frame, &Row::new(Role::Focus, format!(" {title} ")), (Role::Focus, Weight::Plain));
    let inner = frame.inner(Margin::new(1, 1));
    brush.line(inner, &Row::new(Role::Faint, about));
    let room = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let at_once = usize::from(room.height / 2).max(1);
    let first = selected.map_or(0, |selected| (selected + 1).saturating_sub(at_once));
    for (number, choice) in choices.iter().enumerate().skip(first).take(at_once) {
        let offset = u16::try_from((number - first) * 2).unwrap_or(u16::MAX);
        let line = Rect { y: room.y + offset, height: 1, ..room };
        let (mark, role) = if Some(number) == selected { ("› ", Role::Strong) } else { ("  ", Role::Text) };
        let (name, detail) = describe(scene, choice);
        brush.line(line, &Row::new(Role::Key, mark).and(role, name));
        brush.line(Rect { y: line.y + 1, ..line }, &Row::new(Role::Faint, format!("    {detail}")));
    }
}

fn describe(scene: &Scene, choice: &Choice) -> (String, String) {
    let state = scene.state;
    match choice {
        Choice::Run(run) => {
            let since = state.incident.runs.get(run).map_or_else(String::new, |run| format!("{} ago", clock::age(run.at, scene.now)));
            let undo = undo_line(state, *run).map_or_else(String::new, |line| format!(" · undo: {line}"));
            (format!("{run} {}", prompt::title(scene, *run)), format!("{since}{undo}"))
        }
        Choice::Happened { run, happened } => {
            let said = if *happened { "It took effect" } else { "It did not take effect" };
            (said.to_owned(), format!("{run} {}", prompt::title(scene, *run)))
        }
        Choice::Step(step) => {
            let means = state.incident.findings.values().find(|held| held.go.as_ref() == Some(step)).map(|held| held.means.clone());
            let title = state.setup.runbook.step(step).map_or_else(|| step.to_string(), |found| found.title.value.clone());
            (title, means.unwrap_or_default())
        }
        Choice::Cause(cause) => {
            let says = causes(state).iter().find(|(id, _)| id == cause).map_or_else(String::new, |(_, says)| says.clone());
            (says, cause.clone())
        }
    }
}

fn undo_line(state: &State, run: RunId) -> Option<String> {
    match &state.incident.runs.get(&run)?.what {
        crate::timeline::incident::What::Change(intended) => intended.undo_describes.as_ref()?.runs.first().cloned(),
        crate::timeline::incident::What::Read(_) => None,
    }
}
