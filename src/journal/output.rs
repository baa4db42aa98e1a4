//! The full output of one command, beside the log: cleaned and redacted lines come in, a file of bounded size and its digest come out.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::storage::{Disk, Storage};
use super::{JournalError, OUT};
use crate::timeline::identifier::{Digest, EventId};
use crate::timeline::record::Output;

/// Bytes kept from the start.
const HEAD_BYTES: usize = 48 * 1024 * 1024;
/// Bytes kept from the end, in memory until the end comes.
const TAIL_BYTES: usize = 16 * 1024 * 1024;
/// What a report keeps in the log itself: an output no larger than this gets no file.
const INLINE_LINES: usize = 60;
const INLINE_COLUMNS: usize = 400;
const BUFFER_BYTES: usize = 64 * 1024;

/// One output, taken line by line.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    name: String,
    limits: Limits,
    kept: Kept,
    /// Bytes given to the file.
    written: u64,
    hasher: Sha256,
    /// The last bytes of what did not fit the head.
    ring: VecDeque<u8>,
    cut_bytes: u64,
}

/// Bytes kept of a long output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub head: usize,
    pub tail: usize,
}

#[derive(Debug)]
enum Kept {
    /// Small so far: these lines are in the report too.
    Inline(Vec<String>),
    File(BufWriter<File>),
}

impl OutputFile {
    /// For the run whose start or intent is `event`, in the incident's directory. Nothing is on the disk yet.
    pub fn create(incident: &Path, event: EventId) -> Self {
        Self::with_limits(incident, event, Limits { head: HEAD_BYTES, tail: TAIL_BYTES })
    }

    pub(super) fn with_limits(incident: &Path, event: EventId, limits: Limits) -> Self {
        let name = format!("{OUT}/{event}.log");
        Self {
            path: incident.join(&name),
            name,
            limits,
            kept: Kept::Inline(Vec::new()),
            written: 0,
            hasher: Sha256::new(),
            ring: VecDeque::new(),
            cut_bytes: 0,
        }
    }

    /// Takes one line, cleaned and without its newline.
    pub fn line(&mut self, text: &str) -> Result<(), JournalError> {
        if let Kept::Inline(lines) = &mut self.kept {
            if lines.len() < INLINE_LINES && text.chars().nth(INLINE_COLUMNS).is_none() {
                lines.push(text.to_owned());
                return Ok(());
            }
            let lines = std::mem::take(lines);
            self.begin_file()?;
            for line in lines {
                self.keep(&line)?;
            }
        }
        self.keep(text)
    }

    fn begin_file(&mut self) -> Result<(), JournalError> {
        let file = Disk.create(&self.path).map_err(JournalError::io(&self.path, "making the output file"))?;
        self.kept = Kept::File(BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(())
    }

    fn keep(&mut self, text: &str) -> Result<(), JournalError> {
        let fits = self.written + (text.len() as u64) < self.limits.head as u64;
        // Once one line went to the ring all later ones do: the file keeps its order.
        if fits && self.ring.is_empty() && self.cut_bytes == 0 {
            self.write(text.as_bytes())?;
            return self.write(b"\n");
        }
        let bytes = text.as_bytes();
        self.ring.extend(bytes);
        self.ring.push_back(b'\n');
        self.shorten_ring();
        Ok(())
    }

    /// Drops whole lines from the front until the ring is within its limit.
    fn shorten_ring(&mut self) {
        let Some(over) = self.ring.len().checked_sub(self.limits.tail + 1) else { return };
        let end = self.ring.iter().skip(over).position(|byte| *byte == b'\n').map_or(self.ring.len(), |at| over + at + 1);
        self.ring.drain(..end);
        self.cut_bytes += end as u64;
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        if let Kept::File(file) = &mut self.kept {
            file.write_all(bytes).map_err(JournalError::io(&self.path, "writing the output"))?;
            self.hasher.update(bytes);
            self.written += bytes.len() as u64;
        }
        Ok(())
    }

    /// Ends the output. When this returns, the file is on the disk. `None`: all of it is in the report's tail, and there is no file.
    pub fn finish(mut self) -> Result<Option<Output>, JournalError> {
        if self.cut_bytes > 0 {
            let cut = format!("[qrh: {} bytes cut here: the limit of one output was reached]\n", self.cut_bytes);
            self.write(cut.as_bytes())?;
        }
        let ring = std::mem::take(&mut self.ring);
        let (front, back) = ring.as_slices();
        self.write(front)?;
        self.write(back)?;
        let Kept::File(file) = self.kept else { return Ok(None) };
        let mut file = file.into_inner().map_err(|error| JournalError::io(&self.path, "writing the output")(error.into_error()))?;
        Disk.sync(&mut file).map_err(JournalError::io(&self.path, "syncing the output"))?;
        if let Some(parent) = self.path.parent() {
            Disk.sync_directory(parent).map_err(JournalError::io(parent, "syncing the directory"))?;
        }
        Ok(Some(Output {
            file: self.name,
            bytes: self.written,
            sha256: Digest::finish(self.hasher).to_string(),
            cut_bytes: self.cut_bytes,
        }))
    }
}
