//! One incident with every kind of event in it, as other tests need it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use qrh::action::identity::{ClusterIdentity, ObjectIdentity};
use qrh::action::{Action, Description, Ending, Hold, Identity, Report, run::Run};
use qrh::runbook::model::{Effect, Phase, Place, TargetKind};
use qrh::timeline::chain::{Chain, Seed};
use qrh::timeline::drill::{Began, Diagnosed, DrillOutcome, Ended, Hinted, Injected, Observed, Rated, Rating, Revealed, Sender, Sight};
use qrh::timeline::envelope::Envelope;
use qrh::timeline::identifier::{IncidentId, Writer};
use qrh::timeline::record::{Around, Finished, Happening, Intended, Mode, Opened, Output, Reading, Record, Ruling, RunId, Started};
use serde_json::json;
use ulid::Ulid;

pub fn start() -> Timestamp {
    "2026-11-23T18:40:00.123Z".parse().unwrap()
}

pub fn incident() -> IncidentId {
    IncidentId(Ulid::from_parts(1_795_459_200_123, 0x1234_5678_9abc_def0_1122))
}

pub fn writer() -> Writer {
    Writer::named("ana@laptop")
}

/// The moment `seconds` after the incident opened.
pub fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

pub fn note(text: &str) -> Record {
    Record { time: start(), happening: Happening::Noted { text: text.to_owned() } }
}

pub fn seed(now: Timestamp, random: u128) -> Seed {
    Seed { now, random, cause: None }
}

/// Seals the records, one second apart where they are not later anyway; gives the envelopes and the log's bytes.
pub fn seal(chain: &mut Chain, records: Vec<Record>) -> (Vec<Envelope>, Vec<u8>) {
    let mut envelopes = Vec::new();
    let mut bytes = Vec::new();
    for (number, record) in records.into_iter().enumerate() {
        let now = record.time.max(after(i64::try_from(number).unwrap()));
        let (envelope, line) = chain.seal(record, seed(now, number as u128 + 1)).unwrap();
        envelopes.push(envelope);
        bytes.extend(line);
    }
    (envelopes, bytes)
}

pub fn target() -> Identity {
    Identity::Cluster(ClusterIdentity {
        context: "prod-eu".into(),
        server: "https://10.0.0.1:6443".into(),
        namespace: "shop".into(),
        user: Some("ana".into()),
        object: Some(ObjectIdentity {
            generation: Some(7),
            kind: "Deployment".into(),
            name: "checkout".into(),
            uid: "u-1".into(),
            resource_version: "41".into(),
        }),
    })
}

pub fn opened(mode: Mode) -> Opened {
    Opened {
        qrh: "0.1.0".into(),
        mode,
        read_only: false,
        runbook: "bad-deploy".into(),
        runbook_title: "Bad deploy".into(),
        runbook_sha256: "ab".repeat(32),
        service: json!({"name": "checkout"}),
        service_name: "checkout".into(),
        target_kind: TargetKind::Cluster,
        target: target(),
        inputs: BTreeMap::from([("window".into(), json!("30m"))]),
        actor: "ana".into(),
        detected: Some(after(-120)),
    }
}

fn describes(line: &str) -> Description {
    Description { runs: vec![line.to_owned()], by_hand: None }
}

pub fn intended(run: u32, undoes: Option<u32>) -> Happening {
    let action = Action::Run(Run { argv: vec!["rollback".into(), "41".into()], env: BTreeMap::new(), dir: None });
    Happening::Intended(Box::new(Intended {
        run: RunId(run),
        command: "undo_rollout".into(),
        step: "roll-back".into(),
        title: "Roll back to revision 41".into(),
        place: Place::Cluster,
        effect: Effect::Mutating,
        describes: describes("PATCH /apis/apps/v1/namespaces/shop/deployments/checkout"),
        action: action.clone(),
        identity: target(),
        digest: "cd".repeat(32),
        tier: 2,
        confirmed: "name typed".into(),
        considered_ms: 4200,
        reason: Some("errors since 18:31".into()),
        remembered: BTreeMap::from([("revision".into(), json!(42))]),
        undo: Some(action),
        undo_describes: Some(describes("kubectl rollout undo deployment/checkout --to-revision=42")),
        verify: Some("rollout_status".into()),
        hazards: vec!["Argo CD owns this object".into()],
        undoes: undoes.map(RunId),
        ad_hoc: false,
    }))
}

pub fn started(run: u32, title: &str) -> Happening {
    Happening::Started(Box::new(Started {
        run: RunId(run),
        command: "error_rate".into(),
        step: "look".into(),
        title: title.to_owned(),
        place: Place::Here,
        hold: Hold::QueryEndpoint,
        describes: describes("sum(rate(errors[5m])) | grep `x`"),
        confirmed: Some("y".to_owned()),
        ad_hoc: false,
    }))
}

