//! One open incident: the engine's state, the tasks that carry out its effects, and the way back. Both front ends drive this.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::performer::{Performer, Said};
use super::recorder::Recorder;
use super::world::{Shown, World, stamp};
use crate::engine::change::Change;
use crate::engine::state::Log;
use crate::engine::{self, Effect, Event, Intent, Notice, State};
use crate::timeline::record::{Record, RunId};

/// Time that everything running gets to stop when the console ends: TERM, 3 s, KILL, and the last of its output.
const FAREWELL: Duration = Duration::from_secs(9);

/// What a front end hears of. Called after the engine has taken it in.
pub trait Front {
    fn recorded(&mut self, state: &State, record: &Record);
    fn told(&mut self, state: &State, notice: &Notice);
    fn lines(&mut self, state: &State, run: RunId, lines: Vec<Shown>);
    /// A message of the runbook for the clipboard.
    fn copied(&mut self, text: String);
}

/// Whether the console goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    On,
    End,
}

/// How a front end's loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Left,
    /// The terminal or standard output is gone: there was nobody to talk to.
    Deaf,
    /// By this signal.
    Signal(i32),
}

/// What a console that ended leaves behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub end: End,
    pub log: Log,
}

pub struct Console {
    state: Box<State>,
    performer: Performer,
    recorder: Recorder,
    world: mpsc::Receiver<World>,
    /// Records on their way to the disk.
    unrecorded: usize,
    /// Facts and readings on their way.
    looking: usize,
}

impl Console {
    pub fn new(state: State, performer: Performer, recorder: Recorder, world: mpsc::Receiver<World>) -> Self {
        Self { state: Box::new(state), performer, recorder, world, unrecorded: 0, looking: 0 }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// The next thing that comes back.
    pub async fn next(&mut self) -> Option<World> {
        self.world.recv().await
    }

    /// Something that has come back already, without waiting.
    pub fn ready(&mut self) -> Option<World> {
        self.world.try_recv().ok()
    }

    pub fn take(mut self, world: World, front: &mut impl Front) -> (Self, Flow) {
        match world {
            World::Lines { run, lines } => {
                front.lines(&self.state, run, lines);
                (self, Flow::On)
            }
            World::Copy(text) => {
                front.copied(text);
                (self, Flow::On)
            }
            World::Event(event) => {
                self.count(&event);
                self.feed(event, front)
            }
        }
    }

    fn count(&mut self, event: &Event) {
        match event {
            Event::Recorded(_) => self.unrecorded = self.unrecorded.saturating_sub(1),
            // The record may still come from a new segment; nobody waits for it.
            Event::LogLost { .. } => self.unrecorded = 0,
            Event::Looked(_) | Event::Measured { .. } => self.looking = self.looking.saturating_sub(1),
            Event::Person(_) | Event::Considered(_) | Event::Prepared { .. } | Event::Ran(_) | Event::Applied(_) => {}
        }
    }

    pub fn intend(self, intent: Intent, front: &mut impl Front) -> (Self, Flow) {
        self.feed(Event::Person(intent), front)
    }

    fn feed(mut self, event: Event, front: &mut impl Front) -> (Self, Flow) {
        let record = if let Event::Recorded(record) = &event { Some(record.clone()) } else { None };
        let (state, effects) = engine::handle(*self.state, stamp(event));
        self.state = Box::new(state);
        if let Some(record) = record {
            front.recorded(&self.state, &record);
        }
        let flow = self.perform(effects, front);
        (self, flow)
    }

    /// Carries out effects; the first ones come from opening the incident.
    pub fn perform(&mut self, effects: Vec<Effect>, front: &mut impl Front) -> Flow {
        let mut flow = Flow::On;
        for effect in effects {
            self.unrecorded += usize::from(matches!(effect, Effect::Append(_)));
            self.looking += usize::from(matches!(effect, Effect::Look | Effect::Measure { .. }));
            match self.performer.perform(effect) {
                None => {}
                Some(Said::Tell(notice)) => front.told(&self.state, &notice),
                Some(Said::Quit) => flow = Flow::End,
            }
        }
        flow
    }

    /// Whether the engine waits for the responder and nothing else.
    pub fn is_quiet(&self) -> bool {
        let waits_for_person = self.state.question.is_some() || matches!(self.state.change, Change::Asking(_));
        self.unrecorded == 0 && self.state.is_considered() && (waits_for_person || !self.state.is_busy())
    }

    /// Quiet, and nothing is under way that could still change what the next line of a script means.
    pub fn is_settled(&self) -> bool {
        self.is_quiet() && self.looking == 0
    }

    /// Stops what runs, records how it ended, and closes the log.
    pub async fn end(mut self, front: &mut impl Front) -> Log {
        for intent in self.farewells() {
            self = self.intend(intent, front).0;
        }
        self.performer.wind_up();
        let deadline = Instant::now() + FAREWELL;
        while self.unrecorded > 0 || !self.performer.is_idle() {
            let world = tokio::select! {
                biased;
                world = self.world.recv() => world,
                // Its answer came before its end: what is left is to count it out.
                () = self.performer.ended() => continue,
                () = sleep_until(deadline) => None,
            };
            let Some(world) = world else { break };
            self = self.take(world, front).0;
        }
        while let Some(world) = self.ready() {
            self = self.take(world, front).0;
        }
        let log = self.state.log.clone();
        drop(self.world);
        drop(self.performer);
        self.recorder.finish();
        log
    }

    /// What ends whatever waits for the responder or runs, in the engine's own words, so that the log tells it.
    fn farewells(&self) -> Vec<Intent> {
        let change = match &self.state.change {
            Change::Asking(_) => Some(Intent::Decline),
            Change::Running { run, .. } => Some(Intent::Cancel(*run)),
            // Not sent yet: the performer sends nothing any more.
            Change::Idle | Change::Committing(_) => None,
        };
        change.into_iter().chain(self.state.reads.keys().map(|run| Intent::Cancel(*run))).collect()
    }
}
