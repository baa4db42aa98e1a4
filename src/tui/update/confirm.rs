//! Keys in a confirmation. Only keys that [`super::key`] has admitted come here.

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::{intent, scroll};
use crate::engine::{Challenge, Intent, State};
use crate::tui::keys::Verb;
use crate::tui::model::{Model, Out};
use crate::tui::surface::{Dialog, Part, asking};
use crate::tui::view::details_extent;

pub fn key(model: &mut Model, state: &State, (key, verb): (KeyEvent, Option<Verb>), now: Timestamp) -> Vec<Out> {
    let Some(asking) = asking(state) else { return Vec::new() };
    let considered_ms = model.arrival.considered_ms(now);
    let challenge = asking.proposal.challenge();
    match verb {
        Some(Verb::Back) => return intent(Intent::Decline),
        Some(Verb::Yes) if *challenge == Challenge::Yes => {
            return intent(Intent::Answer { text: "y".to_owned(), reason: None, considered_ms });
        }
        Some(Verb::Accept) => return answer(model.arrival.dialog_mut(), challenge, considered_ms),
        Some(Verb::Toggle) => {
            toggle(model.arrival.dialog_mut(), challenge);
            return Vec::new();
        }
        Some(verb) if scroll::movement(verb).is_some() => {
            scroll_details(model, state, verb, now);
            return Vec::new();
        }
        Some(_) | None => {}
    }
    let dialog = model.arrival.dialog_mut();
    match (challenge, dialog.part) {
        (Challenge::Yes, _) => {}
        (Challenge::TypeName(_) | Challenge::Recall { .. }, part) => {
            dialog.complaint = None;
            match part {
                Part::Answer => dialog.answer.key(key),
                Part::Reason => dialog.reason.key(key),
            }
        }
    }
    Vec::new()
}

fn toggle(dialog: &mut Dialog, challenge: &Challenge) {
    dialog.part = match (challenge, dialog.part) {
        (Challenge::Recall { .. }, Part::Answer) => Part::Reason,
        (_, Part::Answer | Part::Reason) => Part::Answer,
    };
}

/// Enter: gives what was typed, goes on to the empty field, or does nothing.
fn answer(dialog: &mut Dialog, challenge: &Challenge, considered_ms: u64) -> Vec<Out> {
    if dialog.answer.is_blank() {
        dialog.part = Part::Answer;
        return Vec::new();
    }
    let reason = match challenge {
        Challenge::Yes => return Vec::new(),
        Challenge::TypeName(_) => None,
        Challenge::Recall { .. } if dialog.reason.is_blank() => {
            dialog.part = Part::Reason;
            return Vec::new();
        }
        Challenge::Recall { .. } => Some(dialog.reason.text().trim().to_owned()),
    };
    let text = dialog.answer.text().trim().to_owned();
    // A wrong answer is typed anew; the reason stays.
    dialog.answer.clear();
    dialog.part = Part::Answer;
    intent(Intent::Answer { text, reason, considered_ms })
}

fn scroll_details(model: &mut Model, state: &State, verb: Verb, now: Timestamp) {
    let Some(movement) = scroll::movement(verb) else { return };
    let (most, height) = details_extent(model, state, now);
    let dialog = model.arrival.dialog_mut();
    dialog.scroll = scroll::moved(dialog.scroll, movement, height, most);
}
