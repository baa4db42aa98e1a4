//! The cluster paths of the shipped runbooks: every kind of read, and the changes with their undo.

use qrh::runbook::model::{ActionKind, Effect, Place};
use qrh::runbook::{load, source::SourceFile};
use serde_json::json;

use crate::ground::{Ground, SERVICE};
use crate::session::Session;

/// Reads that find nothing to read: no container of this suite has run before.
const NOTHING_THERE: &[&str] = &["crash_logs_kept", "logs_before_restart"];
/// What only a real cluster answers for any container: the world does for its own shop's, which `tests/world` tries.
const NOT_IN_THE_WORLD: &[&str] = &["cgroup_cpu", "pod_threads", "pod_sync_calls"];
/// What needs a metrics server, which the world has.
const NOT_IN_EVERY_CLUSTER: &[&str] = &["cpu_pods"];

/// The steps of a runbook with those of their reads that ask the cluster and need nothing but the service.
fn reads(ground: &Ground, runbook: &str) -> Vec<(String, Vec<String>)> {
    let path = format!("{}/runbooks/{runbook}.yaml", env!("CARGO_MANIFEST_DIR"));
    let file = SourceFile::new(path.clone(), std::fs::read(path).unwrap());
    let runbook = load(&file, true).runbook.unwrap();
    let plain = |text: &str| !text.replace("{{ service.", "").contains("{{");
    let other = if ground.is_world() { NOT_IN_THE_WORLD } else { NOT_IN_EVERY_CLUSTER };
    let here = |id: &String| !NOTHING_THERE.contains(&id.as_str()) && !other.contains(&id.as_str());
    let wanted = runbook.steps.iter().map(|step| {
        let commands = step.commands.iter().filter(|command| command.action.kind == ActionKind::Kube);
        let commands =
            commands.filter(|command| command.effect == Effect::ReadOnly && command.place != Place::Host && command.when.is_none());
        let ids = commands.filter(|command| plain(&format!("{:?}", command.action))).map(|command| command.id.to_string());
        (step.id.to_string(), ids.filter(here).collect())
    });
    wanted.filter(|(_, ids): &(String, Vec<String>)| !ids.is_empty()).collect()
}

#[test]
fn every_read_of_the_five_runbooks_works() {
    let ground = Ground::new();
    let mut failed = Vec::new();
    for runbook in ["bad-deploy", "dependency-outage", "event-loop-latency", "high-cpu", "high-memory"] {
        let session = Session::open(&ground, runbook);
        let mut ran = 0;
        for (step, commands) in reads(&ground, runbook) {
            session.step(&step);
            for command in commands {
                failed.extend(session.read(&command).map(|said| format!("{runbook}: {said}")));
                ran += 1;
            }
        }
        assert!(ran > 0, "{runbook} reads nothing of a cluster");
        session.leave();
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
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
