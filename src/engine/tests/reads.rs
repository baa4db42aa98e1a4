//! Reads: at once where something holds them, after a `y` where nothing does; watched, retried, stopped.

use std::time::Duration;

use serde_json::json;

use super::fixture::*;
use crate::action::Ending;
use crate::engine::change::Change;
use crate::engine::event::{Event, Intent, Ran};
use crate::engine::{Effect, Setup};
use crate::guard::policy::DeclaredOnly;
use crate::timeline::record::{Happening, Record, RunId};

fn pause(console: &mut Console) -> Option<(RunId, Duration)> {
    console.take(|effect| match effect {
        Effect::Read { run, after, .. } => Some((*run, *after)),
        _ => None,
    })
}

fn stops(console: &mut Console) -> Option<RunId> {
    console.take(|effect| match effect {
        Effect::Stop(run) => Some(*run),
        _ => None,
    })
}

fn ending(console: &Console, run: RunId) -> Ending {
    let found = console.log.iter().find_map(|record| match &record.happening {
        Happening::Finished(finished) if finished.run == run => Some(finished.report.ending.clone()),
        _ => None,
    });
    found.expect("an end in the log")
}

fn sample(console: &mut Console, run: RunId, until: Option<bool>) {
    console.send(Event::Ran(Box::new(Ran { until, ..Ran::plain(run, report(Ending::Succeeded)) })));
}

#[test]
fn a_held_read_runs_when_the_log_has_its_start() {
    let mut console = Console::open();
    console.start("error_rate");
    assert_eq!(console.reading(), None, "not before its start is on disk");
    let record = console.acknowledge();
    assert_eq!(pause(&mut console), Some((RunId(1), Duration::ZERO)));
    console.send(Event::Recorded(record));
    assert_eq!(console.reading(), None, "an acknowledgement that comes twice starts nothing");
    console.wait(Duration::from_millis(1_500));
    console.ran(RunId(1), Ending::Succeeded);
    console.settle();
    let outcome = &console.state().incident.results[&id("error_rate")];
    assert_eq!((outcome.finished.took_ms, &outcome.finished.report.out), (1_500, &json!({ "value": 1 })));
    assert_eq!(console.state().scope()["error_rate"]["out"]["value"], 1);
    console.ran(RunId(1), Ending::Failed("late".to_owned()));
    assert!(console.pending.is_empty(), "a run ends once");
}

#[test]
fn a_read_that_nothing_holds_asks_and_then_runs_as_a_read() {
    let mut console = Console::open();
    console.start("logs");
    let Change::Asking(asking) = &console.state().change else { panic!("it must ask") };
    assert!(asking.proposal.declared());
    console.answer("y");
    assert_eq!(console.state().change, Change::Idle);
    console.settle();
    assert!(console.reading().is_some());
    let Happening::Started(started) = &console.log.last().unwrap().happening else { panic!() };
    assert_eq!((started.confirmed.as_deref(), started.hold.as_str()), (Some("y"), "declared only"));
    assert_eq!(console.applying(), None);
}

#[test]
fn the_policy_decides_about_reads_that_nothing_holds() {
    for (declared_only, runs) in [(DeclaredOnly::Run, true), (DeclaredOnly::Refuse, false)] {
        let policy = policy(|policy| policy.declared_only = declared_only);
        let mut console = Console::opening(Setup { policy: policy.into(), ..setup() });
        console.settle();
        console.start("logs");
        console.settle();
        assert_eq!((console.reading().is_some(), &console.state().change), (runs, &Change::Idle), "{declared_only:?}");
    }
}

#[test]
fn a_read_that_times_out_failed_and_blocks_nothing() {
    let mut console = Console::open();
    console.start("error_rate");
    console.settle();
    let run = console.reading().unwrap();
    console.ran(run, Ending::Unknown("no answer in 30 s".to_owned()));
    console.settle();
    assert_eq!(ending(&console, run), Ending::Failed("no answer in 30 s".to_owned()));
    assert_eq!(console.state().incident.unknown(), []);
}

#[test]
fn a_watch_ends_when_its_condition_has_held() {
    let mut console = Console::open();
    console.start("rollout");
    console.settle();
    let run = console.reading().unwrap();
    for (until, goes_on) in
        [(Some(false), true), (Some(true), true), (None, true), (Some(true), true), (Some(true), true), (Some(true), false)]
    {
        console.wait(Duration::from_secs(2));
        sample(&mut console, run, until);
        let next = pause(&mut console);
        assert_eq!(next, goes_on.then_some((run, Duration::from_secs(2))), "{until:?} at {}", console.now);
    }
    console.settle();
    assert_eq!(ending(&console, run), Ending::Succeeded);
    assert_eq!(console.state().incident.results[&id("rollout")].finished.expected, Some(true));
}

#[test]
fn a_watch_that_never_holds_fails_at_its_timeout() {
    let mut console = Console::open();
    console.start("rollout");
    console.settle();
    let run = console.reading().unwrap();
    let mut samples = 0;
    loop {
        console.wait(Duration::from_secs(2));
        samples += 1;
        sample(&mut console, run, Some(false));
        if pause(&mut console).is_none() {
            break;
        }
    }
    console.settle();
    assert_eq!(samples, 10, "within 20 s, every 2 s");
    assert!(matches!(ending(&console, run), Ending::Failed(why) if why.contains("did not hold for 4s within 20s")));
}

