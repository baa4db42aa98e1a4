//! Logs written by hand, and what they add up to.
#![allow(clippy::needless_pass_by_value, reason = "`json!` is written where it is passed")]

use serde_json::{Value, json};

use super::drill::Revealed;
use super::envelope::Envelope;
use super::hlc::Hlc;
use super::identifier::{Digest, EventId, IncidentId, Writer};
use super::incident::{Incident, RunState, StepState};
use super::record::{EVENT_TYPES, Happening, Record, RunId};
use super::story;
use crate::action::Ending;
use crate::runbook::model::CommandId;

/// A record as it lies in a log: seconds since the incident opened, type, data.
fn record(second: u32, kind: &str, data: Value) -> Record {
    let time = format!("2026-03-01T03:{:02}:{:02}Z", second / 60, second % 60);
    serde_json::from_value(json!({ "time": time, "happening": { "type": kind, "data": data } })).unwrap()
}

fn started(second: u32, run: u32, command: &str, ad_hoc: bool) -> Record {
    let describes = json!({ "runs": [], "by_hand": null });
    let data = json!({ "run": run, "command": command, "step": "look", "title": command, "place": "here", "hold": "query-endpoint",
        "describes": describes, "ad_hoc": ad_hoc });
    record(second, "qrh.command.started", data)
}

fn intended(second: u32, run: u32, undoes: Option<u32>) -> Record {
    let scale = |replicas: u32| json!({ "kube": { "scale": { "deployment": "checkout", "replicas": replicas } } });
    let data = json!({ "run": run, "command": "scale", "step": "fix", "title": "Scale", "place": "cluster", "effect": "mutating",
        "describes": { "runs": [], "by_hand": null }, "action": scale(5), "identity": "here", "digest": "00", "tier": 2, "confirmed": "y",
        "considered_ms": 900, "undo": scale(3), "undoes": undoes, "ad_hoc": false });
    record(second, "qrh.change.intended", data)
}

fn finished(second: u32, run: u32, command: &str, ending: &Ending) -> Record {
    let report = json!({ "ending": ending, "out": second, "tail": [], "lines": 0, "cut_bytes": 0, "redacted": 0 });
    let data = json!({ "run": run, "command": command, "report": report, "took_ms": 5, "captured": { "seen_at": second } });
    record(second, "qrh.command.finished", data)
}

fn ruled(second: u32, run: u32, happened: bool) -> Record {
    record(second, "qrh.change.ruled", json!({ "run": run, "happened": happened, "by": { "person": "ana" }, "why": "seen" }))
}

fn unknown() -> Ending {
    Ending::Unknown("no answer".to_owned())
}

fn fold(records: &[Record]) -> Incident {
    Incident::replay(records)
}

#[test]
fn the_newest_answer_of_a_command_is_its_result() {
    let records = [
        started(1, 1, "error_rate", false),
        finished(2, 1, "error_rate", &Ending::Succeeded),
        started(3, 2, "error_rate", false),
        finished(4, 2, "error_rate", &Ending::Failed("503".to_owned())),
        started(5, 3, "error_rate", false),
        finished(6, 3, "error_rate", &Ending::Unreachable("refused".to_owned())),
        started(7, 4, "error_rate", false),
        finished(8, 4, "error_rate", &Ending::Stopped),
        started(9, 5, "ad_hoc", true),
        finished(10, 5, "ad_hoc", &Ending::Succeeded),
    ];
    let incident = fold(&records);
    let outcome = &incident.results[&CommandId::from("error_rate")];
    assert_eq!((outcome.run, &outcome.finished.report.out), (RunId(2), &json!(4)), "no answer is not an answer");
    assert_eq!(incident.captured.values().collect::<Vec<_>>(), [&json!(4)]);
    assert_eq!(incident.results.len(), 1, "a responder's own command has no name in expressions");
    assert_eq!(incident.next_run(), RunId(6));
}

