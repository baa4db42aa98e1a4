//! What only a drill's log holds: the payloads of `qrh.drill.*`, and what they add up to. Words only: what the world is, and how well a
//! drill went, is known in `drill`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::{Happening, Record};

/// The drill and what of it is fixed before anybody acts. Comes right after `qrh.incident.opened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    pub drill: String,
    /// `basic` or `hard`.
    pub level: String,
    pub seed: u64,
    /// `cluster` or `local`.
    pub world: String,
    /// SHA-256, in hexadecimal, of the text that `qrh.drill.revealed` gives at the end.
    pub hidden_sha256: String,
}

/// Who a message to the trainee comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    Pager,
    Support,
    Chat,
    Executive,
    Facilitator,
}

impl Sender {
    pub const ALL: [Self; 5] = [Self::Pager, Self::Support, Self::Chat, Self::Executive, Self::Facilitator];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pager => "pager",
            Self::Support => "support",
            Self::Chat => "chat",
            Self::Executive => "executive",
            Self::Facilitator => "facilitator",
        }
    }
}

/// A message the trainee was given: of the drill's injects and decoys, or a facilitator's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Injected {
    /// The id in the drill; absent where a facilitator wrote it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inject: Option<String>,
    pub from: Sender,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hinted {
    /// From 1.
    pub hint: u32,
    pub text: String,
    /// Points, as the drill sets them.
    pub penalty: u32,
}

/// What became true of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// The service serves as it should.
    Healthy,
    Unhealthy,
    /// The drill's `success.mitigated` holds.
    Mitigated,
    /// It held, and does no longer.
    Unmitigated,
    /// It has held for as long as the drill asks.
    Durable,
    FaultBegan,
    /// The right thing was done about a fault.
    FaultCured,
    /// And was undone.
    FaultReturned,
    /// A fail condition holds.
    Failing,
}

impl Sight {
    pub const ALL: [Self; 9] = [
        Self::Healthy,
        Self::Unhealthy,
        Self::Mitigated,
        Self::Unmitigated,
        Self::Durable,
        Self::FaultBegan,
        Self::FaultCured,
        Self::FaultReturned,
        Self::Failing,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Mitigated => "mitigated",
            Self::Unmitigated => "unmitigated",
            Self::Durable => "durable",
            Self::FaultBegan => "fault-began",
            Self::FaultCured => "fault-cured",
            Self::FaultReturned => "fault-returned",
            Self::Failing => "failing",
        }
    }
}

/// The world's truth, recorded when it changes. The trainee sees none of it before the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    pub what: Sight,
    pub service: String,
    /// The fault or the fail condition it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of: Option<String>,
    pub detail: String,
}

/// The trainee's stated diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosed {
    /// The id of one of the drill's causes.
    pub answer: String,
    pub by: String,
}

/// How an objective went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    Performed,
    SomeChallenges,
    MajorChallenges,
    Unable,
}

impl Rating {
    pub const ALL: [Self; 4] = [Self::Performed, Self::SomeChallenges, Self::MajorChallenges, Self::Unable];

    /// As exercises name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Performed => "Performed",
            Self::SomeChallenges => "Some challenges",
            Self::MajorChallenges => "Major challenges",
            Self::Unable => "Unable",
        }
    }

    /// One lower; the lowest stays.
    #[must_use]
    pub fn lowered(self) -> Self {
        match self {
            Self::Performed => Self::SomeChallenges,
            Self::SomeChallenges => Self::MajorChallenges,
            Self::MajorChallenges | Self::Unable => Self::Unable,
        }
    }
}

/// A facilitator's rating by hand; the last one of an objective counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rated {
    pub objective: String,
    pub rating: Rating,
    pub by: String,
    pub why: String,
}

/// What was hidden, at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revealed {
    /// The drill's document, byte for byte.
    pub hidden: String,
    pub sha256: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillOutcome {
    Mitigated,
    Failed,
    Abandoned,
    TimedOut,
}

impl DrillOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mitigated => "mitigated",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
            Self::TimedOut => "timed out",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub outcome: DrillOutcome,
    pub why: String,
}

/// What the drill's own events add up to; a part of the incident.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drill {
    pub began: Option<(Timestamp, Began)>,
    /// In the order they came.
    pub injected: Vec<(Timestamp, Injected)>,
    pub hinted: Vec<(Timestamp, Hinted)>,
    /// The last stated diagnosis.
    pub diagnosed: Option<(Timestamp, Diagnosed)>,
    /// Since when the clock stands still.
    pub paused: Option<Timestamp>,
    pub revealed: Option<Revealed>,
    pub ended: Option<(Timestamp, Ended)>,
}

impl Drill {
    pub(super) fn apply(&mut self, record: &Record) {
        let at = record.time;
        match &record.happening {
            Happening::DrillBegan(began) => self.began = Some((at, began.clone())),
            Happening::DrillInjected(injected) => self.injected.push((at, injected.clone())),
            Happening::DrillHinted(hinted) => self.hinted.push((at, hinted.clone())),
            Happening::DrillDiagnosed(diagnosed) => self.diagnosed = Some((at, diagnosed.clone())),
            Happening::DrillPaused { .. } => self.paused = Some(at),
            Happening::DrillContinued { .. } => self.paused = None,
            Happening::DrillRevealed(revealed) => self.revealed = Some(revealed.clone()),
            Happening::DrillEnded(ended) => self.ended = Some((at, ended.clone())),
            // What the world was and how a facilitator rates is for the score alone: a console that folded it could show it.
            Happening::DrillObserved(_)
            | Happening::DrillRated(_)
            | Happening::Opened(_)
            | Happening::Resumed { .. }
            | Happening::Closed { .. }
            | Happening::StepEntered { .. }
            | Happening::StepCompleted { .. }
            | Happening::StepSkipped { .. }
            | Happening::StepMisfit { .. }
            | Happening::FactsRead { .. }
            | Happening::Started(_)
            | Happening::Intended(_)
            | Happening::Finished(_)
            | Happening::Ruled { .. }
            | Happening::Refused { .. }
            | Happening::Declined { .. }
            | Happening::FindingHeld { .. }
            | Happening::FindingLifted { .. }
            | Happening::Noted { .. }
            | Happening::Measured { .. }
            | Happening::LogMended { .. } => {}
        }
    }
}
