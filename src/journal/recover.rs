//! What a crash leaves and how an incident goes on: every log is read and checked whole, a last line that was cut short is set aside beside
//! its log, and anything else that is wrong stops here with its place.

use std::io;
use std::path::{Path, PathBuf};

use super::{Disk, Health, Journal, JournalError, LOG, Storage, log_path, make_log, take_lock, write_whole};
use crate::timeline::chain::{Chain, Checked, Damage, Head, check, merge};
use crate::timeline::envelope::Envelope;
use crate::timeline::identifier::{IncidentId, Writer};

/// Bytes of one log that qrh reads: more than half a million events.
const LOG_BYTES: u64 = 512 * 1024 * 1024;
/// Torn lines set aside of one log. Each is a crash.
const TORN_FILES: u32 = 1000;

/// An incident ready to go on.
#[derive(Debug)]
pub struct Recovered<S: Storage = Disk> {
    pub journal: Journal<S>,
    /// Seals the next line of this writer.
    pub chain: Chain,
    /// All events of all writers, in order.
    pub envelopes: Vec<Envelope>,
    /// Last lines set aside just now: the caller records each.
    pub torn: Vec<Torn>,
}

/// A last line that was not written whole. It was never acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The log it was cut from.
    pub log: PathBuf,
    /// Where its bytes are now; absent where they still lie at the end of the log, as when another console may be writing them.
    pub aside: Option<PathBuf>,
    pub bytes: usize,
}

/// An incident as its logs tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    pub incident: IncidentId,
    /// All events of all writers, in order.
    pub envelopes: Vec<Envelope>,
    /// The end of each writer's log, by writer.
    pub heads: Vec<Head>,
    pub torn: Vec<Torn>,
}

/// Reads an incident without touching it: for lists and exports, also while a console has it open.
pub fn replay(dir: &Path) -> Result<Replay, JournalError> {
    let logs = read_all(&Disk, dir)?;
    let incident = incident_of(dir, &logs)?;
    let torn = logs.iter().filter(|log| log.torn() > 0).map(|log| Torn { log: log.path.clone(), aside: None, bytes: log.torn() }).collect();
    let heads = logs.iter().filter_map(|log| log.checked.chain.as_ref().map(Chain::head)).collect();
    Ok(Replay { incident, envelopes: merge(logs.into_iter().map(|log| log.checked.envelopes)), heads, torn })
}

/// One log file, read and checked.
struct Log {
    writer: Writer,
    path: PathBuf,
    bytes: Vec<u8>,
    checked: Checked,
}

impl Log {
    /// Bytes behind the last whole line.
    fn torn(&self) -> usize {
        self.bytes.len() - self.checked.whole
    }

    /// The last whole line with its newline; empty where there is none.
    fn last_line(&self) -> &[u8] {
        let whole = self.bytes.get(..self.checked.whole).unwrap_or_default();
        whole.split_inclusive(|byte| *byte == b'\n').next_back().unwrap_or_default()
    }
}

impl<S: Storage> Journal<S> {
    /// [`Journal::open`] on a storage of the caller's choice.
    pub fn open_on(storage: S, dir: &Path, writer: &Writer) -> Result<Recovered<S>, JournalError> {
        let base = writer.base();
        // Before the lock, so that a directory that is no incident gets no lock file.
        incident_of(dir, &read_all(&storage, dir)?)?;
        let lock = take_lock(&storage, dir, &base)?;
        let logs = read_all(&storage, dir)?;
        let incident = incident_of(dir, &logs)?;
        let mut torn = Vec::new();
        for log in logs.iter().filter(|log| log.writer.base() == base) {
            torn.extend(mend(&storage, dir, log)?);
        }
        let (chain, path, log) = go_on(&storage, dir, &base, (incident, &logs))?;
        // The console before may have ended between making something and syncing its directory.
        for path in [&dir.join(LOG), dir] {
            storage.sync_directory(path).map_err(JournalError::io(path, "syncing the directory"))?;
        }
        let writer = chain.writer().clone();
        let journal = Self { storage, dir: dir.to_owned(), writer, log, path, health: Health::Sound, _lock: lock };
        Ok(Recovered { journal, chain, envelopes: merge(logs.into_iter().map(|log| log.checked.envelopes)), torn })
    }
}

