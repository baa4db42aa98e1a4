//! The one way in for text from outside: bytes are decoded, cleaned of control sequences, cut to bounds, then redacted, before
//! anything shows, stores or exports them. How the bytes are cut into chunks makes no difference.

#[cfg(test)]
mod tests;

use super::clean::{Cleaned, Cleaner};
use super::redact::{self, Redactor};

/// Bytes of one line; what is longer is dropped and counted.
pub const LINE_BYTES: usize = 16 * 1024;
/// Columns from one tab stop to the next.
const TAB: usize = 8;
/// Bytes looked through for the end of the last whole word of a line that was cut: half a secret is still a secret, and no rule knows it.
const LAST_WORD: usize = 1024;

/// Turns a byte stream into lines that are safe to show and to keep.
#[derive(Debug, Default)]
pub struct Ingest {
    /// The start of a character whose other bytes have not come yet.
    partial: Vec<u8>,
    cleaner: Cleaner,
    line: Line,
    redactor: Redactor,
    cut_bytes: u64,
}

/// The line being read.
#[derive(Debug, Default)]
struct Line {
    text: String,
    columns: usize,
    /// Bytes beyond the limit.
    cut: u64,
    /// After `\r`: the next character writes the line anew, as a progress bar does.
    returned: bool,
    /// Something of it was read, if only a control character.
    begun: bool,
}

impl Line {
    fn push(&mut self, text: &str) {
        if self.returned {
            *self = Self { begun: true, ..Self::default() };
        }
        let room = LINE_BYTES - self.text.len();
        let fits = if self.cut > 0 { 0 } else { (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0) };
        self.text.push_str(&text[..fits]);
        self.cut += (text.len() - fits) as u64;
        self.columns += text.chars().count();
    }
}

impl Ingest {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; gives the lines that are complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let joined;
        let mut rest = if self.partial.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut self.partial).as_slice(), bytes].concat();
            joined.as_slice()
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text, &mut lines);
                    return lines;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.text(std::str::from_utf8(good).unwrap_or_default(), &mut lines);
                    let Some(length) = error.error_len() else {
                        self.partial = bad.to_vec();
                        return lines;
                    };
                    self.text("\u{fffd}", &mut lines);
                    rest = &bad[length..];
                }
            }
        }
    }

    fn text(&mut self, text: &str, lines: &mut Vec<String>) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let plain = if self.cleaner.is_plain() {
                rest.bytes().position(|byte| !(b' '..=b'~').contains(&byte)).unwrap_or(rest.len())
            } else {
                0
            };
            if plain > 0 {
                self.line.begun = true;
                self.line.push(&rest[..plain]);
                rest = &rest[plain..];
                continue;
            }
            rest = &rest[first.len_utf8()..];
            self.line.begun = true;
            match self.cleaner.step(first) {
                Cleaned::Nothing => {}
                Cleaned::Char(c) => self.line.push(c.encode_utf8(&mut [0; 4])),
                Cleaned::Tab => {
                    let column = if self.line.returned { 0 } else { self.line.columns };
                    self.line.push(&" ".repeat(TAB - column % TAB));
                }
                Cleaned::Return => self.line.returned = true,
                Cleaned::Newline => lines.push(self.end()),
            }
        }
    }

    fn end(&mut self) -> String {
        let mut line = std::mem::take(&mut self.line);
        if line.cut > 0 {
            let tail = (0..=line.text.len().saturating_sub(LAST_WORD)).rev().find(|at| line.text.is_char_boundary(*at)).unwrap_or(0);
            let keep = line.text[tail..].rfind(' ').map_or(line.text.len(), |space| tail + space);
            line.cut += (line.text.len() - keep) as u64;
            line.text.truncate(keep);
        }
        self.cut_bytes += line.cut;
        self.redactor.line(line.text)
    }

    /// The last line, where the stream ended without a newline.
    pub fn finish(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.partial).is_empty() {
            self.text("\u{fffd}", &mut Vec::new());
        }
        self.cleaner = Cleaner::default();
        self.line.begun.then(|| self.end())
    }

    /// Secrets hidden so far.
    pub fn redacted(&self) -> u64 {
        self.redactor.hidden()
    }

    /// Bytes dropped from lines longer than the limit.
    pub fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }
}

/// The same for a text that is whole already (an error message, a JSON value's string). A newline at its end is kept.
pub fn text(text: &str) -> String {
    let mut ingest = Ingest::new();
    let mut lines = ingest.push(text.as_bytes());
    lines.push(ingest.finish().unwrap_or_default());
    lines.join("\n")
}

/// Every string of a JSON value, keys included; then the secrets that only its shape shows (see [`redact::json`]).
pub fn json(value: serde_json::Value) -> serde_json::Value {
    redact::json(strings(value))
}

fn strings(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(string) => Value::String(text(&string)),
        Value::Array(items) => Value::Array(items.into_iter().map(strings).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, value)| (text(&key), strings(value))).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
