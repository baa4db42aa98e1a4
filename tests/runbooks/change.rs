//! The changes on a host, run for real: each takes effect, its verify probe sees that, its undo puts it back.

use std::time::Duration;

use qrh::action::shell::Shell;
use qrh::action::{Action, Ending, Report};
use qrh::runbook::catalog::{service_scope, target_scope};
use qrh::runbook::model::{Command, CommandId, Runbook};
use qrh::runbook::{expression, render};
use qrh::target::host;
use serde_json::{Value, json};

use crate::bench::{conduct, why};
use crate::document::runbook;
use crate::world::{World, until};

struct Desk {
    runbook: Runbook,
    scope: Value,
}

impl Desk {
    async fn new(id: &str, world: &World) -> Self {
        let service = world.on_host();
        let scope = json!({"service": service_scope(&service), "target": target_scope(&service.target), "facts": world.facts().await});
        Self { runbook: runbook(id), scope }
    }

    fn command(&self, id: &str) -> &Command {
        self.runbook.command(&CommandId::from(id)).unwrap().1
    }

    async fn run(&self, action: &qrh::runbook::model::ActionSpec) -> Report {
        let action: Action = serde_json::from_value(render::render_action(action, &self.scope).unwrap()).unwrap();
        let Action::Shell(Shell { script }) = action else { panic!("{action:?}") };
        let (conduct, _lines) = conduct(Duration::from_secs(60));
        host::shell(&Shell { script }, &conduct).await
    }

    /// Runs the command; keeps its result and what it remembers.
    async fn does(&mut self, id: &str) -> Report {
        let command = self.command(id).clone();
        for (name, source) in &command.remember {
            let value = expression::evaluate(&source.value, &self.scope).unwrap();
            self.scope["remember"] = json!({ name.as_str(): value });
        }
        let report = self.run(&command.action).await;
        self.scope[id] = json!({"out": report.out, "exit": report.exit, "lines": report.lines});
        report
    }

    async fn done(&mut self, id: &str) -> Report {
        let report = self.does(id).await;
        assert_eq!(report.ending, Ending::Succeeded, "{id}: {}: {:?}", why(&report), report.tail);
        report
    }

    async fn undone(&self, id: &str) {
        let report = self.run(self.command(id).undo.as_ref().unwrap()).await;
        assert_eq!(report.ending, Ending::Succeeded, "undo of {id}: {}: {:?}", why(&report), report.tail);
    }

    /// Whether the verify probe of a change sees it.
    async fn seen(&mut self, id: &str) -> bool {
        let probe = self.command(id).verify.clone().unwrap().value;
        let report = self.done(probe.as_str()).await;
        let mut scope = self.scope.clone();
        scope["out"] = report.out;
        expression::truth(&self.command(probe.as_str()).expect.clone().unwrap().value, &scope).unwrap()
    }
}

#[tokio::test]
async fn the_previous_release_is_put_back_and_the_undo_brings_the_newer_one() {
    let world = World::start();
    let mut desk = Desk::new("bad-deploy", &world).await;
    let good = desk.scope["facts"]["release"]["previous"].clone();
    assert!(good.as_str().unwrap().ends_with("releases/1.4.1"), "{good}");
    desk.scope["good_release"] = json!({"out": good});
    assert!(!desk.seen("swap_release").await, "nothing was done yet");
    desk.done("swap_release").await;
    assert!(desk.seen("swap_release").await);
    let link = || std::fs::read_link(world.root().join("current")).unwrap();
    assert_eq!(link(), std::path::Path::new("releases/1.4.1"), "as relative as it was");

    let again = desk.does("swap_release").await;
    assert_eq!(again.exit, Some(1), "it was made for a link that named the other release");
    assert!(again.tail.join(" ").contains("look again"), "{:?}", again.tail);

    desk.undone("swap_release").await;
    assert!(!desk.seen("swap_release").await);
    assert_eq!(link(), std::path::Path::new("releases/1.4.2"));
}

#[tokio::test]
async fn a_release_that_is_not_there_changes_nothing() {
    let world = World::start();
    let mut desk = Desk::new("bad-deploy", &world).await;
    let pid = desk.scope["facts"]["process"]["pid"].clone();
    desk.scope["fixed_release"] = json!({"out": "1.4.3; touch /tmp/x"});
    let report = desk.does("swap_forward").await;
    assert_eq!(report.exit, Some(1), "{:?}", report.tail);
    assert_eq!(std::fs::read_link(world.root().join("current")).unwrap(), std::path::Path::new("releases/1.4.2"));
    assert!(!world.root().join("current.qrh").is_symlink(), "nothing is left behind");
    assert_eq!(world.facts().await["process"]["pid"], pid);
}

#[tokio::test]
async fn a_restart_gives_another_process() {
    let world = World::start();
    let mut desk = Desk::new("high-memory", &world).await;
    desk.scope["process_before"] = json!({"out": desk.scope["facts"]["process"]["pid"]});
    assert!(!desk.seen("restart").await);
    desk.done("restart").await;
    assert!(desk.seen("restart").await);
    let old = desk.scope["process_before"]["out"].as_u64().unwrap();
    until("the end of the old process", || (!std::path::Path::new(&format!("/proc/{old}")).exists()).then_some(()));
}

#[tokio::test]
async fn a_service_that_has_just_died_is_waited_for() {
    let world = World::start();
    let mut desk = Desk::new("high-memory", &world).await;
    let pid = desk.scope["facts"]["process"]["pid"].clone();
    desk.scope["process_before"] = json!({"out": pid});
    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    desk.done("restart").await;
    assert!(desk.seen("restart").await);
}

#[tokio::test]
async fn the_deploy_lock_is_made_once_and_taken_away_by_the_undo() {
    let world = World::start();
    let mut desk = Desk::new("bad-deploy", &world).await;
    assert!(!desk.seen("lock_deploys").await);
    desk.done("lock_deploys").await;
    assert!(desk.seen("lock_deploys").await);
    assert_ne!(desk.does("lock_deploys").await.ending, Ending::Succeeded, "another's lock is not taken over");
    desk.undone("lock_deploys").await;
    assert!(!desk.seen("lock_deploys").await);
}
