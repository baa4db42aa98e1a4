//! Keys in a text prompt.

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::{backdate, intent};
use crate::engine::{Intent, State};
use crate::runbook::model::Effect;
use crate::tui::field::Field;
use crate::tui::keys::Verb;
use crate::tui::model::{Model, Out, Overlay, Prompt};

pub fn key(model: &mut Model, _state: &State, (key, verb): (KeyEvent, Option<Verb>), now: Timestamp) -> Vec<Out> {
    let Overlay::Prompt { prompt, mut field } = std::mem::take(&mut model.overlay) else { return Vec::new() };
    model.complaint = None;
    match verb {
        Some(Verb::Back) => return Vec::new(),
        Some(Verb::Accept) if field.is_blank() => model.overlay = Overlay::Prompt { prompt, field },
        Some(Verb::Accept) => return accept(model, prompt, field, now),
        Some(Verb::Toggle) => model.overlay = Overlay::Prompt { prompt: toggled(prompt), field },
        Some(_) | None => {
            field.key(key);
            model.overlay = Overlay::Prompt { prompt, field };
        }
    }
    Vec::new()
}

fn toggled(prompt: Prompt) -> Prompt {
    match prompt {
        Prompt::OwnCommand(Effect::ReadOnly) => Prompt::OwnCommand(Effect::Mutating),
        Prompt::OwnCommand(Effect::Mutating) => Prompt::OwnCommand(Effect::ReadOnly),
        Prompt::Complete | Prompt::Skip | Prompt::Misfit | Prompt::Note | Prompt::Rule { .. } | Prompt::Close => prompt,
    }
}

fn accept(model: &mut Model, prompt: Prompt, field: Field, now: Timestamp) -> Vec<Out> {
    let said = field.text().trim().to_owned();
    intent(match prompt {
        Prompt::Complete => Intent::Complete { observed: said },
        Prompt::Skip => Intent::Skip { reason: said },
        Prompt::Misfit => Intent::Misfit { reason: said },
        Prompt::OwnCommand(effect) => Intent::AdHoc { line: said, effect },
        Prompt::Rule { run, happened } => Intent::Rule { run, happened, why: said },
        Prompt::Close => Intent::Close { summary: said },
        Prompt::Note => match backdate::note(&said, now, &model.zone) {
            Ok((text, at)) => Intent::Note { text, at },
            Err(why) => {
                model.complaint = Some(why);
                model.overlay = Overlay::Prompt { prompt, field };
                return Vec::new();
            }
        },
    })
}
