//! The screen, drawn from the model and the engine's state. It draws and does nothing else; the same inputs give the same cells.

mod confirm;
mod footer;
mod header;
mod list;
mod output;
mod pager;
mod prompt;
mod sheet;
pub mod step;
mod steps;
mod timeline;

pub use footer::stays as footer_stays;
pub use header::draw as header;
pub use list::choices;
pub use pager::window as pager_window;
pub use sheet::rows as sheet_rows;
pub use steps::step_at;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::layout::{Layout, SMALLEST, layout};
use super::model::{Model, Overlay, Pane};
use super::paint::{Brush, Row, Weight};
use super::surface::{self, Dialog, Surface};
use super::theme::Role;
use crate::engine::State;

/// Everything a pane may look at.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub model: &'a Model,
    pub state: &'a State,
    pub now: Timestamp,
}

impl<'a> Scene<'a> {
    pub fn surface(&self) -> Surface<'a> {
        surface::surface(self.model, self.state)
    }

    /// What has been typed into the dialog on top.
    pub fn dialog(&self) -> Option<&'a Dialog> {
        self.model.arrival.dialog(self.surface().arriving().as_ref())
    }
}

/// Draws into an empty buffer.
pub fn view(model: &Model, state: &State, now: Timestamp, area: Rect, buf: &mut Buffer) {
    let scene = Scene { model, state, now };
    let mut brush = Brush { theme: &model.theme, mask: surface::mask(state), buffer: buf };
    let Some(layout) = layout(area, model.pane) else {
        let (width, height) = SMALLEST;
        brush.line(
            area,
            &Row::new(Role::Problem, format!("qrh needs {width}×{height}, this is {}×{}: make it larger", area.width, area.height)),
        );
        return;
    };
    header::draw(&scene, layout.header, &mut brush);
    match scene.surface() {
        Surface::Panes => panes(&scene, &layout, &mut brush),
        Surface::Confirm(asking) => confirm::draw(&scene, asking, layout.body, &mut brush),
        Surface::Question(question) => {
            panes(&scene, &layout, &mut brush);
            prompt::question(&scene, question, layout.body, &mut brush);
        }
        Surface::Overlay(overlay) => over(&scene, overlay, &layout, &mut brush),
    }
    footer::notice(&scene, layout.notice, &mut brush);
    footer::keys(&scene, layout.footer, &mut brush);
}

fn panes(scene: &Scene, layout: &Layout, brush: &mut Brush) {
    for (pane, area) in &layout.panes {
        match pane {
            Pane::Steps => steps::draw(scene, *area, layout.wide, brush),
            Pane::Step => step::draw(scene, *area, layout.wide, brush),
            Pane::Output => output::draw(scene, *area, layout.wide, brush),
            Pane::Timeline => timeline::draw(scene, *area, layout.wide, brush),
        }
    }
}

fn over(scene: &Scene, overlay: &Overlay, layout: &Layout, brush: &mut Brush) {
    match overlay {
        Overlay::Nothing => panes(scene, layout, brush),
        Overlay::Sheet { sheet, scroll } => sheet::draw(scene, *sheet, *scroll, layout.body, brush),
        Overlay::Pager(pager) => pager::draw(scene, pager, layout.body, brush),
        Overlay::Prompt { prompt, field } => {
            panes(scene, layout, brush);
            prompt::draw(scene, prompt, field, layout.body, brush);
        }
        Overlay::List { list, marked } => {
            panes(scene, layout, brush);
            list::draw(scene, (*list, marked.as_ref()), layout.body, brush);
        }
        Overlay::Leaving => {
            panes(scene, layout, brush);
            prompt::leaving(scene, layout.body, brush);
        }
    }
}

/// Where the terminal's cursor goes: into the open text field, if there is one.
pub fn cursor(model: &Model, state: &State, area: Rect) -> Option<Position> {
    let body = layout(area, model.pane)?.body;
    // No clock is needed to find a field, so any time will do.
    let scene = Scene { model, state, now: Timestamp::UNIX_EPOCH };
    match scene.surface() {
        Surface::Panes => None,
        Surface::Confirm(asking) => confirm::cursor(&scene, asking, body),
        Surface::Question(question) => prompt::question_cursor(&scene, question, body),
        Surface::Overlay(overlay) => match overlay {
            Overlay::Prompt { prompt, field } => Some(prompt::cursor(&scene, prompt, field, body)),
            Overlay::Pager(pager) => pager::cursor(pager, body),
            Overlay::Nothing | Overlay::Sheet { .. } | Overlay::List { .. } | Overlay::Leaving => None,
        },
    }
}

/// A pane's frame. Where only one fits, its title shows the others with their keys.
fn frame(scene: &Scene, (pane, area, wide): (Pane, Rect, bool), detail: &str, brush: &mut Brush) -> Rect {
    let focused = scene.model.pane == pane;
    let role = if focused { Role::Focus } else { Role::Border };
    let mut title = Row::default();
    if wide {
        let mark = if focused { "▸" } else { " " };
        title = title.and(role, format!("{mark}{} {}", pane.number(), pane.title()));
    } else {
        for other in Pane::ALL {
            let (open, close, role) = if other == pane { ("[", "]", Role::Focus) } else { (" ", " ", Role::Text) };
            title = title.and(role, format!("{open}{} {}{close}", other.number(), other.title()));
        }
    }
    if !detail.is_empty() {
        title = title.and(role, format!(" · {detail} "));
    } else if wide {
        title = title.and(role, " ");
    }
    brush.frame(area, &title, (role, Weight::Plain))
}

/// How far the details of the dialog on top can be scrolled, and how many rows of them show at once.
pub fn details_extent(model: &Model, state: &State, now: Timestamp) -> (usize, u16) {
    let scene = Scene { model, state, now };
    let (Some(asking), Some(layout)) = (surface::asking(state), layout(model.area(), model.pane)) else { return (0, 0) };
    confirm::extent(&scene, asking, layout.body)
}
