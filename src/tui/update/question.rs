//! Keys in a question of the runbook.

use crossterm::event::KeyEvent;
use serde_json::Value;

use super::{intent, scroll};
use crate::action::ask::Answer;
use crate::engine::{Intent, State};
use crate::tui::keys::Verb;
use crate::tui::model::{Model, Out};

pub fn key(model: &mut Model, state: &State, (key, verb): (KeyEvent, Option<Verb>)) -> Vec<Out> {
    let Some(question) = &state.question else { return Vec::new() };
    if verb == Some(Verb::Back) {
        return intent(Intent::Decline);
    }
    let dialog = model.arrival.dialog_mut();
    let reply = match (&question.ask.answer, verb) {
        (Answer::Tick, Some(Verb::Yes)) => Some(Value::Bool(true)),
        (Answer::Tick, Some(Verb::No)) => Some(Value::Bool(false)),
        (Answer::Choice(choices), Some(Verb::Accept)) => choices.get(dialog.selected).map(|choice| Value::String(choice.clone())),
        (Answer::Choice(choices), Some(verb)) => {
            if let Some(movement) = scroll::movement(verb) {
                dialog.selected = scroll::moved(dialog.selected, movement, 1, choices.len().saturating_sub(1));
            }
            None
        }
        (Answer::Text | Answer::Number, Some(Verb::Accept)) if dialog.answer.is_blank() => None,
        (Answer::Text, Some(Verb::Accept)) => Some(Value::String(dialog.answer.text().trim().to_owned())),
        (Answer::Number, Some(Verb::Accept)) => {
            let number = number(dialog.answer.text().trim());
            dialog.complaint = number.is_none().then(|| question.ask.answer.expects());
            number
        }
        (Answer::Text | Answer::Number, _) => {
            dialog.complaint = None;
            dialog.answer.key(key);
            None
        }
        (Answer::Tick, _) | (Answer::Choice(_), None) => None,
    };
    reply.map_or_else(Vec::new, |reply| intent(Intent::Reply(reply)))
}

/// Whole numbers stay whole; no number is infinite.
fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number))
}
