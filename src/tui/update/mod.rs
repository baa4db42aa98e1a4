//! What a key, a line or a record does to the model, and which intents leave. One way in; a key goes to whatever is on top.

mod backdate;
mod confirm;
mod console;
mod feed;
mod list;
mod mouse;
mod open;
mod pager;
mod prompt;
mod question;
mod scroll;

use crossterm::event::{KeyEvent, KeyEventKind};
use jiff::Timestamp;
use ratatui::layout::Size;

use super::keys::{Chord, Mode, Verb};
use super::layout;
use super::model::{Input, Model, Out, Overlay, Search};
use super::surface::{Admission, Surface, surface};
use crate::engine::{Intent, Notice, State};

pub fn update(model: &mut Model, state: &State, input: Input, now: Timestamp) -> Vec<Out> {
    let arriving = surface(model, state).arriving();
    model.arrival.sync(arriving);
    match input {
        Input::Key(key) => self::key(model, state, key, now),
        Input::Paste(text) => {
            paste(model, state, &text, now);
            Vec::new()
        }
        Input::Resize(width, height) => {
            model.size = Size::new(width, height);
            Vec::new()
        }
        Input::Mouse(event) => {
            mouse::mouse(model, state, event);
            Vec::new()
        }
        Input::Line { run, stderr, text } => {
            feed::line(model, state, run, stderr, text);
            Vec::new()
        }
        Input::Recorded(record) => {
            feed::recorded(model, &record);
            Vec::new()
        }
        Input::Told(notice) => {
            model.say(notice, now);
            Vec::new()
        }
        Input::Tick => Vec::new(),
    }
}

fn intent(intent: Intent) -> Vec<Out> {
    vec![Out::Intent(intent)]
}

/// Which part of the update a key goes to.
enum Top {
    Panes,
    Overlay,
    Question,
    Confirm,
}

fn key(model: &mut Model, state: &State, key: KeyEvent, now: Timestamp) -> Vec<Out> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    // What can't be seen can't be answered. Ctrl-C still leaves.
    let is_interrupt = Chord::of(key) == Chord::INTERRUPT;
    if layout::is_too_small(model.area()) && !is_interrupt {
        return Vec::new();
    }
    let on_top = surface(model, state);
    let mode = on_top.mode();
    let top = match on_top {
        Surface::Panes => Top::Panes,
        Surface::Overlay(_) => Top::Overlay,
        Surface::Question(_) => Top::Question,
        Surface::Confirm(_) => Top::Confirm,
    };
    let admission = model.arrival.admit(key, mode, now);
    // Ctrl-C only ever leaves or declines, so it need not wait.
    if admission == Admission::Dropped && !is_interrupt {
        let why = "typed ahead or held down: it does not count. Wait a second, then answer.";
        model.arrival.dialog_mut().complaint = Some(why.to_owned());
        return Vec::new();
    }
    let verb = model.keys.verb(mode, key);
    match top {
        Top::Panes => verb.map_or_else(Vec::new, |verb| console::verb(model, state, verb, now)),
        Top::Overlay => overlay(model, state, (key, verb), now),
        Top::Question => question::key(model, state, (key, verb)),
        Top::Confirm => confirm::key(model, state, (key, verb), now),
    }
}

fn overlay(model: &mut Model, state: &State, (key, verb): (KeyEvent, Option<Verb>), now: Timestamp) -> Vec<Out> {
    match &mut model.overlay {
        Overlay::Nothing => Vec::new(),
        Overlay::Sheet { .. } => {
            scroll::sheet(model, state, verb, now);
            Vec::new()
        }
        Overlay::Prompt { .. } => prompt::key(model, state, (key, verb), now),
        Overlay::List { .. } => list::key(model, state, verb, now),
        Overlay::Pager(_) => {
            pager::key(model, (key, verb), now);
            Vec::new()
        }
        Overlay::Leaving => match verb {
            Some(Verb::Yes) => {
                model.overlay = Overlay::Nothing;
                intent(Intent::Leave)
            }
            Some(Verb::Back) => {
                model.overlay = Overlay::Nothing;
                Vec::new()
            }
            Some(_) | None => Vec::new(),
        },
    }
}

/// A paste goes into an open text field, but never into a dialog: a name must be typed. Anywhere else it would be keys, so it is dropped.
fn paste(model: &mut Model, state: &State, text: &str, now: Timestamp) {
    let on_top = surface(model, state);
    let (is_confirm, is_question) = (matches!(on_top, Surface::Confirm(_)), matches!(on_top, Surface::Question(_)));
    let types = on_top.mode() == Mode::Type;
    if is_confirm {
        model.arrival.dialog_mut().complaint = Some("a paste does not count here: type it".to_owned());
        return;
    }
    if is_question && types {
        model.arrival.dialog_mut().answer.paste(text);
        return;
    }
    match &mut model.overlay {
        Overlay::Prompt { field, .. } => field.paste(text),
        Overlay::Pager(pager) => match &mut pager.search {
            Search::Typing(field) => field.paste(text),
            Search::Off | Search::For(_) => dropped(model, now),
        },
        Overlay::Nothing | Overlay::Sheet { .. } | Overlay::List { .. } | Overlay::Leaving => dropped(model, now),
    }
}

fn dropped(model: &mut Model, now: Timestamp) {
    model.say(Notice::Info("the paste was dropped: no text field is open".to_owned()), now);
}
