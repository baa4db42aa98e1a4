//! The whole output of one run: search, wrapped or one row a line.

use ratatui::layout::{Margin, Position as Place, Rect};

use super::{Scene, output};
use crate::tui::model::{Pager, Search, Wrap};
use crate::tui::paint::{Brush, Row, Weight};
use crate::tui::ring::{Ring, Window};
use crate::tui::theme::Role;

/// The room for lines: the last row is the search's.
pub fn window(pager: &Pager, body: Rect) -> (Rect, Window) {
    let inner = body.inner(Margin::new(1, 1));
    let lines = Rect { height: inner.height.saturating_sub(1), ..inner };
    (lines, Window { width: lines.width, height: lines.height, wraps: pager.wrap == Wrap::Words })
}

pub fn draw(scene: &Scene, pager: &Pager, body: Rect, brush: &mut Brush) {
    let shown = scene.model.output();
    let title = shown.map_or_else(|| "Output".to_owned(), |output| output::title(scene, output));
    brush.frame(body, &Row::new(Role::Focus, format!(" {title} ")), (Role::Focus, Weight::Plain));
    let (area, window) = window(pager, body);
    let Some(shown) = shown else { return };
    match pager.wrap {
        Wrap::Words => output::ring(&shown.lines, pager.position, area, brush),
        Wrap::Cut => cut(&shown.lines, pager, (area, window), brush),
    }
    output::status(scene, &shown.lines, pager.position, Rect { height: area.height + 1, ..area }, brush);
    let line = Rect { y: area.bottom(), height: 1, ..area };
    match &pager.search {
        Search::Off => brush.line(line, &Row::new(Role::Faint, counts(&shown.lines))),
        Search::For(text) => brush.line(line, &Row::new(Role::Match, format!("/{text}"))),
        Search::Typing(field) => {
            brush.line(line, &Row::new(Role::Key, "/"));
            brush.typed(Rect { x: line.x + 1, width: line.width.saturating_sub(1), ..line }, field);
        }
    }
    if let Search::For(text) = &pager.search {
        brush.mark(area, text);
    }
}

fn counts(ring: &Ring) -> String {
    format!("{} lines", ring.len())
}

fn cut(ring: &Ring, pager: &Pager, (area, window): (Rect, Window), brush: &mut Brush) {
    let (first, _) = ring.top(pager.position, window);
    for (y, line) in (area.y..area.bottom()).zip(first..) {
        let Some(entry) = ring.get(line) else { return };
        brush.line_from(Rect { y, height: 1, ..area }, &ring.row(entry), usize::from(pager.left));
    }
}

pub fn cursor(pager: &Pager, body: Rect) -> Option<Place> {
    let Search::Typing(field) = &pager.search else { return None };
    let (area, _) = window(pager, body);
    let (_, column) = field.window(area.width.saturating_sub(1));
    Some(Place::new((area.x + 1 + column).min(area.right().saturating_sub(1)), area.bottom()))
}
