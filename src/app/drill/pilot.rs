//! The autopilot: plays a drill by its runbook, as a responder would who does what the runbook says and nothing else. It runs each step's
//! reads, goes where a finding sends it, answers what the runbook asks, and confirms the changes the drill lists, all through the intents
//! a person's keys become. It exists only on a drill's [`Stage`](super::Stage), and a stage has nothing to act on but its world.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::story::later;
use crate::drill::scenario::model::Autopilot;
use crate::engine::change::{Asking, Change};
use crate::engine::event::{Ready, Rendered};
use crate::engine::state::Question;
use crate::engine::{Challenge, Intent, Plea, Request, State};
use crate::runbook::model::{CommandId, Effect, Requirement, Step, StepId};
use crate::timeline::drill::{Ended, Sender};
use crate::timeline::record::RunId;

/// A confirmation is looked at for so long, and a wrong answer to it given so often, before it is left.
const LOOKS: Duration = Duration::from_secs(2);
const TRIES: u8 = 3;

/// What the autopilot sees, besides what it may know of the drill.
pub struct Seat<'a> {
    pub state: &'a State,
    pub now: Timestamp,
    /// Nothing is under way.
    pub settled: bool,
    /// The drill is over.
    pub ended: Option<&'a Ended>,
    /// The cause that the drill lets it state now.
    pub cause: Option<&'a str>,
}

#[derive(Debug)]
pub struct Pilot {
    plan: Autopilot,
    /// From one thing it does to the next.
    pause: Duration,
    not_before: Timestamp,
    /// It begins when it is paged, as a person does.
    paged: bool,
    step: Option<StepId>,
    /// Commands started since this step was entered.
    started: BTreeSet<CommandId>,
    replied: BTreeSet<RunId>,
    tries: u8,
    closing: bool,
}

impl Pilot {
    /// `waits`: somebody is going to page it.
    pub fn new(plan: Autopilot, pause: Duration, waits: bool) -> Self {
        Self {
            plan,
            pause,
            not_before: Timestamp::MIN,
            paged: !waits,
            step: None,
            started: BTreeSet::new(),
            replied: BTreeSet::new(),
            tries: 0,
            closing: false,
        }
    }

    /// When it does something next, if that is a matter of time.
    pub fn due(&self) -> Timestamp {
        self.not_before
    }

    /// What it does now; nothing: it waits.
    pub fn next(&mut self, seat: &Seat<'_>) -> Option<Intent> {
        if seat.now < self.not_before || seat.state.incident.closed.is_some() {
            return None;
        }
        self.paged |= seat.state.incident.drill.injected.iter().any(|(_, injected)| injected.from == Sender::Pager);
        let intent = match (&seat.state.change, &seat.state.question) {
            (Change::Asking(_), _) if seat.ended.is_some() => Some(Intent::Decline),
            (Change::Asking(asking), _) => self.answer(seat, asking),
            // What still watches is stopped by it.
            (Change::Idle, _) if seat.ended.is_some() => self.close(seat),
            (Change::Idle, Some(question)) => Some(self.reply(question)),
            (Change::Idle, None) if seat.settled => self.go_on(seat),
            (Change::Idle | Change::Committing(_) | Change::Running { .. }, _) => None,
        };
        if intent.is_some() {
            self.not_before = later(seat.now, self.pause);
        }
        intent
    }

    /// Once: what runs may take a moment to stop.
    fn close(&mut self, seat: &Seat<'_>) -> Option<Intent> {
        let ended = seat.ended.filter(|_| !std::mem::replace(&mut self.closing, true))?;
        Some(Intent::Close { summary: format!("{}: {}", ended.outcome.as_str(), ended.why) })
    }

