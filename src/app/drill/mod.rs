//! A drill on a console: the machine of `drill::exercise` with a world, a clock, an autopilot where nobody plays, and a facilitator's door.
//!
//! A [`Stage`] is the only thing that holds an autopilot, and it is made only of a world that was started for it: a console on a live target
//! has no stage, so nothing can play there.

pub mod door;
mod facilitate;
pub mod pilot;
mod scene;
pub mod story;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{AbortHandle, block_in_place};

use super::world::{Sender, World};
use crate::drill::exercise::{Exercise, Out, Truth};
use crate::drill::scenario::model::{Drill, Level, WorldKind};
use crate::drill::world::plant::Health;
use crate::drill::{local, world};
use crate::engine::{Briefing, Intent, Notice, Plea, State};
use crate::runbook::catalog::{self, Service};
use crate::runbook::source::SourceFile;
use crate::target::{Clock, Fence};
use crate::timeline::drill::Sender as From;
use crate::timeline::incident::Incident;
use crate::timeline::record::{Happening, Record};
use door::Door;
use pilot::{Pilot, Seat};
use scene::Scene;
use story::{Story, Tempo, later};

/// How often a flowing story's world is moved on, and how often the drill looks at it, in real time.
const FLOW: Duration = Duration::from_millis(200);
const FLOWS_TO_A_BEAT: u32 = 5;
/// What the autopilot takes for each thing it does: in a stepped story, in one that somebody watches, and in one that nobody does.
const PAUSE_STEPPED: Duration = Duration::from_secs(2);
const PAUSE_WATCHED: Duration = Duration::from_millis(1500);
const PAUSE_UNWATCHED: Duration = Duration::from_millis(200);
/// However fast the story is: an autopilot that thinks for longer would miss the drill's end.
const PAUSE_LONGEST: Duration = Duration::from_secs(8);
/// So long before the first page a person comes in: enough to read what the drill is about.
const BEFORE_PAGE: Duration = Duration::from_secs(8);

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    Person,
    Autopilot,
}

/// Who sees an autopilot play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    People,
    /// It need not be followed.
    Nobody,
}

/// A drill to be played.
pub struct Script {
    /// At its level already.
    pub drill: Drill,
    pub level: Level,
    pub seed: u64,
    /// The text it was read from.
    pub document: String,
    pub tempo: Tempo,
    pub player: Player,
    pub audience: Audience,
    /// Whether a facilitator may come in.
    pub facilitated: bool,
    pub actor: String,
}

#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("the drill's world can't be started: {0}")]
    World(#[from] world::Error),
    #[error(transparent)]
    Local(#[from] local::Error),
    #[error("the drill's world has no service `{wanted}`; it has: {known}")]
    Service { wanted: String, known: String },
    #[error("fault {id} of the drill: {why}; correct the drill")]
    Fault { id: String, why: String },
    #[error("the catalog of the drill's world can't be read: {0}; this is a mistake in qrh")]
    Catalog(String),
}

/// What the console is to do for the drill.
#[derive(Debug)]
pub enum Move {
    Append(Happening),
    /// The target is looked at anew: what was read before the page may hold no longer.
    Look,
    Intend(Intent),
    Tell(Notice),
}

/// A drill that is played.
pub struct Stage {
    exercise: Exercise,
    story: Arc<Story>,
    scene: Scene,
    /// How much of the story is over before anybody comes in.
    overture: Duration,
    pilot: Option<Pilot>,
    audience: Audience,
    facilitated: bool,
    actor: String,
    paused: bool,
    flow: Option<AbortHandle>,
    door: Option<Door>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.flow.iter().for_each(AbortHandle::abort);
    }
}

/// Starts the world of a drill.
pub async fn raise(script: Script) -> Result<Stage, StageError> {
    let overture = overture(&script);
    let epoch = epoch(script.tempo, overture);
    let scene = Scene::raise(&script.drill, script.seed, epoch).await?;
    // A real service is up only after a while, and its story begins then.
    let epoch = match script.drill.world.kind {
        WorldKind::Cluster => epoch,
        WorldKind::Local => Timestamp::now(),
    };
    let story = Arc::new(Story::new(epoch, script.tempo, scene.push()));
    let waits = script.drill.messages().any(|inject| inject.from == From::Pager);
    let pause = match (script.tempo, script.audience) {
        (Tempo::Stepped, _) => PAUSE_STEPPED,
        (Tempo::Flowing(_), Audience::Nobody) => PAUSE_UNWATCHED,
        (Tempo::Flowing(factor), Audience::People) => PAUSE_WATCHED.mul_f64(factor).min(PAUSE_LONGEST),
    };
    let pilot = match script.player {
        Player::Autopilot => Some(Pilot::new(script.drill.autopilot.clone(), pause, waits)),
        Player::Person => None,
    };
    let exercise = Exercise::new((script.drill, script.level), script.seed, script.document, epoch);
    Ok(Stage {
        exercise,
        story,
        scene,
        overture,
        pilot,
        audience: script.audience,
        facilitated: script.facilitated,
        actor: script.actor,
        paused: false,
        flow: None,
        door: None,
    })
}

