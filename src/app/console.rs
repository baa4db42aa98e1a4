//! One open incident: the engine's state, the tasks that carry out its effects, and the way back. Both front ends drive this.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::drill::{Move, Stage};
use super::performer::{Performer, Said};
use super::recorder::Recorder;
use super::world::{Shown, World};
use crate::engine::change::Change;
use crate::engine::state::Log;
use crate::engine::{self, Effect, Event, Intent, Notice, Plea, Stamped, State};
use crate::target::Clock;
use crate::timeline::record::{Happening, Record, RunId};

/// Time that everything running gets to stop when the console ends: TERM, 3 s, KILL, and the last of its output.
const FAREWELL: Duration = Duration::from_secs(9);
/// In a drill whose time is stepped: how long something may be under way before the world's time passes all the same, since it may wait
/// for that (a log that is followed, a pod that takes its time to end).
const STUCK: Duration = Duration::from_millis(500);
/// The same of what is only looked at, prepared or recorded, none of which needs the world's time: a busy machine must not change how a
/// drill goes.
const STALLED: Duration = Duration::from_secs(15);

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
    /// Reads and changes on the target.
    running: usize,
    clock: Clock,
    /// The drill that is played here, if it is one.
    stage: Option<Box<Stage>>,
}

impl Console {
    pub fn new(state: State, performer: Performer, recorder: Recorder, (world, clock): (mpsc::Receiver<World>, Clock)) -> Self {
        Self { state: Box::new(state), performer, recorder, world, unrecorded: 0, looking: 0, running: 0, clock, stage: None }
    }

    /// The console of a drill.
    #[must_use]
    pub fn on_stage(self, stage: Box<Stage>) -> Self {
        Self { stage: Some(stage), ..self }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether a drill's autopilot plays.
    pub fn is_piloted(&self) -> bool {
        self.stage.as_ref().is_some_and(|stage| stage.is_piloted())
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// The next thing that comes back. Where a drill's time is stepped and only time is waited for, time passes.
    pub async fn next(&mut self) -> Option<World> {
        let Some(stage) = self.stage.as_ref().filter(|stage| stage.is_stepped()) else { return self.world.recv().await };
        if let Ok(world) = self.world.try_recv() {
            return Some(world);
        }
        // Something may be under way that needs no time of the world, unless it holds still for long.
        let since = Instant::now();
        while !self.waits_for_time() || self.running > stage.sleepers() {
            let deadline = since + if self.waits_for_time() { STUCK } else { STALLED };
            tokio::select! {
                biased;
                world = self.world.recv() => return world,
                () = stage.asleep() => {}
                () = sleep_until(deadline) => break,
            }
        }
        stage.step(self.clock.now());
        Some(World::Beat)
    }

    /// Whether nothing is under way but what sleeps until a time of the world.
    fn waits_for_time(&self) -> bool {
        self.unrecorded == 0 && self.looking == 0 && self.state.is_considered() && self.state.preparing.is_empty()
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
                let (console, flow) = self.feed(event, front);
                console.play(flow, front)
            }
            World::Beat => self.play(Flow::On, front),
            World::Door(request) => {
                let moves = self.stage.as_mut().map(|stage| stage.answer(&self.state, request)).unwrap_or_default();
                self.make(moves, Flow::On, front)
            }
        }
    }

    /// Lets the drill go on, as far as it can now.
    fn play(mut self, flow: Flow, front: &mut impl Front) -> (Self, Flow) {
        let settled = self.unrecorded == 0 && self.is_settled();
        let Some(stage) = self.stage.as_mut().filter(|_| flow == Flow::On) else { return (self, flow) };
        let moves = stage.play(&self.state, settled);
        self.make(moves, flow, front)
    }

    fn make(mut self, moves: Vec<Move>, mut flow: Flow, front: &mut impl Front) -> (Self, Flow) {
        for one in moves {
            let next = match one {
                Move::Append(happening) => self.append(happening, front),
                Move::Look => self.perform(vec![Effect::Look], front),
                Move::Tell(notice) => {
                    front.told(&self.state, &notice);
                    Flow::On
                }
                Move::Intend(intent) => {
                    let next;
                    (self, next) = self.intend(intent, front);
                    next
                }
            };
            flow = if next == Flow::End { next } else { flow };
        }
        (self, flow)
    }

    fn append(&mut self, happening: Happening, front: &mut impl Front) -> Flow {
        let record = Record { time: self.clock.now(), happening };
        self.perform(vec![Effect::Append(Box::new(record))], front)
    }

    fn count(&mut self, event: &Event) {
        match event {
            Event::Recorded(_) => self.unrecorded = self.unrecorded.saturating_sub(1),
            // The record may still come from a new segment; nobody waits for it.
            Event::LogLost { .. } => self.unrecorded = 0,
            Event::Looked(_) | Event::Measured { .. } => self.looking = self.looking.saturating_sub(1),
            Event::Ran(_) | Event::Applied(_) => self.running = self.running.saturating_sub(1),
            Event::Person(_) | Event::Considered(_) | Event::Prepared { .. } => {}
        }
    }

    pub fn intend(self, intent: Intent, front: &mut impl Front) -> (Self, Flow) {
        self.feed(Event::Person(intent), front)
    }

    fn feed(mut self, event: Event, front: &mut impl Front) -> (Self, Flow) {
        let record = if let Event::Recorded(record) = &event { Some(record.clone()) } else { None };
        let (state, effects) = engine::handle(*self.state, Stamped { at: self.clock.now(), event });
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
            self.running += usize::from(matches!(effect, Effect::Read { .. } | Effect::Apply { .. }));
            match self.performer.perform(effect) {
                None => {}
                Some(Said::Tell(notice)) => front.told(&self.state, &notice),
                Some(Said::Exercise(plea)) => self.plead(&plea, front),
                Some(Said::Quit) => flow = Flow::End,
            }
        }
        flow
    }

    /// The trainee asks the drill for something.
    fn plead(&mut self, plea: &Plea, front: &mut impl Front) {
        match self.stage.as_mut().map(|stage| stage.plead(plea)) {
            Some(Ok(happening)) => {
                self.append(happening, front);
            }
            Some(Err(why)) => front.told(&self.state, &Notice::Problem(why)),
            None => {}
        }
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
        if self.stage.is_some() {
            self = self.end_drill(front);
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

    /// A drill's world ends with its console: the drill is over, and its incident with it.
    fn end_drill(mut self, front: &mut impl Front) -> Self {
        for happening in self.stage.as_mut().map(|stage| stage.finish(&self.state)).unwrap_or_default() {
            self.append(happening, front);
        }
        if self.state.incident.closed.is_some() {
            return self;
        }
        self.intend(Intent::Close { summary: "the drill's console was left, and its world ended with it".to_owned() }, front).0
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
