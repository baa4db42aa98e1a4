//! A change, from the wish to its outcome: prepared from the live target, put to the responder, intended on disk, applied once.

use jiff::Timestamp;

use super::effect::{Effect, Notice, Request};
use super::event::{Prepared, Ran, Token};
use super::reading::{self, Origin, ad_hoc};
use super::recorded;
use super::state::{State, append};
use crate::action::{Ending, Write};
use crate::guard::clearance::{self, Ruling};
use crate::guard::{Answer, Cleared, Permission, Proposal};
use crate::runbook::model::{CommandId, StepId};
use crate::timeline::record::{Around, Happening, Intended, Reading, RunId};

/// Where the one change of a console stands.
#[derive(Debug, Default, PartialEq)]
pub enum Change {
    #[default]
    Idle,
    /// On the screen, waiting for the responder.
    Asking(Box<Asking>),
    /// Cleared; its intent is on the way to the disk.
    Committing(Box<Committing>),
    /// Sent.
    Running { run: RunId, title: String, request: Request, began: Timestamp, stopping: bool },
}

#[derive(Debug, PartialEq)]
pub struct Asking {
    pub proposal: Box<Proposal>,
    pub prepared: Prepared,
    pub request: Request,
    pub since: Timestamp,
}

#[derive(Debug, PartialEq)]
pub struct Committing {
    run: RunId,
    title: String,
    request: Request,
    cleared: Cleared<Write>,
}

/// A command is ready: admit it, put it to the responder, or refuse it.
pub(super) fn prepared(state: &mut State, token: Token, result: Result<Box<Prepared>, String>, at: Timestamp) -> Vec<Effect> {
    let Some(request) = state.preparing.remove(&token) else { return Vec::new() };
    let prepared = match result {
        Ok(prepared) => *prepared,
        Err(why) => return refuse(state, &request, why, at),
    };
    let mut effects: Vec<Effect> = prepared.facts.iter().map(|facts| append(at, Happening::FactsRead { facts: facts.clone() })).collect();
    let setup = &state.setup;
    match clearance::rule(prepared.wish.clone(), &prepared.verdict, &setup.policy, setup.read_only) {
        Ruling::Admitted(admitted) => {
            let origin = origin(state, &request, None);
            effects.extend(reading::begin(state, &prepared, admitted, origin, at));
        }
        Ruling::Ask(_) if !setup.person => {
            effects.extend(refuse(state, &request, clearance::Denied::NoPerson.to_string(), at));
        }
        Ruling::Ask(_) if state.change != Change::Idle => {
            effects.extend(refuse(state, &request, "another change is under way: finish that one first".to_owned(), at));
        }
        Ruling::Ask(proposal) => state.change = Change::Asking(Box::new(Asking { proposal, prepared, request, since: at })),
        Ruling::Refused(why) => effects.extend(refuse(state, &request, why, at)),
    }
    effects
}

pub(super) fn refuse(state: &State, request: &Request, why: String, at: Timestamp) -> Vec<Effect> {
    let command = command_of(request);
    let title = state.command(&command).map_or_else(|| command.0.clone(), |(_, found)| found.title.value.clone());
    vec![Effect::Tell(Notice::Problem(format!("{title}: {why}"))), append(at, Happening::Refused { command, why })]
}

pub(super) fn command_of(request: &Request) -> CommandId {
    match request {
        Request::Command(command) | Request::Undo { command, .. } => command.clone(),
        Request::AdHoc { .. } => ad_hoc(),
    }
}

fn origin(state: &State, request: &Request, confirmed: Option<String>) -> Origin {
    let command = match request {
        Request::Command(command) => Some(command.clone()),
        Request::AdHoc { .. } | Request::Undo { .. } => None,
    };
    Origin { step: step_of(state, request), command, confirmed }
}

fn step_of(state: &State, request: &Request) -> StepId {
    let of_command = state.step_id_of(&command_of(request));
    of_command.or_else(|| state.incident.step.clone()).unwrap_or_else(|| StepId::from("none"))
}

/// The responder answered the dialog.
pub(super) fn answered(state: &mut State, answer: &Answer, at: Timestamp) -> Vec<Effect> {
    let Change::Asking(asking) = std::mem::take(&mut state.change) else {
        return vec![Effect::Tell(Notice::Info("there is nothing to confirm".to_owned()))];
    };
    let Asking { proposal, prepared, request, since } = *asking;
    let (tier, confirmed) = (proposal.tier().number(), proposal.challenge().as_str());
    match clearance::clear(proposal, answer) {
        Err((proposal, denied)) => {
            state.change = Change::Asking(Box::new(Asking { proposal, prepared, request, since }));
            vec![Effect::Tell(Notice::Problem(denied.to_string()))]
        }
        Ok(Permission::Read(admitted)) => {
            let origin = origin(state, &request, Some(confirmed.to_owned()));
            reading::begin(state, &prepared, admitted, origin, at)
        }
        Ok(Permission::Change(cleared)) => {
            let run = state.next_run();
            let mut intended = intent(state, run, &prepared, &request);
            cleared.digest().clone_into(&mut intended.digest);
            intended.tier = tier;
            confirmed.clone_into(&mut intended.confirmed);
            intended.considered_ms = answer.considered_ms;
            intended.reason.clone_from(&answer.reason);
            state.change = Change::Committing(Box::new(Committing { run, title: intended.title.clone(), request, cleared: *cleared }));
            let mut effects = vec![append(at, Happening::Intended(Box::new(intended)))];
            if !prepared.before.is_empty() {
                effects.push(append(at, Happening::Measured { run, when: Around::Before, readings: prepared.before }));
            }
            effects
        }
    }
}

