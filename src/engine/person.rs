//! What the responder wants, checked against what is true now.

use jiff::Timestamp;
use serde_json::Value;

use super::change::{self, Change};
use super::effect::{Effect, Notice, Plea, Request};
use super::event::{Intent, Ran};
use super::reading::{self, Stage};
use super::state::{Log, READS, State, append, entered};
use crate::action::{Ending, Report};
use crate::guard::Answer;
use crate::runbook::model::{CommandId, Effect as Tag, Step, StepId};
use crate::timeline::incident::{RunState, What};
use crate::timeline::record::{Happening, Ruling, RunId};

pub(super) fn handle(state: &mut State, intent: Intent, at: Timestamp) -> Vec<Effect> {
    if state.incident.closed.is_some() {
        return if intent == Intent::Leave { vec![Effect::Quit] } else { problem("this incident is closed") };
    }
    if state.closing.is_some() && intent != Intent::Leave {
        return problem("the incident is being closed: what still runs is being stopped");
    }
    match intent {
        Intent::GoTo(step) => go(state, &step, at),
        Intent::Start(command) => start(state, &command, at),
        Intent::Answer { text, reason, considered_ms } => {
            let answer = Answer { text, reason, considered_ms, person: state.setup.person };
            change::answered(state, answer, at)
        }
        Intent::Decline => decline(state, at),
        Intent::Reply(value) => reply(state, value, at),
        Intent::Complete { observed } => settle(state, &observed, at, |step, observed| Happening::StepCompleted { step, observed }),
        Intent::Skip { reason } => settle(state, &reason, at, |step, reason| Happening::StepSkipped { step, reason }),
        Intent::Misfit { reason } => settle(state, &reason, at, |step, reason| Happening::StepMisfit { step, reason }),
        Intent::Note { text, at: when } => note(&text, when, at),
        Intent::AdHoc { line, effect } => own_command(state, line, effect),
        Intent::Undo(run) => undo(state, run),
        Intent::Cancel(run) => cancel(state, run, at),
        Intent::Rule { run, happened, why } => rule(state, run, happened, &why, at),
        Intent::Close { summary } => close(state, &summary, at),
        Intent::Exercise(plea) => exercise(state, plea),
        Intent::Leave => leave(state, at),
    }
}

fn exercise(state: &State, plea: Plea) -> Vec<Effect> {
    let Some(briefing) = &state.setup.drill else { return problem("this is no drill: hints and diagnoses belong to drills") };
    match plea {
        Plea::Diagnose(cause) if briefing.causes.iter().all(|(id, _)| *id != cause) => {
            problem(format!("the drill has no cause `{cause}` to choose"))
        }
        plea @ (Plea::Hint | Plea::Diagnose(_)) => vec![Effect::Exercise(plea)],
    }
}

fn problem(text: impl Into<String>) -> Vec<Effect> {
    vec![Effect::Tell(Notice::Problem(text.into()))]
}

fn go(state: &State, step: &StepId, at: Timestamp) -> Vec<Effect> {
    let found = state.steps().find(|found| found.id == *step).map(|found| append(at, entered(found)));
    found.map_or_else(|| problem(format!("there is no step {step} for this target")), |effect| vec![effect])
}

fn start(state: &mut State, id: &CommandId, at: Timestamp) -> Vec<Effect> {
    let request = Request::Command(id.clone());
    let Some((step, command)) = state.command(id) else {
        return problem(format!("there is no command {id} for this target"));
    };
    if is_under_way(state, &request) {
        return problem(format!("{id} is under way already"));
    }
    let hindrance = match command.effect {
        Tag::ReadOnly => too_many_reads(state).map(Err),
        Tag::Mutating => why_no_change(state).map(Err).or_else(|| stale(state, step, at).map(Ok)),
    };
    match hindrance {
        None => vec![change::prepare(state, request)],
        // Worth a line in the log: the runbook asked for evidence that was not there.
        Some(Ok(why)) => change::refuse(state, &request, why, at),
        Some(Err(why)) => problem(why),
    }
}

fn is_under_way(state: &State, request: &Request) -> bool {
    let prepared = state.preparing.values().any(|under_way| under_way == request);
    let reading = match request {
        Request::Command(id) => state.reads.values().any(|reading| reading.command.as_ref() == Some(id)),
        Request::AdHoc { .. } | Request::Undo { .. } => false,
    };
    let asking = match &state.change {
        Change::Asking(asking) => asking.request == *request,
        Change::Idle | Change::Committing(_) | Change::Running { .. } => false,
    };
    prepared || reading || asking
}

