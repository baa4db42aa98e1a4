//! Acknowledged means present: a storage that loses all it was not made to sync is stopped, or made to fail, at every operation.

use std::io;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use qrh::journal::{Journal, JournalError, New, Recovered};
use qrh::timeline::chain::Chain;
use qrh::timeline::identifier::EventId;

use crate::fake::{Fake, Fault, Operation, choices};
use crate::sample::{after, incident, note, seed, start, writer};

const ROOT: &str = "/state/qrh/incidents";

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
    let line = fake.durable(&life.dir.as_ref().unwrap().join("log/ana_laptop.jsonl")).len() / 2;
    let cut = Fake::failing(fake.operations().len() - 1, Fault::PowerCut);
    let unsure = Life::begin(&cut, 2);
    assert_eq!((life.acknowledged.len(), unsure.acknowledged.len()), (2, 1));
    for bytes in 0..line {
        let disk = cut.after_power_cut(&mut |most| bytes.min(most));
        let recovered = Journal::open_on(disk.clone(), unsure.dir.as_ref().unwrap(), &writer()).unwrap();
        assert_eq!(recovered.envelopes.len(), 1);
        assert_eq!(recovered.torn.iter().map(|torn| torn.bytes).sum::<usize>(), bytes);
        if let [torn] = recovered.torn.as_slice() {
            assert_eq!(disk.durable(torn.aside.as_ref().unwrap()).len(), bytes);
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
    fake.set_fault(0, Fault::Error(io::ErrorKind::StorageFull));
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
            disk.set_fault(at, fault);
            life.resume(&disk, events);
            disk = if fault == Fault::PowerCut { disk.after_power_cut(&mut pick) } else { disk.without_fault() };
        }
        life.assert_kept(&disk.after_power_cut(&mut pick), &seed);
    }
}
