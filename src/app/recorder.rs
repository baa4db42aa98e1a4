//! The thread that writes the log: records in, acknowledgements out, in order, one fdatasync each. It is the only one that touches the
//! journal, so nothing waits for a disk but what must.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use super::world::{Sender, World};
use crate::engine::Event;
use crate::journal::Journal;
use crate::target::Clock;
use crate::timeline::chain::{Chain, Seed};
use crate::timeline::envelope::Envelope;
use crate::timeline::identifier::EventId;
use crate::timeline::record::{Happening, Record, RunId};

/// Records that wait for the disk; more than this means that it can't keep up.
const WAITING: usize = 4096;
/// New segments begun after failures, at most: a full disk takes empty files, and each attempt leaves one.
const SEGMENTS: u8 = 8;

/// The event that started each run: names its output file, and is the cause of its end.
pub type Causes = Arc<Mutex<BTreeMap<RunId, EventId>>>;

pub struct Recorder {
    pub records: mpsc::Sender<Record>,
    pub causes: Causes,
    thread: JoinHandle<()>,
}

impl Recorder {
    /// Starts the thread. It ends when the last sender is dropped. `begun` are the events that started runs before this console.
    pub fn start(
        (journal, clock): (Journal, Clock),
        chain: Chain,
        begun: BTreeMap<RunId, EventId>,
        world: Sender,
    ) -> std::io::Result<Self> {
        let (records, waiting) = mpsc::channel(WAITING);
        let causes = Causes::new(Mutex::new(begun));
        let mut pen = Pen { journal, chain, causes: Arc::clone(&causes), segments: SEGMENTS, world, clock };
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || pen.write_all(waiting))?;
        Ok(Self { records, causes, thread })
    }

    /// Waits until everything that was handed over is on the disk. Call it after the other senders are gone.
    pub fn finish(self) {
        drop(self.records);
        // A panic in the thread was reported by the panic hook; there is nothing left to save here.
        let _ = self.thread.join();
    }
}

/// The event that started a run, if the log has it.
pub fn cause(causes: &Causes, run: RunId) -> Option<EventId> {
    causes.lock().unwrap_or_else(PoisonError::into_inner).get(&run).copied()
}

struct Pen {
    journal: Journal,
    chain: Chain,
    causes: Causes,
    /// New segments that may still be begun.
    segments: u8,
    world: Sender,
    clock: Clock,
}

impl Pen {
    fn write_all(&mut self, mut waiting: mpsc::Receiver<Record>) {
        while let Some(record) = waiting.blocking_recv() {
            let event = match self.write(&record) {
                Ok(()) => Event::Recorded(record),
                Err(why) => {
                    self.say(Event::LogLost { why: why.clone() });
                    // What happened is still worth keeping: the record goes to a new segment, behind a line that says why.
                    match self.begin_segment(why).and_then(|()| self.write(&record)) {
                        Ok(()) => Event::Recorded(record),
                        Err(why) => Event::LogLost { why },
                    }
                }
            };
            self.say(event);
        }
    }

    fn say(&self, event: Event) {
        // The console may be gone already; the log is what counts.
        let _ = self.world.blocking_send(World::Event(event));
    }

    fn write(&mut self, record: &Record) -> Result<(), String> {
        let run = started(&record.happening);
        let cause = ended(&record.happening).and_then(|run| cause(&self.causes, run));
        let seed = Seed { now: self.clock.now(), random: ulid::Ulid::generate().random(), cause };
        let (envelope, line) = self.chain.seal(record.clone(), seed).map_err(|error| error.to_string())?;
        self.journal.append(&line).map_err(|error| error.to_string())?;
        if let Some(run) = run {
            self.causes.lock().unwrap_or_else(PoisonError::into_inner).insert(run, envelope.id);
        }
        Ok(())
    }

    fn begin_segment(&mut self, why: String) -> Result<(), String> {
        self.segments = self.segments.checked_sub(1).ok_or_else(|| why.clone())?;
        self.journal.new_segment().map_err(|error| error.to_string())?;
        self.chain = self.chain.next_segment();
        self.write(&Record { time: self.clock.now(), happening: Happening::LogMended { what: why } })
    }
}

/// The event that began each run.
pub fn begun(envelopes: &[Envelope]) -> BTreeMap<RunId, EventId> {
    envelopes.iter().filter_map(|envelope| Some((started(&envelope.record.happening)?, envelope.id))).collect()
}

fn started(happening: &Happening) -> Option<RunId> {
    if let Happening::Started(started) = happening {
        return Some(started.run);
    }
    if let Happening::Intended(intended) = happening { Some(intended.run) } else { None }
}

fn ended(happening: &Happening) -> Option<RunId> {
    if let Happening::Finished(finished) = happening { Some(finished.run) } else { None }
}