/// Opens the newest segment of this writer, or its first where it has written nothing yet.
fn go_on<S: Storage>(
    storage: &S,
    dir: &Path,
    base: &Writer,
    (incident, logs): (IncidentId, &[Log]),
) -> Result<(Chain, PathBuf, S::Log), JournalError> {
    let newest = logs.iter().filter(|log| log.writer.base() == *base).max_by_key(|log| log.writer.segment());
    let writer = newest.map_or(base, |log| &log.writer);
    let mut chain = newest.and_then(|log| log.checked.chain.clone()).unwrap_or_else(|| Chain::start(incident, writer.clone()));
    for envelope in logs.iter().filter_map(|log| log.checked.envelopes.last()) {
        chain.observe(envelope.hlc);
    }
    let (path, log) = match newest {
        Some(newest) => {
            let mut log = storage.open(&newest.path).map_err(JournalError::io(&newest.path, "opening the log"))?;
            // The last line may be in memory only, and after a failed sync the system takes it for stored. Written again it is stored or
            // fails: no line is built on one that a power cut could still take.
            let last = newest.last_line();
            let offset = (newest.checked.whole - last.len()) as u64;
            storage.rewrite(&newest.path, offset, last).map_err(JournalError::io(&newest.path, "storing the last line again"))?;
            storage.sync(&mut log).map_err(JournalError::io(&newest.path, "syncing the log"))?;
            (newest.path.clone(), log)
        }
        None => make_log(storage, dir, writer)?,
    };
    Ok((chain, path, log))
}

/// Moves a torn last line to a file beside the log. Copied and synced before it is cut off: a crash between the two leaves it twice.
fn mend(storage: &impl Storage, dir: &Path, log: &Log) -> Result<Option<Torn>, JournalError> {
    let Some(tail) = log.bytes.get(log.checked.whole..).filter(|tail| !tail.is_empty()) else { return Ok(None) };
    let aside = set_aside(storage, &log.path, tail)?;
    let parent = dir.join(LOG);
    storage.sync_directory(&parent).map_err(JournalError::io(&parent, "syncing the directory"))?;
    let mut file = storage.open(&log.path).map_err(JournalError::io(&log.path, "opening the log"))?;
    storage.truncate(&mut file, log.checked.whole as u64).map_err(JournalError::io(&log.path, "cutting off the torn line"))?;
    storage.sync(&mut file).map_err(JournalError::io(&log.path, "syncing the log"))?;
    Ok(Some(Torn { log: log.path.clone(), aside: Some(aside), bytes: tail.len() }))
}

fn set_aside(storage: &impl Storage, log: &Path, tail: &[u8]) -> Result<PathBuf, JournalError> {
    let mut path = log.to_owned();
    for number in 1..=TORN_FILES {
        path = PathBuf::from(format!("{}.torn-{number}", log.display()));
        match write_whole(storage, &path, tail) {
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(path),
        }
    }
    Err(JournalError::io(&path, "setting a torn line aside")(io::ErrorKind::AlreadyExists.into()))
}

/// Every log of the incident, by writer.
fn read_all(storage: &impl Storage, dir: &Path) -> Result<Vec<Log>, JournalError> {
    // Opened by itself so that a link in its place is refused too.
    storage.names(dir).map_err(JournalError::io(dir, "reading the incident's directory"))?;
    let parent = dir.join(LOG);
    let names = storage.names(&parent).map_err(JournalError::io(&parent, "reading the incident's logs"))?;
    let mut writers: Vec<Writer> = names.iter().filter_map(|name| name.strip_suffix(".jsonl")?.parse().ok()).collect();
    writers.sort();
    writers.into_iter().map(|writer| read_one(storage, dir, writer)).collect()
}

fn read_one(storage: &impl Storage, dir: &Path, writer: Writer) -> Result<Log, JournalError> {
    let path = log_path(dir, &writer);
    let bytes = storage.read(&path, LOG_BYTES).map_err(JournalError::io(&path, "reading the log"))?;
    match check(&writer, &bytes) {
        Ok(checked) => Ok(Log { writer, path, bytes, checked }),
        Err(damage) => Err(JournalError::Damaged { path, damage }),
    }
}

/// The one incident that all logs of a directory are of.
fn incident_of(dir: &Path, logs: &[Log]) -> Result<IncidentId, JournalError> {
    let mut chains = logs.iter().filter_map(|log| Some((log, log.checked.chain.as_ref()?.incident())));
    let Some((_, incident)) = chains.next() else { return Err(JournalError::Empty { path: dir.to_owned() }) };
    match chains.find(|(_, other)| *other != incident) {
        None => Ok(incident),
        Some((log, other)) => {
            let what = format!("correlationid is {other}, but the other logs here are of incident {incident}");
            Err(JournalError::Damaged { path: log.path.clone(), damage: Damage { line: 1, byte: 0, what } })
        }
    }
}