#[test]
fn a_watch_outlives_samples_that_fail() {
    let mut console = Console::open();
    console.start("rollout");
    console.settle();
    let run = console.reading().unwrap();
    for ending in [Ending::Unreachable("refused".to_owned()), Ending::Unknown("timeout".to_owned()), Ending::Failed("500".to_owned())] {
        console.wait(Duration::from_secs(2));
        console.ran(run, ending);
        assert!(pause(&mut console).is_some());
    }
}

#[test]
fn a_stopped_watch_is_said_to_be_stopped() {
    let mut console = Console::open();
    console.start("rollout");
    console.settle();
    let run = console.reading().unwrap();
    console.intend(Intent::Cancel(run));
    assert_eq!(stops(&mut console), Some(run));
    sample(&mut console, run, Some(false));
    console.settle();
    assert_eq!((pause(&mut console), ending(&console, run)), (None, Ending::Stopped));
    console.effects.clear();
    console.intend(Intent::Cancel(run));
    assert!(console.heard().contains("not running"));
}

#[test]
fn a_read_is_retried_as_often_as_its_author_says() {
    let mut console = Console::open();
    console.start("flaky");
    console.settle();
    let run = console.reading().unwrap();
    for _ in 0..2 {
        console.ran(run, Ending::Unreachable("refused".to_owned()));
        assert_eq!(pause(&mut console), Some((run, Duration::from_secs(1))));
    }
    console.ran(run, Ending::Unreachable("refused".to_owned()));
    console.settle();
    assert_eq!((pause(&mut console), ending(&console, run)), (None, Ending::Unreachable("refused".to_owned())));

    console.start("flaky");
    console.settle();
    let run = console.reading().unwrap();
    console.ran(run, Ending::Succeeded);
    assert_eq!(pause(&mut console), None, "a good answer needs no second try");
}

#[test]
fn a_read_stopped_before_its_start_is_on_disk_never_runs() {
    let mut console = Console::open();
    console.start("error_rate");
    console.intend(Intent::Cancel(RunId(1)));
    console.settle();
    assert_eq!((console.reading(), ending(&console, RunId(1))), (None, Ending::Stopped));
    assert!(console.state().reads.is_empty());
}

#[test]
fn questions_come_one_at_a_time_and_take_only_what_fits() {
    let mut console = Console::open();
    console.start("seen");
    console.start("seen_too");
    console.settle();
    let asked = |console: &Console| console.state().question.as_ref().map(|question| question.command.0.clone());
    assert_eq!(asked(&console).as_deref(), Some("seen"));
    console.intend(Intent::Reply(json!("perhaps")));
    assert!(console.heard().contains("yes or no"));
    console.intend(Intent::Reply(json!(true)));
    assert_eq!(asked(&console).as_deref(), Some("seen_too"), "the second waited");
    console.intend(Intent::Cancel(RunId(2)));
    console.settle();
    assert_eq!((asked(&console), ending(&console, RunId(2))), (None, Ending::Stopped));
    assert_eq!(console.state().incident.results[&id("seen")].finished.report.out, json!(true));
    assert!(console.state().reads.is_empty());
    console.said();
    console.intend(Intent::Reply(json!(true)));
    assert!(console.heard().contains("no question"));
    assert_eq!(console.reading(), None, "the target is never asked");
}

#[test]
fn a_confirmation_lies_over_a_question() {
    let mut console = Console::at("cure");
    console.start("seen");
    console.settle();
    console.start("restart");
    console.intend(Intent::Decline);
    assert!(console.state().question.is_some() && console.state().change == Change::Idle);
    console.intend(Intent::Decline);
    console.settle();
    assert!(console.state().question.is_none() && console.state().reads.is_empty());
}

#[test]
fn eight_reads_at_once_and_no_more() {
    let mut console = Console::open();
    for number in 0..8 {
        console.start(&format!("read_{number}"));
    }
    console.settle();
    console.said();
    console.intend(Intent::Start(id("read_8")));
    assert!(console.heard().contains("8 commands are under way"));
    console.ran(RunId(3), Ending::Succeeded);
    console.intend(Intent::Start(id("read_8")));
    console.prepare();
}

#[test]
fn the_same_command_does_not_run_twice_at_once() {
    let mut console = Console::open();
    console.intend(Intent::Start(id("error_rate")));
    console.intend(Intent::Start(id("error_rate")));
    assert!(console.heard().contains("under way already"));
    console.answer_prepare();
    console.intend(Intent::Start(id("error_rate")));
    assert!(console.heard().contains("under way already"));
    console.start("logs");
    console.intend(Intent::Start(id("logs")));
    assert!(console.heard().contains("under way already"), "also while it asks");
}

#[test]
fn answers_to_nobodys_question_are_ignored() {
    let mut console = Console::open();
    console.intend(Intent::Start(id("error_rate")));
    let (token, request) = console.prepare();
    let result = || Ok(Box::new(honest(&request)));
    console.send(Event::Prepared { token: crate::engine::event::Token(token.0 + 7), result: result() });
    console.send(Event::Prepared { token, result: result() });
    console.send(Event::Prepared { token, result: result() });
    console.ran(RunId(9), Ending::Succeeded);
    console.ran(RunId(1), Ending::Succeeded);
    assert_eq!(console.pending.len(), 1, "one start, and no end before it");
    assert!(matches!(console.pending[0], Record { happening: Happening::Started(_), .. }));
}

#[test]
fn a_command_for_another_kind_of_target_is_not_there() {
    let mut console = Console::open();
    console.intend(Intent::Start(id("top")));
    assert!(console.heard().contains("for this target"));
    console.intend(Intent::Start(id("nonsense")));
    assert!(console.heard().contains("no command nonsense"));
}
