//! `qrh.timeline/v1`: the events an incident's log holds, one JSON object a line, named as CloudEvents are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::drill::{Began, Diagnosed, Ended, Hinted, Injected, Observed, Rated, Revealed};
use crate::action::{Action, Description, Ending, Hold, Identity, Report};
use crate::runbook::model::{CommandId, Effect, Name, Phase, Place, RunbookId, StepId, TargetKind};

/// A run of one command, numbered from 1 within its incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u32);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Real, or a drill: said on every screen, event and export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    Live,
    Drill,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Drill => "DRILL",
        }
    }
}

/// One event, before it is sealed into the log: what happened and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it happened; a backdated note lies before its recording.
    pub time: Timestamp,
    pub happening: Happening,
}

/// The `type` of every event there is.
pub const EVENT_TYPES: &[&str] = &[
    "qrh.incident.opened",
    "qrh.incident.resumed",
    "qrh.incident.closed",
    "qrh.step.entered",
    "qrh.step.completed",
    "qrh.step.skipped",
    "qrh.step.misfit",
    "qrh.facts.read",
    "qrh.command.started",
    "qrh.change.intended",
    "qrh.command.finished",
    "qrh.change.ruled",
    "qrh.command.refused",
    "qrh.command.declined",
    "qrh.finding.held",
    "qrh.finding.lifted",
    "qrh.note.added",
    "qrh.measure.read",
    "qrh.log.mended",
    "qrh.drill.began",
    "qrh.drill.injected",
    "qrh.drill.hinted",
    "qrh.drill.observed",
    "qrh.drill.diagnosed",
    "qrh.drill.rated",
    "qrh.drill.paused",
    "qrh.drill.continued",
    "qrh.drill.revealed",
    "qrh.drill.ended",
];

/// The `type` and `data` of an event. Past tense: each of these has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Happening {
    #[serde(rename = "qrh.incident.opened")]
    Opened(Box<Opened>),
    #[serde(rename = "qrh.incident.resumed")]
    Resumed { actor: String },
    #[serde(rename = "qrh.incident.closed")]
    Closed { summary: String, not_undone: Vec<RunId>, unknown: Vec<RunId> },
    #[serde(rename = "qrh.step.entered")]
    StepEntered { step: StepId, phase: Phase },
    /// `observed` is what the responder saw: never just "checked".
    #[serde(rename = "qrh.step.completed")]
    StepCompleted { step: StepId, observed: String },
    #[serde(rename = "qrh.step.skipped")]
    StepSkipped { step: StepId, reason: String },
    /// The responder says that this step or its branch does not fit what they see.
    #[serde(rename = "qrh.step.misfit")]
    StepMisfit { step: StepId, reason: String },
    #[serde(rename = "qrh.facts.read")]
    FactsRead { facts: Value },
    #[serde(rename = "qrh.command.started")]
    Started(Box<Started>),
    /// On disk before the change starts.
    #[serde(rename = "qrh.change.intended")]
    Intended(Box<Intended>),
    #[serde(rename = "qrh.command.finished")]
    Finished(Box<Finished>),
    /// A change whose outcome was unknown is settled by its probe or by a person.
    #[serde(rename = "qrh.change.ruled")]
    Ruled { run: RunId, happened: bool, by: Ruling, why: String },
    /// A command that did not run: policy, a hazard, stale evidence, a wrong or missing answer.
    #[serde(rename = "qrh.command.refused")]
    Refused { command: CommandId, why: String },
    /// A confirmation was shown and the responder said no or left it.
    #[serde(rename = "qrh.command.declined")]
    Declined { command: CommandId },
    #[serde(rename = "qrh.finding.held")]
    FindingHeld { step: StepId, number: usize, means: String, go: Option<StepId> },
    #[serde(rename = "qrh.finding.lifted")]
    FindingLifted { step: StepId, number: usize },
    #[serde(rename = "qrh.note.added")]
    Noted { text: String },
    /// Readings around a change.
    #[serde(rename = "qrh.measure.read")]
    Measured { run: RunId, when: Around, readings: Vec<Reading> },
    /// The log itself: a torn tail set aside, a segment begun after a failed write.
    #[serde(rename = "qrh.log.mended")]
    LogMended { what: String },
    #[serde(rename = "qrh.drill.began")]
    DrillBegan(Began),
    #[serde(rename = "qrh.drill.injected")]
    DrillInjected(Injected),
    #[serde(rename = "qrh.drill.hinted")]
    DrillHinted(Hinted),
    /// Hidden until the reveal: no view of the trainee shows it.
    #[serde(rename = "qrh.drill.observed")]
    DrillObserved(Observed),
    #[serde(rename = "qrh.drill.diagnosed")]
    DrillDiagnosed(Diagnosed),
    /// Hidden until the reveal, as what was observed is.
    #[serde(rename = "qrh.drill.rated")]
    DrillRated(Rated),
    #[serde(rename = "qrh.drill.paused")]
    DrillPaused { by: String },
    #[serde(rename = "qrh.drill.continued")]
    DrillContinued { by: String },
    #[serde(rename = "qrh.drill.revealed")]
    DrillRevealed(Revealed),
    #[serde(rename = "qrh.drill.ended")]
    DrillEnded(Ended),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub qrh: String,
    pub mode: Mode,
    pub read_only: bool,
    pub runbook: RunbookId,
    pub runbook_title: String,
    /// SHA-256 of the runbook's bytes, in hexadecimal; the bytes lie beside the log.
    pub runbook_sha256: String,
    /// The service as its card was when the incident opened.
    pub service: Value,
    pub service_name: String,
    pub target_kind: TargetKind,
    /// The live target, pinned for the whole incident.
    pub target: Identity,
    pub inputs: BTreeMap<Name, Value>,
    pub actor: String,
    /// When the trouble was first seen, where the responder or an alert says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detected: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    pub run: RunId,
    pub command: CommandId,
    pub step: StepId,
    pub title: String,
    pub place: Place,
    pub hold: Hold,
    pub describes: Description,
    /// How a read that nothing enforces was confirmed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confirmed: Option<String>,
    /// Typed by the responder, not written in the runbook.
    pub ad_hoc: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intended {
    pub run: RunId,
    pub command: CommandId,
    pub step: StepId,
    pub title: String,
    pub place: Place,
    /// The author's tag. A command tagged read-only that qrh knows to change something is a change.
    pub effect: Effect,
    pub describes: Description,
    pub action: Action,
    pub identity: Identity,
    /// SHA-256 over action, target and undo, in hexadecimal: what the clearance was bound to.
    pub digest: String,
    pub tier: u8,
    /// How it was confirmed: `y`, `name typed`, `recalled`.
    pub confirmed: String,
    /// Time between the dialog and the answer, in milliseconds.
    pub considered_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub remembered: BTreeMap<Name, Value>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub undo: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub undo_describes: Option<Description>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verify: Option<CommandId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub hazards: Vec<String>,
    /// The change this one takes back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub undoes: Option<RunId>,
    pub ad_hoc: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    pub run: RunId,
    pub command: CommandId,
    pub report: Report,
    pub took_ms: u64,
    /// Named values taken from the result.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub captured: BTreeMap<Name, Value>,
    /// Whether `expect` held; absent where there is none or it could not be decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected: Option<bool>,
    /// The command's `value`, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reading: Option<Reading>,
    /// Expressions that could not be decided, each with its reason.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub undecided: Vec<String>,
    /// The full output beside the log, where there is more than the tail.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<Output>,
}