#[test]
fn a_change_is_outstanding_from_its_effect_until_it_is_taken_back() {
    let log = [
        intended(1, 1, None),
        finished(2, 1, "scale", &Ending::Succeeded),
        intended(3, 2, Some(1)),
        finished(4, 2, "scale", &Ending::Succeeded),
        finished(5, 1, "scale", &Ending::Succeeded),
    ];
    let after = |count: usize| (fold(&log[..count]).outstanding(), fold(&log[..count]).unknown());
    assert_eq!(after(1), (vec![], vec![RunId(1)]), "intended, and nobody knows");
    assert_eq!(after(2), (vec![RunId(1)], vec![]));
    assert_eq!(after(3), (vec![RunId(1)], vec![RunId(2)]));
    assert_eq!(after(4), (vec![], vec![]), "neither the change nor its undo");
    assert_eq!(fold(&log[..4]).runs[&RunId(1)].state, RunState::Undone { by: RunId(2) });
    assert_eq!(fold(&log).runs[&RunId(1)].state, RunState::Undone { by: RunId(2) }, "a doubled outcome does not bring it back");
}

#[test]
fn an_undo_takes_back_only_when_it_took_effect() {
    for (ending, outstanding) in [
        (Ending::Failed("409".to_owned()), vec![RunId(1)]),
        (Ending::Stopped, vec![RunId(1)]),
        (Ending::Voided("changed".to_owned()), vec![RunId(1)]),
        (unknown(), vec![RunId(1)]),
        (Ending::Succeeded, vec![]),
    ] {
        let log =
            [intended(1, 1, None), finished(2, 1, "scale", &Ending::Succeeded), intended(3, 2, Some(1)), finished(4, 2, "scale", &ending)];
        assert_eq!(fold(&log).outstanding(), outstanding, "{ending:?}");
    }
    for (happened, outstanding) in [(true, vec![]), (false, vec![RunId(1)])] {
        let log = [
            intended(1, 1, None),
            finished(2, 1, "scale", &Ending::Succeeded),
            intended(3, 2, Some(1)),
            finished(4, 2, "scale", &unknown()),
            ruled(5, 2, happened),
        ];
        assert_eq!((fold(&log).outstanding(), fold(&log).unknown()), (outstanding, vec![]));
    }
}

#[test]
fn a_ruling_settles_what_is_unknown_and_nothing_else() {
    for happened in [true, false] {
        let log =
            [intended(1, 1, None), finished(2, 1, "scale", &unknown()), ruled(3, 1, happened), finished(4, 1, "scale", &Ending::Succeeded)];
        assert_eq!(fold(&log[..2]).unknown(), [RunId(1)]);
        for end in [3, 4] {
            let incident = fold(&log[..end]);
            assert_eq!(incident.runs[&RunId(1)].state, RunState::Ruled { happened });
            assert_eq!((incident.unknown(), incident.outstanding().is_empty()), (vec![], !happened));
        }
        let settled = [intended(1, 1, None), finished(2, 1, "scale", &Ending::Succeeded), ruled(3, 1, happened)];
        assert_eq!(fold(&settled).runs[&RunId(1)].state, RunState::Ended(Ending::Succeeded));
    }
}

#[test]
fn an_outcome_that_comes_after_it_was_given_up_counts() {
    let log = [intended(1, 1, None), finished(2, 1, "scale", &unknown()), finished(3, 1, "scale", &Ending::Succeeded)];
    assert_eq!((fold(&log).unknown(), fold(&log).outstanding()), (vec![], vec![RunId(1)]));
}

#[test]
fn a_partial_log_is_folded_without_its_missing_part() {
    let log = [
        finished(2, 1, "scale", &Ending::Succeeded),
        ruled(3, 4, true),
        record(4, "qrh.measure.read", json!({ "run": 9, "when": "after", "readings": [] })),
        intended(5, 2, Some(1)),
        finished(6, 2, "scale", &Ending::Succeeded),
        record(7, "qrh.finding.lifted", json!({ "step": "look", "number": 3 })),
        record(8, "qrh.step.completed", json!({ "step": "fix", "observed": "steady" })),
    ];
    let incident = fold(&log);
    assert_eq!(incident.runs.keys().collect::<Vec<_>>(), [&RunId(2)]);
    assert_eq!((incident.results.len(), incident.outstanding(), incident.unknown()), (0, vec![], vec![]));
    assert_eq!(incident.steps[&"fix".into()], StepState::Completed { observed: "steady".to_owned() });
    assert!(incident.opened.is_none() && incident.step.is_none());
    assert_eq!(fold(&[]), Incident::default());
}

