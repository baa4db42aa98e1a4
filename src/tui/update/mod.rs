//! What a key, a line or a record does to the model, and which intents leave.

use jiff::Timestamp;

use super::model::{Input, Model, Out};
use crate::engine::State;

pub fn update(model: &mut Model, state: &State, input: Input, now: Timestamp) -> Vec<Out> {
    let _ = (model, state, input, now);
    Vec::new()
}