fn too_many_reads(state: &State) -> Option<String> {
    let under_way = state.reads.len() + state.preparing.len();
    (under_way >= READS).then(|| format!("{READS} commands are under way: wait for one, or stop one"))
}

/// Why no change at all may start now.
fn why_no_change(state: &State) -> Option<String> {
    if state.setup.read_only {
        return Some("this console was opened with --read-only: nothing that could change the target runs".to_owned());
    }
    if state.change != Change::Idle {
        return Some("another change is under way: finish that one first".to_owned());
    }
    let preparing = state.preparing.values().any(|request| change::tag(state, request) == Some(Tag::Mutating));
    if preparing || state.voided.is_some() {
        return Some("another change is being made ready".to_owned());
    }
    blocked(state)
}

/// What forbids every change, however far it has come.
pub(super) fn blocked(state: &State) -> Option<String> {
    if let Log::Lost(why) = &state.log {
        return Some(format!("the log can't be written, so nothing is changed: {why}"));
    }
    let run = *state.unknown().first()?;
    let on_disk = state.incident.runs.get(&run).is_some_and(|run| run.state != RunState::Open);
    Some(if on_disk {
        format!("the outcome of {run} is unknown: verify it, or say what happened, before anything else is changed")
    } else {
        format!("the outcome of {run} is not on disk yet: try again when it is, or say what happened")
    })
}

/// The first evidence a change of this step asks for that is missing, failed or too old.
pub(super) fn stale(state: &State, step: &Step, at: Timestamp) -> Option<String> {
    step.requires.iter().find_map(|requirement| {
        let id = &requirement.command.value;
        // Evidence from the other kind of target can't be asked for here.
        state.command(id)?;
        let age = match state.incident.results.get(id) {
            Some(outcome) if outcome.finished.ending() == &Ending::Succeeded => reading::elapsed(outcome.at, at),
            Some(_) => return Some(format!("it needs {id}, which failed: run that again first")),
            None => return Some(format!("it needs {id}, which has not run yet: run that first")),
        };
        (age > requirement.max_age).then(|| {
            format!("it needs {id} not older than {:?}; the last is {:?} old: run that again first", requirement.max_age, seconds(age))
        })
    })
}

fn seconds(age: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(age.as_secs())
}

fn decline(state: &mut State, at: Timestamp) -> Vec<Effect> {
    let nothing_ran = || Effect::Tell(Notice::Info("nothing ran".to_owned()));
    if let Some(asking) = change::take_asking(state) {
        return vec![append(at, Happening::Declined { command: change::command_of(&asking.request) }), nothing_ran()];
    }
    if let Some(question) = state.question.take() {
        return reading::stopped(state, question.run, at);
    }
    match state.preparing.pop_last() {
        Some((token, _)) => vec![Effect::Abandon(token), nothing_ran()],
        None => vec![Effect::Tell(Notice::Info("there is nothing to leave".to_owned()))],
    }
}

fn reply(state: &mut State, value: Value, at: Timestamp) -> Vec<Effect> {
    let Some(question) = state.question.take() else { return problem("there is no question to answer") };
    if let Err(why) = question.ask.check(&value) {
        state.question = Some(question);
        return problem(why);
    }
    let mut report = Report::ended(Ending::Succeeded);
    report.tail = vec![value.as_str().map_or_else(|| value.to_string(), str::to_owned)];
    report.lines = 1;
    report.out = value;
    reading::ran(state, Ran::plain(question.run, report), at)
}

fn settle(state: &State, said: &str, at: Timestamp, happening: impl FnOnce(StepId, String) -> Happening) -> Vec<Effect> {
    let Some(step) = state.incident.step.clone() else { return problem("no step is open") };
    let said = said.trim();
    if said.is_empty() {
        return problem("say what you see: one line is enough");
    }
    vec![append(at, happening(step, said.to_owned()))]
}

fn note(text: &str, when: Option<Timestamp>, at: Timestamp) -> Vec<Effect> {
    let text = text.trim();
    match when {
        _ if text.is_empty() => problem("an empty note is not kept"),
        Some(when) if when > at => problem("a note can't be dated in the future"),
        _ => vec![append(when.unwrap_or(at), Happening::Noted { text: text.to_owned() })],
    }
}

