//! The chain: each line of a log holds the digest of the line before it. Sealing extends it, checking finds every break, and merging puts
//! the logs of several writers into one order. Bytes in, bytes or envelopes out; the files are `journal`'s.

use jiff::Timestamp;
use ulid::Ulid;

use super::envelope::{Envelope, LineError};
use super::hlc::Hlc;
use super::identifier::{Digest, EventId, IncidentId, Writer};
use super::record::Record;

/// What a new event needs from outside this room.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    pub now: Timestamp,
    /// 80 random bits are used.
    pub random: u128,
    /// The event this one follows from.
    pub cause: Option<EventId>,
}

/// The end of one writer's log: all that the next line depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    incident: IncidentId,
    writer: Writer,
    prev: Digest,
    sequence: u64,
    hlc: Hlc,
}

/// Where a log ends: what an export names so that a later change shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub writer: Writer,
    /// The last line's number.
    pub sequence: u64,
    /// SHA-256 of the last line with its newline: `tail -n 1 FILE | sha256sum`.
    pub digest: Digest,
}

impl Chain {
    /// A log without lines.
    pub fn start(incident: IncidentId, writer: Writer) -> Self {
        Self { incident, writer, prev: Digest::NONE, sequence: 0, hlc: Hlc::default() }
    }

    /// Seals the next line. The line counts as written from now on: if the journal loses it, this chain ends and
    /// [`Chain::next_segment`] goes on.
    pub fn seal(&mut self, record: Record, seed: Seed) -> Result<(Envelope, Vec<u8>), LineError> {
        let ms = u64::try_from(seed.now.as_millisecond()).unwrap_or(0);
        let envelope = Envelope {
            id: EventId(Ulid::from_parts(ms, seed.random)),
            writer: self.writer.clone(),
            recorded: seed.now,
            sequence: self.sequence + 1,
            incident: self.incident,
            cause: seed.cause,
            hlc: self.hlc.tick(seed.now),
            prev: self.prev,
            record,
        };
        let line = envelope.seal()?;
        self.follow(&envelope, &line);
        Ok((envelope, line))
    }

    /// Takes notice of another writer's clock: what this chain seals next comes after it.
    pub fn observe(&mut self, hlc: Hlc) {
        self.hlc = self.hlc.max(hlc);
    }

    /// The chain of the same person's next file, after this one was lost. Its lines come after this one's.
    #[must_use]
    pub fn next_segment(&self) -> Self {
        Self { hlc: self.hlc, ..Self::start(self.incident, self.writer.next_segment()) }
    }

    pub fn head(&self) -> Head {
        Head { writer: self.writer.clone(), sequence: self.sequence, digest: self.prev }
    }

    pub fn incident(&self) -> IncidentId {
        self.incident
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    fn follow(&mut self, envelope: &Envelope, line: &[u8]) {
        self.prev = Digest::of(line);
        self.sequence = envelope.sequence;
        self.hlc = envelope.hlc;
    }
}

/// A log that holds together.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub envelopes: Vec<Envelope>,
    /// Absent: no whole line.
    pub chain: Option<Chain>,
    /// Bytes of the whole lines. What lies behind was not written whole.
    pub whole: usize,
}

/// A place where a log does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, byte {byte}: {what}")]
pub struct Damage {
    /// From 1.
    pub line: usize,
    /// From 0, in the file.
    pub byte: usize,
    pub what: String,
}

/// Checks a whole log file. Bytes behind the last newline are not damage: a crash may cut the last line short, and it was never
/// acknowledged. A change to the last line alone shows only against a [`Head`] kept elsewhere.
pub fn check(writer: &Writer, bytes: &[u8]) -> Result<Checked, Damage> {
    let mut checked = Checked { envelopes: Vec::new(), chain: None, whole: 0 };
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if line.last() != Some(&b'\n') {
            break;
        }
        let damage = |at: usize, what: String| Damage { line: number + 1, byte: checked.whole + at, what };
        let envelope = Envelope::open(line).map_err(|error| damage(error.byte(), error.to_string()))?;
        let chain = checked.chain.get_or_insert_with(|| Chain::start(envelope.incident, writer.clone()));
        if let Some(what) = mismatch(chain, &envelope) {
            return Err(damage(0, what));
        }
        chain.follow(&envelope, line);
        checked.envelopes.push(envelope);
        checked.whole += line.len();
    }
    Ok(checked)
}

/// Why this event can't be the next in the chain.
fn mismatch(chain: &Chain, envelope: &Envelope) -> Option<String> {
    if envelope.writer != chain.writer {
        Some(format!("source is {}, but this log is written by {}", envelope.writer, chain.writer))
    } else if envelope.incident != chain.incident {
        Some(format!("correlationid is {}, but this log is of incident {}", envelope.incident, chain.incident))
    } else if envelope.sequence != chain.sequence + 1 {
        Some(format!("sequence is {}, expected {}: a line is missing, doubled or out of place", envelope.sequence, chain.sequence + 1))
    } else if envelope.prev != chain.prev {
        Some(format!("prev is {}, but the line before has SHA-256 {}: one of the two was changed", envelope.prev, chain.prev))
    } else if envelope.hlc <= chain.hlc && chain.sequence > 0 {
        Some(format!("hlc {} does not come after {}", envelope.hlc, chain.hlc))
    } else {
        None
    }
}

/// One order for the logs of several writers: by clock, then writer, then line.
pub fn merge(logs: impl IntoIterator<Item = Vec<Envelope>>) -> Vec<Envelope> {
    let mut all: Vec<Envelope> = logs.into_iter().flatten().collect();
    all.sort_by(|a, b| (a.hlc, &a.writer, a.sequence).cmp(&(b.hlc, &b.writer, b.sequence)));
    all
}