#[test]
fn a_second_start_under_the_same_number_is_not_a_run() {
    let log = [intended(1, 1, None), finished(2, 1, "scale", &Ending::Succeeded), intended(3, 1, None), started(4, 1, "error_rate", false)];
    assert_eq!(fold(&log), Incident { last: fold(&log).last, ..fold(&log[..2]) });
}

#[test]
fn numbers_end_without_a_panic() {
    assert_eq!(fold(&[started(1, u32::MAX, "error_rate", false)]).next_run(), RunId(u32::MAX));
}

#[test]
fn a_step_stays_settled_when_it_is_looked_at_again() {
    let entered = |second, step: &str| record(second, "qrh.step.entered", json!({ "step": step, "phase": "recovery" }));
    let log = [
        entered(1, "fix"),
        record(2, "qrh.step.skipped", json!({ "step": "fix", "reason": "known" })),
        entered(3, "cure"),
        entered(4, "fix"),
    ];
    let incident = fold(&log);
    assert_eq!((incident.step, incident.steps.len()), (Some("fix".into()), 2));
    assert_eq!(incident.steps[&"fix".into()], StepState::Skipped { reason: "known".to_owned() });
}

#[test]
fn time_goes_on_though_a_note_lies_back() {
    let log = [started(60, 1, "error_rate", false), record(5, "qrh.note.added", json!({ "text": "seen" }))];
    assert_eq!(fold(&log).last, Some(log[0].time));
    assert!(matches!(log[1].happening, Happening::Noted { .. }));
}

#[test]
fn a_restart_makes_it_another_process() {
    let host = json!({ "host": { "host": "web-17", "process": { "pid": 4711, "started_ticks": 1 } } });
    let opened = json!({ "qrh": "0.1.0", "mode": "LIVE", "read_only": false, "runbook": "r", "runbook_title": "R", "runbook_sha256": "00",
        "service": {}, "service_name": "shop", "target_kind": "host", "target": host, "inputs": {}, "actor": "ana" });
    let facts = |second, process: Value| record(second, "qrh.facts.read", json!({ "facts": { "process": process } }));
    let mut log = vec![record(0, "qrh.incident.opened", opened)];
    assert_eq!(fold(&log).process(), Some(4711));
    log.push(facts(1, json!({ "pid": 4712 })));
    assert_eq!(fold(&log).process(), Some(4712));
    log.push(facts(2, Value::Null));
    assert_eq!(fold(&log).process(), None);
}

#[test]
fn every_type_of_event_is_listed_and_named_as_it_is_written() {
    let unknown = serde_json::from_str::<Happening>(r#"{"type":"none","data":{}}"#).unwrap_err().to_string();
    let known: Vec<&str> = unknown.split('`').skip(1).step_by(2).filter(|word| word.starts_with("qrh.")).collect();
    assert_eq!(known, EVENT_TYPES);
    let paused = Happening::DrillPaused { by: "max".to_owned() };
    assert_eq!(serde_json::to_value(&paused).unwrap()["type"], paused.kind());
}

#[test]
fn what_a_drill_hides_is_told_only_once_it_is_revealed() {
    let observed =
        serde_json::json!({ "type": "qrh.drill.observed", "data": { "what": "unhealthy", "service": "checkout", "detail": "secret" } });
    let hidden: Happening = serde_json::from_value(observed).unwrap();
    let revealed = Happening::DrillRevealed(Revealed { hidden: "x".to_owned(), sha256: "x".to_owned() });
    let envelope = |happening: Happening| Envelope {
        id: EventId(ulid::Ulid::nil()),
        writer: Writer::named("ana"),
        recorded: jiff::Timestamp::UNIX_EPOCH,
        sequence: 1,
        incident: IncidentId(ulid::Ulid::nil()),
        cause: None,
        hlc: Hlc::default(),
        prev: Digest::NONE,
        record: Record { time: jiff::Timestamp::UNIX_EPOCH, happening },
    };
    assert!(hidden.is_hidden() && story::tell(&[envelope(hidden.clone())]).is_empty());
    let told = story::tell(&[envelope(hidden), envelope(revealed)]);
    assert!(told.iter().any(|entry| entry.text.contains("checkout was not well")), "{told:?}");
}
