//! Whole sessions of a person on a terminal: what is shown, what is asked, what is done, and what the log has of it.

use serde_json::Value;

use crate::sandbox::{Sandbox, Service, runbook};
use crate::terminal::Terminal;

/// Every change on this machine asks for the name of the service.
const PROTECTED: &str = "protected: [{ host: '*' }]\n";

fn host() -> String {
    rustix::system::uname().nodename().to_str().unwrap().to_owned()
}

fn begin(sandbox: &Sandbox, service: &Service) -> Terminal {
    let mut terminal = sandbox.terminal([
        "run",
        &runbook("switch"),
        "--plain",
        "--pid",
        &service.pid(),
        "--service",
        "flags",
        "--input",
        &sandbox.world(),
    ]);
    terminal.wait_for("LIVE flags look> ");
    terminal
}

/// The place of an event of this type, from there on.
fn place(events: &[Value], kind: &str, from: usize) -> usize {
    let found = events.iter().skip(from).position(|event| event["type"] == kind);
    from + found.unwrap_or_else(|| panic!("no {kind} after {from}: {events:#?}"))
}

#[test]
fn a_whole_session_changes_what_was_confirmed_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.policy(PROTECTED);
    let service = Service::start();
    let mut terminal = begin(&sandbox, &service);

    // A read that nothing holds is confirmed by y, and by nothing else.
    terminal.line("run flag");
    terminal.wait_for("CONFIRM LIVE  tier 1: nothing enforces that this only reads");
    terminal.wait_for("y or n> ");
    terminal.read().line("");
    terminal.wait_for("an empty line confirms nothing");
    terminal.wait_for("y or n> ");
    terminal.read().line("yes");
    terminal.wait_for("that is not the answer asked for; nothing ran");
    terminal.wait_for("y or n> ");
    terminal.read().line("y");
    terminal.wait_for("#1 RO started: Read the flag [declared only]");
    terminal.wait_for("| on");
    terminal.wait_for("NOT as expected");

    // A change of a protected target: the wrong name runs nothing, the right one does.
    terminal.wait_for("look> ");
    terminal.line("step change");
    terminal.wait_for("STEP 2/3 recovery");
    terminal.line("run switch_off");
    terminal.wait_for("CONFIRM LIVE  tier 2");
    terminal.wait_for(&format!("pid {}", service.pid()));
    terminal.wait_for("echo off > flag");
    terminal.wait_for("no dry run exists");
    terminal.wait_for("flags or n> ");
    terminal.read().line("flag");
    terminal.wait_for("that is not the answer asked for; nothing ran");
    assert_eq!(sandbox.read("world/flag"), "on\n");
    terminal.wait_for("flags or n> ");
    terminal.read().line("flags");
    terminal.wait_for("#2 MUT Switch the flag off: confirmed at tier 2 (name typed)");
    terminal.wait_for("#2 switch_off ok");
    assert_eq!(sandbox.read("world/flag"), "off\n");

    // One that can't be undone: the host from memory, and a reason.
    terminal.wait_for("change> ");
    terminal.line("run remove_old");
    terminal.wait_for("CONFIRM LIVE  tier 3");
    terminal.wait_for("can't be undone: the old flag is gone for good");
    terminal.wait_for("name of the host or n> ");
    assert!(!terminal.text().split("tier 3").nth(1).unwrap().contains(&format!(" {}\r", host())), "the name is not shown");
    terminal.read().line("flags");
    terminal.wait_for("that is not the answer asked for; nothing ran");
    terminal.wait_for("name of the host or n> ");
    terminal.read().line(&host());
    terminal.wait_for("why> ");
    assert!(sandbox.path("world/old").exists());
    terminal.read().line("it confuses the reader");
    terminal.wait_for("#3 MUT Remove the old flag: confirmed at tier 3 (recalled), because: it confuses the");
    terminal.wait_for("#3 remove_old ok");
    assert!(!sandbox.path("world/old").exists());

    // The undo is a change too.
    terminal.wait_for("change> ");
    terminal.line("undo 2");
    terminal.wait_for("Undo #2: Switch the flag off");
    terminal.wait_for("echo on > flag");
    terminal.wait_for("time limit");
    terminal.wait_for("flags or n> ");
    terminal.read().line("n");
    terminal.wait_for("change> ");
    assert_eq!(sandbox.read("world/flag"), "off\n");
    terminal.line("undo 2");
    terminal.wait_for("flags or n> ");
    terminal.read().line("flags");
    terminal.wait_for("#4 switch_off ok");
    assert_eq!(sandbox.read("world/flag"), "on\n");

    terminal.wait_for("change> ");
    terminal.line("note -5m the flag was set by a script");
    terminal.wait_for("NOTE: the flag was set by a script");
    terminal.wait_for("change> ");
    terminal.line("skip it is somebody else's flag");
    terminal.wait_for("SKIPPED change: it is somebody else's flag");
    terminal.wait_for("last-words> ");
    terminal.line("close the flag stays on");
    terminal.wait_for("CLOSED: the flag stays on");
    assert_eq!(terminal.exit(), 0);
    check(&sandbox);
}

