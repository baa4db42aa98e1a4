//! What was done that should not be, or that the drill did not expect: refused, forbidden, outside of its way, typed by hand.

use super::{Log, Proof};
use crate::drill::scenario::model::{Drill, Milestone};
use crate::runbook::model::{CommandId, Effect};
use crate::timeline::drill::{Observed, Sight};
use crate::timeline::record::{Happening, Intended};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A fail condition held.
    Fail,
    /// A change the drill forbids.
    Forbidden,
    /// It was tried, and qrh refused it.
    Refused,
    /// A change typed by hand, not of the runbook.
    ByHand,
    /// A change of the runbook that is not on the way the drill expects.
    Unexpected,
}

impl Act {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "must not happen",
            Self::Forbidden => "forbidden here",
            Self::Refused => "tried and refused",
            Self::ByHand => "typed by hand",
            Self::Unexpected => "not on the way expected",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsafe {
    pub act: Act,
    pub says: String,
    pub proof: Proof,
}

/// In the order of the log. Taking a change back is never among them.
pub(super) fn acts(drill: &Drill, log: &Log<'_>) -> Vec<Unsafe> {
    let mut acts = Vec::new();
    for envelope in log.envelopes {
        let happening = &envelope.record.happening;
        let found = if let Happening::Refused { command, why } = happening {
            Some((Act::Refused, format!("{command}: {why}")))
        } else if let Happening::DrillObserved(observed) = happening {
            (observed.what == Sight::Failing).then(|| (Act::Fail, failing(drill, observed)))
        } else if let Happening::Intended(intended) = happening {
            change(drill, intended).map(|act| (act, intended.title.clone()))
        } else {
            None
        };
        acts.extend(found.map(|(act, says)| Unsafe { act, says, proof: Proof::of(envelope) }));
    }
    acts
}

fn failing(drill: &Drill, observed: &Observed) -> String {
    let Some(id) = &observed.of else { return observed.detail.clone() };
    let why = drill.fail.iter().find(|fail| fail.id == *id).map_or(observed.detail.as_str(), |fail| fail.why.as_str());
    format!("{id}: {why}")
}

fn change(drill: &Drill, intended: &Intended) -> Option<Act> {
    if intended.effect == Effect::ReadOnly || intended.undoes.is_some() {
        return None;
    }
    if intended.ad_hoc {
        return Some(Act::ByHand);
    }
    if names(&drill.must_not_reach, &intended.command) {
        return Some(Act::Forbidden);
    }
    let expected = names(&drill.must_reach, &intended.command) || drill.autopilot.confirm.iter().any(|id| id.value == intended.command);
    (!expected).then_some(Act::Unexpected)
}

fn names(milestones: &[Milestone], command: &CommandId) -> bool {
    milestones.iter().any(|milestone| match milestone {
        Milestone::Command(id) => id.value == *command,
        Milestone::Step(_) | Milestone::Lead(_) => false,
    })
}
