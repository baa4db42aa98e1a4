//! A log that can't be written, and one that is taken up again after the console ended.

use super::fixture::*;
use crate::action::Ending;
use crate::engine::change::Change;
use crate::engine::event::{Event, Intent};
use crate::engine::state::Log;
use crate::engine::{Effect, State};
use crate::timeline::incident::{Incident, RunState};
use crate::timeline::record::{Happening, Record, RunId};

fn lose_log(console: &mut Console) {
    console.pending.clear();
    console.send(Event::LogLost { why: "no space left".to_owned() });
}

fn resume(log: &[Record]) -> Console {
    let now = "2026-03-01T04:00:00Z".parse().unwrap();
    let (state, effects) = State::resume(setup(), log, now);
    let mut console = Console::holding(state, now);
    console.keep(effects);
    console
}

#[test]
fn without_a_log_no_change_starts() {
    let mut console = Console::at("cure");
    console.intend(Intent::Start(id("restart")));
    let (token, request) = console.prepare();
    lose_log(&mut console);
    assert!(console.heard().contains("no space left"));
    assert_eq!(console.state().log, Log::Lost("no space left".to_owned()));
    console.send(Event::Prepared { token, result: Ok(Box::new(honest(&request))) });
    console.settle();
    assert_eq!(console.state().change, Change::Idle, "what was being made ready is not asked any more");
    console.said();
    console.intend(Intent::Start(id("restart")));
    assert!(console.heard().contains("log can't be written"));
}

#[test]
fn a_confirmation_goes_with_the_log() {
    let mut console = Console::at("cure");
    console.start("restart");
    lose_log(&mut console);
    assert_eq!(console.state().change, Change::Idle);
    console.answer("y");
    console.settle();
    assert_eq!(console.applying(), None);
}

#[test]
fn an_intent_that_did_not_reach_the_disk_is_never_sent() {
    let mut console = Console::at("cure");
    console.start("restart");
    console.answer("y");
    let intent = console.pending[0].clone();
    lose_log(&mut console);
    assert_eq!(console.state().change, Change::Idle);
    // The bytes were there after all.
    console.send(Event::Recorded(intent.clone()));
    assert_eq!(console.applying(), None);
    console.log.push(intent);
    console.settle();
    assert_eq!(console.state().incident.unknown(), [], "the log says that nothing was sent");
    assert_eq!(Incident::replay(&console.log).unknown(), []);
}

#[test]
fn a_change_that_runs_when_the_log_is_lost_still_ends() {
    let mut console = Console::at("cure");
    let run = console.change("restart");
    lose_log(&mut console);
    assert!(matches!(console.state().change, Change::Running { .. }));
    console.applied(run, Ending::Voided("it was replaced".to_owned()));
    console.settle();
    assert_eq!(console.state().change, Change::Idle);
    console.answer_prepare();
    console.settle();
    assert_eq!(console.state().change, Change::Idle, "and is not asked again");
}

#[test]
fn a_voided_change_waiting_for_the_log_is_forgotten_with_it() {
    let mut console = Console::at("cure");
    let run = console.change("restart");
    console.applied(run, Ending::Voided("it was replaced".to_owned()));
    let finished = console.pending.pop_front().unwrap();
    lose_log(&mut console);
    console.send(Event::Recorded(finished));
    assert!(console.take(|effect| matches!(effect, Effect::Prepare { .. }).then_some(())).is_none());
}

#[test]
fn reads_go_on_without_a_log() {
    let mut console = Console::open();
    console.start("error_rate");
    lose_log(&mut console);
    assert_eq!(console.reading(), Some(RunId(1)), "its start will never be acknowledged");
    console.start("read_0");
    assert_eq!(console.reading(), Some(RunId(2)));
    console.settle();
    assert_eq!(console.reading(), None, "nor does it run twice where the log has it after all");
    console.start("seen");
    assert!(console.state().question.is_some());
}

#[test]
fn closing_can_be_tried_again_after_the_log_failed() {
    let mut console = Console::open();
    console.intend(Intent::Close { summary: "over".to_owned() });
    lose_log(&mut console);
    console.said();
    console.intend(Intent::Close { summary: "over".to_owned() });
    console.settle();
    assert!(console.quits());
}

#[test]
fn taking_up_ends_what_was_cut_off() {
    let mut console = Console::at("fix");
    console.start("rollout");
    console.settle();
    let read = console.reading().unwrap();
    let change = console.change("scale");
    let mut again = resume(&console.log);
    again.settle();
    assert_eq!(again.happened(), ["resumed", "finished", "finished", "entered"]);
    let runs = &again.state().incident.runs;
    assert!(matches!(&runs[&read].state, RunState::Ended(Ending::Failed(why)) if why.contains("console ended")));
    assert!(matches!(&runs[&change].state, RunState::Ended(Ending::Unknown(_))));
    assert_eq!(again.state().incident.step, Some(step_id("fix")));
    assert_eq!(again.applying(), None, "nothing is repeated");
    again.intend(Intent::Start(id("scale")));
    assert!(again.said().last().unwrap().text().contains("unknown"));
    again.intend(Intent::Rule { run: change, happened: false, why: "no new pods".to_owned() });
    again.settle();
    again.read("error_rate");
    assert_ne!(again.change("scale"), change, "numbers go on");
}

#[test]
fn taking_up_a_closed_incident_adds_nothing_to_it() {
    let mut console = Console::open();
    console.intend(Intent::Close { summary: "over".to_owned() });
    console.settle();
    let mut again = resume(&console.log);
    assert!(again.pending.is_empty());
    assert!(again.considering().is_some(), "it can be looked at");
    again.intend(Intent::Note { text: "late".to_owned(), at: None });
    assert!(again.heard().contains("closed"));
}

#[test]
fn taking_up_an_empty_or_an_absurd_log_is_no_panic() {
    let mut console = resume(&[]);
    console.settle();
    assert_eq!(console.state().incident.step, Some(step_id("on-host")), "without an opening every step fits");
    let mut source = Console::open();
    source.start("error_rate");
    let mut record = source.acknowledge();
    if let Happening::Started(started) = &mut record.happening {
        started.run = RunId(u32::MAX);
    }
    let mut console = resume(&[record]);
    console.settle();
    console.start("error_rate");
    console.settle();
}

#[test]
fn the_screen_knows_what_the_log_knows() {
    let mut console = Console::at("fix");
    let run = console.lose("scale");
    console.intend(Intent::Rule { run, happened: true, why: "seen".to_owned() });
    console.settle();
    console.intend(Intent::Undo(run));
    console.answer_prepare();
    console.answer_right();
    console.settle();
    let undo = console.applying().unwrap();
    console.applied(undo, Ending::Succeeded);
    console.intend(Intent::Complete { observed: "steady".to_owned() });
    console.settle();
    assert_eq!(Incident::replay(&console.log), console.state().incident);
    assert_eq!(resume(&console.log).state().incident, console.state().incident);
}
