//! One line of typed text, with a limit. Keys and pastes come in; control characters never do.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

/// Characters of one answer, note or command line.
pub const LIMIT: usize = 2_000;

#[derive(Debug, Clone, Default)]
pub struct Field {
    input: Input,
}

/// Editing keys, as every terminal and shell has them. They are not in the table of actions: they can't be remapped.
const EDITING: [(KeyCode, KeyModifiers, InputRequest); 16] = [
    (KeyCode::Backspace, KeyModifiers::NONE, InputRequest::DeletePrevChar),
    (KeyCode::Backspace, KeyModifiers::ALT, InputRequest::DeletePrevWord),
    (KeyCode::Delete, KeyModifiers::NONE, InputRequest::DeleteNextChar),
    (KeyCode::Left, KeyModifiers::NONE, InputRequest::GoToPrevChar),
    (KeyCode::Right, KeyModifiers::NONE, InputRequest::GoToNextChar),
    (KeyCode::Left, KeyModifiers::CONTROL, InputRequest::GoToPrevWord),
    (KeyCode::Right, KeyModifiers::CONTROL, InputRequest::GoToNextWord),
    (KeyCode::Home, KeyModifiers::NONE, InputRequest::GoToStart),
    (KeyCode::End, KeyModifiers::NONE, InputRequest::GoToEnd),
    (KeyCode::Char('a'), KeyModifiers::CONTROL, InputRequest::GoToStart),
    (KeyCode::Char('e'), KeyModifiers::CONTROL, InputRequest::GoToEnd),
    (KeyCode::Char('b'), KeyModifiers::CONTROL, InputRequest::GoToPrevChar),
    (KeyCode::Char('f'), KeyModifiers::CONTROL, InputRequest::GoToNextChar),
    (KeyCode::Char('w'), KeyModifiers::CONTROL, InputRequest::DeletePrevWord),
    (KeyCode::Char('u'), KeyModifiers::CONTROL, InputRequest::DeleteFromStart),
    (KeyCode::Char('k'), KeyModifiers::CONTROL, InputRequest::DeleteTillEnd),
];

impl Field {
    pub fn text(&self) -> &str {
        self.input.value()
    }

    pub fn is_blank(&self) -> bool {
        self.text().trim().is_empty()
    }

    pub fn key(&mut self, key: KeyEvent) {
        let editing = EDITING.iter().find(|(code, modifiers, _)| *code == key.code && *modifiers == key.modifiers);
        if let Some((_, _, request)) = editing {
            self.input.handle(*request);
        } else if let KeyCode::Char(char) = key.code
            && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER)
        {
            self.insert(char);
        }
    }

    /// Newlines become spaces; what would not fit is left out.
    pub fn paste(&mut self, text: &str) {
        for char in text.trim_end_matches(['\r', '\n']).replace("\r\n", "\n").chars().take(LIMIT) {
            self.insert(if matches!(char, '\n' | '\r' | '\t') { ' ' } else { char });
        }
    }

    fn insert(&mut self, char: char) {
        if !char.is_control() && self.text().chars().count() < LIMIT {
            self.input.handle(InputRequest::InsertChar(char));
        }
    }

    pub fn clear(&mut self) {
        self.input.reset();
    }

    /// Columns hidden at the left so that the cursor is within `width`, and the cursor's column after that.
    pub fn window(&self, width: u16) -> (usize, u16) {
        let room = usize::from(width.max(1)) - 1;
        let at = self.input.visual_cursor();
        let hidden = at.saturating_sub(room);
        (hidden, u16::try_from(at - hidden).unwrap_or(width))
    }
}
