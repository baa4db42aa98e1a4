//! Keys in the whole output: scrolling, searching, wrapping.

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::console::{Way, other_run};
use super::scroll;
use crate::engine::Notice;
use crate::tui::field::Field;
use crate::tui::keys::{Mode, Verb};
use crate::tui::layout::layout;
use crate::tui::model::{Model, Output, Overlay, Pager, Search, Wrap};
use crate::tui::ring::{Position, Towards, Window};
use crate::tui::view::pager_window;

/// Columns the unwrapped lines move at once.
const SIDEWAYS: u16 = 20;
/// Columns they can be moved at most: lines are cut at far less.
const FURTHEST: u16 = 20_000;

pub fn key(model: &mut Model, (key, verb): (KeyEvent, Option<Verb>), now: Timestamp) {
    let Overlay::Pager(mut pager) = std::mem::take(&mut model.overlay) else { return };
    let after = if matches!(pager.search, Search::Typing(_)) {
        typing(model, &mut pager, (key, verb), now);
        After::Stays
    } else {
        reading(model, &mut pager, verb, now)
    };
    if after == After::Stays {
        model.overlay = Overlay::Pager(pager);
    }
}

#[derive(PartialEq, Eq)]
enum After {
    Stays,
    Closes,
}

fn reading(model: &mut Model, pager: &mut Pager, verb: Option<Verb>, now: Timestamp) -> After {
    let Some(verb) = verb else { return After::Stays };
    if let Some(movement) = scroll::movement(verb) {
        if let Some((output, window)) = room(model, pager) {
            pager.position = scroll::in_ring(&output.lines, pager.position, movement, window);
        }
        return After::Stays;
    }
    if verb == Verb::Back {
        // The first one ends the search.
        let searched = std::mem::take(&mut pager.search);
        return if matches!(searched, Search::For(_)) { After::Stays } else { After::Closes };
    }
    let turns = [(Verb::OlderRun, Way::Back), (Verb::NewerRun, Way::Forward)];
    if let Some((_, way)) = turns.iter().find(|(turn, _)| *turn == verb) {
        other_run(model, *way);
        (pager.position, pager.hit) = (Position::Tail, None);
    } else if verb == Verb::Search {
        pager.search = Search::Typing(Field::default());
    } else if verb == Verb::NextMatch {
        search(model, pager, Towards::Newer, now);
    } else if verb == Verb::PreviousMatch {
        search(model, pager, Towards::Older, now);
    } else if verb == Verb::Wrap {
        toggle_wrap(pager);
    } else if verb == Verb::Left {
        pager.left = pager.left.saturating_sub(SIDEWAYS);
    } else if verb == Verb::Right && pager.wrap == Wrap::Cut {
        pager.left = pager.left.saturating_add(SIDEWAYS).min(FURTHEST);
    }
    After::Stays
}
fn toggle_wrap(pager: &mut Pager) {
    pager.left = 0;
    pager.wrap = match pager.wrap {
        Wrap::Words => Wrap::Cut,
        Wrap::Cut => Wrap::Words,
    };
}

fn room<'a>(model: &'a Model, pager: &Pager) -> Option<(&'a Output, Window)> {
    let body = layout(model.area(), model.pane)?.body;
    let (_, window) = pager_window(pager, body);
    Some((model.output()?, window))
}

fn typing(model: &mut Model, pager: &mut Pager, (key, verb): (KeyEvent, Option<Verb>), now: Timestamp) {
    let Search::Typing(field) = &mut pager.search else { return };
    match verb {
        Some(Verb::Back) => pager.search = Search::Off,
        Some(Verb::Accept) if field.is_blank() => pager.search = Search::Off,
        Some(Verb::Accept) => {
            pager.search = Search::For(field.text().to_owned());
            pager.hit = None;
            search(model, pager, Towards::Older, now);
        }
        Some(_) | None => field.key(key),
    }
}

/// Puts the next hit at the top. From the tail, the newest hit comes first.
fn search(model: &mut Model, pager: &mut Pager, towards: Towards, now: Timestamp) {
    let Search::For(text) = &pager.search else {
        let key = model.keys.key(Mode::Pager, Verb::Search);
        model.say(Notice::Info(format!("there is no search yet: {key} begins one")), now);
        return;
    };
    let Some((output, window)) = room(model, pager) else { return };
    let from = match (pager.hit, towards) {
        (Some(hit), Towards::Newer) => hit + 1,
        (Some(hit), Towards::Older) => hit,
        (None, Towards::Newer) => output.lines.top(pager.position, window).0,
        (None, Towards::Older) => output.lines.end(),
    };
    if let Some(line) = output.lines.find(text, from, towards) {
        pager.hit = Some(line);
        pager.position = Position::At { line, row: 0 };
        return;
    }
    let whither = if towards == Towards::Newer { "newer" } else { "older" };
    let said = format!("no {whither} line has `{text}`");
    model.say(Notice::Info(said), now);
}
