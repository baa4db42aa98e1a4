//! Where things are: the same at every moment, so that a hand and an eye find them without reading.

use ratatui::layout::{Constraint, Layout as Split, Margin, Position, Rect};

use super::model::Pane;
use super::ring::Window;

/// Below this nothing is drawn but one line that says so.
pub const SMALLEST: (u16, u16) = (60, 15);
/// From here on all four panes are on the screen at once.
pub const WIDE: (u16, u16) = (110, 30);

/// Rows of the header.
pub const HEADER: u16 = 2;

#[derive(Debug, Clone)]
pub struct Layout {
    pub header: Rect,
    /// Between header and notice: panes, or what lies over them.
    pub body: Rect,
    pub notice: Rect,
    pub footer: Rect,
    pub panes: Vec<(Pane, Rect)>,
    pub wide: bool,
}

pub fn is_too_small(area: Rect) -> bool {
    area.width < SMALLEST.0 || area.height < SMALLEST.1
}

/// Nothing where the terminal is too small.
pub fn layout(area: Rect, pane: Pane) -> Option<Layout> {
    if is_too_small(area) {
        return None;
    }
    let rows = [Constraint::Length(HEADER), Constraint::Min(0), Constraint::Length(1), Constraint::Length(1)];
    let [header, body, notice, footer] = Split::vertical(rows).areas(area);
    let wide = area.width >= WIDE.0 && area.height >= WIDE.1;
    let panes = if wide { all(body) } else { vec![(pane, body)] };
    Some(Layout { header, body, notice, footer, panes, wide })
}

fn all(body: Rect) -> Vec<(Pane, Rect)> {
    let [steps, right] = Split::horizontal([Constraint::Length((body.width * 3 / 10).clamp(33, 48)), Constraint::Min(0)]).areas(body);
    let rows = [Constraint::Fill(10), Constraint::Fill(5), Constraint::Fill(4)];
    let [step, output, timeline] = Split::vertical(rows).areas(right);
    vec![(Pane::Steps, steps), (Pane::Step, step), (Pane::Output, output), (Pane::Timeline, timeline)]
}

impl Layout {
    pub fn pane_at(&self, x: u16, y: u16) -> Option<Pane> {
        self.panes.iter().find(|(_, area)| area.contains(Position { x, y })).map(|(pane, _)| *pane)
    }

    /// The room within a pane's frame.
    pub fn inner(&self, pane: Pane) -> Rect {
        let area = self.panes.iter().find(|(found, _)| *found == pane).map_or(self.body, |(_, area)| *area);
        area.inner(Margin::new(1, 1))
    }

    pub fn window(&self, pane: Pane) -> Window {
        let inner = self.inner(pane);
        Window { width: inner.width, height: inner.height, wraps: true }
    }

    /// The room a full sheet or pager has.
    pub fn sheet(&self) -> Rect {
        self.body.inner(Margin::new(1, 1))
    }
}
