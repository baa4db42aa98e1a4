//! How long an incident took, from what its log holds. Nothing is guessed: a moment that no event marks is absent.
//!
//! When the trouble began is in no event of v1, so there is no time to detect; all times count from when it was first seen.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::incident::Incident;
use super::record::{Happening, Record, RunId};
use super::story::in_effect;
use crate::action::Ending;
use crate::runbook::model::{Phase, StepId};

/// The moments of one incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// When the trouble was first seen, where the responder or an alert said so.
    pub detected: Option<Timestamp>,
    /// When the incident was opened: somebody is on it.
    pub acknowledged: Option<Timestamp>,
    /// The first finding that names the step to go to, or that is of a diagnosis step.
    pub diagnosed: Option<Timestamp>,
    /// The first change that took effect and was not taken back: when it ended, or when a ruling said that it had happened.
    pub mitigated: Option<Timestamp>,
    /// When the incident was closed.
    pub resolved: Option<Timestamp>,
}

impl Metrics {
    /// Takes the records in order.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record> + Clone) -> Self {
        let incident = Incident::replay(records.clone());
        let mut metrics = Self {
            detected: incident.opened.as_ref().and_then(|opened| opened.detected),
            acknowledged: incident.opened_at,
            resolved: incident.closed.as_ref().map(|closing| closing.at),
            ..Self::default()
        };
        let mut diagnosis = BTreeSet::new();
        for record in records {
            metrics.mark(record, &incident, &mut diagnosis);
        }
        metrics
    }

    fn mark<'a>(&mut self, record: &'a Record, incident: &Incident, diagnosis: &mut BTreeSet<&'a StepId>) {
        let at = record.time;
        if let Happening::StepEntered { step, phase: Phase::Diagnosis } = &record.happening {
            diagnosis.insert(step);
        }
        if let Happening::FindingHeld { step, go, .. } = &record.happening
            && (go.is_some() || diagnosis.contains(step))
        {
            self.diagnosed.get_or_insert(at);
        }
        if took_effect(&record.happening).and_then(|run| incident.runs.get(&run)).is_some_and(in_effect) {
            self.mitigated.get_or_insert(at);
        }
    }

    pub fn time_to_acknowledge(&self) -> Option<SignedDuration> {
        between(self.detected, self.acknowledged)
    }

    pub fn time_to_diagnose(&self) -> Option<SignedDuration> {
        between(self.start(), self.diagnosed)
    }

    pub fn time_to_mitigate(&self) -> Option<SignedDuration> {
        between(self.start(), self.mitigated)
    }

    pub fn time_to_resolve(&self) -> Option<SignedDuration> {
        between(self.start(), self.resolved)
    }

    /// Detected where that is known, else opened.
    fn start(&self) -> Option<Timestamp> {
        self.detected.or(self.acknowledged)
    }
}

/// The run that this event says took effect.
fn took_effect(happening: &Happening) -> Option<RunId> {
    if let Happening::Finished(finished) = happening
        && matches!(finished.ending(), Ending::Succeeded)
    {
        Some(finished.run)
    } else if let Happening::Ruled { run, happened: true, .. } = happening {
        Some(*run)
    } else {
        None
    }
}

/// Absent too where the clock or a wrong entry would make it negative.
fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<SignedDuration> {
    Some(to?.duration_since(from?)).filter(|duration| !duration.is_negative())
}
