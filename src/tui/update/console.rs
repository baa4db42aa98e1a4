//! Keys on the panes. Nothing here can answer a dialog, so no key here can change the target.

use jiff::Timestamp;

use super::{intent, open, scroll};
use crate::engine::event::Ready;
use crate::engine::{Intent, Notice, Plea, State};
use crate::runbook::model::{Effect, StepId};
use crate::tui::keys::{Mode, Verb};
use crate::tui::model::{Choice, List, Model, Out, Overlay, Pager, Pane, Prompt, Sheet};
use crate::tui::ring::Position;
use crate::tui::view::{choices, step};

pub fn verb(model: &mut Model, state: &State, verb: Verb, now: Timestamp) -> Vec<Out> {
    match verb {
        Verb::Open => return enter(model, state, now),
        Verb::Start => return start(model, state, now),
        Verb::NextStep => return neighbour(model, state, Way::Forward, now),
        Verb::PreviousStep => return neighbour(model, state, Way::Back, now),
        Verb::Follow => return follow(model, state, now),
        Verb::Stop => return stop(model, state, now),
        Verb::Quit => return open::leave(model, state),
        Verb::Copy => return copy(model, state, now),
        Verb::Complete => open::prompt(model, Prompt::Complete),
        Verb::Skip => open::prompt(model, Prompt::Skip),
        Verb::Misfit => open::prompt(model, Prompt::Misfit),
        Verb::Note => open::prompt(model, Prompt::Note),
        Verb::OwnCommand => open::prompt(model, Prompt::OwnCommand(Effect::ReadOnly)),
        Verb::Close => open::prompt(model, Prompt::Close),
        Verb::Undo => open::list(model, state, List::Undo, now),
        Verb::Outcomes => open::list(model, state, List::Unknown, now),
        Verb::Card => open::sheet(model, Sheet::Card),
        Verb::Help => open::sheet(model, Sheet::Help),
        Verb::Messages => open::sheet(model, Sheet::Messages),
        Verb::Briefing if state.setup.drill.is_some() => open::sheet(model, Sheet::Briefing),
        Verb::Briefing => model.say(Notice::Info("this is no drill".to_owned()), now),
        Verb::Hint => return intent(Intent::Exercise(Plea::Hint)),
        Verb::Diagnose => open::list(model, state, List::Causes, now),
        Verb::Whole => model.overlay = Overlay::Pager(Pager::default()),
        Verb::NextPane => focus(model, 1),
        Verb::PreviousPane => focus(model, Pane::ALL.len() - 1),
        Verb::Steps => model.pane = Pane::Steps,
        Verb::Step => model.pane = Pane::Step,
        Verb::Output => model.pane = Pane::Output,
        Verb::Timeline => model.pane = Pane::Timeline,
        Verb::OlderRun => other_run(model, Way::Back),
        Verb::NewerRun => other_run(model, Way::Forward),
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::Top | Verb::Bottom => scroll::pane(model, state, verb, now),
        Verb::Left
        | Verb::Right
        | Verb::Yes
        | Verb::No
        | Verb::Accept
        | Verb::Back
        | Verb::Toggle
        | Verb::Search
        | Verb::NextMatch
        | Verb::PreviousMatch
        | Verb::Wrap => {}
    }
    Vec::new()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Back,
    Forward,
}

fn focus(model: &mut Model, by: usize) {
    let at = Pane::ALL.iter().position(|pane| *pane == model.pane).unwrap_or(0);
    model.pane = Pane::ALL[(at + by) % Pane::ALL.len()];
}

/// Enter opens what is marked, and never starts a change.
fn enter(model: &mut Model, state: &State, now: Timestamp) -> Vec<Out> {
    match model.pane {
        Pane::Steps => {
            let Some(step) = model.marked_step(state).cloned() else { return Vec::new() };
            model.pane = Pane::Step;
            go(state, step)
        }
        Pane::Step => match model.command(state) {
            None => Vec::new(),
            Some(command) if step::changes(state, command) => {
                let key = model.keys.key(Mode::Console, Verb::Start);
                model.say(Notice::Info(format!("this one changes the target: {key} shows its dialog")), now);
                Vec::new()
            }
            Some(command) => intent(Intent::Start(command.id.clone())),
        },
        Pane::Output | Pane::Timeline => {
            if model.pane == Pane::Output {
                model.overlay = Overlay::Pager(Pager { position: model.output_at, ..Pager::default() });
            }
            Vec::new()
        }
    }
}

fn go(state: &State, step: StepId) -> Vec<Out> {
    if state.incident.step.as_ref() == Some(&step) { Vec::new() } else { intent(Intent::GoTo(step)) }
}

fn start(model: &mut Model, state: &State, now: Timestamp) -> Vec<Out> {
    if let Some(command) = model.command(state) {
        return intent(Intent::Start(command.id.clone()));
    }
    model.say(Notice::Info("this step has nothing to run on this target".to_owned()), now);
    Vec::new()
}

fn neighbour(model: &mut Model, state: &State, way: Way, now: Timestamp) -> Vec<Out> {
    let steps: Vec<&StepId> = state.steps().map(|step| &step.id).collect();
    let here = steps.iter().position(|step| Some(*step) == state.incident.step.as_ref());
    let next = here.and_then(|here| match way {
        Way::Forward => here.checked_add(1),
        Way::Back => here.checked_sub(1),
    });
    if let Some(step) = next.and_then(|next| steps.get(next)) {
        return go(state, (*step).clone());
    }
    model.say(Notice::Info("there is no step beyond this one".to_owned()), now);
    Vec::new()
}

/// To where the one finding sends; asks where there are several.
fn follow(model: &mut Model, state: &State, now: Timestamp) -> Vec<Out> {
    let choices = choices(state, List::Findings);
    if let [Choice::Step(step)] = choices.as_slice() {
        return go(state, step.clone());
    }
    open::list(model, state, List::Findings, now);
    Vec::new()
}

fn stop(model: &mut Model, state: &State, now: Timestamp) -> Vec<Out> {
    let choices = choices(state, List::Running);
    if let [Choice::Run(run)] = choices.as_slice() {
        return intent(Intent::Cancel(*run));
    }
    open::list(model, state, List::Running, now);
    Vec::new()
}

/// What the marked command would run, or what a person would type in its place.
fn copy(model: &mut Model, state: &State, now: Timestamp) -> Vec<Out> {
    let rendered = model.command(state).and_then(|command| step::rendered(state, &command.id));
    let text = rendered.and_then(|rendered| match &rendered.ready {
        Ready::Now { describes, .. } => Some(describes.by_hand.clone().unwrap_or_else(|| describes.runs.join("\n"))),
        Ready::Needs(_) | Ready::NotNow(_) => None,
    });
    let said = if text.is_some() { "copied what the marked command runs" } else { "nothing to copy: the marked command is not ready" };
    model.say(Notice::Info(said.to_owned()), now);
    text.map(Out::Copy).into_iter().collect()
}

/// Turns the output to the run before or after; past the newest it follows new runs again.
pub fn other_run(model: &mut Model, way: Way) {
    let Some(shown) = model.output().map(|output| output.run) else { return };
    let at = model.outputs.iter().position(|output| output.run == shown).unwrap_or(0);
    let next = match way {
        Way::Back => at.saturating_sub(1),
        Way::Forward => at + 1,
    };
    model.shown_run = if next + 1 >= model.outputs.len() { None } else { model.outputs.get(next).map(|output| output.run) };
    model.output_at = Position::Tail;
}
