//! The machine alone: time and truth by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::drill::scenario::{self, Against};
use crate::drill::world::plant::FaultState;
use crate::runbook::source::SourceFile;
use crate::timeline::drill::Rating;
use crate::timeline::record::Record;

const DRILL: &str = r#"
schema: qrh.drill/v1
id: sample
title: Errors
summary: For tests.
runbook: bad-deploy
service: checkout
world: { kind: cluster, seed: 3 }
limit: 20m
briefing: You are on call.
faults:
  - { id: release, kind: bad-release, at: 10s }
injects:
  - { id: page, at: 1m, from: pager, text: errors }
  - { id: worried, when: "health.error_share > 0.5", from: executive, text: is anybody there }
hints:
  - { after: 2m, text: look at the versions, penalty: 10 }
causes:
  - { id: release, says: the release, right: true, because: only it fails }
  - { id: other, says: something else, because: nothing shows it }
success: { mitigated: "faults.release.cured && health.healthy", durable_for: 60s }
fail:
  - { id: worse, when: "health.error_share > 0.9", why: nobody is served, ends: true }
objectives:
  - { id: tell, says: tell people, about: communication, looks_for: a message }
autopilot:
  diagnoses:
    - { when: "after > 90", cause: release }
hotwash: [what now]
levels:
  basic: { says: easy }
  hard: { says: harder }
"#;

fn at(seconds: u64) -> Timestamp {
    later(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
}

/// A drill that is played by hand.
struct Played {
    exercise: Exercise,
    incident: Incident,
    health: BTreeMap<String, Health>,
}

impl Played {
    fn new() -> Self {
        let file = SourceFile::new("sample", DRILL.as_bytes().to_vec());
        let loaded = scenario::load(&file, false, Against::Nothing);
        let drill = loaded.drill.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let exercise = Exercise::new((drill.at(Level::Basic), Level::Basic), 3, DRILL.to_owned(), at(0));
        let mut played = Self { exercise, incident: Incident::default(), health: BTreeMap::new() };
        played.world(0.0, None);
        played
    }

    /// `cured`: of the fault; none while it is not there.
    fn world(&mut self, error_share: f64, cured: Option<bool>) {
        let faults = cured.map(|cured| FaultState { id: "release".to_owned(), active: !cured, cured }).into_iter().collect();
        let health = Health { error_share, healthy: error_share < 0.01, faults, ..Health::default() };
        self.health.insert("checkout".to_owned(), health);
    }

    fn look(&mut self, seconds: u64) -> Vec<Out> {
        let truth = Truth { now: at(seconds), health: &self.health, incident: &self.incident };
        let out = self.exercise.look(truth);
        for happened in &out {
            if let Out::Happened(happening) = happened {
                self.incident.apply(&Record { time: at(seconds), happening: happening.clone() });
            }
        }
        out
    }

    /// What was seen at these times, in words.
    fn sights(&mut self, times: impl IntoIterator<Item = u64>) -> Vec<&'static str> {
        let out: Vec<Out> = times.into_iter().flat_map(|seconds| self.look(seconds)).collect();
        out.iter()
            .filter_map(|out| if let Out::Happened(Happening::DrillObserved(seen)) = out { Some(seen.what.as_str()) } else { None })
            .collect()
    }
}

fn messages(out: &[Out]) -> Vec<&str> {
    let sent = out.iter().filter_map(|out| if let Out::Happened(Happening::DrillInjected(sent)) = out { Some(sent) } else { None });
    sent.filter_map(|sent| sent.inject.as_deref()).collect()
}

#[test]
fn faults_and_messages_come_when_they_are_due_and_once() {
    let mut played = Played::new();
    let begins = |out: &[Out]| out.iter().any(|out| *out == Out::Begin("release".to_owned()));
    assert!(!begins(&played.look(0)));
    assert_eq!(played.exercise.due(), Some(at(5)), "the next look");
    assert!(played.look(3).is_empty(), "nothing is due");
    assert!(begins(&played.look(10)));
    assert!(!begins(&played.look(15)));
    assert_eq!(messages(&played.look(60)), ["page"]);
    assert!(messages(&played.look(65)).is_empty());
    played.world(0.6, Some(false));
    assert_eq!(messages(&played.look(70)), ["worried"], "as soon as its condition holds");
    played.world(0.0, Some(false));
    played.look(75);
    played.world(0.6, Some(false));
    assert!(messages(&played.look(80)).is_empty(), "and once");
}

#[test]
fn what_is_wrong_from_the_first_moment_is_there_before_anybody_looks() {
    let text = DRILL.replace("at: 10s", "at: 0s");
    let file = SourceFile::new("sample", text.as_bytes().to_vec());
    let drill = scenario::load(&file, false, Against::Nothing).drill.unwrap();
    let mut exercise = Exercise::new((drill.at(Level::Basic), Level::Basic), 3, text, at(0));
    assert_eq!(exercise.first_faults(), ["release"]);
    assert!(exercise.first_faults().is_empty(), "once");
    let (health, incident) = (BTreeMap::new(), Incident::default());
    let begun = exercise.look(Truth { now: at(5), health: &health, incident: &incident });
    assert!(!begun.iter().any(|out| matches!(out, Out::Begin(_))), "{begun:?}");
    assert!(Played::new().exercise.first_faults().is_empty(), "one that is due later");
}

