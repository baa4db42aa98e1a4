//! Reads: admitted, recorded as started, run, repeated where the runbook says watch or retry, recorded as finished.

use std::time::Duration;

use jiff::Timestamp;

use super::effect::{Effect, Notice};
use super::event::{Prepared, Ran};
use super::state::{Log, Question, State, append};
use super::{person, recorded};
use crate::action::{Action, Ending, Report};
use crate::guard::Admitted;
use crate::runbook::model::{Command, CommandId, StepId, Watch};
use crate::timeline::record::{Happening, RunId, Started};

/// One read under way.
#[derive(Debug)]
pub struct Reading {
    pub command: Option<CommandId>,
    pub title: String,
    pub began: Timestamp,
    pub samples: u32,
    pub(super) admitted: Admitted,
    pub(super) stopping: bool,
    pub(super) stage: Stage,
    tries_left: u8,
    held_since: Option<Timestamp>,
}

/// How far a read has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its start is on the way to the disk.
    Starting,
    /// A question behind the one on the screen.
    Queued,
    /// On the target, or on the screen as a question.
    UnderWay,
}

/// Where a read comes from.
pub(super) struct Origin {
    pub command: Option<CommandId>,
    pub step: StepId,
    pub confirmed: Option<String>,
}

/// Records that an admitted read starts; it runs when the log has that.
pub(super) fn begin(state: &mut State, prepared: &Prepared, admitted: Admitted, origin: Origin, at: Timestamp) -> Vec<Effect> {
    let run = state.next_run();
    let retry = origin.command.as_ref().and_then(|id| state.command(id)).and_then(|(_, command)| command.retry);
    let started = Started {
        run,
        command: origin.command.clone().unwrap_or_else(ad_hoc),
        step: origin.step,
        title: prepared.wish.title.clone(),
        place: prepared.wish.write.planned.place,
        hold: admitted.hold(),
        describes: prepared.wish.describes.clone(),
        confirmed: origin.confirmed,
        ad_hoc: origin.command.is_none(),
    };
    let reading = Reading {
        command: origin.command,
        title: started.title.clone(),
        began: at,
        samples: 0,
        admitted,
        stopping: false,
        stage: Stage::Starting,
        tries_left: retry.map_or(0, |retry| retry.times),
        held_since: None,
    };
    state.reads.insert(run, reading);
    let mut effects = vec![append(at, Happening::Started(Box::new(started)))];
    if state.log != Log::Sound {
        // A read needs no log: where none can be written it runs all the same, and its lines are on the screen.
        effects.extend(launch(state, run, at));
    }
    effects
}

/// The name a responder's own command has in the log.
pub(super) fn ad_hoc() -> CommandId {
    CommandId::from("ad_hoc")
}

/// The log has the start, or never will: run it, or ask.
pub(super) fn started(state: &mut State, run: RunId, at: Timestamp) -> Vec<Effect> {
    match state.reads.get(&run) {
        Some(reading) if reading.stage == Stage::Starting && reading.stopping => stopped(state, run, at),
        Some(reading) if reading.stage == Stage::Starting => launch(state, run, at),
        Some(_) | None => Vec::new(),
    }
}

/// Runs a read, or puts its question: one at a time, the others wait for it.
pub(super) fn launch(state: &mut State, run: RunId, at: Timestamp) -> Vec<Effect> {
    let Some(reading) = state.reads.get_mut(&run) else { return Vec::new() };
    let Action::Ask(ask) = &reading.admitted.read().planned.action else {
        reading.stage = Stage::UnderWay;
        return again(state, run, Duration::ZERO).into_iter().collect();
    };
    if state.question.is_some() {
        reading.stage = Stage::Queued;
    } else {
        reading.stage = Stage::UnderWay;
        let command = reading.command.clone().unwrap_or_else(ad_hoc);
        state.question = Some(Question { run, command, asked: at, ask: ask.clone() });
    }
    Vec::new()
}

/// Ends a read that is not on the target.
pub(super) fn stopped(state: &mut State, run: RunId, at: Timestamp) -> Vec<Effect> {
    finish(state, Ran::plain(run, Report::ended(Ending::Stopped)), at)
}

fn again(state: &State, run: RunId, after: Duration) -> Option<Effect> {
    let reading = state.reads.get(&run)?;
    Some(Effect::Read { run, command: reading.command.clone(), admitted: reading.admitted.clone(), after, scope: state.scope() })
}

