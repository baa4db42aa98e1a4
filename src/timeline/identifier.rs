//! The names in an envelope: events, incidents, writers, and the digest that ties a line to the one before it.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

/// One event. Its first 48 bits are the milliseconds at which it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Ulid);

/// One incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Ulid);

/// Characters of [`IncidentId::short`]: 30 random bits.
const SHORT_CHARS: usize = 6;

impl IncidentId {
    /// The last six characters, in lower case: enough to tell a machine's incidents apart, short enough to say on the phone.
    pub fn short(self) -> String {
        let text = self.to_string().to_lowercase();
        text.chars().skip(text.chars().count().saturating_sub(SHORT_CHARS)).collect()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who writes one log file: its name without `.jsonl`. `[a-z0-9_]`, at most 48 characters, then `-N` in the Nth segment (N ≥ 2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Writer {
    name: String,
    segment: u32,
}

const WRITER_CHARS: usize = 48;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a writer's name: lower-case letters, digits and _, then -N in a later segment")]
pub struct NotAWriter(String);

impl Writer {
    /// Makes a name of any text, such as `user@host`: what does not fit becomes `_`. `-` is kept for the segment's number.
    pub fn named(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars().take(WRITER_CHARS) {
            name.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        }
        if name.is_empty() {
            "responder".clone_into(&mut name);
        }
        Self { name, segment: 1 }
    }

    /// The writer of the next segment, begun when the disk failed this one.
    #[must_use]
    pub fn next_segment(&self) -> Self {
        Self { name: self.name.clone(), segment: self.segment.saturating_add(1) }
    }

    /// The first segment's writer: the same for all segments of one person.
    #[must_use]
    pub fn base(&self) -> Self {
        Self { name: self.name.clone(), segment: 1 }
    }

    /// 1 for the first.
    pub fn segment(&self) -> u32 {
        self.segment
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.segment {
            1 => f.write_str(&self.name),
            segment => write!(f, "{}-{segment}", self.name),
        }
    }
}

impl FromStr for Writer {
    type Err = NotAWriter;

    fn from_str(text: &str) -> Result<Self, NotAWriter> {
        let parsed = || {
            let (name, segment) = match text.split_once('-') {
                Some((name, number)) => (name, number.parse().ok().filter(|number| *number >= 2)?),
                None => (text, 1),
            };
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let good = !name.is_empty() && name.len() <= WRITER_CHARS && name.chars().all(fits);
            let writer = Self { name: name.to_owned(), segment };
            (good && writer.to_string() == text).then_some(writer)
        };
        parsed().ok_or_else(|| NotAWriter(text.to_owned()))
    }
}

impl From<Writer> for String {
    fn from(writer: Writer) -> Self {
        writer.to_string()
    }
}

impl TryFrom<String> for Writer {
    type Error = NotAWriter;

    fn try_from(text: String) -> Result<Self, NotAWriter> {
        text.parse()
    }
}

/// SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256 in 64 lower-case hexadecimal digits")]
pub struct NotADigest(String);

impl Digest {
    /// What the first line of a log says of the line before it.
    pub const NONE: Self = Self([0; 32]);

    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Ends a digest taken piece by piece.
    pub fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            write!(text, "{byte:02x}")?;
        }
        f.write_str(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, NotADigest> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 32];
        let parsed = text.len() == 64
            && text.as_bytes().chunks_exact(2).zip(&mut bytes).all(|(pair, byte)| match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => {
                    *byte = high << 4 | low;
                    true
                }
                (None, _) | (_, None) => false,
            });
        if parsed { Ok(Self(bytes)) } else { Err(NotADigest(text)) }
    }
}
