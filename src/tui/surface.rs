//! What is on top of the screen, derived from the engine's state and the model's overlay; and the rules by which a dialog that has just
//! arrived takes keys. What the responder opened stays on top of what arrives: a dialog never opens under their fingers.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use jiff::Timestamp;

use super::clock;
use super::field::Field;
use super::keys::Mode;
use super::model::{Model, Overlay, Search};
use crate::action::ask::Answer;
use crate::engine::change::{Asking, Change};
use crate::engine::state::Question;
use crate::engine::{ARMS_AFTER_MS, Challenge, State};
use crate::timeline::record::RunId;

/// A `y` that follows another within this time may come from a key held down, and does not count. Longer than the pause before a
/// keyboard starts to repeat.
pub const HELD_MS: u128 = 1_000;

#[derive(Debug, Clone, Copy)]
pub enum Surface<'a> {
    Panes,
    /// What the responder opened.
    Overlay(&'a Overlay),
    Question(&'a Question),
    Confirm(&'a Asking),
}

pub fn surface<'a>(model: &'a Model, state: &'a State) -> Surface<'a> {
    if !matches!(model.overlay, Overlay::Nothing) {
        return Surface::Overlay(&model.overlay);
    }
    // The confirmation first: leaving one is how the engine understands `Decline` while both are there.
    if let Some(asking) = asking(state) {
        return Surface::Confirm(asking);
    }
    state.question.as_ref().map_or(Surface::Panes, Surface::Question)
}

/// The confirmation that waits, on top or not.
pub fn asking(state: &State) -> Option<&Asking> {
    match &state.change {
        Change::Asking(asking) => Some(asking),
        Change::Idle | Change::Committing(_) | Change::Running { .. } => None,
    }
}

/// The name that must come from memory, while a dialog asks for it: it may not be read anywhere on the screen.
pub fn mask(state: &State) -> Option<String> {
    match asking(state)?.proposal.challenge() {
        Challenge::Recall { name, .. } => Some(name.clone()),
        Challenge::Yes | Challenge::TypeName(_) => None,
    }
}

impl Surface<'_> {
    pub fn mode(&self) -> Mode {
        match self {
            Self::Panes => Mode::Console,
            Self::Overlay(overlay) => match overlay {
                Overlay::Nothing => Mode::Console,
                Overlay::Sheet { .. } => Mode::Read,
                Overlay::Prompt { .. } => Mode::Type,
                Overlay::List { .. } => Mode::Choose,
                Overlay::Pager(pager) => match pager.search {
                    Search::Typing(_) => Mode::Type,
                    Search::Off | Search::For(_) => Mode::Pager,
                },
                Overlay::Leaving => Mode::Leave,
            },
            Self::Question(question) => match question.ask.answer {
                Answer::Text | Answer::Number => Mode::Type,
                Answer::Tick => Mode::Tick,
                Answer::Choice(_) => Mode::Choose,
            },
            Self::Confirm(asking) => match asking.proposal.challenge() {
                Challenge::Yes => Mode::Confirm,
                Challenge::TypeName(_) | Challenge::Recall { .. } => Mode::Recall,
            },
        }
    }

    /// What arrived by itself.
    pub fn arriving(&self) -> Option<Arriving> {
        match self {
            Self::Panes | Self::Overlay(_) => None,
            Self::Question(question) => Some(Arriving::Question(question.run)),
            Self::Confirm(asking) => Some(Arriving::Confirm { digest: asking.proposal.digest().to_owned(), since: asking.since }),
        }
    }
}

/// One dialog or question, told apart from the next one like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arriving {
    Question(RunId),
    Confirm { digest: String, since: Timestamp },
}

/// The field that takes the letters of a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    #[default]
    Answer,
    Reason,
}

/// What has been typed into a dialog or question so far.
#[derive(Debug, Default)]
pub struct Dialog {
    pub answer: Field,
    pub reason: Field,
    pub part: Part,
    /// Rows of the details hidden at the top.
    pub scroll: usize,
    pub selected: usize,
    /// Why the last key or answer was not taken.
    pub complaint: Option<String>,
}

/// When what arrived was first seen, and which keys came too early for it.
#[derive(Debug, Default)]
pub struct Arrival {
    of: Option<Arriving>,
    first_shown: Option<Timestamp>,
    dropped: Option<Timestamp>,
    last_key: Option<(KeyCode, Timestamp)>,
    dialog: Dialog,
}

/// Whether a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Taken,
    /// Before the dialog could be read, or from a key held down.
    Dropped,
}

impl Arrival {
    /// Starts anew where something else is on top now.
    pub fn sync(&mut self, arriving: Option<Arriving>) {
        if self.of != arriving {
            *self = Self { of: arriving, last_key: self.last_key, ..Self::default() };
        }
    }

    pub fn shown(&mut self, arriving: Option<Arriving>, now: Timestamp) {
        self.sync(arriving);
        if self.of.is_some() && self.first_shown.is_none() {
            self.first_shown = Some(now);
        }
    }

    /// What has been typed into what is on top; nothing where that has only just come.
    pub fn dialog(&self, arriving: Option<&Arriving>) -> Option<&Dialog> {
        (self.of.is_some() && self.of.as_ref() == arriving).then_some(&self.dialog)
    }

    pub fn dialog_mut(&mut self) -> &mut Dialog {
        &mut self.dialog
    }

    /// Since the first frame, in milliseconds.
    pub fn considered_ms(&self, now: Timestamp) -> u64 {
        let since = self.first_shown.map_or(std::time::Duration::ZERO, |shown| clock::between(shown, now));
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Remembers a key, and says whether it counts for what is on top. A key that does not count puts the others off as well, so a
    /// burst that was typed ahead is dropped to its end.
    pub fn admit(&mut self, key: KeyEvent, mode: Mode, now: Timestamp) -> Admission {
        let before = self.last_key.replace((key.code, now));
        if self.of.is_none() {
            return Admission::Taken;
        }
        let quiet_since = self.first_shown.map(|shown| self.dropped.map_or(shown, |dropped| dropped.max(shown)));
        let armed = quiet_since.is_some_and(|since| clock::between(since, now).as_millis() >= u128::from(ARMS_AFTER_MS));
        let held = |(code, at): (KeyCode, Timestamp)| code == key.code && clock::between(at, now).as_millis() < HELD_MS;
        let repeated = key.kind == KeyEventKind::Repeat || (answers_at_once(mode, key.code) && before.is_some_and(held));
        if armed && !repeated {
            return Admission::Taken;
        }
        self.dropped = Some(now);
        Admission::Dropped
    }
}

/// Keys that answer without anything typed before them.
fn answers_at_once(mode: Mode, code: KeyCode) -> bool {
    match mode {
        Mode::Confirm | Mode::Tick => matches!(code, KeyCode::Char('y' | 'n')),
        Mode::Choose => code == KeyCode::Enter,
        Mode::Console | Mode::Recall | Mode::Type | Mode::Read | Mode::Pager | Mode::Leave => false,
    }
}
