//! The terminal is given back however the console ends, nothing that it started runs on, and its log is whole.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;
use serde_json::json;

use crate::console::{Console, Home};
use crate::pty::{Ended, SMALL, WIDE};
use crate::world;

/// A read that runs until it is ended, and says which process it is.
const RUNBOOK: &str = r#"
schema: qrh.runbook/v1
id: endless
title: Endless
summary: One read that goes on until somebody ends it.
targets: [host]
steps:
  - id: look
    phase: first-checks
    title: Look for long
    why: A console is left while something runs.
    commands:
      - id: wait
        title: Wait for something that never comes
        effect: read-only
        on: host
        timeout: 10m
        shell: |
          echo "waits as $$"
          sleep 600 & wait
"#;

struct World {
    home: Home,
    _kept: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let (kept, root) = world::directory();
        let pid_file = root.join("pid");
        std::fs::write(&pid_file, std::process::id().to_string()).unwrap();
        let home = Home::new(&root, &json!({"owner": "team-shop", "target": {"host": {"pid_file": pid_file}}}));
        home.write("endless.yaml", RUNBOOK);
        home.write("policy.yaml", "{schema: qrh.policy/v1, declared_only: run}");
        Self { home, _kept: kept }
    }

    fn open(&self) -> Console {
        let console = self.home.open(WIDE, &["run", "endless.yaml", "--policy", "policy.yaml"]);
        console.wait("facts read from the target");
        console
    }

    /// A console with a read that runs, and the process group of that.
    fn busy(&self) -> (Console, i32) {
        let console = self.open();
        assert!(console.terminal.is_raw());
        console.press("\r");
        let group = console.terminal.until("the read's process", |screen| {
            let rest = screen.split_once("│waits as ")?.1;
            rest.split([' ', '│']).next()?.parse().ok()
        });
        (console, group)
    }

    /// What ended is ended, and recorded: the log has no gap, and says what became of the read.
    fn assert_over(&self, group: i32) {
        world::until("the end of what was started", || processes(group).is_empty().then_some(()));
        let log = self.home.log();
        let finished = log.one("command.finished", "command", "wait");
        assert_eq!(finished["data"]["report"]["ending"]["ending"], "stopped", "{finished}");
        assert!(self.home.print(&["incidents"]).contains("open"));
    }
}

/// Processes of a group that still run.
fn processes(group: i32) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let of_group = |stat: &String| {
        let fields: Vec<&str> = stat.rsplit_once(')').map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect());
        fields.get(2).is_some_and(|field| *field == group.to_string()) && fields.first() != Some(&"Z")
    };
    stats.filter(of_group).collect()
}

fn assert_ended(ended: &Ended, code: i32) {
    assert_eq!(ended.code(), code, "{}", ended.screen);
    ended.assert_given_back();
    assert!(ended.screen.contains("Go on with it: qrh resume"), "{}", ended.screen);
}

#[test]
fn leaving_gives_the_terminal_back() {
    let world = World::start();
    let (console, group) = world.busy();
    console.leave();
    assert_ended(&console.terminal.end(), 0);
    world.assert_over(group);
}

#[test]
fn signals_give_the_terminal_back() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let world = World::start();
        let (console, group) = world.busy();
        console.terminal.signal(signal);
        assert_ended(&console.terminal.end(), code);
        world.assert_over(group);
    }
}

#[test]
fn a_closed_window_ends_the_console_and_what_it_started() {
    let world = World::start();
    let (console, group) = world.busy();
    let status = console.terminal.hang_up();
    assert_eq!((status.code(), status.signal()), (Some(129), None));
    world.assert_over(group);
}

#[test]
fn ctrl_c_is_a_key_and_ends_nothing_by_itself() {
    let world = World::start();
    let (console, group) = world.busy();
    console.press("\x03");
    console.wait("Leave the console?");
    console.press("\x1b");
    console.beat();
    assert!(!processes(group).is_empty(), "the read was ended");
    console.press("\x03");
    console.wait("Leave the console?");
    console.press("\x03");
    assert_ended(&console.terminal.end(), 0);
    world.assert_over(group);
}

#[test]
fn a_dumb_terminal_gets_lines() {
    let (kept, root) = world::directory();
    let home = Home::new(&root, &json!({"owner": "team-shop", "target": {"host": {"pid": std::process::id()}}})).dumb();
    home.write("endless.yaml", RUNBOOK);
    let terminal = home.terminal(SMALL, &["run", "endless.yaml"]);
    terminal.wait("LIVE shop look>");
    assert!(!terminal.is_raw());
    terminal.press("quit\n");
    let ended = terminal.end();
    assert_eq!(ended.code(), 0, "{}", ended.screen);
    ended.assert_never_taken();
    drop(kept);
}
