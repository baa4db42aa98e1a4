//! A bounded list of lines that is read from its tail: streamed output, the timeline. What is dropped is counted.

use std::collections::VecDeque;

use super::paint::{self, Row};
use super::theme::Role;

/// Bytes of text one ring keeps, whatever its lines.
pub const BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub role: Role,
    pub text: Box<str>,
}

#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Entry>,
    most: usize,
    bytes: usize,
    dropped: u64,
    /// Columns by which the further rows of a long line are set in.
    hang: u16,
}

/// What of a ring is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Position {
    /// The newest lines; moves on as lines come.
    #[default]
    Tail,
    /// Held: this line, counted from the first ever, and a row within it, are at the top.
    At { line: u64, row: usize },
}

/// The room a ring is shown in.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub width: u16,
    pub height: u16,
    /// Long lines go on in the next row; otherwise each line is one row.
    pub wraps: bool,
}

impl Ring {
    pub fn new(most: usize) -> Self {
        Self { entries: VecDeque::new(), most, bytes: 0, dropped: 0, hang: 0 }
    }

    #[must_use]
    pub fn hanging(self, hang: u16) -> Self {
        Self { hang, ..self }
    }

    /// An entry as it is drawn.
    pub fn row(&self, entry: &Entry) -> Row {
        Row::new(entry.role, &*entry.text).hang(self.hang)
    }

    pub fn push(&mut self, role: Role, text: impl Into<Box<str>>) {
        let entry = Entry { role, text: text.into() };
        self.bytes += entry.text.len();
        self.entries.push_back(entry);
        while self.entries.len() > self.most || (self.bytes > BYTES && self.entries.len() > 1) {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.text.len();
            self.dropped += 1;
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lines no longer kept.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The number after the newest line's.
    pub fn end(&self) -> u64 {
        self.dropped + self.entries.len() as u64
    }

    pub fn get(&self, line: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(line.checked_sub(self.dropped)?).ok()?)
    }

    fn rows(&self, line: u64, window: Window) -> usize {
        let rows = |entry: &Entry| if window.wraps { paint::height((&entry.text, self.hang), window.width) } else { 1 };
        self.get(line).map_or(1, rows)
    }

    /// The line and row at the top of the window.
    pub fn top(&self, position: Position, window: Window) -> (u64, usize) {
        let tail = self.up((self.end(), 0), usize::from(window.height), window);
        match position {
            Position::Tail => tail,
            Position::At { line, row } => (line, row).max((self.dropped, 0)).min(tail),
        }
    }

    /// Goes up from a place by so many rows.
    fn up(&self, (mut line, mut row): (u64, usize), mut by: usize, window: Window) -> (u64, usize) {
        while by > row {
            by -= row;
            if line == self.dropped {
                return (line, 0);
            }
            line -= 1;
            row = self.rows(line, window);
        }
        (line, row - by)
    }

    fn down(&self, (mut line, mut row): (u64, usize), by: usize, window: Window) -> (u64, usize) {
        row += by;
        while line < self.end() && row >= self.rows(line, window) {
            row -= self.rows(line, window);
            line += 1;
        }
        (line, row)
    }

    /// Where so many rows further down (or up, below zero) is. At the end it follows the tail again.
    pub fn scrolled(&self, from: Position, rows: isize, window: Window) -> Position {
        let top = self.top(from, window);
        let by = rows.unsigned_abs();
        let (line, row) = if rows < 0 { self.up(top, by, window) } else { self.down(top, by, window) };
        if (line, row) >= self.top(Position::Tail, window) { Position::Tail } else { Position::At { line, row } }
    }

    /// The first line at or after `from` (or before it, going up) that holds the text, whatever its case.
    pub fn find(&self, text: &str, from: u64, towards: Towards) -> Option<u64> {
        let text = text.to_lowercase();
        let hit = |line: &u64| self.get(*line).is_some_and(|entry| entry.text.to_lowercase().contains(&text));
        match towards {
            Towards::Newer => (from.max(self.dropped)..self.end()).find(hit),
            Towards::Older => (self.dropped..from.min(self.end())).rev().find(hit),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    Newer,
    Older,
}