fn check(sandbox: &Sandbox) {
    let events = sandbox.events();
    assert_eq!(events[0]["type"], "qrh.incident.opened");
    assert!(events.iter().all(|event| event["source"] == events[0]["source"] && event["correlationid"] == events[0]["correlationid"]));
    let sequence: Vec<u64> = events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequence, (1..=events.len() as u64).collect::<Vec<_>>());
    // Intent before outcome, three times, and each outcome names its intent as its cause.
    let mut from = 0;
    for (run, tier) in [(2, 2), (3, 3), (4, 2)] {
        let intended = place(&events, "qrh.change.intended", from);
        let finished = place(&events, "qrh.command.finished", intended);
        assert_eq!((&events[intended]["data"]["run"], &events[intended]["data"]["tier"]), (&run.into(), &tier.into()));
        assert_eq!(events[finished]["data"]["run"], run);
        assert_eq!(events[finished]["causationid"], events[intended]["id"]);
        assert_eq!(events[finished]["data"]["report"]["ending"]["ending"], "succeeded");
        from = finished;
    }
    let intended = sandbox.data("qrh.change.intended");
    assert_eq!(intended[1]["reason"], "it confuses the reader");
    assert_eq!(intended[2]["undoes"], 2);
    assert!(intended.iter().all(|intended| intended["considered_ms"].as_u64().unwrap() >= 300));
    assert_eq!(sandbox.data("qrh.command.declined").len(), 1);
    let closed = &sandbox.data("qrh.incident.closed")[0];
    assert_eq!(closed["unknown"], serde_json::json!([]));
    assert_eq!(events.last().unwrap()["type"], "qrh.incident.closed");
    let noted = events.iter().find(|event| event["type"] == "qrh.note.added").unwrap();
    let (time, recorded): (jiff::Timestamp, jiff::Timestamp) =
        (noted["time"].as_str().unwrap().parse().unwrap(), noted["recordedtime"].as_str().unwrap().parse().unwrap());
    assert!(recorded.duration_since(time).as_secs() >= 299);
}

#[test]
fn an_answer_typed_before_the_question_is_no_answer() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = begin(&sandbox, &service);
    // All at once, as a person does who knows the way: the answers come before the dialog does.
    terminal.keys("step change\nrun switch_off\ny\ny\ny\n");
    terminal.wait_for("y or n> ");
    terminal.read();
    assert_eq!(sandbox.read("world/flag"), "on\n");
    terminal.line("y");
    terminal.wait_for("#1 switch_off ok");
    assert_eq!(sandbox.read("world/flag"), "off\n");
    terminal.line("quit");
    assert_eq!(terminal.exit(), 0);
    assert_eq!(sandbox.data("qrh.change.intended").len(), 1);
}

#[test]
fn keys_at_the_moment_the_dialog_appears_do_not_count() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = begin(&sandbox, &service);
    terminal.line("run switch_off");
    terminal.wait_for("y or n> ");
    terminal.line("y");
    terminal.wait_for("answered before the dialog could be read; answer again");
    assert_eq!(sandbox.read("world/flag"), "on\n");
    terminal.read().line("n");
    terminal.wait_for("look> ");
    terminal.line("quit");
    assert_eq!(terminal.exit(), 0);
    assert_eq!(sandbox.data("qrh.change.intended").len(), 0);
}

#[test]
fn a_target_that_changed_since_it_was_shown_voids_the_answer() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let pid_file = sandbox.write("service.pid", &service.pid());
    let mut terminal =
        sandbox.terminal(["run", &runbook("switch"), "--plain", "--pid-file", pid_file.to_str().unwrap(), "--input", &sandbox.world()]);
    terminal.wait_for("look> ");
    terminal.line("run switch_off");
    terminal.wait_for("y or n> ");
    let another = Service::start();
    sandbox.write("service.pid", &another.pid());
    terminal.read().line("y");
    terminal.wait_for(&format!("process {} became process {}", service.pid(), another.pid()));
    // It is put to the responder anew, with the process that is there now.
    terminal.wait_for("CONFIRM LIVE");
    terminal.wait_for(&format!("pid {}", another.pid()));
    terminal.wait_for("y or n> ");
    assert_eq!(sandbox.read("world/flag"), "on\n");
    terminal.read().line("y");
    terminal.wait_for("#2 switch_off ok");
    assert_eq!(sandbox.read("world/flag"), "off\n");
    terminal.line("quit");
    assert_eq!(terminal.exit(), 0);
}

#[test]
fn a_message_for_the_clipboard_goes_there() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut environment = sandbox.environment();
    environment.push(("TERM", "xterm".into()));
    let (runbook, world, pid) = (runbook("switch"), sandbox.world(), service.pid());
    let mut terminal = Terminal::start(["run", &runbook, "--plain", "--pid", &pid, "--input", &world], environment, &sandbox.path(""));
    terminal.wait_for("look> ");
    terminal.line("run tell");
    terminal.wait_for("-- copied to the clipboard");
    // OSC 52 with "The flag is on; we are looking" in base64.
    assert!(terminal.text().contains("\u{1b}]52;c;VGhlIGZsYWcgaXMgb247IHdlIGFyZSBsb29raW5n"), "{:?}", terminal.text());
    terminal.line("quit");
    assert_eq!(terminal.exit(), 0);
}

#[test]
fn the_end_of_input_leaves_the_console() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = begin(&sandbox, &service);
    terminal.line("run switch_off");
    terminal.wait_for("y or n> ");
    terminal.keys("\u{4}");
    terminal.wait_for("The incident stays open");
    assert_eq!(terminal.exit(), 0);
    assert_eq!(sandbox.read("world/flag"), "on\n");
    assert_eq!(sandbox.data("qrh.command.declined").len(), 1);
}
