//! What the console knows now: the incident as the log has it, and what is under way.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::change::Change;
use super::effect::Effect;
use super::event::{Considered, Token};
use super::reading::{Reading, Stage};
use super::{Request, recorded, scope};
use crate::action::ask::Ask;
use crate::action::{Ending, Report};
use crate::guard::Policy;
use crate::runbook::model::{Command, CommandId, Place, Runbook, Step, StepId};
use crate::timeline::incident::{Incident, RunState, StepState, What};
use crate::timeline::record::{Finished, Happening, Opened, Record, RunId};

/// Reads under way at once, at most.
pub const READS: usize = 8;

/// What does not change while the console is open.
#[derive(Debug, Clone)]
pub struct Setup {
    pub runbook: Arc<Runbook>,
    pub policy: Arc<Policy>,
    /// `service` in templates and expressions.
    pub service: Value,
    /// `target` in templates and expressions.
    pub target: Value,
    /// The name typed at tier 2.
    pub workload: String,
    /// Nothing that could change the target runs.
    pub read_only: bool,
    /// Standard input is a terminal.
    pub person: bool,
    pub actor: String,
    /// In a drill: what its trainee is told.
    pub drill: Option<Arc<Briefing>>,
}

/// What the trainee of a drill knows of it before it begins. The rest of the drill never comes into this room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Briefing {
    pub title: String,
    pub level: String,
    pub text: String,
    /// Who plays whom.
    pub roles: Vec<String>,
    /// What may be stated as the diagnosis: its id and what it says.
    pub causes: Vec<(String, String)>,
}

/// Whether records still reach the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Log {
    Sound,
    Lost(String),
}

/// A question of the runbook, waiting for its reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub run: RunId,
    pub command: CommandId,
    pub asked: Timestamp,
    pub ask: Ask,
}

#[derive(Debug)]
pub struct State {
    pub setup: Setup,
    pub incident: Incident,
    /// The step on the screen as it was last rendered. Not the truth: that is the incident.
    pub considered: Option<Considered>,
    pub change: Change,
    pub question: Option<Question>,
    pub reads: BTreeMap<RunId, Reading>,
    pub preparing: BTreeMap<Token, Request>,
    pub log: Log,
    pub(super) token: u64,
    pub(super) last_run: u32,
    pub(super) considering: Token,
    /// How the responder said it ended; the log has it when the last read has ended.
    pub(super) closing: Option<String>,
    /// A change the target voided: put to the responder again once the log has that.
    pub(super) voided: Option<(RunId, Request)>,
}

impl State {
    /// A new incident: its first record, and the first step.
    pub fn open(setup: Setup, opened: Opened, at: Timestamp) -> (Self, Vec<Effect>) {
        let state = Self::new(setup, Incident::default());
        // The incident does not know its target's kind before the log has it.
        let first = state.setup.runbook.steps.iter().find(|step| offers(step, |place| place.fits(opened.target_kind)));
        let first = first.map(|step| append(at, entered(step)));
        let mut effects = vec![append(at, Happening::Opened(Box::new(opened)))];
        effects.extend(first);
        effects.push(Effect::Look);
        (state, effects)
    }

    /// An incident as its log has it. Runs that never ended are ended here: a read was interrupted, a change is unknown.
    /// A closed incident is only looked at: nothing is added to it.
    pub fn resume(setup: Setup, records: &[Record], at: Timestamp) -> (Self, Vec<Effect>) {
        let mut state = Self::new(setup, Incident::replay(records));
        if state.incident.closed.is_some() {
            let effects = state.consider().into_iter().collect();
            return (state, effects);
        }
        let mut effects = vec![append(at, Happening::Resumed { actor: state.setup.actor.clone() })];
        effects.extend(state.interrupted().map(|finished| append(at, Happening::Finished(Box::new(finished)))));
        let step = state.current_step().or_else(|| state.first_step());
        effects.extend(step.map(|step| append(at, entered(step))));
        effects.push(Effect::Look);
        (state, effects)
    }

    fn new(setup: Setup, incident: Incident) -> Self {
        let last_run = incident.next_run().0 - 1;
        Self {
            setup,
            incident,
            considered: None,
            change: Change::Idle,
            question: None,
            reads: BTreeMap::new(),
            preparing: BTreeMap::new(),
            log: Log::Sound,
            token: 0,
            last_run,
            considering: Token::default(),
            closing: None,
            voided: None,
        }
    }

    fn interrupted(&self) -> impl Iterator<Item = Finished> {
        self.incident.runs.iter().filter(|(_, run)| run.state == RunState::Open).map(|(id, run)| {
            let why = "the console ended before it did".to_owned();
            let ending = match run.what {
                What::Read(_) => Ending::Failed(why),
                What::Change(_) => Ending::Unknown(why),
            };
            recorded::finished(*id, run.what.command().clone(), Report::ended(ending))
        })
    }

