//! What the drill found about the runbook: where it did not fit, was left out, or did not lead where it must.

use super::{Log, Proof};
use crate::drill::scenario::model::Drill;
use crate::drill::scenario::progress::{Broken, broken};
use crate::runbook::model::StepId;
use crate::timeline::record::Happening;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// The responder said that a step does not fit what they see.
    Misfit {
        step: StepId,
        reason: String,
        proof: Proof,
    },
    Skipped {
        step: StepId,
        reason: String,
        proof: Proof,
    },
    /// What a way through it meets was not reached.
    Missed {
        milestone: String,
    },
    /// What it must not lead to was.
    Met {
        milestone: String,
    },
}

/// Steps in the order of the log, then milestones. Those are of the runbook that fits, so they say nothing of a run with another one.
pub(super) fn defects(drill: &Drill, log: &Log<'_>) -> Vec<Defect> {
    let mut defects = Vec::new();
    for envelope in log.envelopes {
        let proof = Proof::of(envelope);
        let happening = &envelope.record.happening;
        if let Happening::StepMisfit { step, reason } = happening {
            defects.push(Defect::Misfit { step: step.clone(), reason: reason.clone(), proof });
        } else if let Happening::StepSkipped { step, reason } = happening {
            defects.push(Defect::Skipped { step: step.clone(), reason: reason.clone(), proof });
        }
    }
    if log.incident.opened.as_ref().is_some_and(|opened| opened.runbook == drill.runbook) {
        defects.extend(broken(drill, &log.incident).into_iter().map(|broken| match broken {
            Broken::Missed(milestone) => Defect::Missed { milestone: milestone.describe() },
            Broken::Met(milestone) => Defect::Met { milestone: milestone.describe() },
        }));
    }
    defects
}
