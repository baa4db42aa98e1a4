//! Keys: the one table of actions, and the map from what is pressed to what is meant, as settings may have changed it.

mod chord;
mod document;
mod table;

use crossterm::event::KeyEvent;

pub use chord::Chord;
pub use document::document;
pub use table::{ACTIONS, Action, Footer, Mode, Verb};

/// Which keys each action has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// In the order of [`ACTIONS`], one for one.
    chords: Vec<Vec<Chord>>,
}

/// Why a key in the settings can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("keys: there is no action `{name}`{hint}; `qrh` lists them in docs/KEYS.md and under ?")]
    NoSuchAction { name: String, hint: String },
    #[error("keys: `{key}` of {name} is not a key; write x, G, ctrl-d, alt-x, shift-tab, pgdn, f1 …")]
    NotAKey { name: String, key: String },
    #[error("keys: {name} has no key; name at least one")]
    NoKey { name: String },
    #[error("keys: `{key}` is both {first} and {second}; give one of them another key")]
    Clash { key: String, first: String, second: String },
    #[error("keys: {name} can't be `{key}`: letters are text there; use a ctrl-, alt- or function key")]
    Typed { name: String, key: String },
    #[error("keys: {name} stays as it is: the answer to a dialog is the same everywhere")]
    Fixed { name: String },
}

impl Default for Keymap {
    fn default() -> Self {
        let chords = |action: &Action| action.keys.iter().filter_map(|key| key.parse().ok()).collect();
        Self { chords: ACTIONS.iter().map(chords).collect() }
    }
}

impl Keymap {
    /// The default keys with some replaced: `("console.start", "X ctrl-x")`. All mistakes are told at once.
    pub fn from_overrides(overrides: &[(String, String)]) -> Result<Self, Vec<KeyError>> {
        let mut map = Self::default();
        let mut errors = Vec::new();
        for (name, keys) in overrides {
            match place(name, keys) {
                Ok((index, chords)) => map.chords[index] = chords,
                Err(found) => errors.extend(found),
            }
        }
        errors.extend(map.clashes());
        if errors.is_empty() { Ok(map) } else { Err(errors) }
    }

    fn clashes(&self) -> Vec<KeyError> {
        let all: Vec<(&Action, Chord)> =
            self.bindings().flat_map(|(action, chords)| chords.iter().map(move |chord| (action, *chord))).collect();
        let clash = |(number, (first, chord)): (usize, &(&Action, Chord))| {
            let second = all[number + 1..].iter().find(|(action, other)| action.mode == first.mode && other == chord);
            second.map(|(second, _)| KeyError::Clash { key: chord.to_string(), first: first.full_name(), second: second.full_name() })
        };
        all.iter().enumerate().filter_map(clash).collect()
    }

    fn bindings(&self) -> impl Iterator<Item = (&'static Action, &Vec<Chord>)> {
        ACTIONS.iter().zip(&self.chords)
    }

    /// What a key means in a mode.
    pub fn verb(&self, mode: Mode, key: KeyEvent) -> Option<Verb> {
        let pressed = Chord::of(key);
        self.of(mode).find(|(_, chords)| chords.contains(&pressed)).map(|(action, _)| action.verb)
    }

    /// The actions of a mode with their keys, in the order of the table.
    pub fn of(&self, mode: Mode) -> impl Iterator<Item = (&'static Action, &Vec<Chord>)> {
        self.bindings().filter(move |(action, _)| action.mode == mode)
    }

    /// The first key of an action, as it is shown.
    pub fn key(&self, mode: Mode, verb: Verb) -> String {
        let found = self.of(mode).find(|(action, _)| action.verb == verb);
        found.and_then(|(_, chords)| chords.first()).map_or_else(|| "(no key)".to_owned(), ToString::to_string)
    }
}

fn place(name: &str, keys: &str) -> Result<(usize, Vec<Chord>), Vec<KeyError>> {
    let Some((index, action)) = ACTIONS.iter().enumerate().find(|(_, action)| action.full_name() == name) else {
        return Err(vec![KeyError::NoSuchAction { name: name.to_owned(), hint: hint(name) }]);
    };
    let name = || name.to_owned();
    if action.mode == Mode::Confirm && action.verb == Verb::Yes {
        return Err(vec![KeyError::Fixed { name: name() }]);
    }
    let (mut chords, mut errors) = (Vec::new(), Vec::new());
    for key in keys.split_whitespace() {
        match key.parse::<Chord>() {
            Err(()) => errors.push(KeyError::NotAKey { name: name(), key: key.to_owned() }),
            Ok(chord) if action.mode.types() && chord.types() => errors.push(KeyError::Typed { name: name(), key: key.to_owned() }),
            Ok(chord) => chords.push(chord),
        }
    }
    if chords.is_empty() && errors.is_empty() {
        errors.push(KeyError::NoKey { name: name() });
    }
    if errors.is_empty() { Ok((index, chords)) } else { Err(errors) }
}

/// The action with the same last word, where the mode was left out or is another one.
fn hint(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    let like = ACTIONS.iter().find(|action| action.name == last);
    like.map_or_else(String::new, |action| format!(" (is `{}` meant?)", action.full_name()))
}
