//! How far an incident has come, as predicates and milestones look at it: what was entered, found, run and changed. The console and the
//! score fold the same records, so that neither can know more than the log.

use std::collections::BTreeSet;

use super::model::{Drill, Milestone};
use crate::runbook::model::{CommandId, Effect, StepId};
use crate::runbook::source::Span;
use crate::timeline::incident::{Incident, Run, RunState, What};
use crate::timeline::story;

/// A look at an incident.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a>(pub &'a Incident);

impl<'a> Progress<'a> {
    /// Steps that were entered or settled.
    pub fn steps(self) -> impl Iterator<Item = &'a StepId> {
        self.0.steps.keys()
    }

    /// Commands of the runbook that ended with an answer, good or bad.
    pub fn ran(self) -> impl Iterator<Item = &'a CommandId> {
        self.0.results.keys()
    }

    /// Changes that are in effect now.
    pub fn changed(self) -> BTreeSet<&'a CommandId> {
        self.0.runs.values().filter(|run| story::in_effect(run)).map(|run| run.what.command()).collect()
    }

    /// Changes that took effect, also where they were taken back.
    pub fn ever_changed(self) -> BTreeSet<&'a CommandId> {
        self.0.runs.values().filter(|run| was_in_effect(run)).map(|run| run.what.command()).collect()
    }

    pub fn reached(self, milestone: &Milestone) -> bool {
        match milestone {
            Milestone::Step(step) => self.0.steps.contains_key(&step.value),
            Milestone::Command(command) => self.0.results.contains_key(&command.value) || self.ever_changed().contains(&command.value),
            Milestone::Lead(step) => self.0.led.contains(&step.value),
        }
    }
}

/// A milestone that was not kept to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// It had to be reached.
    Missed(Milestone),
    /// It must not be.
    Met(Milestone),
}

/// Where the incident left the way that the drill expects through its runbook. Empty: the runbook leads there.
pub fn broken(drill: &Drill, incident: &Incident) -> Vec<Broken> {
    let progress = Progress(incident);
    let missed = drill.must_reach.iter().filter(|milestone| !progress.reached(milestone)).cloned().map(Broken::Missed);
    let met = drill.must_not_reach.iter().filter(|milestone| progress.reached(milestone)).cloned().map(Broken::Met);
    missed.chain(met).collect()
}

fn was_in_effect(run: &Run) -> bool {
    match &run.what {
        What::Change(intended) => {
            let taken_back = matches!(run.state, RunState::Undone { .. });
            intended.effect == Effect::Mutating && intended.undoes.is_none() && (run.took_effect() || taken_back)
        }
        What::Read(_) => false,
    }
}

impl Milestone {
    pub fn span(&self) -> Span {
        match self {
            Self::Step(step) | Self::Lead(step) => step.span,
            Self::Command(command) => command.span,
        }
    }

    /// As a report names it.
    pub fn describe(&self) -> String {
        match self {
            Self::Step(step) => format!("step {}", step.value),
            Self::Command(command) => format!("command {}", command.value),
            Self::Lead(step) => format!("a finding that leads to step {}", step.value),
        }
    }
}
