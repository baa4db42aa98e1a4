//! Keys in a list. Choosing an undo only makes it ready; its dialog asks.

use jiff::Timestamp;

use super::{intent, open, scroll};
use crate::engine::{Intent, Notice, Plea, State};
use crate::tui::keys::Verb;
use crate::tui::model::{Choice, List, Model, Out, Overlay, Prompt};
use crate::tui::view::choices;

pub fn key(model: &mut Model, state: &State, verb: Option<Verb>, now: Timestamp) -> Vec<Out> {
    let Overlay::List { list, marked } = std::mem::take(&mut model.overlay) else { return Vec::new() };
    let choices = choices(state, list);
    let at = choices.iter().position(|choice| Some(choice) == marked.as_ref());
    match verb {
        Some(Verb::Back) => return Vec::new(),
        Some(Verb::Accept) => {
            if let Some(choice) = at.and_then(|at| choices.into_iter().nth(at)) {
                return chosen(model, state, (list, choice), now);
            }
            model.say(Notice::Info("the marked one is no longer there".to_owned()), now);
            return Vec::new();
        }
        Some(_) | None => {}
    }
    let movement = verb.and_then(scroll::movement);
    let to = movement.map(|movement| at.map_or(0, |at| scroll::moved(at, movement, 1, choices.len().saturating_sub(1))));
    let marked = to.map_or(marked, |to| choices.into_iter().nth(to));
    model.overlay = Overlay::List { list, marked };
    Vec::new()
}

fn chosen(model: &mut Model, state: &State, (list, choice): (List, Choice), now: Timestamp) -> Vec<Out> {
    match (list, choice) {
        (List::Undo, Choice::Run(run)) => intent(Intent::Undo(run)),
        (List::Running, Choice::Run(run)) => intent(Intent::Cancel(run)),
        (List::Unknown, Choice::Run(run)) => {
            open::list(model, state, List::Verdict(run), now);
            Vec::new()
        }
        (_, Choice::Happened { run, happened }) => {
            open::prompt(model, Prompt::Rule { run, happened });
            Vec::new()
        }
        (_, Choice::Step(step)) => intent(Intent::GoTo(step)),
        (_, Choice::Cause(cause)) => intent(Intent::Exercise(Plea::Diagnose(cause))),
        (List::Verdict(_) | List::Findings | List::Causes, Choice::Run(_)) => Vec::new(),
    }
}
