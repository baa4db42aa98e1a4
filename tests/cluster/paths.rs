//! The cluster paths of the shipped runbooks: every kind of read, and the changes with their undo.

use qrh::runbook::model::{ActionKind, Effect, Place};
use qrh::runbook::{load, source::SourceFile};
use serde_json::json;

use crate::ground::{Ground, SERVICE};
use crate::session::Session;

/// Reads that have nothing to read here, each with the reason.
const NOT_HERE: &[(&str, &str)] = &[
    ("crash_logs_kept", "no container has run before"),
    ("logs_before_restart", "no container has run before"),
    ("minimum_set", "the Deployment has no autoscaler"),
    ("stuck_pod_now", "no pod is stuck"),
    ("stuck_pod_shifted", "no pod is stuck"),
    ("usage", "a cluster need not have a metrics server"),
];

/// The steps of a runbook with those of their reads that ask the cluster and need nothing but the service.
fn reads(runbook: &str) -> Vec<(String, Vec<String>)> {
    let path = format!("{}/runbooks/{runbook}.yaml", env!("CARGO_MANIFEST_DIR"));
    let file = SourceFile::new(path.clone(), std::fs::read(path).unwrap());
    let runbook = load(&file, true).runbook.unwrap();
    let plain = |text: &str| !text.replace("{{ service.", "").contains("{{");
    let wanted = runbook.steps.iter().map(|step| {
        let commands = step.commands.iter().filter(|command| command.action.kind == ActionKind::Kube);
        let commands = commands.filter(|command| command.effect == Effect::ReadOnly && command.place != Place::Host);
        let ids = commands.filter(|command| plain(&format!("{:?}", command.action))).map(|command| command.id.to_string());
        (step.id.to_string(), ids.filter(|id| NOT_HERE.iter().all(|(not, _)| not != id)).collect())
    });
    wanted.filter(|(_, ids): &(String, Vec<String>)| !ids.is_empty()).collect()
}

#[test]
fn every_read_of_the_five_runbooks_works() {
    let ground = Ground::new();
    for runbook in ["bad-deploy", "dependency-outage", "event-loop-latency", "high-cpu", "high-memory"] {
        let session = Session::open(&ground, runbook);
        let (mut ran, mut failed) = (0, Vec::new());
        for (step, commands) in reads(runbook) {
            session.step(&step);
            for command in commands {
                failed.extend(session.read(&command));
                ran += 1;
            }
        }
        assert!(ran > 0, "{runbook} reads nothing of a cluster");
        assert!(failed.is_empty(), "{runbook}:\n{}", failed.join("\n"));
        session.leave();
    }
}

#[test]
fn a_bad_deploy_is_paused_resumed_and_rolled_back() {
    let ground = Ground::new();
    let session = Session::open(&ground, "bad-deploy");
    session.reads("rollout");
    session.step("stop");
    let (dialog, run) = session.changes("pause");
    assert!(dialog.contains(&ground.namespace) && dialog.contains("rollout pause"), "{dialog}");
    assert_eq!(ground.deployment("/spec/paused"), json!(true));
    session.reads("paused_now");
    session.takes_back(&run, "pause");
    assert_eq!(ground.deployment("/spec/paused"), json!(null));
    let release = || ground.deployment("/spec/template/spec/containers/0/env/0/value");
    assert_eq!(release(), json!("2"));
    session.step("preserve");
    session.reads("deployment_kept");
    session.reads("logs_kept");
    session.step("choose");
    session.answers("migration_state", "none");
    session.reads("good_revision");
    session.step("roll-back");
    let (_, run) = session.changes("undo_rollout");
    assert_eq!(release(), json!("1"));
    session.reads("revision_in_place");
    session.takes_back(&run, "undo_rollout");
    assert_eq!(release(), json!("2"));
    let log = session.leave();
    let changed = log.iter().filter(|event| event["type"] == "qrh.change.intended").count();
    assert_eq!(changed, 4, "two changes, each taken back");
}

#[test]
fn replicas_are_set_and_set_back() {
    let ground = Ground::new();
    let session = Session::open(&ground, "high-cpu");
    session.step("scale-out");
    session.reads("livez_now");
    session.answers("replicas_asked", "3");
    session.reads("replicas_wanted");
    let (_, run) = session.changes("scale");
    assert_eq!(ground.deployment("/spec/replicas"), json!(3));
    ground.kubectl(&["rollout", "status", &format!("deployment/{SERVICE}"), "--timeout=180s"]);
    session.takes_back(&run, "scale");
    assert_eq!(ground.deployment("/spec/replicas"), json!(2));
    let log = session.leave();
    let intended: Vec<_> = log.iter().filter(|event| event["type"] == "qrh.change.intended").collect();
    assert_eq!(intended.len(), 2, "the change and its undo");
}
