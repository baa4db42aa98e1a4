//! The screen, drawn from the model and the engine's state.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::model::Model;
use crate::engine::State;

pub fn is_too_small(area: Rect) -> bool {
    area.width < 60 || area.height < 15
}

pub fn view(model: &Model, state: &State, now: Timestamp, area: Rect, buf: &mut Buffer) {
    let _ = (model, state, now, area, buf);
}

pub fn cursor(model: &Model, state: &State, area: Rect) -> Option<Position> {
    let _ = (model, state, area);
    None
}
