//! Diagnosis and mitigation, apart: users can be served again before anybody knows why, and the cause can be known while they are not.

use super::{Log, Proof};
use crate::drill::scenario::model::{Drill, Truth};
use crate::timeline::drill::Sight;
use crate::timeline::record::Happening;

/// What was stated as the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub cause: String,
    pub says: String,
    pub truth: Truth,
    pub proof: Proof,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// In the order they were stated.
    pub answers: Vec<Answer>,
    /// The first right answer, where the last one is right.
    pub found: Option<Proof>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mitigation {
    /// When the harm had first stopped.
    pub first: Option<Proof>,
    /// Each time it began again after that.
    pub relapses: Vec<Proof>,
    /// When it had stopped and did not come back.
    pub lasting: Option<Proof>,
    /// When that had lasted for as long as the drill asks.
    pub durable: Option<Proof>,
}

pub(super) fn diagnosis(drill: &Drill, log: &Log<'_>) -> Diagnosis {
    let mut answers = Vec::new();
    for envelope in log.envelopes {
        if let Happening::DrillDiagnosed(diagnosed) = &envelope.record.happening {
            let cause = drill.cause(&diagnosed.answer);
            answers.push(Answer {
                cause: diagnosed.answer.clone(),
                says: cause.map_or_else(String::new, |cause| cause.says.clone()),
                truth: cause.map_or(Truth::Wrong, |cause| cause.truth),
                proof: Proof::of(envelope),
            });
        }
    }
    let right = |answer: &&Answer| answer.truth == Truth::Right;
    let found = answers.last().filter(right).and_then(|_| answers.iter().find(right)).map(|answer| answer.proof);
    Diagnosis { answers, found }
}

/// Harm that had not begun can't have stopped: what is seen before the page does not count.
pub(super) fn mitigation(log: &Log<'_>) -> Mitigation {
    let mut mitigation = Mitigation::default();
    for envelope in log.envelopes.iter().filter(|envelope| !log.after(envelope.record.time).is_negative()) {
        let Happening::DrillObserved(observed) = &envelope.record.happening else { continue };
        let proof = Proof::of(envelope);
        match observed.what {
            Sight::Mitigated => {
                mitigation.first.get_or_insert(proof);
                mitigation.lasting = Some(proof);
            }
            Sight::Unmitigated if mitigation.first.is_some() => {
                mitigation.relapses.push(proof);
                mitigation.lasting = None;
                mitigation.durable = None;
            }
            Sight::Durable => mitigation.durable = Some(proof),
            Sight::Unmitigated
            | Sight::Healthy
            | Sight::Unhealthy
            | Sight::FaultBegan
            | Sight::FaultCured
            | Sight::FaultReturned
            | Sight::Failing => {}
        }
    }
    mitigation
}