fn intent(state: &State, run: RunId, prepared: &Prepared, request: &Request) -> Intended {
    let wish = &prepared.wish;
    let command = command_of(request);
    let verify = state.command(&command).and_then(|(_, command)| command.verify.as_ref().map(|verify| verify.value.clone()));
    Intended {
        run,
        step: step_of(state, request),
        title: wish.title.clone(),
        place: wish.write.planned.place,
        effect: wish.effect,
        describes: wish.describes.clone(),
        action: wish.write.planned.action.clone(),
        identity: wish.write.identity.clone(),
        digest: String::new(),
        tier: 0,
        confirmed: String::new(),
        considered_ms: 0,
        reason: None,
        remembered: prepared.remembered.clone(),
        undo: wish.write.undo.clone(),
        undo_describes: wish.undo_describes.clone(),
        verify,
        hazards: wish.hazards.clone(),
        undoes: match request {
            Request::Undo { run, .. } => Some(*run),
            Request::Command(_) | Request::AdHoc { .. } => None,
        },
        ad_hoc: matches!(request, Request::AdHoc { .. }),
        command,
    }
}

/// The intent is on disk: now, and only now, the change is sent.
pub(super) fn intended(state: &mut State, run: RunId, at: Timestamp) -> Vec<Effect> {
    if !matches!(&state.change, Change::Committing(committing) if committing.run == run) {
        return Vec::new();
    }
    let Change::Committing(committing) = std::mem::take(&mut state.change) else { return Vec::new() };
    let Committing { run, title, request, cleared } = *committing;
    let command = match &request {
        Request::Command(command) => Some(command.clone()),
        Request::AdHoc { .. } | Request::Undo { .. } => None,
    };
    state.change = Change::Running { run, title, request, began: at, stopping: false };
    vec![Effect::Apply { run, command, cleared: Box::new(cleared), scope: state.scope() }]
}

/// A change came to its end.
pub(super) fn applied(state: &mut State, ran: Ran, at: Timestamp) -> Vec<Effect> {
    if !matches!(&state.change, Change::Running { run, .. } if *run == ran.run) {
        return Vec::new();
    }
    let Change::Running { run, title, request, began, .. } = std::mem::take(&mut state.change) else { return Vec::new() };
    let ending = ran.report.ending.clone();
    let command = command_of(&request);
    let finished = recorded::finished_from(ran, command.clone(), reading::millis(began, at));
    let mut effects = vec![append(at, Happening::Finished(Box::new(finished)))];
    effects.push(Effect::Look);
    match ending {
        Ending::Succeeded => effects.extend(measure(state, run, &command)),
        Ending::Voided(why) => {
            effects.push(Effect::Tell(Notice::Problem(why)));
            effects.push(prepare(state, request));
        }
        Ending::Unknown(why) => effects.push(Effect::Tell(Notice::Problem(unknown(state, run, &title, &why)))),
        Ending::Failed(why) | Ending::Unreachable(why) => effects.push(Effect::Tell(Notice::Problem(format!("{title}: {why}")))),
        Ending::Stopped => effects.push(Effect::Tell(Notice::Info(format!("{title}: stopped")))),
    }
    effects
}

fn unknown(state: &State, run: RunId, title: &str, why: &str) -> String {
    let probe = recorded::verified_by(state, run).map_or_else(String::new, |probe| format!("run {probe}, or "));
    format!("{title}: outcome unknown ({why}); {probe}say what happened before anything else is changed")
}

fn measure(state: &State, run: RunId, command: &CommandId) -> Option<Effect> {
    let commands: Vec<CommandId> = state.command(command)?.1.measure.iter().map(|id| id.value.clone()).collect();
    (!commands.is_empty()).then(|| Effect::Measure { run, commands, scope: state.scope() })
}

pub(super) fn measured(state: &State, run: RunId, readings: Vec<Reading>, at: Timestamp) -> Vec<Effect> {
    if !state.incident.runs.contains_key(&run) {
        return Vec::new();
    }
    vec![append(at, Happening::Measured { run, when: Around::After, readings })]
}

/// Asks for a request to be made ready.
pub(super) fn prepare(state: &mut State, request: Request) -> Effect {
    let token = state.next_token();
    state.preparing.insert(token, request.clone());
    Effect::Prepare { token, request, scope: state.scope() }
}

/// A change whose intent did not reach the disk is forgotten; its clearance is gone with it.
pub(super) fn abandon_uncommitted(state: &mut State) {
    match state.change {
        Change::Asking(_) | Change::Committing(_) => state.change = Change::Idle,
        Change::Idle | Change::Running { .. } => {}
    }
}
