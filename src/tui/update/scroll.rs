//! Moving: the mark in lists, the rows of what is longer than its room. Half a page keeps what was read in view.

use jiff::Timestamp;

use crate::engine::State;
use crate::tui::keys::Verb;
use crate::tui::layout::{Layout, layout};
use crate::tui::model::{Model, Overlay, Pane};
use crate::tui::paint;
use crate::tui::ring::{Position, Ring, Window};
use crate::tui::view::{Scene, sheet_rows, step};

/// How far a key moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    By(isize),
    Page(isize),
    Top,
    Bottom,
}

pub fn movement(verb: Verb) -> Option<Move> {
    let moves = [
        (Verb::Up, Move::By(-1)),
        (Verb::Down, Move::By(1)),
        (Verb::PageUp, Move::Page(-1)),
        (Verb::PageDown, Move::Page(1)),
        (Verb::Top, Move::Top),
        (Verb::Bottom, Move::Bottom),
    ];
    moves.iter().find(|(found, _)| *found == verb).map(|(_, movement)| *movement)
}

/// A number moved within `0..=most`.
pub fn moved(at: usize, movement: Move, page: u16, most: usize) -> usize {
    let half = isize::try_from(page / 2).unwrap_or(1).max(1);
    match movement {
        Move::By(by) => at.min(most).saturating_add_signed(by).min(most),
        Move::Page(by) => at.min(most).saturating_add_signed(by * half).min(most),
        Move::Top => 0,
        Move::Bottom => most,
    }
}

/// A place in a ring moved.
pub fn in_ring(ring: &Ring, from: Position, movement: Move, window: Window) -> Position {
    let half = isize::try_from(window.height / 2).unwrap_or(1).max(1);
    match movement {
        Move::By(by) => ring.scrolled(from, by, window),
        Move::Page(by) => ring.scrolled(from, by * half, window),
        Move::Top => Position::At { line: ring.dropped(), row: 0 },
        Move::Bottom => Position::Tail,
    }
}

pub fn pane(model: &mut Model, state: &State, verb: Verb, now: Timestamp) {
    let Some(movement) = movement(verb) else { return };
    let Some(layout) = layout(model.area(), model.pane) else { return };
    let pane = model.pane;
    in_pane(model, state, (pane, movement), (&layout, now));
}

pub fn in_pane(model: &mut Model, state: &State, (pane, movement): (Pane, Move), (layout, now): (&Layout, Timestamp)) {
    match pane {
        Pane::Steps => mark_step(model, state, movement, layout.inner(pane).height),
        Pane::Step => match movement {
            Move::By(_) | Move::Top | Move::Bottom => mark_command(model, state, movement),
            Move::Page(_) => scroll_step(model, state, movement, (layout, now)),
        },
        Pane::Output => {
            let window = layout.window(pane);
            let from = model.output_at;
            if let Some(position) = model.output().map(|output| in_ring(&output.lines, from, movement, window)) {
                model.output_at = position;
                hold_run(model);
            }
        }
        Pane::Timeline => model.events_at = in_ring(&model.events, model.events_at, movement, layout.window(pane)),
    }
}

/// An output held by scrolling stays on its run, whatever starts meanwhile.
fn hold_run(model: &mut Model) {
    model.shown_run = match model.output_at {
        Position::At { .. } => model.output().map(|output| output.run),
        Position::Tail => model.shown_run.filter(|run| model.outputs.back().is_some_and(|newest| newest.run != *run)),
    };
}

fn mark_step(model: &mut Model, state: &State, movement: Move, height: u16) {
    let steps: Vec<_> = crate::runbook::model::Phase::ALL
        .iter()
        .flat_map(|phase| state.steps().filter(move |step| step.phase == *phase))
        .map(|step| &step.id)
        .collect();
    let at = steps.iter().position(|step| Some(*step) == model.marked_step(state)).unwrap_or(0);
    let to = moved(at, movement, height, steps.len().saturating_sub(1));
    model.marked = steps.get(to).map(|step| (*step).clone());
}

fn mark_command(model: &mut Model, state: &State, movement: Move) {
    let commands = state.current_step().map_or(0, |step| state.commands(step).count());
    let to = moved(model.chosen_in(state), movement, 1, commands.saturating_sub(1));
    model.chosen = (state.incident.step.clone(), to);
    model.step_scroll = None;
}

pub fn scroll_step(model: &mut Model, state: &State, movement: Move, (layout, now): (&Layout, Timestamp)) {
    let Some(step) = state.current_step() else { return };
    let inner = layout.inner(Pane::Step);
    let content = step::content(&Scene { model, state, now }, step);
    let height = usize::from(inner.height);
    let (all, follow) = content.extent(inner.width, height);
    let at = model.step_scroll.unwrap_or(follow);
    model.step_scroll = Some(moved(at, movement, inner.height, all.saturating_sub(height)));
}

pub fn sheet(model: &mut Model, state: &State, verb: Option<Verb>, now: Timestamp) {
    let Some(verb) = verb else { return };
    let Overlay::Sheet { sheet, scroll } = &model.overlay else { return };
    if verb == Verb::Back {
        model.overlay = Overlay::Nothing;
        return;
    }
    let (Some(movement), Some(layout)) = (movement(verb), layout(model.area(), model.pane)) else { return };
    let room = layout.sheet();
    let (sheet, scroll) = (*sheet, *scroll);
    let rows = sheet_rows(&Scene { model, state, now }, sheet);
    let most = paint::measure(&rows, room.width).saturating_sub(usize::from(room.height));
    model.overlay = Overlay::Sheet { sheet, scroll: moved(scroll, movement, room.height, most) };
}
