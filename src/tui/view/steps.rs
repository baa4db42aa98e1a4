//! The steps by phase: what is done, where we are, what comes.

use ratatui::layout::Rect;

use super::{Scene, frame};
use crate::engine::State;
use crate::runbook::model::{Phase, Step};
use crate::timeline::incident::StepState;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Row};
use crate::tui::theme::Role;

pub fn draw(scene: &Scene, area: Rect, wide: bool, brush: &mut Brush) {
    let state = scene.state;
    let all = state.steps().count();
    let settled = state.steps().filter(|step| state.incident.settled_steps().contains(&step.id)).count();
    let inner = frame(scene, (Pane::Steps, area, wide), &format!("{settled} of {all} settled"), brush);
    let (rows, marked) = rows(scene.model, state);
    // Each step is one row, so the marked one is kept in view by counting.
    let height = usize::from(inner.height);
    let skip = marked.map_or(0, |marked| (marked + 3).saturating_sub(height)).min(rows.len().saturating_sub(height));
    for (y, (row, is_marked)) in (inner.y..inner.bottom()).zip(rows.iter().skip(skip)) {
        let line = Rect { y, height: 1, ..inner };
        brush.line(line, row);
        if *is_marked && scene.model.pane == Pane::Steps {
            brush.tint(line, Role::Selected);
        }
    }
}

/// The rows, each with whether it is the marked step, and the marked one's number.
fn rows(model: &Model, state: &State) -> (Vec<(Row, bool)>, Option<usize>) {
    let marked = model.marked_step(state);
    let mut rows = Vec::new();
    for phase in Phase::ALL {
        let mut steps = state.steps().filter(|step| step.phase == phase).peekable();
        if steps.peek().is_some() {
            rows.push((Row::new(Role::Faint, phase.as_str()), false));
        }
        for step in steps {
            let is_marked = marked == Some(&step.id);
            rows.push((row(state, step, is_marked && model.pane == Pane::Steps), is_marked));
        }
    }
    let at = rows.iter().position(|(_, is_marked)| *is_marked);
    (rows, at)
}

/// The step in that row of the pane, for the mouse.
pub fn step_at<'a>(model: &Model, state: &'a State, row: usize, height: usize) -> Option<&'a Step> {
    let (rows, marked) = rows(model, state);
    let skip = marked.map_or(0, |marked| (marked + 3).saturating_sub(height)).min(rows.len().saturating_sub(height));
    let mut order = Vec::new();
    for phase in Phase::ALL {
        let steps: Vec<&Step> = state.steps().filter(|step| step.phase == phase).collect();
        if !steps.is_empty() {
            order.push(None);
        }
        order.extend(steps.into_iter().map(Some));
    }
    order.get(row + skip).copied().flatten()
}

fn row(state: &State, step: &Step, marked: bool) -> Row {
    let current = state.incident.step.as_ref() == Some(&step.id);
    let (mark, role) = match state.incident.steps.get(&step.id) {
        Some(StepState::Completed { .. }) => ("✓", Role::Good),
        Some(StepState::Skipped { .. }) => ("–", Role::Faint),
        Some(StepState::Misfit { .. }) => ("≠", Role::Stale),
        Some(StepState::Entered) => ("·", Role::Text),
        None => (" ", Role::Text),
    };
    let here = if current { "▶" } else { " " };
    let found = state.incident.findings.keys().any(|(found, _)| *found == step.id);
    let cursor = if marked { "›" } else { " " };
    let title = match state.considered.as_ref().filter(|considered| considered.step == step.id) {
        Some(considered) => considered.title.clone(),
        None => step.title.value.clone(),
    };
    let row = Row::new(Role::Text, cursor).and(Role::Strong, here).and(role, format!("{mark} "));
    let row = if found { row.and(Role::Finding, "▲ ") } else { row };
    row.and(if current { Role::Strong } else { role }, title)
}
