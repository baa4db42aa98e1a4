//! What lies on the disk: incidents that are missing, damaged, closed, in use, or not what they were.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::sandbox::{Sandbox, Service, finish, runbook};

fn opened(sandbox: &Sandbox, service: &Service, lines: &[&str]) {
    let (switch, world) = (runbook("switch"), sandbox.world());
    sandbox.script(["run", &switch, "--pid", &service.pid(), "--input", &world], lines).with(0);
}

fn log(incident: &Path) -> std::path::PathBuf {
    let logs = fs::read_dir(incident.join("log")).unwrap().map(|entry| entry.unwrap().path());
    logs.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "jsonl")).unwrap()
}

#[test]
fn without_incidents_there_is_nothing_to_list_or_resume() {
    let sandbox = Sandbox::new();
    sandbox.qrh(["incidents"]).with(0).says("no incidents under");
    assert_eq!(sandbox.qrh(["incidents", "--json"]).with(0).out, "");
    sandbox.qrh(["resume"]).with(1).complains("no incident is open").complains("qrh run");
    sandbox.qrh(["resume", "x7"]).with(1).complains("no incident matches \"x7\"");
    sandbox.qrh(["export", "x7"]).with(1).complains("qrh incidents");
}

#[test]
fn a_state_directory_that_is_a_file_is_one_clear_line() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    sandbox.write("state", "");
    let mut command = sandbox.command(["run", &runbook("reads"), "--pid", &service.pid()]);
    command.env("XDG_STATE_HOME", sandbox.path("state"));
    finish(command, "").with(1).complains("state/qrh");
    sandbox.qrh(["incidents"]).with(1).complains("state/qrh/incidents");
    // The runbooks are still there for whoever needs them.
    sandbox.qrh([""; 0]).with(0).says("high-cpu").says("can't be listed");
}

#[test]
fn files_are_for_their_owner_alone() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    opened(&sandbox, &service, &["note one"]);
    let incident = sandbox.incident();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&incident), mode(&log(&incident)), mode(&incident.join("runbook.yaml"))), (0o700, 0o600, 0o600));
}

#[test]
fn a_closed_incident_is_not_opened_again() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    opened(&sandbox, &service, &["close all is well"]);
    sandbox.qrh(["resume"]).with(1).complains("no incident is open");
    sandbox.qrh(["resume", "switch"]).with(1).complains("this incident is closed: export it, or open a new one");
    sandbox.qrh(["incidents", "--open"]).with(0).says("no incidents");
    let json = sandbox.qrh(["incidents", "--json"]).with(0).out;
    let summary: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(summary["closed"].is_string() && summary["runbook"] == "switch", "{json}");
    let page = sandbox.path("review.md");
    sandbox.qrh(["export", "switch", "--output", page.to_str().unwrap()]).with(0);
    assert!(fs::read_to_string(&page).unwrap().contains("all is well"));
    sandbox.qrh(["export", "switch", "--output", "/no/such/place.md"]).with(1).complains("/no/such/place.md can't be written");
}

#[test]
fn an_incident_goes_on_where_it_was_left() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    opened(&sandbox, &service, &["done the flag is on", "note half way"]);
    let before = sandbox.events().len();
    sandbox.script(["resume"], &["steps", "note and on"]).with(0).says("took the incident up again").says("[done: the flag is on]");
    let events = sandbox.events();
    assert_eq!(events[before]["type"], "qrh.incident.resumed");
    sandbox.qrh(["export", "switch"]).with(0).says("half way").says("and on");
}

#[test]
fn damage_is_told_with_its_place_and_hides_nothing_else() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    opened(&sandbox, &service, &["note one", "note two"]);
    let damaged = sandbox.incident();
    let path = log(&damaged);
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("note one", "note").replace("\"one\"", "\"0ne\"")).unwrap();
    opened(&sandbox, &service, &["note another"]);
    let name = damaged.file_name().unwrap().to_str().unwrap().to_owned();
    sandbox.qrh(["incidents"]).with(0).says(&format!("{name}  DAMAGED: ")).says("  open\n");
    sandbox.qrh([""; 0]).with(0).says("DAMAGED");
    sandbox.qrh(["resume", &name]).with(1).complains("Nothing was skipped");
    sandbox.qrh(["export", &name]).with(1).complains(".jsonl");
    // The newest one that can be gone on with is the other.
    sandbox.script(["resume"], &["quit"]).with(0).says("took the incident up again");
}

#[test]
fn a_torn_last_line_is_set_aside_and_said() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    opened(&sandbox, &service, &["note one"]);
    let path = log(&sandbox.incident());
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(br#"{"specversion":"1.0","id":"01M8"#);
    fs::write(&path, bytes).unwrap();
    sandbox.script(["resume"], &["quit"]).with(0).says("LOG: 31 bytes of a line that was never acknowledged were set aside");
    assert!(sandbox.data("qrh.log.mended").len() == 1);
}

#[test]
fn a_runbook_that_is_another_by_now_is_not_used() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    opened(&sandbox, &service, &["note one"]);
    let used = sandbox.incident().join("runbook.yaml");
    fs::write(&used, fs::read_to_string(&used).unwrap().replace("echo off", "echo gone")).unwrap();
    sandbox.qrh(["resume"]).with(1).complains("runbook.yaml is not the runbook this incident was opened with");
    fs::remove_file(&used).unwrap();
    sandbox.qrh(["resume"]).with(2).complains("runbook.yaml: there is no such file");
}

#[test]
fn the_teams_runbook_may_change_while_an_incident_goes_on() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    fs::create_dir(sandbox.path("config/qrh/runbooks")).unwrap();
    let kept = sandbox.path("config/qrh/runbooks/reads.yaml");
    fs::copy(runbook("reads"), &kept).unwrap();
    sandbox.script(["run", "reads", "--pid", &service.pid()], &["note one"]).with(0);
    fs::write(&kept, "broken: [").unwrap();
    sandbox.script(["resume"], &["steps"]).with(0).says("Read (read)");
}

#[test]
fn two_consoles_do_not_write_one_incident() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = sandbox.terminal(["run", &runbook("reads"), "--plain", "--pid", &service.pid()]);
    terminal.wait_for("read> ");
    sandbox
        .qrh(["resume"])
        .with(1)
        .complains(&format!("qrh with process id {} has this incident open", terminal.pid()))
        .complains("Go on there, or end it");
    sandbox.qrh(["incidents"]).with(0).says("open");
    terminal.line("quit");
    assert_eq!(terminal.exit(), 0);
    sandbox.script(["resume"], &["quit"]).with(0);
}
