//! How long things took, by what was true rather than by what the log of a live incident could know.

use jiff::{SignedDuration, Timestamp};

use super::{Log, Proof, harm};
use crate::drill::scenario::model::Drill;
use crate::timeline::drill::{Sender, Sight};
use crate::timeline::incident::Incident;
use crate::timeline::metrics::Metrics;
use crate::timeline::record::Happening;

/// Each is absent where it did not come to that, or the log can't tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// From the first harm to the page: the alert's share, not the responder's.
    pub detect: Option<SignedDuration>,
    /// From the page to the first thing the responder did.
    pub acknowledge: Option<SignedDuration>,
    /// From the page to the first finding that leads on, as a live incident measures it.
    pub lead: Option<SignedDuration>,
    /// From the page to the first right answer, where the last one is right.
    pub diagnose: Option<SignedDuration>,
    /// From the page to when the harm had stopped, and did not come back.
    pub mitigate: Option<SignedDuration>,
    pub page: Option<Timestamp>,
}

/// The first page; where there was none, the beginning.
pub(super) fn start(incident: &Incident) -> Option<Timestamp> {
    let page = incident.drill.injected.iter().find(|(_, injected)| injected.from == Sender::Pager).map(|(at, _)| *at);
    page.or_else(|| incident.drill.began.as_ref().map(|(at, _)| *at)).or(incident.opened_at)
}

pub(super) fn times(drill: &Drill, log: &Log<'_>) -> Times {
    let Some(start) = log.start else { return Times::default() };
    let since = |at: Timestamp| Some(at.duration_since(start)).filter(|duration| !duration.is_negative());
    let metrics = Metrics::of(log.envelopes.iter().map(|envelope| &envelope.record));
    let acted = log.envelopes.iter().find(|envelope| envelope.record.time >= start && is_an_act(&envelope.record.happening));
    Times {
        detect: harmed(log).map(|at| start.duration_since(at)).filter(|duration| !duration.is_negative()),
        acknowledge: acted.and_then(|envelope| since(envelope.record.time)),
        lead: metrics.diagnosed.and_then(since),
        diagnose: harm::diagnosis(drill, log).found.map(|proof: Proof| proof.at).and_then(since),
        mitigate: harm::mitigation(log).lasting.map(|proof| proof.at).and_then(since),
        page: Some(start),
    }
}

/// A fault may be there for a while before anybody is harmed; where nothing says when that was, its beginning stands for it.
fn harmed(log: &Log<'_>) -> Option<Timestamp> {
    let first = |what: Sight| {
        let seen = |happening: &Happening| matches!(happening, Happening::DrillObserved(observed) if observed.what == what);
        log.envelopes.iter().find(|envelope| seen(&envelope.record.happening)).map(|envelope| envelope.record.time)
    };
    first(Sight::Unhealthy).or_else(|| first(Sight::FaultBegan))
}

/// Something only a person, or the autopilot in their place, does.
fn is_an_act(happening: &Happening) -> bool {
    matches!(
        happening,
        Happening::Started(_)
            | Happening::Intended(_)
            | Happening::StepCompleted { .. }
            | Happening::StepSkipped { .. }
            | Happening::StepMisfit { .. }
            | Happening::Noted { .. }
            | Happening::DrillDiagnosed(_)
    )
}
