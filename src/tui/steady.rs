//! Which seconds change nothing but the header's clock. Those are most of an incident, and the rest of the screen need not be drawn anew
//! for them: an idle console costs the machine under investigation next to nothing.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::clock;
use super::layout::layout;
use super::model::Model;
use super::paint::Brush;
use super::surface::{Surface, surface};
use super::view::{Scene, footer_stays, header};
use crate::engine::State;
use crate::engine::change::Change;

/// The header's place, while all below it reads the same now as when it was drawn; nothing where it does not, or where telling would cost
/// as much as drawing.
pub fn steady(model: &Model, state: &State, (drawn, now): (Timestamp, Timestamp), area: Rect) -> Option<Rect> {
    let place = layout(area, model.pane)?.header;
    let idle = matches!(surface(model, state), Surface::Panes)
        && matches!(state.change, Change::Idle)
        && state.reads.is_empty()
        && state.preparing.is_empty();
    let same = || same_notice(model, drawn, now) && same_ages(state, drawn, now) && same_evidence(state, drawn, now);
    (now >= drawn && idle && same()).then_some(place)
}

/// Draws the header into an empty buffer of its place.
pub fn draw_header(model: &Model, state: &State, now: Timestamp, buffer: &mut Buffer) {
    let place = buffer.area;
    let scene = Scene { model, state, now };
    header(&scene, place, &mut Brush { theme: &model.theme, mask: None, buffer });
}

fn same_notice(model: &Model, drawn: Timestamp, now: Timestamp) -> bool {
    let stays = |at| model.messages.back().is_some_and(|message| footer_stays(message, at));
    stays(drawn) == stays(now)
}

fn same_ages(state: &State, drawn: Timestamp, now: Timestamp) -> bool {
    state.incident.results.values().all(|outcome| clock::age(outcome.at, drawn) == clock::age(outcome.at, now))
}

/// Whether what a step requires is as fresh or as stale as it was.
fn same_evidence(state: &State, drawn: Timestamp, now: Timestamp) -> bool {
    let required = state.setup.runbook.steps.iter().flat_map(|step| &step.requires);
    required
        .filter_map(|requirement| Some((state.incident.results.get(&requirement.command.value)?.at, requirement.max_age)))
        .all(|(at, limit)| (clock::between(at, drawn) <= limit) == (clock::between(at, now) <= limit))
}
