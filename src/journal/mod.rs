//! An incident's files. Bytes of sealed lines come in and are on the disk when `append` says so; after a crash `open` gives back every line
//! that was acknowledged. It knows files, locks and crashes, and not what the lines mean: that is `timeline`'s.
//!
//! ```text
//! incidents/2026-11-23-bad-deploy-checkout-x7k2m9/    0700
//!   log/<writer>.jsonl         one append-only file per writer; <writer>-2.jsonl after the disk failed the first
//!   log/<writer>.lock          held while a console writes as that writer; holds its process id
//!   log/<writer>.jsonl.torn-N  a last line that a crash cut short
//!   out/<event>.log            full outputs, cleaned and redacted
//!   artifacts/
//!   runbook.yaml               as used
//! ```
#![allow(clippy::disallowed_methods, reason = "this room's work is to read and write files")]

mod error;
mod list;
mod output;
mod recover;
mod storage;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use error::JournalError;
pub use list::{Found, Summary, find, list};
pub use output::OutputFile;
pub use recover::{Recovered, Replay, Torn, replay};
pub use storage::{Disk, Storage};

use crate::timeline::identifier::{IncidentId, Writer};

const LOG: &str = "log";
const OUT: &str = "out";
const ARTIFACTS: &str = "artifacts";
const RUNBOOK: &str = "runbook.yaml";
/// Characters of the directory's name between the date and the short id.
const SLUG_CHARS: usize = 60;

/// What a new incident's directory is made of.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    pub incident: IncidentId,
    /// Its UTC date begins the directory's name.
    pub opened: Timestamp,
    /// Parts of the name, such as the runbook's id and the service's name.
    pub parts: &'a [&'a str],
    pub writer: &'a Writer,
    /// The runbook's bytes as used.
    pub runbook: &'a [u8],
}

/// One writer's log, open for appending and locked.
#[derive(Debug)]
pub struct Journal<S: Storage = Disk> {
    storage: S,
    dir: PathBuf,
    writer: Writer,
    log: S::Log,
    path: PathBuf,
    health: Health,
    /// Of the first segment: it holds for the later ones too.
    _lock: S::Lock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Sound,
    /// A write or a sync failed: nobody knows what is on the disk behind the last acknowledged line.
    Failed,
}

impl Journal<Disk> {
    /// Makes the incident's directory under `root` and its first, empty log. When this returns, all of it is on the disk.
    pub fn create(root: &Path, new: &New<'_>) -> Result<Self, JournalError> {
        Self::create_on(Disk, root, new)
    }

    /// Opens an incident to go on with it: takes the lock, sets a torn last line aside, checks every line.
    pub fn open(dir: &Path, writer: &Writer) -> Result<Recovered, JournalError> {
        Self::open_on(Disk, dir, writer)
    }
}

impl<S: Storage> Journal<S> {
    /// [`Journal::create`] on a storage of the caller's choice.
    pub fn create_on(storage: S, root: &Path, new: &New<'_>) -> Result<Self, JournalError> {
        let dir = root.join(directory_name(new));
        make_all(&storage, root)?;
        storage.make_directory(&dir).map_err(JournalError::io(&dir, "making the incident's directory"))?;
        for name in [LOG, OUT, ARTIFACTS] {
            let path = dir.join(name);
            storage.make_directory(&path).map_err(JournalError::io(&path, "making a directory"))?;
        }
        let runbook = dir.join(RUNBOOK);
        write_whole(&storage, &runbook, new.runbook)?;
        let writer = new.writer.base();
        let lock = take_lock(&storage, &dir, &writer)?;
        let (path, log) = make_log(&storage, &dir, &writer)?;
        for path in [&dir.join(LOG), &dir, &through_links(root)] {
            storage.sync_directory(path).map_err(JournalError::io(path, "syncing the directory"))?;
        }
        Ok(Self { storage, dir, writer, log, path, health: Health::Sound, _lock: lock })
    }

    /// Stores one sealed line: one write, one fdatasync. `Ok` means that it outlives a crash. After `Lost` this log takes nothing more:
    /// a failed sync is never tried again, because the system may have dropped the bytes and would then report success.
    pub fn append(&mut self, line: &[u8]) -> Result<(), JournalError> {
        if self.health == Health::Failed {
            return Err(JournalError::Ended { path: self.path.clone() });
        }
        if line.iter().position(|byte| *byte == b'\n').map(|at| at + 1) != Some(line.len()) {
            return Err(JournalError::NotALine { path: self.path.clone() });
        }
        let stored = self.store(line);
        if stored.is_err() {
            self.health = Health::Failed;
        }
        stored
    }