    /// At the same door as a person: the words the dialog asks for, after having looked at it.
    fn answer(&mut self, seat: &Seat<'_>, asking: &Asking) -> Option<Intent> {
        let shown = Duration::try_from(seat.now.duration_since(asking.since)).unwrap_or(Duration::ZERO);
        if shown < LOOKS {
            self.not_before = later(asking.since, LOOKS);
            return None;
        }
        self.tries += 1;
        let listed = match &asking.request {
            Request::Command(command) => self.confirms(command),
            Request::AdHoc { .. } | Request::Undo { .. } => false,
        };
        // A read that nothing enforces is asked about as well: it is the runbook's, and nobody here has to be spared.
        if !(listed || asking.proposal.declared()) || self.tries > TRIES {
            self.tries = 0;
            return Some(Intent::Decline);
        }
        Some(Intent::Answer {
            text: words(asking.proposal.challenge()),
            reason: Some("the drill's autopilot may make this change".to_owned()),
            considered_ms: u64::try_from(shown.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn confirms(&self, command: &CommandId) -> bool {
        self.plan.confirm.iter().any(|listed| listed.value == *command)
    }

    fn reply(&mut self, question: &Question) -> Intent {
        let known = self.plan.answers.iter().find(|(command, _)| command.value == question.command.0);
        match known.filter(|_| self.replied.insert(question.run)) {
            Some((_, answer)) => Intent::Reply(answer.clone()),
            // Unknown, or not an answer this question takes.
            None => Intent::Decline,
        }
    }

    fn go_on(&mut self, seat: &Seat<'_>) -> Option<Intent> {
        let state = seat.state;
        self.tries = 0;
        if !self.paged {
            return None;
        }
        if let Some(cause) = seat.cause.filter(|_| state.incident.drill.diagnosed.is_none()) {
            return Some(Intent::Exercise(Plea::Diagnose(cause.to_owned())));
        }
        let step = state.current_step()?;
        if self.step.as_ref() != Some(&step.id) {
            self.step = Some(step.id.clone());
            self.started.clear();
        }
        if state.incident.settled_steps().contains(&step.id) {
            // The last one: what is left is to wait for the end.
            return None;
        }
        let rendered = state.considered.as_ref().map_or(&[][..], |considered| &considered.commands);
        match rendered.iter().find(|command| self.wants(state, command)) {
            Some(command) => Some(Intent::Start(self.first(seat, step, &command.id))),
            None => Some(Intent::Complete { observed: observed(state, step) }),
        }
    }

    fn wants(&self, state: &State, rendered: &Rendered) -> bool {
        let Some((_, command)) = state.command(&rendered.id) else { return false };
        let fits = match command.effect {
            Effect::ReadOnly => true,
            Effect::Mutating => self.confirms(&command.id),
        };
        fits && matches!(rendered.ready, Ready::Now { .. }) && !self.started.contains(&command.id)
    }

    /// A change whose evidence is missing or about to be too old gets that first, once.
    fn first(&mut self, seat: &Seat<'_>, step: &Step, wanted: &CommandId) -> CommandId {
        let mutating = seat.state.command(wanted).is_some_and(|(_, command)| command.effect == Effect::Mutating);
        let stale = |requirement: &&Requirement| {
            let id = &requirement.command.value;
            let known = seat.state.command(id).is_some() && !self.started.contains(id);
            let age = seat.state.incident.results.get(id).map(|outcome| seat.now.duration_since(outcome.at));
            let fresh = age.and_then(|age| Duration::try_from(age).ok()).is_some_and(|age| age < requirement.max_age / 2);
            known && !fresh
        };
        let first = step.requires.iter().find(stale).filter(|_| mutating).map_or(wanted, |requirement| &requirement.command.value).clone();
        self.started.insert(first.clone());
        first
    }
}

/// What the dialog asks for, from who knows the target's name by heart.
fn words(challenge: &Challenge) -> String {
    match challenge {
        Challenge::Yes => "y".to_owned(),
        Challenge::TypeName(name) | Challenge::Recall { name, .. } => name.trim().to_owned(),
    }
}

/// What the step showed: the findings that hold there, else that nothing was found.
fn observed(state: &State, step: &Step) -> String {
    let held = state.incident.findings.iter().filter(|((of, _), _)| *of == step.id).map(|(_, held)| held.means.as_str());
    let held: Vec<&str> = held.collect();
    if held.is_empty() { "no finding of this step holds".to_owned() } else { held.join("; ") }
}
