//! A typed line as a command: what it wants of the engine, or what it wants to read.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::history::History;
use super::word::{self, Word};
use super::{Parsed, drill, listing, step};
use crate::engine::event::Ready;
use crate::engine::{Intent, Plea, State};
use crate::runbook::model::{CommandId, Effect, StepId};
use crate::timeline::record::RunId;

/// Lines of the timeline shown unless said.
const EVENTS: usize = 20;

pub(super) fn command(history: &History, state: &State, line: &str, now: Timestamp) -> Parsed {
    if line.trim().is_empty() {
        return Parsed::default();
    }
    let (word, rest) = match word::split(line) {
        Ok(found) => found,
        Err(why) => return Parsed::problem(&why),
    };
    let parsed = match word {
        Word::Help => Ok(Parsed::say(word::help())),
        Word::Where => Ok(Parsed::say(listing::whereabouts(state, now))),
        Word::Steps => Ok(Parsed::say(step::all(state))),
        Word::Changes => Ok(Parsed::say(listing::changes(state))),
        Word::Card => Ok(Parsed::say(listing::card(state))),
        Word::Brief => Ok(Parsed::say(drill::briefing(state))),
        Word::Facts => Ok(Parsed::say(listing::facts(state, now))),
        Word::Timeline => count(rest).map(|count| Parsed::say(history.timeline(count))),
        Word::Output => run(rest).map(|run| Parsed::say(history.output(run))),
        Word::Copy => copy(state, rest),
        Word::Step
        | Word::Next
        | Word::Run
        | Word::Done
        | Word::Skip
        | Word::Misfit
        | Word::Note
        | Word::OwnRead
        | Word::OwnChange
        | Word::Stop
        | Word::Undo
        | Word::Outcome
        | Word::Hint
        | Word::Diagnose
        | Word::Close
        | Word::Quit => intent(state, word, rest, now),
    };
    parsed.unwrap_or_else(|why| Parsed::problem(&why))
}

fn intent(state: &State, word: Word, rest: &str, now: Timestamp) -> Result<Parsed, String> {
    let text = || rest.to_owned();
    let intent = match word {
        Word::Step => Intent::GoTo(step_named(state, rest)?),
        Word::Next => Intent::GoTo(
            state.next_step().map(|step| step.id.clone()).ok_or("there is no further step: close the incident, or go to a step")?,
        ),
        Word::Run => Intent::Start(command_named(state, rest)?),
        Word::Done => Intent::Complete { observed: text() },
        Word::Skip => Intent::Skip { reason: text() },
        Word::Misfit => Intent::Misfit { reason: text() },
        Word::Note => note(rest, now)?,
        Word::OwnRead if rest.is_empty() => return Ok(Parsed::say(word::help())),
        Word::OwnRead => Intent::AdHoc { line: text(), effect: Effect::ReadOnly },
        Word::OwnChange => Intent::AdHoc { line: text(), effect: Effect::Mutating },
        Word::Stop => Intent::Cancel(run(rest)?),
        Word::Undo => Intent::Undo(run(rest)?),
        Word::Outcome => outcome(rest)?,
        Word::Hint => Intent::Exercise(Plea::Hint),
        Word::Diagnose => Intent::Exercise(Plea::Diagnose(drill::cause(state, rest)?)),
        Word::Close => Intent::Close { summary: text() },
        Word::Quit => Intent::Leave,
        Word::Help
        | Word::Where
        | Word::Steps
        | Word::Changes
        | Word::Card
        | Word::Facts
        | Word::Brief
        | Word::Timeline
        | Word::Output
        | Word::Copy => return Ok(Parsed::default()),
    };
    Ok(Parsed::intent(intent))
}

fn step_named(state: &State, said: &str) -> Result<StepId, String> {
    let numbered = said.parse::<usize>().ok().and_then(|number| state.steps().nth(number.checked_sub(1)?));
    let found = numbered.or_else(|| state.steps().find(|step| step.id.as_str() == said));
    found.map(|step| step.id.clone()).ok_or_else(|| format!("there is no step \"{said}\"; \"steps\" lists them"))
}

