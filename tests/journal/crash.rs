//! Acknowledged means present: a storage that loses all it was not made to sync is stopped, or made to fail, at every operation.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use proptest::prelude::*;
use qrh::journal::{Journal, JournalError, New, Recovered, Storage};
use qrh::timeline::chain::Chain;
use qrh::timeline::identifier::EventId;

use crate::sample::{after, incident, note, seed, start, writer};

const ROOT: &str = "/state/qrh/incidents";

/// A disk in memory: what the program sees, and what a power cut would leave.
#[derive(Debug, Clone, Default)]
struct Fake(Rc<RefCell<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    files: BTreeMap<PathBuf, Content>,
    directories: BTreeMap<PathBuf, Entry>,
    operations: Vec<Operation>,
    fault: Option<(usize, Fault)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Make,
    Create,
    Open,
    Read,
    Write,
    Rewrite,
    Sync,
    Truncate,
    SyncDirectory,
    Names,
    Lock,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// Nothing works from here on.
    PowerCut,
    /// This operation fails, later ones work.
    Error(io::ErrorKind),
    /// A write stores half of what it was given; any other operation fails.
    Short,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Entry {
    #[default]
    Volatile,
    Durable,
}

#[derive(Debug, Clone, Default)]
struct Content {
    entry: Entry,
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// A sync failed: the system takes what lies behind this for stored, and it is not.
    dropped_from: Option<usize>,
}

fn clean(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

impl Fake {
    fn failing(at: usize, fault: Fault) -> Self {
        let fake = Self::default();
        fake.0.borrow_mut().fault = Some((at, fault));
        fake
    }

    fn operations(&self) -> Vec<Operation> {
        self.0.borrow().operations.clone()
    }

    /// Counts the operation; says whether it fails.
    fn step(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        let number = state.operations.len();
        state.operations.push(operation);
        match state.fault {
            Some((at, Fault::PowerCut)) if number >= at => Err(io::Error::other("power cut")),
            Some((at, Fault::Error(kind))) if number == at => Err(kind.into()),
            Some((at, Fault::Short)) if number == at && operation != Operation::Write => Err(io::Error::other("short")),
            _ => Ok(()),
        }
    }

    /// What is left after a power cut. `pick(n)` chooses one of 0..=n wherever the disk was free to choose.
    fn after_power_cut(&self, pick: &mut dyn FnMut(usize) -> usize) -> Self {
        let old = self.0.borrow();
        let mut state = State::default();
        for (path, entry) in &old.directories {
            let above = path.parent().is_none_or(|above| above == Path::new("/") || state.directories.contains_key(above));
            if above && (*entry == Entry::Durable || pick(1) == 1) {
                state.directories.insert(path.clone(), Entry::Durable);
            }
        }
        for (path, content) in &old.files {
            if !state.directories.contains_key(path.parent().unwrap()) || (content.entry == Entry::Volatile && pick(1) == 0) {
                continue;
            }
            let left = match content.seen.strip_prefix(content.durable.as_slice()) {
                Some(rest) => [&content.durable, &rest[..pick(rest.len())]].concat(),
                None if pick(1) == 1 => content.seen.clone(),
                None => content.durable.clone(),
            };
            state.files.insert(path.clone(), Content { entry: Entry::Durable, durable: left.clone(), seen: left, dropped_from: None });
        }
        Self(Rc::new(RefCell::new(state)))
    }

    /// The same machine, the next process.
    fn without_fault(&self) -> Self {
        let state = State { fault: None, ..self.0.borrow().clone() };
        Self(Rc::new(RefCell::new(state)))
    }
}

impl Storage for Fake {
    type Log = PathBuf;
    type Lock = ();

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.step(Operation::Make)?;
        let mut state = self.0.borrow_mut();
        let above = path.parent().unwrap();
        if state.directories.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if above != Path::new("/") && !state.directories.contains_key(above) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.directories.insert(path.to_owned(), Entry::Volatile);
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<PathBuf> {
        self.step(Operation::Create)?;
        let mut state = self.0.borrow_mut();
        if state.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(path.to_owned(), Content::default());
        Ok(path.to_owned())
    }

    fn open(&self, path: &Path) -> io::Result<PathBuf> {
        self.step(Operation::Open)?;
        if self.0.borrow().files.contains_key(path) { Ok(path.to_owned()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn read(&self, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        self.step(Operation::Read)?;
        Ok(self.0.borrow().files[path].seen.clone())
    }

    fn write(&self, log: &mut PathBuf, bytes: &[u8]) -> io::Result<usize> {
        let stepped = self.step(Operation::Write);
        let mut state = self.0.borrow_mut();
        let number = state.operations.len() - 1;
        let cut_now = matches!(state.fault, Some((at, Fault::PowerCut | Fault::Short)) if at == number);
        let stored = match (&stepped, cut_now) {
            (Ok(()), true) => bytes.len() / 2,
            // A power cut in the midst of a write: the bytes were on their way.
            (Ok(()), false) | (Err(_), true) => bytes.len(),
            (Err(_), false) => 0,
        };
        state.files.get_mut(log).unwrap().seen.extend(&bytes[..stored]);
        stepped.map(|()| stored)
    }

    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.step(Operation::Rewrite)?;
        let mut state = self.0.borrow_mut();
        let content = state.files.get_mut(path).unwrap();
        let offset = usize::try_from(offset).unwrap();
        assert_eq!(&content.seen[offset..offset + bytes.len()], bytes, "only what is there is written again");
        if content.dropped_from.is_some_and(|from| offset <= from && offset + bytes.len() == content.seen.len()) {
            content.dropped_from = None;
        }
        Ok(())
    }

    fn sync(&self, log: &mut PathBuf) -> io::Result<()> {
        let stepped = self.step(Operation::Sync);
        let mut state = self.0.borrow_mut();
        let content = state.files.get_mut(log).unwrap();
        if stepped.is_err() {
            content.dropped_from = Some(content.durable.len().min(content.seen.len()));
        } else {
            content.durable = content.seen[..content.dropped_from.unwrap_or(content.seen.len())].to_vec();
        }
        stepped
    }

    fn truncate(&self, log: &mut PathBuf, length: u64) -> io::Result<()> {
        self.step(Operation::Truncate)?;
        let mut state = self.0.borrow_mut();
        let content = state.files.get_mut(log).unwrap();
        content.seen.truncate(usize::try_from(length).unwrap());
        content.dropped_from = content.dropped_from.map(|from| from.min(content.seen.len()));
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.step(Operation::SyncDirectory)?;
        let path = clean(path);
        let mut state = self.0.borrow_mut();
        for (file, content) in &mut state.files {
            if file.parent() == Some(&path) {
                content.entry = Entry::Durable;
            }
        }
        for (directory, entry) in &mut state.directories {
            if directory.parent() == Some(&path) {
                *entry = Entry::Durable;
            }
        }
        Ok(())
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        self.step(Operation::Names)?;
        let state = self.0.borrow();
        if !state.directories.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.files.keys().chain(state.directories.keys()).filter(|other| other.parent() == Some(path));
        Ok(inside.map(|other| other.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn lock(&self, _path: &Path) -> io::Result<Result<(), Option<u32>>> {
        self.step(Operation::Lock).map(Ok)
    }
}

/// A console's life, as far as the disk lets it: what it was told is stored.
#[derive(Debug, Default)]
struct Life {
    acknowledged: Vec<EventId>,
    sealed: u128,
    dir: Option<PathBuf>,
}

impl Life {
    /// Opens an incident and records `events`; goes on in a new segment where a log is lost.
    fn begin(fake: &Fake, events: usize) -> Self {
        let mut life = Self::default();
        let writer = writer();
        let new = New { incident: incident(), opened: start(), parts: &["bad deploy", "checkout"], writer: &writer, runbook: b"id: x\n" };
        if let Ok(mut journal) = Journal::create_on(fake.clone(), Path::new(ROOT), &new) {
            life.dir = Some(journal.dir().to_owned());
            life.record(&mut journal, &mut Chain::start(incident(), writer), events);
        }
        life
    }

    /// The next process goes on with the same incident.
    fn resume(&mut self, fake: &Fake, events: usize) {
        let Some(dir) = &self.dir else { return };
        if let Ok(Recovered { mut journal, mut chain, envelopes, .. }) = Journal::open_on(fake.clone(), dir, &writer()) {
            let ids: Vec<EventId> = envelopes.iter().map(|envelope| envelope.id).collect();
            assert!(self.acknowledged.iter().all(|id| ids.contains(id)), "an acknowledged event is not there");
            self.record(&mut journal, &mut chain, events);
        }
    }

    fn record(&mut self, journal: &mut Journal<Fake>, chain: &mut Chain, events: usize) {
        for number in 0..events {
            self.sealed += 1;
            let (envelope, line) = chain.seal(note("text of some length"), seed(after(1), self.sealed)).unwrap();
            match journal.append(&line) {
                Ok(()) => self.acknowledged.push(envelope.id),
                Err(JournalError::Lost { .. }) => {
                    assert!(matches!(journal.append(&line), Err(JournalError::Ended { .. })), "a lost log takes no more");
                    // The last one's console ends here, before it could begin a segment.
                    if number + 1 == events || journal.new_segment().is_err() {
                        return;
                    }
                    *chain = chain.next_segment();
                    assert_eq!(journal.writer(), chain.writer());
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Everything acknowledged is there, in order, and the incident goes on.
    fn assert_kept(&self, disk: &Fake, context: &dyn std::fmt::Debug) {
        let Some(dir) = &self.dir else { return };
        match Journal::open_on(disk.clone(), dir, &writer()) {
            Ok(Recovered { mut journal, mut chain, envelopes, .. }) => {
                let ids: Vec<EventId> = envelopes.iter().map(|envelope| envelope.id).collect();
                let kept: Vec<EventId> = ids.iter().copied().filter(|id| self.acknowledged.contains(id)).collect();
                assert_eq!(kept, self.acknowledged, "{context:?}");
                let (envelope, line) = chain.seal(note("after the crash"), seed(after(99), 99)).unwrap();
                journal.append(&line).unwrap();
                drop(journal);
                let again = Journal::open_on(disk.clone(), dir, &writer()).unwrap();
                assert_eq!(again.envelopes.len(), ids.len() + 1, "{context:?}");
                assert_eq!(again.envelopes.last().unwrap().id, envelope.id, "{context:?}");
                assert_eq!(again.torn, []);
            }
            Err(JournalError::Empty { .. }) => assert_eq!(self.acknowledged, [], "{context:?}"),
            Err(error) => panic!("{context:?}: {error}"),
        }
    }
}

/// A small generator: the same number gives the same choices.
fn choices(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |most| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % (most + 1)
    }
}

fn operations_of_two_lives() -> usize {
    let fake = Fake::default();
    let mut life = Life::begin(&fake, 4);
    life.resume(&fake, 2);
    assert_eq!(life.acknowledged.len(), 6);
    fake.operations().len()
}

#[test]
fn an_event_costs_one_write_and_one_sync() {
    let fake = Fake::default();
    let mut life = Life::begin(&fake, 1);
    let before = fake.operations().len();
    let mut more = Life::begin(&fake.after_power_cut(&mut |_| 0), 0);
    more.resume(&fake, 0);
    life.resume(&fake, 1);
    let all = fake.operations();
    assert_eq!(all[before - 2..before], [Operation::Write, Operation::Sync]);
    assert_eq!(all[all.len() - 3..], [Operation::SyncDirectory, Operation::Write, Operation::Sync]);
}

#[test]
fn a_power_cut_at_every_operation_loses_nothing_acknowledged() {
    for at in 0..=operations_of_two_lives() {
        let fake = Fake::failing(at, Fault::PowerCut);
        let mut life = Life::begin(&fake, 4);
        life.resume(&fake, 2);
        for seed in 0..24 {
            life.assert_kept(&fake.after_power_cut(&mut choices(seed)), &(at, seed));
        }
    }
}

#[test]
fn a_line_torn_at_every_byte_is_set_aside_and_said() {
    let fake = Fake::default();
    let life = Life::begin(&fake, 2);
    let line = fake.0.borrow().files.values().map(|content| content.seen.len()).max().unwrap() / 2;
    let cut = Fake::failing(fake.operations().len() - 1, Fault::PowerCut);
    let unsure = Life::begin(&cut, 2);
    assert_eq!((life.acknowledged.len(), unsure.acknowledged.len()), (2, 1));
    for bytes in 0..line {
        let disk = cut.after_power_cut(&mut |most| bytes.min(most));
        let recovered = Journal::open_on(disk.clone(), unsure.dir.as_ref().unwrap(), &writer()).unwrap();
        assert_eq!(recovered.envelopes.len(), 1);
        assert_eq!(recovered.torn.iter().map(|torn| torn.bytes).sum::<usize>(), bytes);
        if let [torn] = recovered.torn.as_slice() {
            assert_eq!(disk.0.borrow().files[torn.aside.as_ref().unwrap()].durable.len(), bytes);
        }
        drop(recovered);
        unsure.assert_kept(&disk, &bytes);
    }
}

#[test]
fn a_failure_at_every_operation_ends_the_log_and_loses_nothing_acknowledged() {
    let faults = [Fault::Error(io::ErrorKind::Other), Fault::Error(io::ErrorKind::StorageFull), Fault::Short];
    for at in 0..=operations_of_two_lives() {
        for fault in faults {
            let fake = Fake::failing(at, fault);
            let mut life = Life::begin(&fake, 4);
            // The same machine, its memory intact: what the failed sync dropped still looks stored.
            life.resume(&fake, 2);
            life.resume(&fake, 2);
            for seed in 0..12 {
                life.assert_kept(&fake.after_power_cut(&mut choices(seed)), &(at, fault, seed));
            }
            life.assert_kept(&fake.without_fault(), &(at, fault));
        }
    }
}

#[test]
fn a_refused_disk_is_told_with_its_path_and_a_next_step() {
    let told = |at, kind| {
        let writer = writer();
        let new = New { incident: incident(), opened: start(), parts: &["x"], writer: &writer, runbook: b"" };
        Journal::create_on(Fake::failing(at, Fault::Error(kind)), Path::new("/state"), &new).unwrap_err().to_string()
    };
    insta::assert_snapshot!(told(1, io::ErrorKind::ReadOnlyFilesystem), @"/: syncing the directory failed: read-only filesystem or storage medium. Make that file system writable, or set XDG_STATE_HOME to one that is");
    insta::assert_snapshot!(told(1, io::ErrorKind::PermissionDenied), @"/: syncing the directory failed: permission denied. Check who owns it and its mode, or set XDG_STATE_HOME to a directory of your own");
    let fake = Fake::default();
    let mut journal = {
        let writer = writer();
        let new = New { incident: incident(), opened: start(), parts: &["x"], writer: &writer, runbook: b"" };
        Journal::create_on(fake.clone(), Path::new("/state"), &new).unwrap()
    };
    fake.0.borrow_mut().fault = Some((fake.operations().len(), Fault::Error(io::ErrorKind::StorageFull)));
    insta::assert_snapshot!(journal.append(b"{}\n").unwrap_err(), @"/state/2026-11-23-x-ff0492/log/ana_laptop.jsonl: writing an event failed: no storage space. The event is not safely stored and this log takes no more. Free some space there, or set XDG_STATE_HOME to a disk that has some");
    insta::assert_snapshot!(journal.append(b"{}\n").unwrap_err(), @"/state/2026-11-23-x-ff0492/log/ana_laptop.jsonl: this log failed earlier and takes no more events. Start a new segment before anything else is recorded");
    journal.new_segment().unwrap();
    for bad in ["", "{}", "{}\n{}\n", "\n\n"] {
        assert!(matches!(journal.append(bad.as_bytes()), Err(JournalError::NotALine { .. })), "{bad:?}");
    }
    journal.append(b"{}\n").unwrap();
}

proptest! {
    /// Any number of lives, each with a failure somewhere, then a power cut.
    #[test]
    fn acknowledged_means_present(lives in prop::collection::vec((0_usize..40, 0_usize..4, 0_usize..5), 1..5), seed in any::<u64>()) {
        let fake = Fake::default();
        let mut life = Life::begin(&fake, 1);
        let mut pick = choices(seed);
        let mut disk = fake;
        for (at, fault, events) in lives {
            let fault = [Fault::PowerCut, Fault::Short, Fault::Error(io::ErrorKind::Other), Fault::Error(io::ErrorKind::StorageFull)][fault];
            let from = disk.operations().len();
            disk.0.borrow_mut().fault = Some((from + at, fault));
            life.resume(&disk, events);
            disk = if fault == Fault::PowerCut { disk.after_power_cut(&mut pick) } else { disk.without_fault() };
        }
        life.assert_kept(&disk.after_power_cut(&mut pick), &seed);
    }
}
