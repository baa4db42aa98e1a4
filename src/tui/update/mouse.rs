//! The mouse: the wheel scrolls, a click marks. It never runs or answers anything.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use jiff::Timestamp;

use super::scroll::{self, Move};
use crate::engine::State;
use crate::tui::layout::{Layout, layout};
use crate::tui::model::{Model, Overlay, Pane};
use crate::tui::surface::{Surface, surface};
use crate::tui::view::{pager_window, step_at};

/// Rows one notch of the wheel scrolls.
const NOTCH: isize = 3;

pub fn mouse(model: &mut Model, state: &State, event: MouseEvent) {
    let Some(layout) = layout(model.area(), model.pane) else { return };
    let by = if event.kind == MouseEventKind::ScrollUp {
        -NOTCH
    } else if event.kind == MouseEventKind::ScrollDown {
        NOTCH
    } else if event.kind == MouseEventKind::Down(MouseButton::Left) {
        click(model, state, event, &layout);
        return;
    } else {
        return;
    };
    wheel(model, state, (event, by), &layout);
}

fn wheel(model: &mut Model, state: &State, (event, by): (MouseEvent, isize), layout: &Layout) {
    if matches!(surface(model, state), Surface::Panes) {
        let Some(pane) = layout.pane_at(event.column, event.row) else { return };
        // Ages on the screen don't change how many rows there are by enough to matter.
        let now = state.incident.last.unwrap_or(Timestamp::UNIX_EPOCH);
        match pane {
            Pane::Step => scroll::scroll_step(model, state, Move::By(by), (layout, now)),
            Pane::Steps | Pane::Output | Pane::Timeline => scroll::in_pane(model, state, (pane, Move::By(by)), (layout, now)),
        }
        return;
    }
    if let Overlay::Pager(pager) = &model.overlay {
        let (_, window) = pager_window(pager, layout.body);
        let Some(output) = model.output() else { return };
        let position = output.lines.scrolled(pager.position, by, window);
        if let Overlay::Pager(pager) = &mut model.overlay {
            pager.position = position;
        }
    }
}

fn click(model: &mut Model, state: &State, event: MouseEvent, layout: &Layout) {
    if !matches!(surface(model, state), Surface::Panes) {
        return;
    }
    let Some(pane) = layout.pane_at(event.column, event.row) else { return };
    model.pane = pane;
    let inner = layout.inner(pane);
    if pane == Pane::Steps && event.row >= inner.y {
        let row = usize::from(event.row - inner.y);
        let step = step_at(model, state, row, usize::from(inner.height)).map(|step| step.id.clone());
        model.marked = step.or(model.marked.take());
    }
}
