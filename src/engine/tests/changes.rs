//! A change: prepared, asked, answered, intended on disk, sent once, settled.

use std::time::Duration;

use super::fixture::*;
use crate::action::kube::{Kube, Pod};
use crate::action::{Action, Ending, Preview, Verdict};
use crate::engine::change::Change;
use crate::engine::event::{Event, Intent};
use crate::engine::{Effect, Request, Setup, Tier};
use crate::runbook::model::Effect as Tag;
use crate::timeline::incident::{RunState, What};
use crate::timeline::record::{Around, Happening, Intended, Reading, RunId};

fn intended(console: &Console, run: RunId) -> Intended {
    match &console.state().incident.runs[&run].what {
        What::Change(intended) => (**intended).clone(),
        What::Read(_) => panic!("{run} is a read"),
    }
}

#[test]
fn a_change_is_on_disk_before_it_is_sent_and_is_sent_once() {
    let mut console = Console::at("fix");
    console.start("scale");
    assert!(matches!(console.state().change, Change::Asking(_)));
    assert!(console.pending.is_empty(), "nothing is intended before the answer");
    console.answer("checkout");
    assert_eq!(console.pending.iter().map(|record| name(&record.happening)).collect::<Vec<_>>(), ["intended"]);
    assert_eq!(console.applying(), None, "not sent before the log has it");
    console.settle();
    let run = console.applying().unwrap();
    assert_eq!(console.applying(), None, "sent once");
    let record = intended(&console, run);
    assert_eq!((record.tier, record.confirmed.as_str(), record.considered_ms, record.digest.len()), (2, "name typed", 1_000, 64));
    assert_eq!((record.undo, record.verify), (Some(scale(3)), Some(id("ready_now"))));

    console.wait(Duration::from_secs(3));
    console.applied(run, Ending::Succeeded);
    console.settle();
    let measured = console.take(|effect| match effect {
        Effect::Measure { run, commands, .. } => Some((*run, commands.clone())),
        _ => None,
    });
    assert_eq!(measured, Some((run, vec![id("error_rate")])));
    assert_eq!(console.state().change, Change::Idle);
    assert_eq!(console.state().incident.outstanding(), [run]);
    console.applied(run, Ending::Unknown("late".to_owned()));
    assert!(console.pending.is_empty(), "a second answer of the target is not a second outcome");
}

#[test]
fn readings_before_and_after_stand_beside_the_change() {
    let mut console = Console::at("fix");
    console.intend(Intent::Start(id("scale")));
    let (token, request) = console.prepare();
    let reading = |value| Reading { command: id("error_rate"), value: Some(value), unit: "%".to_owned() };
    let mut prepared = honest(&request);
    prepared.before = vec![reading(9.0)];
    console.send(Event::Prepared { token, result: Ok(Box::new(prepared)) });
    console.answer_right();
    console.settle();
    let run = console.applying().unwrap();
    console.applied(run, Ending::Succeeded);
    console.send(Event::Measured { run, readings: vec![reading(1.0)] });
    console.send(Event::Measured { run: RunId(1), readings: vec![reading(2.0)] });
    console.settle();
    let found = &console.state().incident.runs[&run];
    assert_eq!((found.before[0].value, found.after[0].value), (Some(9.0), Some(1.0)));
    let after = console.log.iter().filter(|record| matches!(record.happening, Happening::Measured { when: Around::After, .. })).count();
    assert_eq!(after, 1, "readings after a read are nobody's");
}

