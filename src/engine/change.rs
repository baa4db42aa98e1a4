//! A change, from the wish to its outcome: prepared from the live target, put to the responder, intended on disk, applied once.

use jiff::Timestamp;

use super::effect::{Effect, Notice, Request};
use super::event::{Prepared, Ran, Token};
use super::reading::{self, Origin, ad_hoc};
use super::state::{State, append};
use super::{person, recorded};
use crate::action::{Ending, Report, Write};
use crate::guard::clearance::{self, Ruling};
use crate::guard::{Answer, Cleared, Permission, Proposal};
use crate::runbook::model::{CommandId, Effect as Tag, StepId};
use crate::timeline::incident::What;
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

impl Committing {
    pub(super) fn run(&self) -> RunId {
        self.run
    }
}

/// A command is ready: admit it, put it to the responder, or refuse it.
pub(super) fn prepared(state: &mut State, token: Token, result: Result<Box<Prepared>, String>, at: Timestamp) -> Vec<Effect> {
    let Some(request) = state.preparing.remove(&token) else { return Vec::new() };
    let mut prepared = match result {
        Ok(prepared) => *prepared,
        Err(why) => return refuse(state, &request, why, at),
    };
    if tag(state, &request) == Some(Tag::Mutating) {
        // Whatever came back: what was asked for is a change.
        prepared.wish.effect = Tag::Mutating;
    }
    let mut effects: Vec<Effect> = prepared.facts.iter().map(|facts| append(at, Happening::FactsRead { facts: facts.clone() })).collect();
    let setup = &state.setup;
    match clearance::rule(prepared.wish.clone(), &prepared.verdict, &setup.policy, setup.read_only) {
        Ruling::Admitted(admitted) => {
            let origin = origin(state, &request, None);
            effects.extend(reading::begin(state, &prepared, admitted, origin, at));
        }
        Ruling::Ask(proposal) => match hindrance(state, &proposal, &request, at) {
            Some(why) => effects.extend(refuse(state, &request, why, at)),
            None => state.change = Change::Asking(Box::new(Asking { proposal, prepared, request, since: at })),
        },
        Ruling::Refused(why) => effects.extend(refuse(state, &request, why, at)),
    }
    effects
}

/// Why a proposal can't be put to the responder now.
fn hindrance(state: &State, proposal: &Proposal, request: &Request, at: Timestamp) -> Option<String> {
    if !state.setup.person {
        return Some(clearance::Denied::NoPerson.to_string());
    }
    match &state.change {
        Change::Idle => forbids(state, proposal, request, at),
        Change::Asking(_) => Some("another confirmation is open: answer that one first".to_owned()),
        Change::Committing(_) | Change::Running { .. } => Some("a change is under way: let it end, or stop it, first".to_owned()),
    }
}

/// What has come up since a change was asked for: time passes while it is made ready, and while its confirmation is on the screen.
fn forbids(state: &State, proposal: &Proposal, request: &Request, at: Timestamp) -> Option<String> {
    if proposal.declared() {
        return None;
    }
    person::blocked(state).or_else(|| match request {
        Request::Command(id) => state.command(id).and_then(|(step, _)| person::stale(state, step, at)),
        Request::AdHoc { .. } | Request::Undo { .. } => None,
    })
}

/// What the request itself says it is.
pub(super) fn tag(state: &State, request: &Request) -> Option<Tag> {
    match request {
        Request::Command(id) => state.command(id).map(|(_, command)| command.effect),
        Request::AdHoc { effect, .. } => Some(*effect),
        Request::Undo { .. } => Some(Tag::Mutating),
    }
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

/// Takes the open confirmation, and leaves everything else as it is.
pub(super) fn take_asking(state: &mut State) -> Option<Asking> {
    match std::mem::take(&mut state.change) {
        Change::Asking(asking) => Some(*asking),
        other @ (Change::Idle | Change::Committing(_) | Change::Running { .. }) => {
            state.change = other;
            None
        }
    }
}

/// The responder answered the dialog.
pub(super) fn answered(state: &mut State, mut answer: Answer, at: Timestamp) -> Vec<Effect> {
    let Some(Asking { proposal, prepared, request, since }) = take_asking(state) else {
        return vec![Effect::Tell(Notice::Info("there is nothing to confirm".to_owned()))];
    };
    if let Some(why) = forbids(state, &proposal, &request, at) {
        return refuse(state, &request, why, at);
    }
    if at >= since {
        // Nobody can have looked at it for longer than it was there. (A clock that was set back says nothing.)
        answer.considered_ms = answer.considered_ms.min(reading::millis(since, at));
    }
    let (tier, confirmed) = (proposal.tier().number(), proposal.challenge().as_str());
    match clearance::clear(proposal, &answer) {
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
            intended.reason = answer.reason;
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
pub(super) fn applied(state: &mut State, mut ran: Ran, at: Timestamp) -> Vec<Effect> {
    if !matches!(&state.change, Change::Running { run, .. } if *run == ran.run) {
        return Vec::new();
    }
    let Change::Running { run, title, request, began, .. } = std::mem::take(&mut state.change) else { return Vec::new() };
    if ran.report.ending == Ending::Stopped {
        // It was sent: being stopped half-way is not the same as never having happened.
        ran.report.ending = Ending::Unknown("stopped before its end; part of it may have happened".to_owned());
    }
    let ending = ran.report.ending.clone();
    let command = command_of(&request);
    let finished = recorded::finished_from(ran, command.clone(), reading::millis(began, at));
    let mut effects = vec![append(at, Happening::Finished(Box::new(finished)))];
    effects.push(Effect::Look);
    match ending {
        Ending::Succeeded => effects.extend(measure(state, run, &command)),
        Ending::Voided(why) => {
            effects.push(Effect::Tell(Notice::Problem(why)));
            state.voided = Some((run, request));
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
    match state.incident.runs.get(&run).map(|run| &run.what) {
        Some(What::Change(_)) => vec![append(at, Happening::Measured { run, when: Around::After, readings })],
        Some(What::Read(_)) | None => Vec::new(),
    }
}

/// The log has the outcome of a change: where the target was not the one shown any more, it is looked at and put to the responder anew.
pub(super) fn outcome_recorded(state: &mut State, run: RunId) -> Option<Effect> {
    let (_, request) = state.voided.take_if(|(voided, _)| *voided == run)?;
    Some(prepare(state, request))
}

/// Asks for a request to be made ready.
pub(super) fn prepare(state: &mut State, request: Request) -> Effect {
    let token = state.next_token();
    state.preparing.insert(token, request.clone());
    Effect::Prepare { token, request, scope: state.scope() }
}

/// A change whose intent may not have reached the disk is forgotten, and its clearance with it. Should the intent be on disk after all,
/// the record given back says that nothing was sent.
pub(super) fn abandon_uncommitted(state: &mut State, at: Timestamp) -> Option<Effect> {
    state.voided = None;
    match std::mem::take(&mut state.change) {
        Change::Idle | Change::Asking(_) => None,
        Change::Committing(committing) => {
            let ending = Ending::Voided("its intent could not be written, so it was never sent".to_owned());
            let finished = recorded::finished(committing.run, command_of(&committing.request), Report::ended(ending));
            Some(append(at, Happening::Finished(Box::new(finished))))
        }
        running @ Change::Running { .. } => {
            state.change = running;
            None
        }
    }
}
