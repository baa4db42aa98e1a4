//! One open incident: the engine's state, the tasks that carry out its effects, and the way back. Both front ends drive this.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::performer::{Performer, Said};
use super::recorder::Recorder;
use super::world::{Shown, World, stamp};
use crate::engine::{self, Effect, Event, Intent, Notice, State};
use crate::timeline::record::{Record, RunId};

/// Time that everything running gets to stop when the console ends.
const FAREWELL: Duration = Duration::from_secs(6);

/// What a front end hears of. Called after the engine has taken it in.
pub trait Front {
    fn recorded(&mut self, state: &State, record: &Record);
    fn told(&mut self, state: &State, notice: &Notice);
    fn lines(&mut self, state: &State, run: RunId, lines: Vec<Shown>);
}

/// Whether the console goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    On,
    End,
}

pub struct Console {
    state: Box<State>,
    performer: Performer,
    recorder: Recorder,
    world: mpsc::Receiver<World>,
    /// Records on their way to the disk.
    unrecorded: usize,
}

impl Console {
    pub fn new(state: State, performer: Performer, recorder: Recorder, world: mpsc::Receiver<World>) -> Self {
        Self { state: Box::new(state), performer, recorder, world, unrecorded: 0 }
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
            World::Event(event) => {
                if matches!(event, Event::Recorded(_)) {
                    self.unrecorded = self.unrecorded.saturating_sub(1);
                } else if matches!(event, Event::LogLost { .. }) {
                    // Its record may still come from a new segment; nobody waits for it.
                    self.unrecorded = 0;
                }
                self.feed(event, front)
            }
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
            match self.performer.perform(effect) {
                None => {}
                Some(Said::Tell(notice)) => front.told(&self.state, &notice),
                Some(Said::Quit) => flow = Flow::End,
            }
        }
        flow
    }

    /// Whether nothing is under way that could still change what the next line of input would mean.
    pub fn is_settled(&self) -> bool {
        let waits_for_person = self.state.question.is_some();
        self.unrecorded == 0 && self.state.is_considered() && (waits_for_person || !self.state.is_busy())
    }

    /// Stops what runs, records how it ended, and closes the log.
    pub async fn end(mut self, front: &mut impl Front) {
        self.performer.stop_all();
        let deadline = Instant::now() + FAREWELL;
        while self.unrecorded > 0 || !self.performer.is_idle() {
            match timeout_at(deadline, self.world.recv()).await {
                Ok(Some(world)) => self = self.take(world, front).0,
                Ok(None) | Err(_) => break,
            }
        }
        drop(self.world);
        drop(self.performer);
        self.recorder.finish();
    }
}
