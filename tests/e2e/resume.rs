//! The console is killed while a change runs: its outcome is unknown, says so everywhere, and nothing else is changed before it is ruled.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use serde_json::json;

use crate::console::{Console, Home};
use crate::pty::WIDE;
use crate::world;

/// Two changes: one that goes on until a file is there, one that makes a file.
const RUNBOOK: &str = r#"
schema: qrh.runbook/v1
id: halves
title: Two halves
summary: Two changes, of which the first takes as long as it is told to.
targets: [host]
steps:
  - id: change
    phase: recovery
    title: Change both
    why: The first is cut short.
    commands:
      - id: long
        title: Make the first half
        effect: mutating
        on: host
        timeout: 10m
        shell: |
          : > begun
          until [ -e go ]; do sleep 0.1; done
          : > first
        undo: { shell: "rm first" }
        verify: halves
      - id: short
        title: Make the second half
        effect: mutating
        on: host
        shell: ": > second"
        undo: { shell: "rm second" }
        verify: halves
      - id: halves
        title: See which halves are there
        effect: read-only
        on: host
        shell: "ls"
"#;

struct World {
    root: PathBuf,
    home: Home,
    _kept: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let (kept, root) = world::directory();
        let home = Home::new(&root, &json!({"owner": "team-shop", "target": {"host": {"pid": std::process::id()}}}));
        let place = root.join("place");
        std::fs::create_dir(&place).unwrap();
        // Commands run in a directory of their own choice: the runbook names where.
        let text = RUNBOOK.replace("          : > begun", &format!("          cd {0}\n          : > begun", place.display()));
        let text = text.replace("\": > second\"", &format!("\": > {}/second\"", place.display()));
        home.write("halves.yaml", &text);
        Self { root: place, home, _kept: kept }
    }

    fn console(&self, arguments: &[&str]) -> Console {
        self.home.open(WIDE, arguments)
    }
}

#[test]
fn an_unknown_outcome_holds_other_changes_until_it_is_ruled() {
    let world = World::start();
    let console = world.console(&["run", "halves.yaml"]);
    console.wait("facts read from the target");
    console.propose("Make the first half", 1);
    console.press("y");
    console.wait("CHANGE #1 RUNS");
    world::until("the change to begin", || world.root.join("begun").exists().then_some(()));
    console.terminal.signal(Signal::KILL);
    drop(console.terminal.end());
    // What it had started goes on without it, and takes effect: nobody could know that.
    Command::new("touch").arg(world.root.join("go")).status().unwrap();
    world::until("the change to end", || world.root.join("first").exists().then_some(()));

    let log = world.home.log();
    assert_eq!(log.events.last().unwrap()["type"], "qrh.change.intended");
    assert!(world.home.print(&["incidents"]).contains("1 outcome unknown"));
    let console = world.console(&["resume"]);
    console.wait("LIVE host  shop");
    console.wait("UNKNOWN");
    // What happened before is in the timeline still.
    console.wait("▶ #1 Make the first half [MUT, tier 1, y]");
    console.beat();
    console.mark("Make the second half");
    console.press("x");
    console.wait("the outcome of #1 is unknown");
    console.beat();
    assert!(!console.terminal.screen().contains("TIER 1 ·"), "another change is offered:\n{}", console.terminal.screen());
    console.press("y\r");
    console.beat();
    assert!(!world.root.join("second").exists());
    assert_eq!(world.home.log().all("change.intended").len(), 1);

    console.press("r");
    console.wait("Unknown outcomes");
    console.press("\r");
    console.wait("What became of it");
    console.press("\r");
    console.wait("How you know");
    console.beat();
    console.press("the first half is there\r");
    console.wait("it took effect (the first half is there)");
    console.propose("Make the second half", 1);
    console.press("y");
    world::until("the second change", || world.root.join("second").exists().then_some(()));
    console.wait("✓ succeeded · #2 short");
    console.leave();
    let ended = console.terminal.end();
    assert_eq!(ended.code(), 0, "{}", ended.screen);
    ended.assert_given_back();
    let log = world.home.log();
    let ruled = log.one("change.ruled", "run", 1);
    assert_eq!((&ruled["data"]["happened"], &ruled["data"]["why"]), (&json!(true), &json!("the first half is there")));
    assert!(world.home.print(&["incidents"]).contains("2 change"));
}

#[test]
fn leaving_with_an_unknown_outcome_says_so_and_ends_with_4() {
    let world = World::start();
    let console = world.console(&["run", "halves.yaml"]);
    console.wait("facts read from the target");
    console.propose("Make the first half", 1);
    console.press("y");
    world::until("the change to begin", || world.root.join("begun").exists().then_some(()));
    console.terminal.signal(Signal::KILL);
    drop(console.terminal.end());
    let console = world.console(&["resume"]);
    console.wait("UNKNOWN");
    console.leave();
    let ended = console.terminal.end();
    assert_eq!(ended.code(), 4, "{}", ended.screen);
    assert!(ended.screen.contains("Outcome unknown: #1"), "{}", ended.screen);
    std::fs::write(world.root.join("go"), "").unwrap();
    world::until("the change to end", || world.root.join("first").exists().then_some(()));
}