    fn first_step(&self) -> Option<&Step> {
        self.steps().next()
    }

    /// The steps that have something to offer on this kind of target.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.setup.runbook.steps.iter().filter(|step| offers(step, |place| self.fits(place)))
    }

    /// Whether a command's place is part of this incident's target.
    pub fn fits(&self, place: Place) -> bool {
        self.incident.opened.as_ref().is_none_or(|opened| place.fits(opened.target_kind))
    }

    pub fn current_step(&self) -> Option<&Step> {
        self.setup.runbook.step(self.incident.step.as_ref()?)
    }

    /// Where a finding of the current step leads, or else the next step in order; never one that is settled already.
    pub fn next_step(&self) -> Option<&Step> {
        let here = self.incident.step.as_ref();
        let settled = self.incident.settled_steps();
        let branch = self.branch().and_then(|go| self.steps().find(|step| step.id == *go && !settled.contains(go)));
        if branch.is_some() {
            return branch;
        }
        let after = self.steps().skip_while(|step| Some(&step.id) != here).skip(1);
        after.chain(self.steps()).find(|step| !settled.contains(&step.id) && Some(&step.id) != here)
    }

    /// Where the first finding that holds in the current step leads, unless the responder said that the step does not fit or left it out.
    fn branch(&self) -> Option<&StepId> {
        let here = self.incident.step.as_ref()?;
        match self.incident.steps.get(here) {
            Some(StepState::Skipped { .. } | StepState::Misfit { .. }) => None,
            Some(StepState::Entered | StepState::Completed { .. }) | None => {
                let held = self.incident.findings.iter().filter(|((step, _), _)| step == here);
                held.filter_map(|(_, held)| held.go.as_ref()).find(|go| *go != here)
            }
        }
    }

    /// The oldest question that waits for the one on the screen.
    pub(super) fn queued(&self) -> Option<RunId> {
        self.reads.iter().find(|(_, reading)| reading.stage == Stage::Queued).map(|(run, _)| *run)
    }

    /// Changes of which nobody knows whether they happened, without the one that is under way.
    pub(super) fn unknown(&self) -> Vec<RunId> {
        let under_way = match &self.change {
            Change::Committing(committing) => Some(committing.run()),
            Change::Running { run, .. } => Some(*run),
            Change::Idle | Change::Asking(_) => None,
        };
        self.incident.unknown().into_iter().filter(|run| Some(*run) != under_way).collect()
    }

    pub fn command(&self, id: &CommandId) -> Option<(&Step, &Command)> {
        self.setup.runbook.command(id).filter(|(_, command)| self.fits(command.place))
    }

    /// Commands of a step that fit this target.
    pub fn commands<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Command> {
        step.commands.iter().filter(|command| self.fits(command.place))
    }

    pub fn scope(&self) -> Value {
        scope::scope(self)
    }

    pub(super) fn next_token(&mut self) -> Token {
        self.token += 1;
        Token(self.token)
    }

    pub(super) fn next_run(&mut self) -> RunId {
        self.last_run = self.last_run.saturating_add(1);
        RunId(self.last_run)
    }

    /// Asks for the current step to be rendered anew.
    pub(super) fn consider(&mut self) -> Option<Effect> {
        let step = self.incident.step.clone()?;
        let token = self.next_token();
        self.considering = token;
        Some(Effect::Consider { token, step, scope: self.scope() })
    }

    /// Whether the step on the screen shows what is known now.
    pub fn is_considered(&self) -> bool {
        self.considered.as_ref().map_or(Token::default(), |considered| considered.token) == self.considering
    }

    /// Whether anything of the runbook is running or being made ready.
    pub fn is_busy(&self) -> bool {
        !self.reads.is_empty() || !self.preparing.is_empty() || self.change != Change::Idle
    }

    pub fn step_id_of(&self, command: &CommandId) -> Option<StepId> {
        self.command(command).map(|(step, _)| step.id.clone())
    }
}

/// Whether a step has something to offer where only some places fit.
fn offers(step: &Step, fits: impl Fn(Place) -> bool) -> bool {
    step.commands.is_empty() || step.commands.iter().any(|command| fits(command.place))
}

pub(super) fn append(at: Timestamp, happening: Happening) -> Effect {
    Effect::Append(Box::new(Record { time: at, happening }))
}

pub(super) fn entered(step: &Step) -> Happening {
    Happening::StepEntered { step: step.id.clone(), phase: step.phase }
}
