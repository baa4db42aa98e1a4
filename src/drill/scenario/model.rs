//! A drill as qrh uses it after loading. What a trainee may see before the end is marked so; everything else is hidden until the reveal.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::runbook::model::{CommandId, Expression, RunbookId, StepId};
use crate::runbook::source::{Span, Spanned};
use crate::timeline::drill::Sender;

/// A drill at no level yet: see [`Drill::at`].
#[derive(Debug, Clone)]
pub struct Drill {
    /// Kebab-case; unique among drills.
    pub id: String,
    /// Shown.
    pub title: String,
    /// Shown: what is practised, without giving the cause away.
    pub summary: String,
    /// Hidden: the runbook that fits. What the trainee opens it with is [`Self::opens`].
    pub runbook: RunbookId,
    /// Shown: the runbook that the page suggests; the same as [`Self::runbook`] unless said.
    pub opens: RunbookId,
    /// Shown: the service the page is about.
    pub service: String,
    pub world: World,
    pub clock: Clock,
    /// When the drill ends by itself.
    pub limit: Duration,
    /// Shown.
    pub briefing: String,
    /// Shown.
    pub roles: Vec<Role>,
    pub faults: Vec<Fault>,
    /// Ordered by the document.
    pub injects: Vec<Inject>,
    /// Injects that mislead.
    pub decoys: Vec<Decoy>,
    pub hints: Vec<Hint>,
    /// Shown without which of them are true.
    pub causes: Vec<Cause>,
    pub success: Success,
    pub fail: Vec<Fail>,
    pub objectives: Vec<Objective>,
    pub must_reach: Vec<Milestone>,
    pub must_not_reach: Vec<Milestone>,
    pub autopilot: Autopilot,
    pub hotwash: Vec<String>,
    pub levels: Levels,
}

/// How hard it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Fewer distractions, hints early.
    Basic,
    Hard,
}

impl Level {
    pub const ALL: [Self; 2] = [Self::Basic, Self::Hard];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Hard => "hard",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Levels {
    pub basic: Variant,
    pub hard: Variant,
}

/// What one level changes.
#[derive(Debug, Clone, Default)]
pub struct Variant {
    /// Shown where a level is chosen.
    pub says: String,
    /// Ids of injects, decoys and faults that this level leaves out.
    pub without: Vec<Spanned<String>>,
    /// Parameters of faults, by the fault's id: each replaces the one of its name.
    pub faults: Vec<(Spanned<String>, Map<String, Value>)>,
    /// Added to those of the drill.
    pub injects: Vec<Inject>,
    /// Added to those of the drill.
    pub decoys: Vec<Decoy>,
    /// In place of those of the drill.
    pub hints: Option<Vec<Hint>>,
    /// In place of that of the drill.
    pub limit: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorldKind {
    Cluster,
    Local,
}

impl WorldKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Local => "local",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    pub kind: WorldKind,
    /// The one there is: `shop`.
    pub baseline: String,
    pub seed: u64,
}

/// How the world's time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    Real,
    /// So many seconds of the world in one of the wall: 2 to 60.
    Scaled(u32),
    /// Only as far as it is pushed.
    Stepped,
}

#[derive(Debug, Clone)]
pub struct Role {
    pub name: String,
    pub does: String,
}

/// When something of the drill happens.
#[derive(Debug, Clone)]
pub enum Due {
    /// So long after the drill began.
    At(Duration),
    /// As soon as it holds; once.
    When(Expression),
}

#[derive(Debug, Clone)]
pub struct Fault {
    /// `snake_case`: in predicates it is `faults.ID`.
    pub id: String,
    pub kind: Spanned<String>,
    pub service: String,
    /// After the drill began.
    pub at: Duration,
    pub with: Map<String, Value>,
    pub span: Span,
}

/// A message to the trainee.
#[derive(Debug, Clone)]
pub struct Inject {
    pub id: String,
    pub due: Due,
    pub from: Sender,
    pub text: String,
    pub span: Span,
}

/// A message that leads away from the cause.
#[derive(Debug, Clone)]
pub struct Decoy {
    pub inject: Inject,
    /// Told in the hot wash: why it is not the cause, and what shows it.
    pub truth: String,
}

#[derive(Debug, Clone)]
pub struct Hint {
    /// After the drill began; it may be taken from then on.
    pub after: Duration,
    pub text: String,
    /// Points, 0 to 100.
    pub penalty: u32,
}

/// One answer to "what is the cause?".
#[derive(Debug, Clone)]
pub struct Cause {
    pub id: String,
    pub says: String,
    /// Hidden.
    pub truth: Truth,
    /// Told in the hot wash: what shows it, or what speaks against it.
    pub because: String,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    Right,
    Wrong,
}

#[derive(Debug, Clone)]
pub struct Success {
    pub mitigated: Expression,
    /// How long it must have held.
    pub durable_for: Duration,
}