/// Nobody has a reason to look before the first page, so a person is not made to wait for it: the world plays up to then at once. One that
/// is real can't.
fn overture(script: &Script) -> Duration {
    match (script.player, script.tempo, script.drill.world.kind) {
        (Player::Person, Tempo::Flowing(_), WorldKind::Cluster) => {
            script.drill.first_page().map_or(Duration::ZERO, |page| page.saturating_sub(BEFORE_PAGE))
        }
        (Player::Autopilot, ..) | (_, Tempo::Stepped, _) | (.., WorldKind::Local) => Duration::ZERO,
    }
}

/// A story that is stepped begins at a whole minute, so that what goes by the clock in it goes the same way each time. One that flows shows
/// the machine's time once somebody has come in.
fn epoch(tempo: Tempo, overture: Duration) -> Timestamp {
    let now = Timestamp::now();
    match tempo {
        Tempo::Flowing(_) => SignedDuration::try_from(overture).ok().and_then(|by| now.checked_sub(by).ok()).unwrap_or(now),
        Tempo::Stepped => Timestamp::from_second(now.as_second() / 60 * 60).unwrap_or(now),
    }
}

impl Stage {
    pub fn clock(&self) -> Clock {
        let story: Arc<dyn crate::target::clock::Story> = self.story.clone();
        Clock::Story(story)
    }

    /// Around the world's own addresses.
    pub fn fence(&self) -> Fence {
        Fence::around(self.scene.addresses())
    }

    pub fn kubeconfig(&self) -> &str {
        self.scene.kubeconfig()
    }

