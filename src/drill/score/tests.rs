//! One log written by hand for each rule of the score. Seconds count from the beginning of the drill; the page comes at 60.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use ulid::Ulid;

use super::*;
use crate::drill::scenario::model::Truth;
use crate::timeline::drill::Rating;
use crate::timeline::hlc::Hlc;
use crate::timeline::identifier::{IncidentId, Writer};
use crate::timeline::record::Record;

const DOCUMENT: &str = r#"
schema: qrh.drill/v1
id: slow-orders
title: Orders are slow
summary: Orders take seconds.
runbook: bad-deploy
service: checkout
world: { kind: cluster }
limit: 40m
briefing: You are on call.
faults:
  - { id: release, kind: slow-release }
injects:
  - { id: page, at: 60s, from: pager, text: p99 is above 1 s }
causes:
  - { id: release, says: The release is slow, right: true, because: Only new pods are }
  - { id: load, says: Too many customers, because: There are as many as ever }
success: { mitigated: faults.release.cured, durable_for: 5m }
fail:
  - { id: dark, when: health.ready == 0, why: Nobody is served }
objectives:
  - id: look
    says: Look before changing anything
    about: diagnosis
    rated:
      shown_by:
        - { event: qrh.command.finished, where: command == 'errors' }
        - { event: qrh.finding.held, where: data.go == 'stop' }
      performed: 2m
      some: 5m
      lowered_by:
        - { event: qrh.command.refused, where: command == 'undo_rollout', because: It was tried too early. }
        - { event: qrh.change.intended, where: after < 0, because: Something was changed before the page. }
  - { id: tell, says: Tell people, about: communication, looks_for: A message within ten minutes }
must_reach: [{ step: choose }, { lead: stop }, { command: undo_rollout }]
must_not_reach: [{ command: switch_off }]
autopilot:
  confirm: [pause]
  diagnoses: [{ when: "'stop' in leads", cause: release }]
hotwash: [What was the first sign?]
levels:
  basic: { says: plain }
  hard: { says: weaker, faults: { release: { extra_ms: 200 } } }
"#;

fn drill() -> Drill {
    let file = SourceFile::new("drill.yaml", DOCUMENT.as_bytes().to_vec());
    scenario::load(&file, false, Against::Nothing).drill.unwrap().at(Level::Basic)
}

fn envelope(number: u64, at: Timestamp, kind: &str, data: &Value) -> Envelope {
    let happening = serde_json::from_value(json!({ "type": kind, "data": data })).unwrap_or_else(|error| panic!("{kind}: {error}"));
    Envelope {
        id: EventId(Ulid::from_parts(number, u128::from(number))),
        writer: Writer::named("ana"),
        recorded: at,
        sequence: number,
        incident: IncidentId(Ulid::from_parts(0, 1)),
        cause: None,
        hlc: Hlc::default().tick(at),
        prev: Digest::NONE,
        record: Record { time: at, happening },
    }
}

/// Opened with `runbook`, begun, paged at 60 s; then what is given.
fn log_with(runbook: &str, events: &[(i64, &str, Value)]) -> Vec<Envelope> {
    let opened = json!({
        "qrh": "0", "mode": "DRILL", "read_only": false, "runbook": runbook, "runbook_title": "x", "runbook_sha256": "x", "service": {},
        "service_name": "checkout", "target_kind": "cluster", "target": "here", "inputs": {}, "actor": "ana",
    });
    let sealed = Digest::of(DOCUMENT.as_bytes()).to_string();
    let mut all = vec![
        (0, "qrh.incident.opened", opened),
        (0, "qrh.drill.began", json!({ "drill": "slow-orders", "level": "basic", "seed": 1, "world": "cluster", "hidden_sha256": sealed })),
        (60, "qrh.drill.injected", json!({ "inject": "page", "from": "pager", "text": "p99 is above 1 s" })),
    ];
    all.extend(events.iter().cloned());
    all.sort_by_key(|(at, _, _)| *at);
    let time = |at: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at);
    (1..).zip(&all).map(|(number, (at, kind, data))| envelope(number, time(*at), kind, data)).collect()
}

fn log(events: &[(i64, &str, Value)]) -> Vec<Envelope> {
    log_with("bad-deploy", events)
}

fn scored(events: &[(i64, &str, Value)]) -> (Score, Vec<Envelope>) {
    let log = log(events);
    (score(&drill(), &log), log)
}