#[test]
fn only_the_right_answer_in_time_from_a_person_clears() {
    for (text, considered_ms, waited, says) in [
        ("y", 1_000, 1_000, "not the answer"),
        ("", 1_000, 1_000, "not the answer"),
        ("Checkout", 1_000, 1_000, "not the answer"),
        ("checkout ", 1_000, 1_000, "not the answer"),
        ("checkout", 299, 1_000, "before the dialog could be read"),
        ("checkout", 5_000, 299, "before the dialog could be read"),
    ] {
        let mut console = Console::at("fix");
        console.start("scale");
        console.wait(Duration::from_millis(waited));
        console.intend(Intent::Answer { text: text.to_owned(), reason: None, considered_ms });
        assert!(console.heard().contains(says), "{text:?} after {considered_ms} ms");
        assert!(console.pending.is_empty(), "{text:?}");
        assert!(matches!(console.state().change, Change::Asking(_)), "the confirmation stays");
        console.answer("checkout");
        console.settle();
        assert!(console.applying().is_some(), "and takes the right answer afterwards");
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_lock_the_confirmation() {
    let mut console = Console::at("fix");
    console.start("scale");
    console.now -= jiff::SignedDuration::from_hours(1);
    console.intend(Intent::Answer { text: "checkout".to_owned(), reason: None, considered_ms: 400 });
    console.settle();
    assert!(console.applying().is_some());
}

#[test]
fn the_gravest_tier_takes_the_name_and_a_reason() {
    let mut console = Console::at("fix");
    console.start("delete");
    let Change::Asking(asking) = &console.state().change else { panic!() };
    assert_eq!(asking.proposal.tier(), Tier::Three);
    for (text, reason) in [("prod-eu", None), ("prod-eu", Some("  ")), ("checkout", Some("why"))] {
        console.answer_with(text, reason);
        assert!(console.pending.is_empty(), "{text} {reason:?}");
    }
    console.answer_with("prod-eu", Some("the pod hangs"));
    console.settle();
    let run = console.applying().unwrap();
    assert_eq!(intended(&console, run).reason.as_deref(), Some("the pod hangs"));
}

#[test]
fn without_a_person_nothing_is_even_asked() {
    let mut console = Console::opening(Setup { person: false, ..setup() });
    console.settle();
    console.read("error_rate");
    console.start("restart");
    console.settle();
    assert_eq!(console.state().change, Change::Idle);
    assert_eq!(console.happened().last(), Some(&"refused"));
    assert!(console.said().last().unwrap().text().contains("not a terminal"));
}

#[test]
fn a_read_only_console_refuses_every_change() {
    let mut console = Console::opening(Setup { read_only: true, ..setup() });
    console.settle();
    console.read("error_rate");
    console.effects.clear();
    let own = Intent::AdHoc { line: "rm x".to_owned(), effect: Tag::Mutating };
    for intent in [Intent::Start(id("restart")), Intent::Start(id("scale")), own, Intent::Undo(RunId(1))] {
        console.intend(intent);
        assert!(console.heard().contains("--read-only"));
        assert!(console.effects.is_empty(), "not even made ready");
    }
    console.start("logs");
    console.settle();
    assert_eq!(console.happened().last(), Some(&"refused"), "what nothing enforces is not a read here");
    console.intend(Intent::AdHoc { line: "uptime".to_owned(), effect: Tag::ReadOnly });
    console.answer_prepare();
    console.settle();
    assert_eq!(console.reading(), None);
}

#[test]
fn a_hazard_a_refusal_or_a_failed_preparation_stops_it() {
    type Spoil = fn(&mut crate::engine::event::Prepared);
    let spoils: [(Spoil, &str); 2] = [
        (|prepared| prepared.wish.stops = vec!["the old version cannot read the schema".to_owned()], "cannot read the schema"),
        (|prepared| prepared.wish.preview = Preview::Refused("quota".to_owned()), "quota"),
    ];
    for (spoil, says) in spoils {
        let mut console = Console::at("fix");
        console.intend(Intent::Start(id("scale")));
        let (token, request) = console.prepare();
        let mut prepared = honest(&request);
        spoil(&mut prepared);
        console.send(Event::Prepared { token, result: Ok(Box::new(prepared)) });
        console.settle();
        assert!(console.said().last().unwrap().text().contains(says));
        assert_eq!((console.happened().last(), &console.state().change), (Some(&"refused"), &Change::Idle));
    }
    let mut console = Console::at("fix");
    console.intend(Intent::Start(id("scale")));
    let (token, _) = console.prepare();
    console.send(Event::Prepared { token, result: Err("the API server does not answer".to_owned()) });
    console.settle();
    assert_eq!(console.heard(), "The command scale: the API server does not answer");
    assert_eq!(console.happened().last(), Some(&"refused"));
}

#[test]
fn the_policy_refuses_by_its_rule() {
    use crate::guard::policy::{Refuse, Scope};
    let rule = Refuse { action: "kube.scale".to_owned(), on: Scope::default(), why: "capacity is bought".to_owned() };
    let policy = policy(|policy| policy.refuse.push(rule));
    let mut console = Console::opening(Setup { policy: policy.into(), ..setup() });
    console.settle();
    console.read("error_rate");
    console.start("scale");
    console.settle();
    assert!(console.said().last().unwrap().text().contains("capacity is bought"));
    assert_eq!(console.happened().last(), Some(&"refused"));
}

#[test]
fn a_void_clearance_is_prepared_and_asked_again() {
    let mut console = Console::at("fix");
    let run = console.change("scale");
    console.applied(run, Ending::Voided("the Deployment went from version 812 to 813".to_owned()));
    assert!(console.take(|effect| matches!(effect, Effect::Prepare { .. }).then_some(())).is_none(), "not before the log has it");
    console.settle();
    console.answer_prepare();
    assert!(matches!(console.state().change, Change::Asking(_)));
    assert_eq!(console.state().incident.unknown(), []);
    console.answer("checkout");
    console.settle();
    let again = console.applying().unwrap();
    assert_ne!(again, run, "a run of its own, with an intent of its own");
}

#[test]
fn an_unknown_outcome_blocks_every_change_until_the_probe_says_yes() {
    let mut console = Console::at("fix");
    let run = console.lose("scale");
    let own = Intent::AdHoc { line: "rm x".to_owned(), effect: Tag::Mutating };
    for intent in [Intent::Start(id("scale")), Intent::Start(id("restart")), own, Intent::Undo(run)] {
        console.intend(intent);
        assert!(console.heard().contains("unknown"));
    }
    assert!(console.effects.is_empty() && console.pending.is_empty());

    console.start("ready_now");
    console.settle();
    let probe = console.reading().expect("reads still run");
    console.probed(probe, false);
    console.settle();
    assert_eq!(console.state().incident.unknown(), [run], "a probe that says no does not settle it: it may still be on its way");
    assert!(console.said().iter().any(|notice| notice.text().contains("decide it yourself")));

    console.start("ready_now");
    console.settle();
    let probe = console.reading().unwrap();
    console.probed(probe, true);
    console.settle();
    assert_eq!(console.state().incident.runs[&run].state, RunState::Ruled { happened: true });
    assert_eq!(console.state().incident.outstanding(), [run]);
    console.intend(Intent::Start(id("scale")));
    console.prepare();
}

#[test]
fn a_person_rules_on_an_unknown_outcome_once_and_with_a_reason() {
    for happened in [true, false] {
        let mut console = Console::at("fix");
        let run = console.lose("scale");
        let rule = |run, why: &str| Intent::Rule { run, happened, why: why.to_owned() };
        console.intend(rule(run, " "));
        console.intend(rule(RunId(77), "I saw it"));
        assert_eq!(console.said().len(), 2);
        assert!(console.pending.is_empty());
        console.intend(rule(run, "I saw it"));
        console.settle();
        assert_eq!(console.state().incident.runs[&run].state, RunState::Ruled { happened });
        assert_eq!(console.state().incident.outstanding().is_empty(), !happened);
        console.intend(rule(run, "again"));
        assert!(console.heard().contains("not open"));
    }
}

#[test]
fn a_probe_says_nothing_about_a_change_that_runs_or_that_it_is_older_than() {
    let mut console = Console::at("fix");
    console.start("ready_now");
    console.settle();
    let early = console.reading().unwrap();
    console.wait(Duration::from_secs(1));
    let run = console.lose("scale");
    console.probed(early, true);
    console.settle();
    assert_eq!(console.state().incident.unknown(), [run], "the probe began before the change was sent");

    let mut console = Console::at("fix");
    let run = console.change("scale");
    console.start("ready_now");
    console.settle();
    let probe = console.reading().unwrap();
    console.probed(probe, true);
    console.settle();
    assert_eq!(console.state().incident.runs[&run].state, RunState::Open, "it is still running");
    assert!(!console.happened().contains(&"ruled"));
}

#[test]
fn stopping_a_change_leaves_its_outcome_unknown() {
    let mut console = Console::at("fix");
    let run = console.change("scale");
    console.intend(Intent::Cancel(run));
    assert_eq!(
        console.take(|effect| match effect {
            Effect::Stop(run) => Some(*run),
            _ => None,
        }),
        Some(run)
    );
    assert!(matches!(console.state().change, Change::Running { stopping: true, .. }));
    console.applied(run, Ending::Stopped);
    console.settle();
    assert_eq!(console.state().incident.unknown(), [run]);
}

#[test]
fn a_failed_change_is_settled_and_never_repeated() {
    let mut console = Console::at("fix");
    let run = console.change("delete");
    console.applied(run, Ending::Failed("409".to_owned()));
    console.settle();
    assert_eq!(console.state().incident.unknown(), []);
    assert_eq!(console.applying(), None, "its `retry` is not for changes");
    assert_eq!(console.state().change, Change::Idle);
}

#[test]
fn an_answer_or_a_wish_while_a_change_runs_leaves_it_running() {
    let mut console = Console::at("fix");
    let run = console.change("scale");
    console.effects.clear();
    console.answer("checkout");
    console.intend(Intent::Decline);
    console.intend(Intent::Start(id("restart")));
    console.intend(Intent::Leave);
    console.intend(Intent::Close { summary: "all good".to_owned() });
    assert_eq!(console.said().len(), 5);
    assert!(console.effects.is_empty() && console.pending.is_empty());
    assert!(matches!(&console.state().change, Change::Running { run: running, .. } if *running == run));
    console.applied(run, Ending::Succeeded);
    assert_eq!(console.pending.len(), 1, "and its outcome is still recorded");
}

#[test]
fn evidence_must_be_there_good_and_fresh_also_when_it_is_answered() {
    let mut console = Console::open();
    console.intend(Intent::Start(id("scale")));
    assert!(console.heard().contains("has not run yet"));
    console.start("error_rate");
    console.settle();
    let run = console.reading().unwrap();
    console.ran(run, Ending::Failed("503".to_owned()));
    console.settle();
    console.effects.clear();
    console.intend(Intent::Start(id("scale")));
    assert!(console.heard().contains("which failed"));
    console.read("error_rate");
    console.wait(Duration::from_secs(61));
    console.effects.clear();
    console.intend(Intent::Start(id("scale")));
    assert!(console.heard().contains("not older than 60s"));
    console.settle();
    assert_eq!(console.happened().iter().filter(|name| **name == "refused").count(), 3);

    console.read("error_rate");
    console.start("scale");
    console.wait(Duration::from_secs(61));
    console.effects.clear();
    console.answer("checkout");
    console.settle();
    assert!(console.heard().contains("not older than 60s"));
    assert_eq!((console.applying(), &console.state().change), (None, &Change::Idle));
    console.read("error_rate");
    console.intend(Intent::Start(id("restart")));
    console.prepare();
}

#[test]
fn declining_is_recorded_and_leaves_nothing_behind() {
    let mut console = Console::at("fix");
    console.start("scale");
    console.effects.clear();
    console.intend(Intent::Decline);
    console.settle();
    assert_eq!((console.heard().as_str(), console.happened().last()), ("nothing ran", Some(&"declined")));
    console.answer("checkout");
    assert!(console.pending.is_empty());
    console.intend(Intent::Start(id("scale")));
    let (token, request) = console.prepare();
    console.intend(Intent::Decline);
    assert!(console.take(|effect| matches!(effect, Effect::Abandon(given_up) if *given_up == token).then_some(())).is_some());
    console.send(Event::Prepared { token, result: Ok(Box::new(honest(&request))) });
    assert_eq!(console.state().change, Change::Idle, "what comes after all is not asked");
}

#[test]
fn a_read_that_qrh_knows_to_change_something_is_a_change() {
    for verdict in
        [Verdict::Changes("it deletes".to_owned()), Verdict::Reads(crate::action::Hold::ReadClient), Verdict::Unknown(String::new())]
    {
        let mut console = Console::at("look");
        console.intend(Intent::Start(id("read_0")));
        let (token, request) = console.prepare();
        let mut prepared = honest(&request);
        prepared.wish.write.planned.action = Action::Kube(Kube::DeletePod(Pod { pod: "checkout-1".to_owned() }));
        prepared.verdict = verdict;
        console.send(Event::Prepared { token, result: Ok(Box::new(prepared)) });
        let Change::Asking(asking) = &console.state().change else { panic!("it must ask") };
        assert_eq!((asking.proposal.declared(), asking.proposal.tier()), (false, Tier::Three));
        console.answer_right();
        console.settle();
        assert_eq!(console.reading(), None);
        assert!(console.applying().is_some(), "through the one door");
    }
}

#[test]
fn what_was_asked_for_as_a_change_stays_one_whatever_comes_back() {
    let mut console = Console::at("cure");
    console.intend(Intent::AdHoc { line: "uptime".to_owned(), effect: Tag::Mutating });
    let (token, request) = console.prepare();
    let mut prepared = honest(&request);
    prepared.wish.effect = Tag::ReadOnly;
    console.send(Event::Prepared { token, result: Ok(Box::new(prepared)) });
    let Change::Asking(asking) = &console.state().change else { panic!("it must ask") };
    assert!(!asking.proposal.declared());
}

#[test]
fn ad_hoc_commands_go_the_same_ways() {
    let mut console = Console::at("cure");
    console.intend(Intent::AdHoc { line: "  ".to_owned(), effect: Tag::Mutating });
    assert!(console.heard().contains("say what to run"));
    console.intend(Intent::AdHoc { line: "touch x".to_owned(), effect: Tag::Mutating });
    console.answer_prepare();
    console.answer_right();
    console.settle();
    let run = console.applying().unwrap();
    assert!(intended(&console, run).ad_hoc);
    console.applied(run, Ending::Succeeded);
    console.settle();
    assert_eq!(console.state().incident.outstanding(), [], "it named no undo");

    console.intend(Intent::AdHoc { line: "uptime".to_owned(), effect: Tag::ReadOnly });
    console.answer_prepare();
    console.answer("y");
    console.settle();
    let run = console.reading().unwrap();
    console.ran(run, Ending::Succeeded);
    console.settle();
    assert!(!console.state().incident.results.contains_key(&id("ad_hoc")), "no name for expressions");
}

#[test]
fn a_change_is_undone_once_through_the_same_door() {
    let mut console = Console::at("fix");
    let run = console.change("scale");
    console.applied(run, Ending::Succeeded);
    console.settle();
    console.effects.clear();
    console.intend(Intent::Undo(RunId(1)));
    assert!(console.heard().contains("nothing to take back"));
    console.intend(Intent::Undo(run));
    let (token, request) = console.prepare();
    assert!(matches!(&request, Request::Undo { undo, redo, .. } if **undo == scale(3) && **redo == scale(5)));
    console.send(Event::Prepared { token, result: Ok(Box::new(honest(&request))) });
    console.answer("checkout");
    console.settle();
    let undo = console.applying().unwrap();
    let record = intended(&console, undo);
    assert_eq!((record.undoes, record.undo), (Some(run), Some(scale(5))));
    assert_eq!(console.state().incident.outstanding(), [run], "until it has happened");
    console.applied(undo, Ending::Succeeded);
    console.settle();
    assert_eq!(console.state().incident.runs[&run].state, RunState::Undone { by: undo });
    assert_eq!(console.state().incident.outstanding(), [], "the undo itself is not one more thing to undo");
    console.effects.clear();
    console.intend(Intent::Undo(run));
    assert!(console.heard().contains("nothing to take back"));
}

#[test]
fn a_second_change_waits_for_the_first() {
    let mut console = Console::at("fix");
    console.intend(Intent::Start(id("scale")));
    console.intend(Intent::Start(id("scale")));
    console.intend(Intent::Start(id("restart")));
    assert_eq!(console.said().len(), 2);
    console.answer_prepare();
    console.intend(Intent::Start(id("restart")));
    assert!(console.heard().contains("another change"));
    assert!(console.effects.is_empty());
}

#[test]
fn leaving_at_a_confirmation_declines_it() {
    let mut console = Console::at("fix");
    console.start("scale");
    console.intend(Intent::Leave);
    console.settle();
    assert_eq!(console.happened().last(), Some(&"declined"));
    assert!(console.quits());
}

#[test]
fn the_time_between_answer_and_disk_is_no_time_to_leave() {
    let mut console = Console::at("fix");
    console.start("scale");
    console.answer("checkout");
    console.intend(Intent::Leave);
    assert!(console.heard().contains("starting"));
    assert!(!console.quits());
}