    fn store(&mut self, line: &[u8]) -> Result<(), JournalError> {
        let lost = |doing, source| JournalError::Lost { path: self.path.clone(), doing, source };
        match self.storage.write(&mut self.log, line) {
            Ok(written) if written == line.len() => {}
            // A write that stops short has met the end of the space or of a quota.
            Ok(_) => return Err(lost("writing an event whole", io::ErrorKind::StorageFull.into())),
            Err(source) => return Err(lost("writing an event", source)),
        }
        self.storage.sync(&mut self.log).map_err(|source| lost("syncing an event", source))
    }

    /// Begins `<writer>-N.jsonl` after this log failed and goes on there. The caller seals with [`Chain::next_segment`] from now on, and
    /// records first what happened.
    ///
    /// [`Chain::next_segment`]: crate::timeline::chain::Chain::next_segment
    pub fn new_segment(&mut self) -> Result<&Writer, JournalError> {
        let writer = self.writer.next_segment();
        let (path, log) = make_log(&self.storage, &self.dir, &writer)?;
        let parent = self.dir.join(LOG);
        self.storage.sync_directory(&parent).map_err(JournalError::io(&parent, "syncing the directory"))?;
        (self.writer, self.path, self.log, self.health) = (writer, path, log, Health::Sound);
        Ok(&self.writer)
    }

    /// The incident's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }
}

/// `<utc-date>-<slug>-<short id>`.
fn directory_name(new: &New<'_>) -> String {
    let mut slug = String::new();
    for c in new.parts.join("-").chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(SLUG_CHARS);
    let date = new.opened.strftime("%Y-%m-%d");
    match slug.trim_matches('-') {
        "" => format!("{date}-{}", new.incident.short()),
        slug => format!("{date}-{slug}-{}", new.incident.short()),
    }
}

/// The same directory by a path whose last part is no link: what lies above the incidents may be linked as its owner likes.
fn through_links(path: &Path) -> PathBuf {
    path.join(".")
}

/// Makes a directory and those above it that are missing, and syncs the one above each.
fn make_all(storage: &impl Storage, dir: &Path) -> Result<(), JournalError> {
    match (storage.make_directory(dir), dir.parent()) {
        (Err(error), _) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            make_all(storage, parent)?;
            storage.make_directory(dir).map_err(JournalError::io(dir, "making the directory"))?;
        }
        (Err(error), _) => return Err(JournalError::io(dir, "making the directory")(error)),
        (Ok(()), _) => {}
    }
    let Some(parent) = dir.parent() else { return Ok(()) };
    storage.sync_directory(&through_links(parent)).map_err(JournalError::io(parent, "syncing the directory"))
}

fn take_lock<S: Storage>(storage: &S, dir: &Path, writer: &Writer) -> Result<S::Lock, JournalError> {
    let path = dir.join(LOG).join(format!("{}.lock", writer.base()));
    match storage.lock(&path).map_err(JournalError::io(&path, "taking the lock"))? {
        Ok(lock) => Ok(lock),
        Err(pid) => Err(JournalError::Locked { path: dir.to_owned(), pid }),
    }
}

fn log_path(dir: &Path, writer: &Writer) -> PathBuf {
    dir.join(LOG).join(format!("{writer}.jsonl"))
}

/// Makes an empty log. Its entry is on the disk only after the directory is synced.
fn make_log<S: Storage>(storage: &S, dir: &Path, writer: &Writer) -> Result<(PathBuf, S::Log), JournalError> {
    let path = log_path(dir, writer);
    let mut log = storage.create(&path).map_err(JournalError::io(&path, "making the log"))?;
    storage.sync(&mut log).map_err(JournalError::io(&path, "syncing the log"))?;
    Ok((path, log))
}

/// Makes a file with this content and syncs it.
fn write_whole(storage: &impl Storage, path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let mut file = storage.create(path).map_err(JournalError::io(path, "making the file"))?;
    let mut rest = bytes;
    while !rest.is_empty() {
        match storage.write(&mut file, rest).map_err(JournalError::io(path, "writing the file"))? {
            0 => return Err(JournalError::io(path, "writing the file")(io::ErrorKind::StorageFull.into())),
            written => rest = rest.get(written..).unwrap_or_default(),
        }
    }
    storage.sync(&mut file).map_err(JournalError::io(path, "syncing the file"))
}
