//! Places in a file, and the spanned YAML tree everything else is read from.

/// A file's limit, in bytes. A larger one is not read.
pub const FILE_BYTES: usize = 1024 * 1024;

/// Byte range in the source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// One place, where only its start is known.
    pub fn at(offset: usize) -> Self {
        Self { start: offset, end: offset }
    }
}

/// A value and the place it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// One node of the document. Map order is the file's; a loaded map has no key twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Value {
    /// As a message names it.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    pub fn new(value: Value, span: Span) -> Self {
        Self { value, span }
    }

    /// The value of a map's key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, node)| node)
    }

    /// A map's key with its place, and its value.
    pub fn entry(&self, key: &str) -> Option<(&Spanned<String>, &Self)> {
        self.entries().iter().find(|(name, _)| name.value == key).map(|(name, node)| (name, node))
    }

    /// A map's entries; none for anything else.
    pub fn entries(&self) -> &[(Spanned<String>, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => &[],
        }
    }

    /// A list's items; none for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Map(_) => &[],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => None,
        }
    }
}

/// Line and column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// What is wrong with a file's bytes before any YAML is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Byte offset of the first byte that is not UTF-8.
    NotUtf8 { offset: usize },
    /// More than [`FILE_BYTES`]; the text was left out.
    TooLarge { bytes: usize },
}

/// A file's name as the reader of a message knows it, and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub name: String,
    pub text: String,
    flaw: Option<Flaw>,
    line_starts: Vec<usize>,
}

impl SourceFile {
    /// Never fails: what is wrong with the bytes is told by [`Self::flaw`] and becomes a diagnostic when the file is loaded.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        if bytes.len() > FILE_BYTES {
            return Self::with_flaw(name.into(), String::new(), Some(Flaw::TooLarge { bytes: bytes.len() }));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Self::with_flaw(name.into(), text, None),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                Self::with_flaw(name.into(), text, Some(Flaw::NotUtf8 { offset }))
            }
        }
    }

    fn with_flaw(name: String, text: String, flaw: Option<Flaw>) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, text, flaw, line_starts }
    }

    pub fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    /// An offset inside a character or past the end counts as the nearest one before it.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.boundary(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().filter(|c| *c != '\u{feff}').count());
        Position { line, column: column + 1 }
    }

    /// The byte range of a line (from 1) without its line break.
    pub fn line_span(&self, line: usize) -> Span {
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        let length = rest.find('\n').unwrap_or(rest.len());
        let length = rest.get(..length).unwrap_or_default().trim_end_matches('\r').len();
        Span::new(start, start + length)
    }

    /// A line's text without its line break; lines count from 1.
    pub fn line_text(&self, line: usize) -> &str {
        let span = self.line_span(line);
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// What a span covers.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(self.boundary(span.start)..self.boundary(span.end)).unwrap_or_default()
    }

    /// The nearest character boundary at or before an offset.
    pub fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one_and_never_leave_the_text() {
        let file = SourceFile::new("x.yaml", "aé: b\r\n  ü\n".as_bytes().to_vec());
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        assert_eq!(file.position(3), Position { line: 1, column: 3 });
        assert_eq!(file.position(2), Position { line: 1, column: 2 }, "inside a character");
        assert_eq!(file.position(10), Position { line: 2, column: 3 });
        assert_eq!(file.position(999), Position { line: 3, column: 1 });
        assert_eq!(file.line_text(1), "aé: b");
        assert_eq!(file.line_text(2), "  ü");
        assert_eq!(file.line_text(9), "");
    }

    #[test]
    fn bytes_that_are_not_utf8_keep_their_place() {
        let file = SourceFile::new("x.yaml", b"a: 1\nb: \xff\n".to_vec());
        assert_eq!(file.flaw(), Some(Flaw::NotUtf8 { offset: 8 }));
        assert_eq!(file.position(8), Position { line: 2, column: 4 });
    }
}