fn own_command(state: &mut State, line: String, effect: Tag) -> Vec<Effect> {
    if line.trim().is_empty() {
        return problem("say what to run: a command line");
    }
    let hindrance = match effect {
        Tag::ReadOnly => too_many_reads(state),
        Tag::Mutating => why_no_change(state),
    };
    match hindrance {
        None => vec![change::prepare(state, Request::AdHoc { line, effect })],
        Some(why) => problem(why),
    }
}

fn undo(state: &mut State, id: RunId) -> Vec<Effect> {
    if let Some(why) = why_no_change(state) {
        return problem(why);
    }
    if !state.incident.outstanding().contains(&id) {
        return problem(format!("{id} has nothing to take back"));
    }
    let Some(What::Change(intended)) = state.incident.runs.get(&id).map(|run| &run.what) else {
        return problem(format!("{id} is not a change"));
    };
    let Some(undo) = intended.undo.clone() else { return problem(format!("{id} has no undo: it said so before it ran")) };
    let request = Request::Undo {
        run: id,
        title: format!("Undo {id}: {}", intended.title),
        undo: Box::new(undo),
        redo: Box::new(intended.action.clone()),
        command: intended.command.clone(),
    };
    vec![change::prepare(state, request)]
}

fn cancel(state: &mut State, id: RunId, at: Timestamp) -> Vec<Effect> {
    if let Change::Running { run, stopping, .. } = &mut state.change
        && *run == id
    {
        *stopping = true;
        return vec![Effect::Stop(id)];
    }
    if state.reads.contains_key(&id) { stop(state, id, at) } else { problem(format!("{id} is not running")) }
}

/// Stops a read wherever it is: on the target, on the screen as a question, or not begun.
fn stop(state: &mut State, id: RunId, at: Timestamp) -> Vec<Effect> {
    let Some(reading) = state.reads.get_mut(&id) else { return Vec::new() };
    reading.stopping = true;
    let asked = state.question.as_ref().is_some_and(|question| question.run == id);
    match reading.stage {
        Stage::Starting => Vec::new(),
        Stage::Queued => reading::stopped(state, id, at),
        Stage::UnderWay if asked => reading::stopped(state, id, at),
        Stage::UnderWay => vec![Effect::Stop(id)],
    }
}

fn rule(state: &State, run: RunId, happened: bool, why: &str, at: Timestamp) -> Vec<Effect> {
    if !state.unknown().contains(&run) {
        return problem(format!("the outcome of {run} is not open"));
    }
    let why = why.trim();
    if why.is_empty() {
        return problem("say how you know: one line is enough");
    }
    vec![append(at, Happening::Ruled { run, happened, by: Ruling::Person(state.setup.actor.clone()), why: why.to_owned() })]
}

/// Stops what still reads, forgets what is being made ready, and closes when all is quiet.
fn close(state: &mut State, summary: &str, at: Timestamp) -> Vec<Effect> {
    if state.change != Change::Idle {
        return problem("a change is under way: let it end, stop it, or leave its confirmation, before closing");
    }
    let summary = summary.trim();
    if summary.is_empty() {
        return problem("say how it ended: one line is enough");
    }
    state.voided = None;
    let mut effects: Vec<Effect> = std::mem::take(&mut state.preparing).into_keys().map(Effect::Abandon).collect();
    state.closing = Some(summary.to_owned());
    if state.reads.is_empty() {
        effects.extend(closed_when_quiet(state, at));
    }
    let reads: Vec<RunId> = state.reads.keys().copied().collect();
    for run in reads {
        effects.extend(stop(state, run, at));
    }
    effects
}

/// The last words, once nothing runs any more.
pub(super) fn closed_when_quiet(state: &State, at: Timestamp) -> Option<Effect> {
    let summary = state.closing.clone().filter(|_| state.reads.is_empty())?;
    let (not_undone, unknown) = (state.incident.outstanding(), state.incident.unknown());
    Some(append(at, Happening::Closed { summary, not_undone, unknown }))
}

fn leave(state: &mut State, at: Timestamp) -> Vec<Effect> {
    match &state.change {
        Change::Running { title, run, .. } => problem(format!("{title} ({run}) is running: stop it, or wait for it, before leaving")),
        Change::Committing(_) => problem("a change is starting: wait for it before leaving"),
        Change::Idle => vec![Effect::Quit],
        Change::Asking(_) => {
            let mut effects = decline(state, at);
            effects.push(Effect::Quit);
            effects
        }
    }
}