/// The events that prove a statement, by their second.
fn seconds(proofs: &[Proof]) -> Vec<i64> {
    proofs.iter().map(|proof| proof.at.as_second()).collect()
}

fn finished(run: u32, command: &str) -> Value {
    json!({
        "run": run, "command": command, "took_ms": 1,
        "report": { "ending": { "ending": "succeeded" }, "out": null, "tail": [], "lines": 0, "cut_bytes": 0, "redacted": 0 },
    })
}

fn started(run: u32, command: &str) -> Value {
    json!({
        "run": run, "command": command, "step": "detect", "title": command, "place": "here", "hold": "no-effect",
        "describes": { "runs": [], "by_hand": null }, "ad_hoc": false,
    })
}

fn intended(run: u32, command: &str) -> Value {
    json!({
        "run": run, "command": command, "step": "stop", "title": command, "place": "cluster", "effect": "mutating",
        "describes": { "runs": [], "by_hand": null }, "action": { "compute": { "expression": "1" } }, "identity": "here", "digest": "x",
        "tier": 1, "confirmed": "y", "considered_ms": 1, "ad_hoc": false,
    })
}

fn with(mut value: Value, key: &str, to: Value) -> Value {
    value[key] = to;
    value
}

fn observed(what: &str) -> Value {
    json!({ "what": what, "service": "checkout", "detail": "" })
}

fn look(score: &Score) -> &Outcome {
    &score.objectives[0]
}

#[test]
fn time_to_the_proof_gives_the_rating() {
    let cases = [(180, Rating::Performed), (181, Rating::SomeChallenges), (360, Rating::SomeChallenges), (361, Rating::MajorChallenges)];
    for (at, rating) in cases {
        let (score, _) = scored(&[(at, "qrh.command.finished", finished(1, "errors"))]);
        assert_eq!(look(&score).rating, Some(rating), "at {at} s");
        assert_eq!(seconds(&look(&score).proofs), [at]);
    }
}

#[test]
fn what_nothing_shows_is_unable_and_has_no_proof() {
    let (score, _) = scored(&[(90, "qrh.command.finished", finished(1, "p99"))]);
    assert_eq!((look(&score).rating, look(&score).proofs.len()), (Some(Rating::Unable), 0));
}

#[test]
fn any_of_several_events_shows_it_and_the_first_is_the_proof() {
    let finding = json!({ "step": "detect", "number": 2, "means": "x", "go": "stop" });
    let (score, log) = scored(&[(200, "qrh.command.finished", finished(1, "errors")), (100, "qrh.finding.held", finding)]);
    assert_eq!(look(&score).rating, Some(Rating::Performed));
    let held = log.iter().find(|envelope| envelope.record.happening.kind() == "qrh.finding.held").unwrap();
    assert_eq!(look(&score).proofs, [Proof::of(held)]);
}

#[test]
fn what_is_shown_before_the_page_proves_nothing() {
    let (score, _) = scored(&[(30, "qrh.command.finished", finished(1, "errors"))]);
    assert_eq!(look(&score).rating, Some(Rating::Unable));
}

#[test]
fn each_lapse_lowers_by_one_however_often_it_is_found() {
    let refused = json!({ "command": "undo_rollout", "why": "stale evidence" });
    let events = [
        (100, "qrh.command.finished", finished(1, "errors")),
        (110, "qrh.command.refused", refused.clone()),
        (120, "qrh.command.refused", refused),
        (30, "qrh.change.intended", intended(2, "pause")),
    ];
    let (one, _) = scored(&events[..3]);
    assert_eq!(look(&one).rating, Some(Rating::SomeChallenges));
    assert_eq!(seconds(&look(&one).proofs), [100, 110, 120]);
    let (two, _) = scored(&events);
    assert_eq!(look(&two).rating, Some(Rating::MajorChallenges));
    assert!(look(&two).why.iter().any(|why| why.contains("before the page")));
}

#[test]
fn a_hand_counts_above_the_rubric_and_the_last_hand_counts() {
    let rated = |rating: &str, by: &str| json!({ "objective": "look", "rating": rating, "by": by, "why": "as seen" });
    let (score, _) = scored(&[
        (100, "qrh.command.finished", finished(1, "errors")),
        (400, "qrh.drill.rated", rated("unable", "max")),
        (500, "qrh.drill.rated", rated("some-challenges", "iris")),
    ]);
    assert_eq!((look(&score).rating, look(&score).by.as_deref()), (Some(Rating::SomeChallenges), Some("iris")));
    assert_eq!(seconds(&look(&score).proofs), [100, 500]);
}

