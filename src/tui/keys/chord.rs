//! A key with its modifiers, as it is written in settings, footers and help.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Keys that have a name rather than a letter. The first name of a key is how it is shown.
const NAMED: [(&str, KeyCode); 24] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("comma", KeyCode::Char(',')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("f1", KeyCode::F(1)),
    ("f2", KeyCode::F(2)),
    ("f3", KeyCode::F(3)),
    ("f4", KeyCode::F(4)),
    ("f5", KeyCode::F(5)),
    ("f6", KeyCode::F(6)),
    ("f7", KeyCode::F(7)),
];

impl Chord {
    pub const INTERRUPT: Self = Self { code: KeyCode::Char('c'), modifiers: KeyModifiers::CONTROL };

    /// Shift is part of the letter, and of shift-tab; terminals differ in whether they also report it.
    pub fn of(event: KeyEvent) -> Self {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let mut code = event.code;
        if code == KeyCode::Tab && event.modifiers.contains(KeyModifiers::SHIFT) {
            code = KeyCode::BackTab;
        }
        if let KeyCode::Char(char) = code {
            if modifiers.contains(KeyModifiers::CONTROL) {
                code = KeyCode::Char(char.to_ascii_lowercase());
            } else if event.modifiers.contains(KeyModifiers::SHIFT) {
                code = KeyCode::Char(char.to_ascii_uppercase());
            }
        } else if code != KeyCode::BackTab {
            modifiers |= event.modifiers & KeyModifiers::SHIFT;
        }
        Self { code, modifiers }
    }

    /// Whether it would put a character into a text field.
    pub fn types(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }

    pub fn is_enter(self) -> bool {
        self.code == KeyCode::Enter
    }
}

impl FromStr for Chord {
    type Err = ();

    /// `x`, `G`, `ctrl-d`, `alt-x`, `shift-tab`, `pgdn`, `f1`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        loop {
            let named = NAMED.iter().find(|(name, _)| *name == rest);
            if let Some((_, code)) = named {
                return Ok(Self { code: *code, modifiers });
            }
            let mut chars = rest.chars();
            if let (Some(char), None) = (chars.next(), chars.next()) {
                let upper_with_ctrl = modifiers.contains(KeyModifiers::CONTROL) && char.is_uppercase();
                let plain = !char.is_control() && !char.is_whitespace() && !upper_with_ctrl;
                return if plain { Ok(Self { code: KeyCode::Char(char), modifiers }) } else { Err(()) };
            }
            (modifiers, rest) = if let Some(rest) = rest.strip_prefix("ctrl-") {
                (modifiers | KeyModifiers::CONTROL, rest)
            } else if let Some(rest) = rest.strip_prefix("alt-") {
                (modifiers | KeyModifiers::ALT, rest)
            } else {
                return Err(());
            };
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("Ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("Alt-")?;
        }
        let named = NAMED.iter().find(|(_, code)| *code == self.code).map(|(name, _)| *name);
        match (named, self.code) {
            (Some("shift-tab"), _) => f.write_str("Shift-Tab"),
            (Some("up"), _) => f.write_str("↑"),
            (Some("down"), _) => f.write_str("↓"),
            (Some("left"), _) => f.write_str("←"),
            (Some("right"), _) => f.write_str("→"),
            (Some("pgup"), _) => f.write_str("PgUp"),
            (Some("pgdn"), _) => f.write_str("PgDn"),
            (Some(name), _) => {
                let (first, rest) = name.split_at(1);
                write!(f, "{}{rest}", first.to_uppercase())
            }
            (None, KeyCode::Char(char)) if self.modifiers.contains(KeyModifiers::CONTROL) => write!(f, "{}", char.to_uppercase()),
            (None, KeyCode::Char(char)) => write!(f, "{char}"),
            (None, code) => write!(f, "{code}"),
        }
    }
}
