//! How a drill went: the records of its log come in, a [`Score`] goes out, each statement with the events that prove it. It rates what
//! was practised, not people: there is no sum and no rank.

mod act;
mod defect;
mod harm;
mod objective;
#[cfg(test)]
mod tests;
mod time;

use jiff::{SignedDuration, Timestamp};

use super::scenario::model::{Drill, Level};
use super::scenario::{self, Against};
use crate::runbook::model::RunbookId;
use crate::runbook::source::SourceFile;
use crate::timeline::drill::{Began, Ended, Hinted};
use crate::timeline::envelope::Envelope;
use crate::timeline::identifier::{Digest, EventId};
use crate::timeline::incident::Incident;
use crate::timeline::record::Happening;

pub use act::{Act, Unsafe};
pub use defect::Defect;
pub use harm::{Answer, Diagnosis, Mitigation};
pub use objective::Outcome;
pub use time::Times;

/// An event that proves something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    pub event: EventId,
    pub at: Timestamp,
}

impl Proof {
    fn of(envelope: &Envelope) -> Self {
        Self { event: envelope.id, at: envelope.record.time }
    }
}

/// Whether what was hidden is what was sealed at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    Kept,
    Broken,
    /// Nothing is revealed yet.
    Closed,
}

/// What was wrong with the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    pub id: String,
    pub kind: String,
    pub service: String,
    /// What it does, and what ends it.
    pub about: &'static str,
    pub ends: &'static str,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub began: Option<Began>,
    pub ended: Option<Ended>,
    pub seal: Seal,
    pub hidden: Vec<Hidden>,
    /// The runbook it was played with; absent where the log has no opening.
    pub played: Option<RunbookId>,
    pub times: Times,
    pub objectives: Vec<Outcome>,
    pub diagnosis: Diagnosis,
    pub mitigation: Mitigation,
    pub unsafe_acts: Vec<Unsafe>,
    /// Ids of the injects and decoys that came.
    pub messages: Vec<String>,
    pub hints: Vec<(Timestamp, Hinted)>,
    /// Points of all hints taken.
    pub penalty: u32,
    pub defects: Vec<Defect>,
}

/// Why a log has no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoScore {
    #[error("this incident was no drill: only drills are scored")]
    NoDrill,
    #[error("the drill is not over: it is scored once it has revealed what was hidden")]
    NotRevealed,
    #[error(
        "the drill's document in the log can't be read by this version of qrh ({problems} problems): score it with the one that played it"
    )]
    Unreadable { problems: usize },
    #[error("the log names no level {level:?}: it is basic or hard")]
    UnknownLevel { level: String },
}

/// The drill as it was played and how it went, from a log alone. The document is the one the log revealed.
pub fn of_log(envelopes: &[Envelope]) -> Result<(Drill, Score), NoScore> {
    let incident = Incident::replay(envelopes.iter().map(|envelope| &envelope.record));
    let (_, began) = incident.drill.began.as_ref().ok_or(NoScore::NoDrill)?;
    let revealed = incident.drill.revealed.as_ref().ok_or(NoScore::NotRevealed)?;
    let level = Level::ALL.into_iter().find(|level| level.as_str() == began.level);
    let level = level.ok_or_else(|| NoScore::UnknownLevel { level: began.level.clone() })?;
    let file = SourceFile::new(format!("{}.yaml", began.drill), revealed.hidden.clone().into_bytes());
    let loaded = scenario::load(&file, false, Against::Nothing);
    let drill = loaded.drill.ok_or(NoScore::Unreadable { problems: loaded.diagnostics.len() })?.at(level);
    let score = score(&drill, envelopes);
    Ok((drill, score))
}

/// How a drill went. `drill` is at its level; envelopes come in merged order.
pub fn score(drill: &Drill, envelopes: &[Envelope]) -> Score {
    let log = Log::new(envelopes);
    let own = &log.incident.drill;
    Score {
        began: own.began.as_ref().map(|(_, began)| began.clone()),
        ended: own.ended.as_ref().map(|(_, ended)| ended.clone()),
        seal: seal(&log.incident),
        hidden: drill.faults.iter().map(|fault| hidden(drill, fault)).collect(),
        played: log.incident.opened.as_ref().map(|opened| opened.runbook.clone()),
        times: time::times(drill, &log),
        objectives: drill.objectives.iter().map(|objective| objective::rate(objective, &log)).collect(),
        diagnosis: harm::diagnosis(drill, &log),
        mitigation: harm::mitigation(&log),
        unsafe_acts: act::acts(drill, &log),
        penalty: own.hinted.iter().map(|(_, hinted)| hinted.penalty).sum(),
        messages: own.injected.iter().filter_map(|(_, injected)| injected.inject.clone()).collect(),
        hints: own.hinted.clone(),
        defects: defect::defects(drill, &log),
    }
}

fn seal(incident: &Incident) -> Seal {
    match (&incident.drill.began, &incident.drill.revealed) {
        (Some((_, began)), Some(revealed)) if began.hidden_sha256 == Digest::of(revealed.hidden.as_bytes()).to_string() => Seal::Kept,
        (_, Some(_)) => Seal::Broken,
        (_, None) => Seal::Closed,
    }
}

fn hidden(drill: &Drill, fault: &scenario::model::Fault) -> Hidden {
    let (about, ends) = drill.world.kind.tells(&fault.kind);
    Hidden { id: fault.id.clone(), kind: fault.kind.value.clone(), service: fault.service.clone(), about, ends }
}

/// A log and what every rule asks of it.
struct Log<'a> {
    envelopes: &'a [Envelope],
    incident: Incident,
    /// The first page; where there was none, the beginning.
    start: Option<Timestamp>,
}

impl<'a> Log<'a> {
    fn new(envelopes: &'a [Envelope]) -> Self {
        let incident = Incident::replay(envelopes.iter().map(|envelope| &envelope.record));
        let start = time::start(&incident);
        Self { envelopes, incident, start }
    }

    /// Since the first page; below zero before it.
    fn after(&self, at: Timestamp) -> SignedDuration {
        self.start.map_or(SignedDuration::ZERO, |start| at.duration_since(start))
    }

    /// The command an event is about; empty where it is about none.
    fn command<'b>(&'b self, happening: &'b Happening) -> &'b str {
        let of_run = |run| self.incident.runs.get(run).map_or("", |run| run.what.command().as_str());
        match happening {
            Happening::Started(started) => started.command.as_str(),
            Happening::Intended(intended) => intended.command.as_str(),
            Happening::Finished(finished) => finished.command.as_str(),
            Happening::Refused { command, .. } | Happening::Declined { command } => command.as_str(),
            Happening::Ruled { run, .. } | Happening::Measured { run, .. } => of_run(run),
            Happening::Opened(_)
            | Happening::Resumed { .. }
            | Happening::Closed { .. }
            | Happening::StepEntered { .. }
            | Happening::StepCompleted { .. }
            | Happening::StepSkipped { .. }
            | Happening::StepMisfit { .. }
            | Happening::FactsRead { .. }
            | Happening::FindingHeld { .. }
            | Happening::FindingLifted { .. }
            | Happening::Noted { .. }
            | Happening::LogMended { .. }
            | Happening::DrillBegan(_)
            | Happening::DrillInjected(_)
            | Happening::DrillHinted(_)
            | Happening::DrillObserved(_)
            | Happening::DrillDiagnosed(_)
            | Happening::DrillRated(_)
            | Happening::DrillPaused { .. }
            | Happening::DrillContinued { .. }
            | Happening::DrillRevealed(_)
            | Happening::DrillEnded(_) => "",
        }
    }
}
