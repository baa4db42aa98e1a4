//! The fold: what an incident's records add up to. Live and on resume it is the same code, so the screen can't know more than the log.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::drill::Drill;
use super::record::{Around, Finished, Happening, Intended, Opened, Reading, Record, RunId, Started};
use crate::action::{Ending, Identity};
use crate::runbook::model::{CommandId, Name, StepId};

/// Everything known about one incident.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incident {
    pub opened: Option<Opened>,
    pub opened_at: Option<Timestamp>,
    pub closed: Option<Closing>,
    /// The step the responder is at.
    pub step: Option<StepId>,
    pub steps: BTreeMap<StepId, StepState>,
    /// The newest finished run of each command that succeeded or failed with an answer.
    pub results: BTreeMap<CommandId, Outcome>,
    pub captured: BTreeMap<Name, Value>,
    pub facts: Option<(Timestamp, Value)>,
    pub runs: BTreeMap<RunId, Run>,
    /// Findings that hold now, by step and number.
    pub findings: BTreeMap<(StepId, usize), Held>,
    /// Steps that findings led to, also where they hold no longer.
    pub led: BTreeSet<StepId>,
    /// Commands that were refused at any time.
    pub refused: BTreeSet<CommandId>,
    /// Empty unless it is a drill.
    pub drill: Drill,
    pub last: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    pub at: Timestamp,
    pub summary: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    Entered,
    Completed { observed: String },
    Skipped { reason: String },
    Misfit { reason: String },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub means: String,
    pub go: Option<StepId>,
    pub since: Timestamp,
}

/// The last known result of a command: evidence with an age.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub run: RunId,
    pub at: Timestamp,
    pub finished: Finished,
}

/// One run, read or change.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub at: Timestamp,
    pub what: What,
    pub state: RunState,
    pub before: Vec<Reading>,
    pub after: Vec<Reading>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Read(Box<Started>),
    Change(Box<Intended>),
}

impl What {
    pub fn command(&self) -> &CommandId {
        match self {
            Self::Read(started) => &started.command,
            Self::Change(intended) => &intended.command,
        }
    }

