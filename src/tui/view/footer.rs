//! The notice line and the keys of the present mode, from the table of actions.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::{Scene, header, step};
use crate::action::Ending;
use crate::engine::Notice;
use crate::engine::state::State;
use crate::tui::clock;
use crate::tui::keys::{Footer, Mode, Verb};
use crate::tui::model::Message;
use crate::tui::paint::{Brush, Row};
use crate::tui::surface::Surface;
use crate::tui::theme::Role;

/// Seconds a message stays; a problem stays longer.
const INFO_STAYS: u64 = 20;
const PROBLEM_STAYS: u64 = 120;

pub fn notice(scene: &Scene, area: Rect, brush: &mut Brush) {
    let newest = scene.model.messages.back().filter(|message| stays(message, scene.now));
    let row = newest.map_or_else(|| hint(scene), |message| said(scene, message));
    let more = Row::new(Role::Key, format!(" {}", scene.model.keys.key(Mode::Console, Verb::Messages))).and(Role::Text, " all of it ");
    let cut = newest.is_some() && row.width() > usize::from(area.width) && matches!(scene.surface(), Surface::Panes);
    let width = if cut { area.width.saturating_sub(u16::try_from(more.width()).unwrap_or(0)) } else { area.width };
    brush.line(Rect { width, ..area }, &row);
    if cut {
        brush.line_right(area, &more);
    }
}

/// Whether a message is still on its line.
pub fn stays(message: &Message, now: Timestamp) -> bool {
    let stays = match message.notice {
        Notice::Info(_) => INFO_STAYS,
        Notice::Problem(_) => PROBLEM_STAYS,
    };
    clock::between(message.at, now).as_secs() < stays
}

pub fn said(scene: &Scene, message: &Message) -> Row {
    let time = clock::time_of_day(message.at, &scene.model.zone);
    match &message.notice {
        Notice::Info(text) => Row::new(Role::Faint, format!(" {time} ")).and(Role::Notice, one_line(text)),
        Notice::Problem(text) => Row::new(Role::Faint, format!(" {time} ")).and(Role::Problem, format!("! {}", one_line(text))),
    }
    .hang(10)
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" / ")
}

/// What would help now, while there is nothing else to say.
fn hint(scene: &Scene) -> Row {
    let keys = &scene.model.keys;
    let key = |verb| keys.key(Mode::Console, verb);
    let state = scene.state;
    if !matches!(scene.surface(), Surface::Panes) || header::waits(state) {
        return Row::default();
    }
    let text = if state.incident.closed.is_some() {
        format!("This incident is closed. {} leaves.", key(Verb::Quit))
    } else if !state.incident.unknown().is_empty() && !state.is_busy() {
        format!("Nobody knows whether a change took effect: verify it, or {} and say what happened.", key(Verb::Outcomes))
    } else if state.incident.findings.iter().any(|(key, held)| Some(&key.0) == state.incident.step.as_ref() && held.go.is_some()) {
        format!("A finding holds: {} follows it.", key(Verb::Follow))
    } else if state.current_step().is_some_and(|step| step::lacks_evidence(scene, step)) {
        "A change here needs the evidence marked ✗: run that first.".to_owned()
    } else if unread(state) {
        format!("{} runs the marked read. {} when you have seen enough.", key(Verb::Open), key(Verb::Complete))
    } else {
        format!("{}: say what you saw, and go on.", key(Verb::Complete))
    };
    Row::new(Role::Faint, format!(" {text}"))
}

/// Whether the step has a read without a good result.
fn unread(state: &State) -> bool {
    use crate::runbook::model::Effect;
    let good = |id| state.incident.results.get(id).is_some_and(|outcome| outcome.finished.ending() == &Ending::Succeeded);
    state.current_step().is_some_and(|step| state.commands(step).any(|command| command.effect == Effect::ReadOnly && !good(&command.id)))
}

pub fn keys(scene: &Scene, area: Rect, brush: &mut Brush) {
    let mode = scene.surface().mode();
    let mut row = Row::new(Role::Text, " ");
    for (action, chords) in scene.model.keys.of(mode).filter(|(action, _)| action.footer == Footer::Shown) {
        let Some(chord) = chords.first() else { continue };
        let (chord, label) = (chord.to_string(), action.label);
        let next = row.clone().and(Role::Key, chord).and(Role::Text, format!(" {label}  "));
        if next.width() > usize::from(area.width) + 2 {
            break;
        }
        row = next;
    }
    brush.line(area, &row);
}
