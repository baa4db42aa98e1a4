//! Drills on a real service of this machine: they need `node` and nothing else, run only what the program brought along, and leave nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::home::{Ended, Home, ended, log, shipped, until};

/// Played here, in real time.
pub const PLAYED: [&str; 2] = ["bad-deploy-local", "high-cpu-local"];

fn node() -> PathBuf {
    let named = std::env::var_os("QRH_TEST_NODE").map(PathBuf::from);
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = named.or_else(|| std::env::split_paths(&places).map(|place| place.join("node")).find(|path| path.is_file()));
    found.expect("node is missing: run tests/run, which installs it, or set QRH_TEST_NODE")
}

/// qrh with node and the usual programs in reach, and temporary files of its own.
fn with_node(home: &Home, arguments: &[&str]) -> Command {
    std::fs::create_dir_all(home.path("tmp")).unwrap();
    let mut command = home.command(arguments);
    command.env("PATH", format!("{}:/usr/bin:/bin", node().parent().unwrap().display())).env("TMPDIR", home.path("tmp"));
    command
}

/// Processes that were started in this directory or below it, or with it in their arguments.
fn processes(dir: &Path) -> Vec<i32> {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let text = dir.to_string_lossy().into_owned();
    let living = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let pid = path.file_name()?.to_str()?.parse::<i32>().ok()?;
        let inside = std::fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&dir));
        let named = std::fs::read(path.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&text));
        (inside || named).then_some(pid)
    });
    living.collect()
}

mod plays {
    use super::*;

    fn plays(id: &str, runs: &str) {
        let home = Home::new();
        let ended = ended(&mut with_node(&home, &["test", id, "--level", "basic", "--keep", "kept"]));
        assert_eq!(ended.code, 0, "{}\n{}", ended.out, ended.err);
        let dirs: Vec<PathBuf> = std::fs::read_dir(home.path("kept")).unwrap().map(|dir| dir.unwrap().path()).collect();
        let records = log(&dirs[0]);
        let find = |kind: &str| records.iter().find(|record| record["type"] == kind).unwrap_or_else(|| panic!("{id}: no {kind}"));
        assert_eq!(find("qrh.drill.began")["data"]["world"], "local", "{id}");
        assert_eq!(find("qrh.drill.began")["data"]["hidden_sha256"], find("qrh.drill.revealed")["data"]["sha256"], "{id}");
        let told = find("qrh.incident.opened")["data"]["target"].to_string();
        assert!(!told.contains("context"), "{id}: it is a host: {told}");
        let changed = records.iter().any(|record| record["type"] == "qrh.change.intended" && record["data"]["command"] == runs);
        assert!(changed, "{id}: {runs} was not made");
        assert_eq!(processes(&home.path("tmp")), Vec::<i32>::new(), "{id}: left running");
        assert_eq!(std::fs::read_dir(home.path("tmp")).unwrap().count(), 0, "{id}: left lying");
    }

    #[test]
    fn bad_deploy() {
        plays("bad-deploy-local", "swap_release");
    }

    #[test]
    fn high_cpu() {
        plays("high-cpu-local", "switch_off");
    }
}

/// Plays at life's pace, until its service serves.
fn playing(home: &Home) -> Child {
    let mut command = with_node(home, &["drill", "bad-deploy", "--world", "local", "--autopilot", "--plain"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the incident", || std::fs::read_dir(home.path("state/incidents")).ok()?.next().map(|_| ()));
    assert!(processes(&home.path("tmp")).len() >= 3, "a supervisor, its service and a load");
    child
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
}

#[test]
fn a_console_that_is_told_to_end_leaves_neither_processes_nor_files() {
    let home = Home::new();
    let mut child = playing(&home);
    signal(&child, Signal::TERM);
    child.wait().unwrap();
    assert_eq!(processes(&home.path("tmp")), Vec::<i32>::new());
    assert_eq!(std::fs::read_dir(home.path("tmp")).unwrap().count(), 0);
}

#[test]
fn the_service_does_not_outlive_a_console_that_is_killed() {
    let home = Home::new();
    let mut child = playing(&home);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    until("the end of the service", || processes(&home.path("tmp")).is_empty().then_some(()));
}

fn refused(command: &mut Command, says: &str) -> Ended {
    let ended = ended(command);
    assert_ne!(ended.code, 0, "{}", ended.out);
    assert!(ended.err.contains(says), "{}", ended.err);
    ended
}

#[test]
fn without_a_node_that_is_new_enough_one_line_says_so() {
    let home = Home::new();
    let mut without = home.command(&["drill", "high-cpu", "--world", "local"]);
    let told = refused(without.env("PATH", home.path("nowhere")), "there is no `node` in PATH");
    assert_eq!(told.err.trim().lines().count(), 1, "{}", told.err);
    let old = home.write("bin/node", "#!/bin/sh\necho v18.19.0\n");
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut outdated = home.command(&["drill", "high-cpu-local"]);
    let told = refused(outdated.env("PATH", home.path("bin")), "v18.19.0: update it");
    assert_eq!(told.err.trim().lines().count(), 1, "{}", told.err);
}

/// A runbook's shell lines run on this machine here: only those that came with the program do.
#[test]
fn a_runbook_that_was_changed_is_not_played_on_this_machine() {
    let home = Home::new();
    let runbook = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/high-cpu.yaml")).unwrap();
    let trap = home.path("trap");
    let changed = runbook.replacen("          pid={{ facts.process.pid }}\n", &format!("          touch {}\n", trap.display()), 1);
    assert_ne!(runbook, changed, "the runbook's shell is written in another way by now: correct this test");
    home.write("runbooks/high-cpu.yaml", &changed);
    for arguments in [
        &["--runbooks", "runbooks", "drill", "high-cpu-local"][..],
        &["--runbooks", "runbooks", "test", "high-cpu-local"],
        &["drill", "high-cpu-local", "--runbook", "runbooks/high-cpu.yaml"],
    ] {
        refused(&mut with_node(&home, arguments), "only qrh's own runbooks may run commands");
    }
    assert!(!trap.exists());
}

#[test]
fn a_drill_says_which_world_it_is_played_on() {
    let home = Home::new();
    for (arguments, says) in [
        (&["drill", "price-errors", "--world", "local"][..], "price-errors is not played in a local world"),
        (&["drill", "high-cpu-local", "--clock", "10x"], "is real, and so is its time"),
        (&["world", "--scenario", "high-cpu-local"], "is played on a real service"),
        (&["world", "--scenario", "no-such"], "there is no drill `no-such`"),
    ] {
        refused(&mut with_node(&home, arguments), says);
    }
    // All drills of a runbook, but for those that take minutes and a node.
    let tested = home.run(&["test", "event-loop-latency", "--level", "basic"]);
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    let ended = home.run(&["test", &shipped("high-cpu"), "--level", "basic"]);
    assert!(!ended.out.contains("left out"), "{}", ended.out);
}
