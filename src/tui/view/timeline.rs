//! The timeline as it is written: newest at the bottom.

use ratatui::layout::Rect;

use super::{Scene, frame, output};
use crate::tui::model::Pane;
use crate::tui::paint::Brush;

pub fn draw(scene: &Scene, area: Rect, wide: bool, brush: &mut Brush) {
    let events = &scene.model.events;
    let detail = format!("{} events, {}", events.dropped() + events.len() as u64, zone(scene));
    let inner = frame(scene, (Pane::Timeline, area, wide), &detail, brush);
    output::ring(events, scene.model.events_at, inner, brush);
    output::status(scene, events, scene.model.events_at, inner, brush);
}

fn zone(scene: &Scene) -> String {
    scene.now.to_zoned(scene.model.zone.clone()).strftime("%Z").to_string()
}
