//! One event as one line of a log: a JSON object with the names CloudEvents 1.0 gives these things. `seal` makes the bytes, `open` reads
//! them. What ties a line to the one before it is `chain`'s business.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hlc::Hlc;
use super::identifier::{Digest, EventId, IncidentId, Writer};
use super::record::{Happening, Record};

/// Bytes of one line, its newline included. A result is at most 1 MiB of text; escaping can grow it sixfold.
pub const LINE_BYTES: usize = 8 * 1024 * 1024;

/// A record as it lies in a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    pub id: EventId,
    /// `source`: who wrote it. Equal in all lines of one file.
    pub writer: Writer,
    /// `recordedtime`: the writer's wall clock. It may step back; [`Envelope::hlc`] does not.
    pub recorded: Timestamp,
    /// 1 for the first line of a file, then without gaps.
    pub sequence: u64,
    /// `correlationid`.
    pub incident: IncidentId,
    /// `causationid`: the event this one follows from, such as the intent of an outcome.
    pub cause: Option<EventId>,
    pub hlc: Hlc,
    /// SHA-256 of the previous line's bytes with its newline; [`Digest::NONE`] in the first.
    pub prev: Digest,
    /// `time`, `type` and `data`.
    pub record: Record,
}

/// Why a line can't be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// `byte` counts from the start of the line.
    #[error("this is not an event of qrh.timeline/v1: {why}")]
    Shape { byte: usize, why: String },
    #[error("event type {kind:?} is unknown to this qrh: a newer version wrote it, use that version to read this log")]
    UnknownType { kind: String },
    #[error("CloudEvents version {version:?} is unknown to this qrh: a newer version wrote it, use that version to read this log")]
    UnknownVersion { version: String },
    #[error("the line has no newline at its end: it was not written whole")]
    Unfinished,
    #[error("the line has {bytes} bytes, and the limit is {LINE_BYTES}: keep the output in a file beside the log instead")]
    TooLong { bytes: usize },
}

impl LineError {
    /// Where in the line, in bytes from its start.
    pub fn byte(&self) -> usize {
        match self {
            Self::Shape { byte, .. } => *byte,
            Self::UnknownType { .. } | Self::UnknownVersion { .. } | Self::Unfinished | Self::TooLong { .. } => 0,
        }
    }
}

/// The JSON object, generic so that writing borrows what happened and reading owns it.
#[derive(Serialize, Deserialize)]
struct Line<H> {
    specversion: Version,
    id: EventId,
    source: Writer,
    time: Timestamp,
    recordedtime: Timestamp,
    sequence: u64,
    correlationid: IncidentId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    causationid: Option<EventId>,
    hlc: Hlc,
    prev: Digest,
    #[serde(flatten)]
    happening: H,
}

#[derive(Serialize, Deserialize)]
enum Version {
    #[serde(rename = "1.0")]
    One,
}

/// Enough of a line to say what is wrong with it.
#[derive(Deserialize)]
struct Glimpse {
    specversion: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Envelope {
    /// The bytes of the line, with the newline at its end.
    pub fn seal(&self) -> Result<Vec<u8>, LineError> {
        let line = Line {
            specversion: Version::One,
            id: self.id,
            source: self.writer.clone(),
            time: self.record.time,
            recordedtime: self.recorded,
            sequence: self.sequence,
            correlationid: self.incident,
            causationid: self.cause,
            hlc: self.hlc,
            prev: self.prev,
            happening: &self.record.happening,
        };
        let mut bytes = serde_json::to_vec(&line).map_err(|error| LineError::Shape { byte: 0, why: error.to_string() })?;
        bytes.push(b'\n');
        if bytes.len() > LINE_BYTES { Err(LineError::TooLong { bytes: bytes.len() }) } else { Ok(bytes) }
    }

    /// Reads one line with its newline. Attributes it does not know are passed over, as CloudEvents asks; a `type` it does not know is an
    /// error: a fold that left events out would show a state that never was.
    pub fn open(line: &[u8]) -> Result<Self, LineError> {
        let Some((b'\n', text)) = line.split_last() else { return Err(LineError::Unfinished) };
        if line.len() > LINE_BYTES {
            return Err(LineError::TooLong { bytes: line.len() });
        }
        let line: Line<Happening> = serde_json::from_slice(text).map_err(|error| explain(text, &error))?;
        Ok(Self {
            id: line.id,
            writer: line.source,
            recorded: line.recordedtime,
            sequence: line.sequence,
            incident: line.correlationid,
            cause: line.causationid,
            hlc: line.hlc,
            prev: line.prev,
            record: Record { time: line.time, happening: line.happening },
        })
    }
}

fn explain(text: &[u8], error: &serde_json::Error) -> LineError {
    let why = error.to_string();
    match serde_json::from_slice::<Glimpse>(text) {
        Ok(Glimpse { specversion, .. }) if specversion != "1.0" => LineError::UnknownVersion { version: specversion },
        Ok(Glimpse { kind, .. }) if why.starts_with("unknown variant `qrh.") || !kind.starts_with("qrh.") => {
            LineError::UnknownType { kind }
        }
        Ok(_) | Err(_) => {
            // The place is told in bytes of the file; serde's counts from the start of this text.
            let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why).to_owned();
            LineError::Shape { byte: error.column().saturating_sub(1), why }
        }
    }
}
