//! Keys in a list. Choosing an undo only makes it ready; its dialog asks.

use super::{intent, open, scroll};
use crate::engine::{Intent, State};
use crate::tui::keys::Verb;
use crate::tui::model::{List, Model, Out, Overlay, Prompt};
use crate::tui::view::{Choice, choices};

pub fn key(model: &mut Model, state: &State, verb: Option<Verb>) -> Vec<Out> {
    let Overlay::List { list, selected } = model.overlay else { return Vec::new() };
    let choices = choices(state, list);
    match verb {
        Some(Verb::Back) => model.overlay = Overlay::Nothing,
        Some(Verb::Accept) => {
            model.overlay = Overlay::Nothing;
            if let Some(choice) = choices.into_iter().nth(selected) {
                return chosen(model, list, choice);
            }
        }
        Some(verb) => {
            if let Some(movement) = scroll::movement(verb) {
                let selected = scroll::moved(selected, movement, 1, choices.len().saturating_sub(1));
                model.overlay = Overlay::List { list, selected };
            }
        }
        None => {}
    }
    Vec::new()
}

fn chosen(model: &mut Model, list: List, choice: Choice) -> Vec<Out> {
    match (list, choice) {
        (List::Undo, Choice::Run(run)) => intent(Intent::Undo(run)),
        (List::Running, Choice::Run(run)) => intent(Intent::Cancel(run)),
        (List::Unknown, Choice::Run(run)) => {
            model.overlay = Overlay::List { list: List::Verdict(run), selected: 0 };
            Vec::new()
        }
        (_, Choice::Happened { run, happened }) => {
            open::prompt(model, Prompt::Rule { run, happened });
            Vec::new()
        }
        (_, Choice::Step(step)) => intent(Intent::GoTo(step)),
        (List::Verdict(_) | List::Findings, Choice::Run(_)) => Vec::new(),
    }
}