#[test]
fn what_a_person_rates_stays_unrated_without_one() {
    let (score, _) = scored(&[]);
    assert_eq!((score.objectives[1].rating, score.objectives[1].by.as_deref()), (None, None));
}

#[test]
fn diagnosis_counts_the_first_right_answer_if_the_last_is_right() {
    let said = |answer: &str| json!({ "answer": answer, "by": "ana" });
    let (score, _) = scored(&[
        (100, "qrh.drill.diagnosed", said("load")),
        (160, "qrh.drill.diagnosed", said("release")),
        (200, "qrh.drill.diagnosed", said("release")),
    ]);
    assert_eq!(score.diagnosis.answers.iter().map(|answer| answer.truth).collect::<Vec<_>>(), [Truth::Wrong, Truth::Right, Truth::Right]);
    assert_eq!(score.diagnosis.found.map(|proof| proof.at.as_second()), Some(160));
    assert_eq!(score.times.diagnose, Some(SignedDuration::from_secs(100)));
    let (given_up, _) = scored(&[(100, "qrh.drill.diagnosed", said("release")), (200, "qrh.drill.diagnosed", said("load"))]);
    assert_eq!((given_up.diagnosis.found, given_up.times.diagnose), (None, None));
}

#[test]
fn mitigation_is_apart_from_diagnosis_and_a_relapse_takes_it_back() {
    let (score, _) = scored(&[(300, "qrh.drill.observed", observed("mitigated")), (600, "qrh.drill.observed", observed("durable"))]);
    assert_eq!(score.times.mitigate, Some(SignedDuration::from_secs(240)));
    assert!(score.mitigation.durable.is_some() && score.diagnosis.found.is_none());
    let (relapsed, _) = scored(&[
        (300, "qrh.drill.observed", observed("mitigated")),
        (400, "qrh.drill.observed", observed("unmitigated")),
        (900, "qrh.drill.observed", observed("mitigated")),
    ]);
    assert_eq!(seconds(&relapsed.mitigation.relapses), [400]);
    assert_eq!(relapsed.times.mitigate, Some(SignedDuration::from_secs(840)));
    assert_eq!(relapsed.mitigation.durable, None);
}

#[test]
fn harm_that_had_not_begun_can_not_have_stopped() {
    let (score, _) = scored(&[(0, "qrh.drill.observed", observed("mitigated")), (20, "qrh.drill.observed", observed("unmitigated"))]);
    assert_eq!(score.mitigation, Mitigation::default());
}

#[test]
fn detection_is_the_alert_s_time_and_acknowledging_the_responder_s() {
    let events = [
        (5, "qrh.drill.observed", observed("fault-began")),
        (20, "qrh.drill.observed", observed("unhealthy")),
        (75, "qrh.command.started", started(1, "errors")),
    ];
    let (score, _) = scored(&events);
    assert_eq!(score.times.detect, Some(SignedDuration::from_secs(40)));
    assert_eq!(score.times.acknowledge, Some(SignedDuration::from_secs(15)));
    let (unharmed, _) = scored(&events[..1]);
    assert_eq!(unharmed.times.detect, Some(SignedDuration::from_secs(55)), "the fault's beginning stands for the harm");
}

#[test]
fn what_is_unsafe_is_told_with_what_it_was() {
    let (score, _) = scored(&[
        (100, "qrh.command.refused", json!({ "command": "undo_rollout", "why": "stale" })),
        (110, "qrh.change.intended", intended(1, "undo_rollout")),
        (120, "qrh.change.intended", intended(2, "pause")),
        (130, "qrh.change.intended", intended(3, "set_image")),
        (140, "qrh.change.intended", intended(4, "switch_off")),
        (150, "qrh.change.intended", with(intended(5, "own"), "ad_hoc", json!(true))),
        (160, "qrh.change.intended", with(intended(6, "set_image"), "undoes", json!(3))),
        (170, "qrh.change.intended", with(intended(7, "look"), "effect", json!("read-only"))),
        (180, "qrh.drill.observed", with(observed("failing"), "of", json!("dark"))),
    ]);
    let acts: Vec<_> = score.unsafe_acts.iter().map(|found| (found.proof.at.as_second(), found.act)).collect();
    assert_eq!(acts, [(100, Act::Refused), (130, Act::Unexpected), (140, Act::Forbidden), (150, Act::ByHand), (180, Act::Fail)]);
    assert_eq!(score.unsafe_acts[4].says, "dark: Nobody is served");
}