#[test]
fn what_is_well_before_the_harm_is_no_mitigation() {
    let mut played = Played::new();
    assert_eq!(played.sights([0, 5]), ["healthy"]);
    played.look(10);
    played.world(0.0, Some(true));
    assert_eq!(played.sights([15]), Vec::<&str>::new(), "a release that is on its way is not cured");
    played.world(0.3, Some(false));
    assert_eq!(played.sights([20]), ["unhealthy", "fault-began"]);
    played.world(0.0, Some(true));
    assert_eq!(played.sights([25]), ["healthy", "fault-cured", "mitigated"]);
    assert!(played.exercise.ended().is_none(), "it must last");
}

#[test]
fn a_mitigation_that_is_undone_begins_anew_and_one_that_lasts_ends_the_drill() {
    let mut played = Played::new();
    played.look(10);
    played.world(0.3, Some(false));
    played.look(15);
    played.world(0.0, Some(true));
    played.look(20);
    played.world(0.3, Some(false));
    assert_eq!(played.sights([60]), ["unhealthy", "fault-returned", "unmitigated"]);
    played.world(0.0, Some(true));
    assert_eq!(played.sights([65, 100, 120]), ["healthy", "fault-cured", "mitigated"], "counted from the second time");
    let last = played.look(125);
    assert_eq!(played.exercise.ended().map(|ended| ended.outcome), Some(DrillOutcome::Mitigated));
    let Some(Out::Happened(Happening::DrillRevealed(revealed))) = last.last() else { panic!("{last:?}") };
    let Happening::DrillBegan(began) = played.exercise.began() else { panic!("not begun") };
    assert_eq!((revealed.hidden.as_str(), &revealed.sha256), (DRILL, &began.hidden_sha256), "what was sealed is what is revealed");
    assert_eq!((played.look(500), played.exercise.due()), (Vec::new(), None), "an ended drill does nothing any more");
}

#[test]
fn a_drill_ends_by_its_fail_condition_by_its_limit_and_by_being_left() {
    let mut failed = Played::new();
    failed.look(10);
    failed.world(0.95, Some(false));
    failed.look(15);
    assert_eq!(failed.exercise.ended().map(|ended| ended.outcome), Some(DrillOutcome::Failed));

    let mut late = Played::new();
    late.look(10);
    late.world(0.3, Some(false));
    late.look(1200);
    assert_eq!(late.exercise.ended().map(|ended| ended.outcome), Some(DrillOutcome::TimedOut));
    assert!(late.exercise.finish(&late.incident).is_empty(), "it is over already");

    let mut left = Played::new();
    left.look(10);
    assert_eq!(left.exercise.finish(&left.incident).len(), 2);
    assert_eq!(left.exercise.ended().map(|ended| ended.outcome), Some(DrillOutcome::Abandoned));
}

#[test]
fn hints_have_their_time_and_a_diagnosis_is_one_of_the_causes() {
    let mut played = Played::new();
    assert_eq!(played.exercise.hint(at(100)), Err("the next hint may be had in 20 s".to_owned()));
    assert!(matches!(played.exercise.hint(at(120)), Ok(Happening::DrillHinted(Hinted { hint: 1, penalty: 10, .. }))));
    assert_eq!(played.exercise.hint(at(130)), Err("there is no further hint".to_owned()));
    assert!(played.exercise.diagnose("release", "ana").is_ok());
    assert!(played.exercise.diagnose("no-such", "ana").is_err());
    played.exercise.finish(&played.incident);
    assert!(played.exercise.hint(at(140)).is_err() && played.exercise.diagnose("release", "ana").is_err(), "after the end it is known");
}

#[test]
fn a_facilitator_keeps_messages_back_and_sends_them() {
    let mut played = Played::new();
    assert!(played.exercise.hold("page", true).is_ok());
    assert!(played.exercise.hold("no-such", true).is_err());
    assert!(messages(&played.look(60)).is_empty());
    assert!(played.exercise.fire("page").is_ok());
    assert!(played.exercise.hold("page", false).is_err(), "it was sent");
    assert!(messages(&played.look(65)).is_empty());
    assert!(played.exercise.rate("tell", Rating::Performed, ("ana", "said it")).is_ok());
    assert!(played.exercise.rate("no-such", Rating::Performed, ("ana", "said it")).is_err());
}

proptest! {
    /// However the world goes: each message comes once at most, and nothing happens after the end.
    #[test]
    fn nothing_comes_twice_and_nothing_after_the_end(worlds in prop::collection::vec((1_u64..90, 0_u8..100, any::<bool>()), 1..60)) {
        let mut played = Played::new();
        let (mut now, mut sent, mut ended) = (0, Vec::new(), false);
        for (passed, errors, cured) in worlds {
            now += passed;
            played.world(f64::from(errors) / 100.0, (now >= 10).then_some(cured));
            let out = played.look(now);
            prop_assert!(!ended || out.is_empty());
            sent.extend(messages(&out).into_iter().map(str::to_owned));
            ended = played.exercise.ended().is_some();
        }
        sent.sort();
        let all = sent.len();
        sent.dedup();
        prop_assert_eq!(sent.len(), all);
    }
}