    pub fn title(&self) -> &str {
        match self {
            Self::Read(started) => &started.title,
            Self::Change(intended) => &intended.title,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    /// Started (or intended) and no outcome recorded. After a restart, a change in this state is unknown.
    Open,
    Ended(Ending),
    /// It was unknown and has been settled.
    Ruled {
        happened: bool,
    },
    /// It took effect and another run took it back.
    Undone {
        by: RunId,
    },
}

impl Incident {
    /// Folds a whole log.
    pub fn replay<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut incident = Self::default();
        for record in records {
            incident.apply(record);
        }
        incident
    }

    /// The service's process on a host: as the facts had it last, since a restart makes it another one; before any, as when the incident
    /// was opened.
    pub fn process(&self) -> Option<u64> {
        let read = self.facts.as_ref().and_then(|(_, facts)| facts.get("process"));
        match (read, &self.opened.as_ref()?.target) {
            (Some(process), _) => process.get("pid")?.as_u64(),
            (None, Identity::Host(host)) => host.process.as_ref().map(|process| u64::from(process.pid)),
            (None, Identity::Cluster(_) | Identity::Here) => None,
        }
    }

    /// Adds one record. Records of runs that were never started are ignored: a merged log may be partial.
    pub fn apply(&mut self, record: &Record) {
        let at = record.time;
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        match &record.happening {
            Happening::Opened(opened) => {
                self.opened = Some((**opened).clone());
                self.opened_at = Some(at);
            }
            Happening::Closed { summary, .. } => self.closed = Some(Closing { at, summary: summary.clone() }),
            Happening::StepEntered { step, .. } => self.enter(step),
            Happening::StepCompleted { step, observed } => self.settle(step, StepState::Completed { observed: observed.clone() }),
            Happening::StepSkipped { step, reason } => self.settle(step, StepState::Skipped { reason: reason.clone() }),
            Happening::StepMisfit { step, reason } => self.settle(step, StepState::Misfit { reason: reason.clone() }),
            Happening::FactsRead { facts } => self.facts = Some((at, facts.clone())),
            Happening::Started(started) => self.start(started.run, at, What::Read(started.clone())),
            Happening::Intended(intended) => self.start(intended.run, at, What::Change(intended.clone())),
            Happening::Finished(finished) => self.finish(at, finished),
            Happening::Ruled { run, happened, .. } => self.rule(*run, *happened),
            Happening::FindingHeld { step, number, means, go } => {
                self.led.extend(go.clone());
                self.findings.insert((step.clone(), *number), Held { means: means.clone(), go: go.clone(), since: at });
            }
            Happening::FindingLifted { step, number } => {
                self.findings.remove(&(step.clone(), *number));
            }
            Happening::Measured { run, when, readings } => self.measure(*run, *when, readings),
            Happening::Refused { command, .. } => {
                self.refused.insert(command.clone());
            }
            Happening::Resumed { .. } | Happening::Declined { .. } | Happening::Noted { .. } | Happening::LogMended { .. } => {}
            Happening::DrillBegan(_)
            | Happening::DrillInjected(_)
            | Happening::DrillHinted(_)
            | Happening::DrillObserved(_)
            | Happening::DrillDiagnosed(_)
            | Happening::DrillRated(_)
            | Happening::DrillPaused { .. }
            | Happening::DrillContinued { .. }
            | Happening::DrillRevealed(_)
            | Happening::DrillEnded(_) => self.drill.apply(record),
        }
    }

    fn enter(&mut self, step: &StepId) {
        self.step = Some(step.clone());
        self.steps.entry(step.clone()).or_insert(StepState::Entered);
    }

    fn settle(&mut self, step: &StepId, state: StepState) {
        self.steps.insert(step.clone(), state);
    }

    /// A second start of the same run is not a run: what is known of the first stays.
    fn start(&mut self, id: RunId, at: Timestamp, what: What) {
        self.runs.entry(id).or_insert(Run { at, what, state: RunState::Open, before: Vec::new(), after: Vec::new() });
    }

    /// An outcome settles what was open or unknown, and nothing that is settled already.
    fn finish(&mut self, at: Timestamp, finished: &Finished) {
        let Some(run) = self.runs.get_mut(&finished.run).filter(|run| run.is_unsettled()) else { return };
        run.state = RunState::Ended(finished.ending().clone());
        let of_the_runbook = match &run.what {
            What::Read(started) => !started.ad_hoc,
            What::Change(intended) => !intended.ad_hoc && intended.undoes.is_none(),
        };
        if of_the_runbook && matches!(finished.ending(), Ending::Succeeded | Ending::Failed(_)) {
            self.captured.extend(finished.captured.clone());
            self.results.insert(finished.command.clone(), Outcome { run: finished.run, at, finished: finished.clone() });
        }
        self.take_back(finished.run);
    }

    /// Marks the change that a successful undo took back.
    fn take_back(&mut self, undo: RunId) {
        let Some(run) = self.runs.get(&undo).filter(|run| run.took_effect()) else { return };
        let What::Change(intended) = &run.what else { return };
        let Some(original) = intended.undoes.and_then(|original| self.runs.get_mut(&original)) else { return };
        original.state = RunState::Undone { by: undo };
    }

    fn rule(&mut self, id: RunId, happened: bool) {
        let Some(run) = self.runs.get_mut(&id).filter(|run| run.is_unsettled()) else { return };
        run.state = RunState::Ruled { happened };
        self.take_back(id);
    }

    fn measure(&mut self, id: RunId, when: Around, readings: &[Reading]) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        match when {
            Around::Before => run.before = readings.to_vec(),
            Around::After => run.after = readings.to_vec(),
        }
    }

    /// The number the next run gets.
    pub fn next_run(&self) -> RunId {
        RunId(self.runs.keys().next_back().map_or(1, |last| last.0.saturating_add(1)))
    }

    /// Changes that took effect and can still be taken back.
    pub fn outstanding(&self) -> Vec<RunId> {
        self.changes()
            .filter(|(_, run, intended)| intended.undo.is_some() && intended.undoes.is_none() && run.took_effect())
            .map(|(id, _, _)| id)
            .collect()
    }

    /// Changes of which nobody knows whether they happened.
    pub fn unknown(&self) -> Vec<RunId> {
        self.changes().filter(|(_, run, _)| run.is_unsettled()).map(|(id, _, _)| id).collect()
    }

    fn changes(&self) -> impl Iterator<Item = (RunId, &Run, &Intended)> {
        self.runs.iter().filter_map(|(id, run)| match &run.what {
            What::Change(intended) => Some((*id, run, &**intended)),
            What::Read(_) => None,
        })
    }

    /// Steps that were completed, skipped or said not to fit.
    pub fn settled_steps(&self) -> BTreeSet<&StepId> {
        self.steps.iter().filter(|(_, state)| !matches!(state, StepState::Entered)).map(|(step, _)| step).collect()
    }
}

impl Run {
    /// No outcome is known: none recorded yet, or recorded as unknown.
    fn is_unsettled(&self) -> bool {
        matches!(self.state, RunState::Open | RunState::Ended(Ending::Unknown(_)))
    }

    pub fn took_effect(&self) -> bool {
        matches!(self.state, RunState::Ended(Ending::Succeeded) | RunState::Ruled { happened: true })
    }
}