#[test]
fn hints_cost_what_they_say() {
    let hint = |number: u32, penalty: u32| json!({ "hint": number, "text": "look", "penalty": penalty });
    let (score, _) = scored(&[(300, "qrh.drill.hinted", hint(1, 5)), (400, "qrh.drill.hinted", hint(2, 10))]);
    assert_eq!((score.hints.len(), score.penalty), (2, 15));
}

#[test]
fn a_runbook_s_defects_are_what_did_not_fit_and_where_it_did_not_lead() {
    let events = [
        (70, "qrh.step.entered", json!({ "step": "detect", "phase": "first-checks" })),
        (80, "qrh.step.misfit", json!({ "step": "detect", "reason": "no release" })),
        (90, "qrh.step.skipped", json!({ "step": "stop", "reason": "stopped already" })),
        (95, "qrh.finding.held", json!({ "step": "detect", "number": 0, "means": "x", "go": "stop" })),
        (96, "qrh.finding.lifted", json!({ "step": "detect", "number": 0 })),
        (100, "qrh.change.intended", intended(1, "switch_off")),
        (101, "qrh.command.finished", finished(1, "switch_off")),
    ];
    let (score, _) = scored(&events);
    let told: Vec<String> = score
        .defects
        .iter()
        .map(|defect| match defect {
            Defect::Misfit { step, .. } => format!("misfit {step}"),
            Defect::Skipped { step, .. } => format!("skipped {step}"),
            Defect::Missed { milestone } => format!("missed {milestone}"),
            Defect::Met { milestone } => format!("met {milestone}"),
        })
        .collect();
    assert_eq!(told, ["misfit detect", "skipped stop", "missed step choose", "missed command undo_rollout", "met command switch_off"]);
    let other = score_of_other_runbook(&events);
    assert_eq!(other.defects.len(), 2, "another runbook was not made to lead there");
}

fn score_of_other_runbook(events: &[(i64, &str, Value)]) -> Score {
    score(&drill(), &log_with("high-cpu", events))
}

fn revealed(text: &str) -> Value {
    json!({ "hidden": text, "sha256": "whatever the log says" })
}

#[test]
fn the_seal_is_held_against_the_text_itself() {
    assert_eq!(scored(&[]).0.seal, Seal::Closed);
    assert_eq!(scored(&[(900, "qrh.drill.revealed", revealed(DOCUMENT))]).0.seal, Seal::Kept);
    assert_eq!(scored(&[(900, "qrh.drill.revealed", revealed(&DOCUMENT.replace("right: true, ", "")))]).0.seal, Seal::Broken);
}

#[test]
fn a_log_scores_itself_once_it_has_revealed_its_drill() {
    assert_eq!(of_log(&log(&[])).map(|_| ()), Err(NoScore::NotRevealed));
    let live = log(&[]).into_iter().filter(|envelope| envelope.record.happening.kind() != "qrh.drill.began").collect::<Vec<_>>();
    assert_eq!(of_log(&live).map(|_| ()), Err(NoScore::NoDrill));
    let (drill, score) = of_log(&log(&[(900, "qrh.drill.revealed", revealed(DOCUMENT))])).unwrap();
    assert_eq!((drill.id.as_str(), score.seal, score.hidden[0].kind.as_str()), ("slow-orders", Seal::Kept, "slow-release"));
    let broken = of_log(&log(&[(900, "qrh.drill.revealed", revealed("schema: qrh.drill/v1"))])).map(|_| ());
    assert!(matches!(broken, Err(NoScore::Unreadable { problems }) if problems > 5), "{broken:?}");
}

#[test]
fn an_empty_log_is_scored_without_a_claim() {
    let score = score(&drill(), &[]);
    assert_eq!((score.times, score.began, score.seal), (Times::default(), None, Seal::Closed));
    assert!(score.objectives.iter().all(|outcome| outcome.rating.is_none_or(|rating| rating == Rating::Unable)));
}