/// A sample is there: take the next one, or finish.
pub(super) fn ran(state: &mut State, mut ran: Ran, at: Timestamp) -> Vec<Effect> {
    let command = state.reads.get(&ran.run).and_then(|reading| reading.command.clone());
    let rules = command.as_ref().and_then(|id| state.command(id)).map(|(_, command)| command.clone());
    let run = ran.run;
    let Some(reading) = state.reads.get_mut(&run).filter(|reading| reading.stage == Stage::UnderWay) else { return Vec::new() };
    reading.samples = reading.samples.saturating_add(1);
    // A question is put once: its reply is no sample.
    let asks = matches!(reading.admitted.read().planned.action, Action::Ask(_));
    if let Some(pause) = next_sample(reading, rules.as_ref().filter(|_| !asks), &mut ran, at) {
        return again(state, run, pause).into_iter().collect();
    }
    finish(state, ran, at)
}

/// The pause before the next sample, or nothing where this was the last.
fn next_sample(reading: &mut Reading, rules: Option<&Command>, ran: &mut Ran, at: Timestamp) -> Option<Duration> {
    // A read that timed out changed nothing: it failed, and that is all.
    if let Ending::Unknown(why) = &ran.report.ending {
        ran.report.ending = Ending::Failed(why.clone());
    }
    if reading.stopping || ran.report.ending == Ending::Stopped {
        let cut_short = rules.is_some_and(|rules| rules.watch.is_some()) && ran.until != Some(true);
        if cut_short && ran.report.ending == Ending::Succeeded {
            ran.report.ending = Ending::Stopped;
        }
        return None;
    }
    let rules = rules?;
    if let Some(watch) = &rules.watch {
        return watch_on(reading, watch, ran, at);
    }
    let retry = rules.retry?;
    if reading.tries_left == 0 || ran.report.ending == Ending::Succeeded {
        return None;
    }
    reading.tries_left -= 1;
    Some(retry.delay)
}

fn watch_on(reading: &mut Reading, watch: &Watch, ran: &mut Ran, at: Timestamp) -> Option<Duration> {
    let holds = ran.until == Some(true) && ran.report.ending == Ending::Succeeded;
    reading.held_since = if holds { reading.held_since.or(Some(at)) } else { None };
    if reading.held_since.is_some_and(|since| elapsed(since, at) >= watch.hold) {
        return None;
    }
    if elapsed(reading.began, at) + watch.every > watch.timeout {
        let last = ran.undecided.first().map_or_else(String::new, |why| format!(" ({why})"));
        let why = format!("`{}` did not hold for {:?} within {:?}{last}", watch.until.value, watch.hold, watch.timeout);
        ran.report.ending = match &ran.report.ending {
            Ending::Succeeded => Ending::Failed(why),
            Ending::Failed(last) | Ending::Unreachable(last) => Ending::Failed(format!("{why}; last: {last}")),
            Ending::Stopped | Ending::Unknown(_) | Ending::Voided(_) => ran.report.ending.clone(),
        };
        return None;
    }
    Some(watch.every)
}

pub(super) fn elapsed(since: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(since)).unwrap_or(Duration::ZERO)
}

pub(super) fn millis(since: Timestamp, at: Timestamp) -> u64 {
    u64::try_from(elapsed(since, at).as_millis()).unwrap_or(u64::MAX)
}

fn finish(state: &mut State, ran: Ran, at: Timestamp) -> Vec<Effect> {
    let Some(reading) = state.reads.remove(&ran.run) else { return Vec::new() };
    let command = reading.command.unwrap_or_else(ad_hoc);
    let mut effects = Vec::new();
    if let Ending::Failed(why) | Ending::Unreachable(why) = &ran.report.ending {
        effects.push(Effect::Tell(Notice::Problem(format!("{}: {why}", reading.title))));
    }
    let ruling = recorded::rule_by_probe(state, &command, (&ran, reading.began), at);
    let finished = recorded::finished_from(ran, command, millis(reading.began, at));
    effects.push(append(at, Happening::Finished(Box::new(finished))));
    effects.extend(ruling);
    if state.question.as_ref().is_some_and(|question| !state.reads.contains_key(&question.run)) {
        state.question = None;
    }
    if let (None, Some(run)) = (&state.question, state.queued()) {
        effects.extend(launch(state, run, at));
    }
    effects.extend(person::closed_when_quiet(state, at));
    effects
}