/// A file under `out/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
    /// Bytes the file does not hold because of its limit.
    pub cut_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub command: CommandId,
    /// Absent: it could not be read.
    pub value: Option<f64>,
    pub unit: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Around {
    Before,
    After,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    Probe(CommandId),
    Person(String),
}

impl Happening {
    /// Its `type`, one of [`EVENT_TYPES`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "qrh.incident.opened",
            Self::Resumed { .. } => "qrh.incident.resumed",
            Self::Closed { .. } => "qrh.incident.closed",
            Self::StepEntered { .. } => "qrh.step.entered",
            Self::StepCompleted { .. } => "qrh.step.completed",
            Self::StepSkipped { .. } => "qrh.step.skipped",
            Self::StepMisfit { .. } => "qrh.step.misfit",
            Self::FactsRead { .. } => "qrh.facts.read",
            Self::Started(_) => "qrh.command.started",
            Self::Intended(_) => "qrh.change.intended",
            Self::Finished(_) => "qrh.command.finished",
            Self::Ruled { .. } => "qrh.change.ruled",
            Self::Refused { .. } => "qrh.command.refused",
            Self::Declined { .. } => "qrh.command.declined",
            Self::FindingHeld { .. } => "qrh.finding.held",
            Self::FindingLifted { .. } => "qrh.finding.lifted",
            Self::Noted { .. } => "qrh.note.added",
            Self::Measured { .. } => "qrh.measure.read",
            Self::LogMended { .. } => "qrh.log.mended",
            Self::DrillBegan(_) => "qrh.drill.began",
            Self::DrillInjected(_) => "qrh.drill.injected",
            Self::DrillHinted(_) => "qrh.drill.hinted",
            Self::DrillObserved(_) => "qrh.drill.observed",
            Self::DrillDiagnosed(_) => "qrh.drill.diagnosed",
            Self::DrillRated(_) => "qrh.drill.rated",
            Self::DrillPaused { .. } => "qrh.drill.paused",
            Self::DrillContinued { .. } => "qrh.drill.continued",
            Self::DrillRevealed(_) => "qrh.drill.revealed",
            Self::DrillEnded(_) => "qrh.drill.ended",
        }
    }

    /// Whether a drill's trainee may not see it before the end.
    pub fn is_hidden(&self) -> bool {
        matches!(self, Self::DrillObserved(_) | Self::DrillRated(_))
    }
}

impl Finished {
    pub fn ending(&self) -> &Ending {
        &self.report.ending
    }
}