    /// The service the drill is about, as the world's own catalog has it.
    pub fn service(&self) -> Result<Service, StageError> {
        let file = SourceFile::new("the world's catalog", self.scene.catalog().into_bytes());
        let (found, diagnostics) = catalog::load(&file);
        let found = found.ok_or_else(|| {
            let said: Vec<String> = diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).collect();
            StageError::Catalog(said.join("; "))
        })?;
        let wanted = &self.exercise.drill().service;
        found.service(wanted).cloned().ok_or_else(|| {
            let known: Vec<&str> = found.services.iter().map(|service| service.name.as_str()).collect();
            StageError::Service { wanted: wanted.clone(), known: known.join(", ") }
        })
    }

    /// What the trainee may know.
    pub fn briefing(&self) -> Briefing {
        let drill = self.exercise.drill();
        Briefing {
            title: drill.title.clone(),
            level: self.exercise.level().as_str().to_owned(),
            text: drill.briefing.clone(),
            roles: drill.roles.iter().map(|role| format!("{}: {}", role.name, role.does)).collect(),
            causes: drill.causes.iter().map(|cause| (cause.id.clone(), cause.says.clone())).collect(),
        }
    }

    pub fn began(&self) -> Happening {
        self.exercise.began()
    }

    /// Whether its world is real, and its time with it.
    pub fn is_real(&self) -> bool {
        self.exercise.drill().world.kind == WorldKind::Local
    }

    pub fn is_piloted(&self) -> bool {
        self.pilot.is_some()
    }

    pub fn is_stepped(&self) -> bool {
        // One that is held waits for the facilitator.
        self.story.tempo() == Tempo::Stepped && !self.paused
    }

    /// What comes before anybody is there to see it: the faults that are there from the first moment, and all that leads up to the first page
    /// where a person plays. It goes into the log with its own times.
    pub fn play_overture(&mut self, incident: &Incident) -> Vec<Record> {
        for id in self.exercise.first_faults() {
            self.scene.put(&id);
        }
        let end = later(self.exercise.began_at(), self.overture);
        let mut records = Vec::new();
        block_in_place(|| {
            while let Some(due) = self.exercise.due().filter(|due| *due <= end && !self.overture.is_zero()) {
                self.story.step_to(due);
                let health = self.health();
                let out = self.exercise.look(Truth { now: due, health: &health, incident });
                for out in out {
                    match out {
                        Out::Happened(happening) => records.push(Record { time: due, happening }),
                        Out::Begin(id) => self.scene.put(&id),
                    }
                }
            }
            self.story.step_to(end);
        });
        records
    }

    /// The console is there: the story begins to flow, and the facilitator may come in.
    pub fn begin(&mut self, dir: &Path, sender: &Sender) -> std::io::Result<()> {
        if self.facilitated {
            self.door = Some(door::open(dir, sender.clone())?);
        }
        if !self.is_stepped() {
            let (story, sender) = (Arc::clone(&self.story), sender.clone());
            let flows_to_a_beat = match self.audience {
                Audience::People => FLOWS_TO_A_BEAT,
                Audience::Nobody => 1,
            };
            let flow = tokio::spawn(async move {
                let mut tick = tokio::time::interval(FLOW);
                let mut ticks: u32 = 0;
                loop {
                    tick.tick().await;
                    block_in_place(|| story.flow());
                    ticks = ticks.wrapping_add(1);
                    if ticks.is_multiple_of(flows_to_a_beat) {
                        // A console that is behind looks when it has caught up.
                        let _ = sender.try_send(World::Beat);
                    }
                }
            });
            self.flow = Some(flow.abort_handle());
        }
        Ok(())
    }

    /// Until somebody begins to wait for a time of the story.
    pub async fn asleep(&self) {
        self.story.asleep().await;
    }

    /// How many wait for a time of the story.
    pub fn sleepers(&self) -> usize {
        self.story.sleepers().1
    }

    /// Moves a stepped story on to the next thing that is due.
    pub fn step(&self, now: Timestamp) {
        let pilot = self.pilot.as_ref().map(Pilot::due).filter(|due| *due > now);
        let due = [self.story.sleepers().0, self.exercise.due(), pilot];
        let due = due.into_iter().flatten().filter(|due| *due > now).min();
        let due = due.unwrap_or_else(|| later(now, crate::drill::exercise::LOOK_EVERY));
        block_in_place(|| self.story.step_to(due));
    }

    /// What the drill and its autopilot do now.
    pub fn play(&mut self, state: &State, settled: bool) -> Vec<Move> {
        let now = self.story.flow();
        if self.paused {
            return Vec::new();
        }
        let looks = self.exercise.due().is_some_and(|due| due <= now);
        let pilots = self.pilot.as_ref().is_some_and(|pilot| pilot.due() <= now);
        if !looks && !pilots {
            return Vec::new();
        }
        block_in_place(|| {
            let health = self.health();
            let truth = Truth { now, health: &health, incident: &state.incident };
            let mut moves = Vec::new();
            for out in self.exercise.look(truth) {
                match out {
                    Out::Happened(happening) => {
                        let pages = matches!(&happening, Happening::DrillInjected(injected) if injected.from == From::Pager);
                        moves.push(Move::Append(happening));
                        moves.extend(pages.then_some(Move::Look));
                    }
                    Out::Begin(id) => self.scene.put(&id),
                }
            }
            if moves.is_empty() {
                moves.extend(self.piloted(state, settled, truth));
            }
            moves
        })
    }

    fn piloted(&mut self, state: &State, settled: bool, truth: Truth<'_>) -> Option<Move> {
        let pilot = self.pilot.as_mut()?;
        let open = settled && state.incident.drill.diagnosed.is_none();
        let cause = if open { self.exercise.conclusion(truth) } else { None };
        pilot.next(&Seat { state, now: truth.now, settled, ended: self.exercise.ended(), cause }).map(Move::Intend)
    }

    fn health(&self) -> BTreeMap<String, Health> {
        self.scene.health()
    }

    /// What the trainee asks of the drill.
    pub fn plead(&mut self, plea: &Plea) -> Result<Happening, String> {
        let now = self.story.flow();
        match plea {
            Plea::Hint => self.exercise.hint(now),
            Plea::Diagnose(cause) => self.exercise.diagnose(cause, &self.actor),
        }
    }

    /// The last words of a drill that has not ended by itself.
    pub fn finish(&mut self, state: &State) -> Vec<Happening> {
        self.exercise.finish(&state.incident)
    }
}