fn command_named(state: &State, said: &str) -> Result<CommandId, String> {
    let of_step = state.considered.as_ref().map_or(&[][..], |considered| &considered.commands);
    let numbered = said.parse::<usize>().ok().and_then(|number| of_step.get(number.checked_sub(1)?)).map(|command| command.id.clone());
    let named = || state.command(&CommandId::from(said)).map(|(_, command)| command.id.clone());
    numbered.or_else(named).ok_or_else(|| format!("there is no command \"{said}\" here; \"step\" and its number shows a step's commands"))
}

fn run(said: &str) -> Result<RunId, String> {
    let number = said.strip_prefix('#').unwrap_or(said);
    number.parse().map(RunId).map_err(|_| format!("\"{said}\" is not the number of a run, such as 3"))
}

fn count(said: &str) -> Result<usize, String> {
    if said.is_empty() { Ok(EVENTS) } else { said.parse().map_err(|_| format!("\"{said}\" is not a number of lines")) }
}

fn outcome(said: &str) -> Result<Intent, String> {
    let usage = || "say which run, whether it happened, and how you know: outcome 3 yes the new pods are there".to_owned();
    let mut parts = said.splitn(3, char::is_whitespace);
    let run = run(parts.next().unwrap_or_default())?;
    let happened = match parts.next() {
        Some("yes") => true,
        Some("no") => false,
        Some(_) | None => return Err(usage()),
    };
    let why = parts.next().map(str::trim).filter(|why| !why.is_empty()).ok_or_else(usage)?;
    Ok(Intent::Rule { run, happened, why: why.to_owned() })
}

fn copy(state: &State, said: &str) -> Result<Parsed, String> {
    let id = command_named(state, said)?;
    let rendered = state.considered.iter().flat_map(|considered| &considered.commands).find(|command| command.id == id);
    match rendered.map(|command| &command.ready) {
        Some(Ready::Now { describes, .. }) => {
            let copy = describes.by_hand.clone().unwrap_or_else(|| describes.runs.join("\n"));
            Ok(Parsed { copy: Some(copy), say: vec![format!("-- copied what {id} runs")], intents: Vec::new() })
        }
        Some(Ready::Needs(why) | Ready::NotNow(why)) => Err(format!("{id} is not ready: {why}")),
        None => Err(format!("{id} belongs to another step: go there first")),
    }
}

/// `-5m TEXT`, `14:05 TEXT` (UTC), or just `TEXT`.
fn note(said: &str, now: Timestamp) -> Result<Intent, String> {
    let (first, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let at = match first.strip_prefix('-').and_then(ago) {
        Some(seconds) => Some(now.checked_sub(jiff::SignedDuration::from_secs(seconds)).map_err(|_| format!("{first} is too long ago"))?),
        None => time_of_day(first).map(|time| at_time(time, now)),
    };
    let text = if at.is_some() { rest.trim() } else { said };
    Ok(Intent::Note { text: text.to_owned(), at })
}

/// Seconds in `30s`, `5m`, `2h`.
fn ago(said: &str) -> Option<i64> {
    let unit = said.chars().next_back()?;
    let count = said.strip_suffix(unit)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    count.bytes().all(|byte| byte.is_ascii_digit()).then(|| count.parse::<i64>().ok())??.checked_mul(seconds)
}

fn time_of_day(said: &str) -> Option<Time> {
    let (hour, minute) = said.split_once(':')?;
    let digits = |part: &str| (part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?;
    Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
}

/// The nearest such time: an hour that lies far ahead today was yesterday's. One just ahead is left for the engine to refuse.
fn at_time(time: Time, now: Timestamp) -> Timestamp {
    let today = now.to_zoned(TimeZone::UTC).date();
    let on = |date: jiff::civil::Date| date.to_datetime(time).to_zoned(TimeZone::UTC).map_or(now, |zoned| zoned.timestamp());
    let at = on(today);
    let far_ahead = at.duration_since(now) > jiff::SignedDuration::from_hours(12);
    if far_ahead { today.yesterday().map_or(at, on) } else { at }
}