/// Something that must not happen.
#[derive(Debug, Clone)]
pub struct Fail {
    pub id: String,
    pub when: Expression,
    pub why: String,
    /// Whether the drill ends there; else it only counts as an unsafe action.
    pub ends: bool,
}

#[derive(Debug, Clone)]
pub struct Objective {
    pub id: String,
    /// Shown.
    pub says: String,
    pub about: About,
    pub by: RatedBy,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    Diagnosis,
    Mitigation,
    Safety,
    Communication,
}

impl About {
    pub const ALL: [Self; 4] = [Self::Diagnosis, Self::Mitigation, Self::Safety, Self::Communication];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Diagnosis => "diagnosis",
            Self::Mitigation => "mitigation",
            Self::Safety => "safety",
            Self::Communication => "communication",
        }
    }
}

#[derive(Debug, Clone)]
pub enum RatedBy {
    /// A facilitator looks for this.
    Person {
        looks_for: String,
    },
    Timeline(Box<Rubric>),
}

/// A rating read from the timeline. The first event that fits [`Self::shown_by`] is the proof; the time to it gives the rating, and each
/// [`Lapse`] found lowers it by one.
#[derive(Debug, Clone)]
pub struct Rubric {
    pub shown_by: Vec<Query>,
    /// At the latest so long after the first page: Performed.
    pub performed: Duration,
    /// Some challenges; later: major challenges; never: unable.
    pub some: Duration,
    pub lowered_by: Vec<Lapse>,
}

/// An event of the timeline.
#[derive(Debug, Clone)]
pub struct Query {
    /// Its type, such as `qrh.finding.held`.
    pub event: Spanned<String>,
    /// Over `data` (the event's), `after` (seconds since the first page) and `command` (that of the run it belongs to); absent: any.
    pub matches: Option<Expression>,
}

#[derive(Debug, Clone)]
pub struct Lapse {
    pub query: Query,
    pub because: String,
}

/// A step, a finding's step or a command of the runbook that a way through it meets, or must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Milestone {
    /// It was entered.
    Step(Spanned<StepId>),
    /// It ran.
    Command(Spanned<CommandId>),
    /// A finding held that leads to this step.
    Lead(Spanned<StepId>),
}

/// How a drill is played without a person.
#[derive(Debug, Clone, Default)]
pub struct Autopilot {
    /// Replies to `ask` commands.
    pub answers: Vec<(Spanned<String>, Value)>,
    /// Changes it confirms, where the runbook leads to them. It declines every other.
    pub confirm: Vec<Spanned<CommandId>>,
    /// What it states as the cause, as soon as the first of them holds.
    pub diagnoses: Vec<Conclusion>,
}

#[derive(Debug, Clone)]
pub struct Conclusion {
    pub when: Expression,
    pub cause: Spanned<String>,
}

impl Drill {
    pub fn variant(&self, level: Level) -> &Variant {
        match level {
            Level::Basic => &self.levels.basic,
            Level::Hard => &self.levels.hard,
        }
    }

    /// The drill as it is played at a level: what the level changes is in the drill's own lists.
    #[must_use]
    pub fn at(&self, level: Level) -> Self {
        let variant = self.variant(level);
        let stays = |id: &str| !variant.without.iter().any(|left| left.value == id);
        let mut drill = self.clone();
        drill.faults.retain(|fault| stays(&fault.id));
        for (id, with) in &variant.faults {
            if let Some(fault) = drill.faults.iter_mut().find(|fault| fault.id == id.value) {
                fault.with.extend(with.clone());
            }
        }
        drill.injects.retain(|inject| stays(&inject.id));
        drill.injects.extend(variant.injects.iter().cloned());
        drill.decoys.retain(|decoy| stays(&decoy.inject.id));
        drill.decoys.extend(variant.decoys.iter().cloned());
        if let Some(hints) = &variant.hints {
            drill.hints.clone_from(hints);
        }
        drill.limit = variant.limit.unwrap_or(drill.limit);
        drill
    }

    /// Injects and decoys alike: a trainee can't tell which is which.
    pub fn messages(&self) -> impl Iterator<Item = &Inject> + Clone {
        self.injects.iter().chain(self.decoys.iter().map(|decoy| &decoy.inject))
    }

    /// When the first page comes, after the drill began. Before it the world only runs: nobody has a reason to look, so a console may let
    /// that time pass as fast as the world can. Ratings count from here.
    pub fn first_page(&self) -> Option<Duration> {
        let paged = |inject: &Inject| match &inject.due {
            Due::At(at) if inject.from == Sender::Pager => Some(*at),
            Due::At(_) | Due::When(_) => None,
        };
        self.injects.iter().filter_map(paged).min()
    }

    pub fn cause(&self, id: &str) -> Option<&Cause> {
        self.causes.iter().find(|cause| cause.id == id)
    }
}
