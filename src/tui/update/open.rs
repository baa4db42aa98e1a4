//! Opening what lies over the panes.

use jiff::Timestamp;

use crate::engine::{Intent, Notice, State};
use crate::tui::field::Field;
use crate::tui::model::{List, Model, Out, Overlay, Prompt, Sheet};
use crate::tui::view::choices;

pub fn prompt(model: &mut Model, prompt: Prompt) {
    model.complaint = None;
    model.overlay = Overlay::Prompt { prompt, field: Field::default() };
}

pub fn sheet(model: &mut Model, sheet: Sheet) {
    model.overlay = Overlay::Sheet { sheet, scroll: 0 };
}

/// A list, or a word why there is none.
pub fn list(model: &mut Model, state: &State, list: List, now: Timestamp) {
    let marked = choices(state, list).into_iter().next();
    if marked.is_none() {
        let why = match list {
            List::Undo => "no change is in place that could be undone",
            List::Unknown | List::Verdict(_) => "no outcome is unknown",
            List::Running => "nothing is running",
            List::Findings => "no finding that holds sends anywhere",
            List::Causes => "this is no drill: there is no cause to state",
        };
        model.say(Notice::Info(why.to_owned()), now);
        return;
    }
    model.overlay = Overlay::List { list, marked };
}

/// Leaves at once where the incident is closed; asks otherwise.
pub fn leave(model: &mut Model, state: &State) -> Vec<Out> {
    if state.incident.closed.is_some() {
        return vec![Out::Intent(Intent::Leave)];
    }
    model.overlay = Overlay::Leaving;
    Vec::new()
}