pub fn finished(run: u32, ending: Ending, tail: &[&str]) -> Happening {
    let tail: Vec<String> = tail.iter().map(|line| (*line).to_owned()).collect();
    let report = Report { tail, lines: 900, cut_bytes: 12, redacted: 2, exit: Some(0), out: json!({"rate": 0.1}), ..Report::ended(ending) };
    Happening::Finished(Box::new(Finished {
        run: RunId(run),
        command: "error_rate".into(),
        report,
        took_ms: 2150,
        captured: BTreeMap::from([("rate".into(), json!(0.1))]),
        expected: Some(false),
        reading: Some(reading("error_rate", 0.1, "")),
        undecided: vec!["`expect`: no such key: ready".into()],
        output: Some(Output { file: "out/01ARZ3NDEKTSV4RRFFQ69G5FAV.log".into(), bytes: 70_000, sha256: "ef".repeat(32), cut_bytes: 5 }),
    }))
}

pub fn reading(command: &str, value: f64, unit: &str) -> Reading {
    Reading { command: command.into(), value: Some(value), unit: unit.to_owned() }
}

/// Every kind of event, in an order an incident could have.
pub fn happenings(mode: Mode) -> Vec<Happening> {
    let mut all = live(mode);
    all.extend(drill());
    all
}

fn drill() -> Vec<Happening> {
    let observed = |what, of: Option<&str>| {
        Happening::DrillObserved(Observed { what, service: "checkout".into(), of: of.map(str::to_owned), detail: "12 % errors".into() })
    };
    vec![
        Happening::DrillBegan(Began {
            drill: "bad-deploy".into(),
            level: "hard".into(),
            seed: 7,
            world: "cluster".into(),
            hidden_sha256: "ab".repeat(32),
        }),
        Happening::DrillInjected(Injected { inject: Some("page".into()), from: Sender::Pager, text: "p99 | above 1 s".into() }),
        observed(Sight::FaultBegan, Some("release")),
        Happening::DrillHinted(Hinted { hint: 1, text: "What changed?".into(), penalty: 5 }),
        Happening::DrillPaused { by: "max".into() },
        Happening::DrillContinued { by: "max".into() },
        Happening::DrillDiagnosed(Diagnosed { answer: "release".into(), by: "ana".into() }),
        observed(Sight::Mitigated, None),
        Happening::DrillRated(Rated {
            objective: "tell".into(),
            rating: Rating::SomeChallenges,
            by: "max".into(),
            why: "late, and clear".into(),
        }),
        Happening::DrillEnded(Ended { outcome: DrillOutcome::TimedOut, why: "50 minutes are over".into() }),
        Happening::DrillRevealed(Revealed { hidden: "schema: qrh.drill/v1\n".into(), sha256: "ab".repeat(32) }),
    ]
}

fn live(mode: Mode) -> Vec<Happening> {
    vec![
        Happening::Opened(Box::new(opened(mode))),
        Happening::StepEntered { step: "look".into(), phase: Phase::FirstChecks },
        Happening::FactsRead { facts: json!({"current": {"revision": 42}}) },
        started(1, "Error rate"),
        finished(1, Ending::Succeeded, &["0.1 <b>|</b>", "```", "# not a heading"]),
        Happening::FindingHeld {
            step: "look".into(),
            number: 0,
            means: "Errors began with the rollout".into(),
            go: Some("roll-back".into()),
        },
        Happening::StepCompleted { step: "look".into(), observed: "10 % errors".into() },
        Happening::StepEntered { step: "roll-back".into(), phase: Phase::Recovery },
        Happening::Refused { command: "undo_rollout".into(), why: "evidence is 20 min old".into() },
        Happening::Declined { command: "undo_rollout".into() },
        intended(2, None),
        Happening::Measured { run: RunId(2), when: Around::Before, readings: vec![reading("p99", 2100.0, "ms")] },
        finished(2, Ending::Unknown("no answer in 30 s".into()), &[]),
        Happening::Ruled { run: RunId(2), happened: true, by: Ruling::Probe("rollout_status".into()), why: "3 of 3 ready".into() },
        Happening::Measured { run: RunId(2), when: Around::After, readings: vec![reading("p99", 340.0, "ms")] },
        Happening::Noted { text: "told support | <script>alert(1)</script>\nsecond line".into() },
        Happening::FindingLifted { step: "look".into(), number: 0 },
        Happening::StepSkipped { step: "verify".into(), reason: "done above".into() },
        Happening::StepMisfit { step: "drain".into(), reason: "no node is involved".into() },
        Happening::Resumed { actor: "ben".into() },
        Happening::LogMended { what: "12 bytes of a torn line were set aside".into() },
        Happening::Closed { summary: "Rolled back; fix follows".into(), not_undone: vec![RunId(2)], unknown: vec![] },
    ]
}

pub fn records(mode: Mode) -> Vec<Record> {
    let happenings = happenings(mode).into_iter().enumerate();
    happenings.map(|(number, happening)| Record { time: after(i64::try_from(number).unwrap() * 10), happening }).collect()
}
