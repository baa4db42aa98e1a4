//! Stopping: by the responder, by a signal, by a crash. What ran is gone and said so, or nobody knows and that is said.

use rustix::process::Signal;

use crate::sandbox::{Reaped, Sandbox, Service, runbook, wait};
use crate::terminal::Terminal;

fn switch(sandbox: &Sandbox, service: &Service) -> Terminal {
    let mut terminal = sandbox.terminal(["run", &runbook("switch"), "--plain", "--pid", &service.pid(), "--input", &sandbox.world()]);
    terminal.wait_for("look> ");
    terminal
}

/// Starts the change that does not end by itself, and gives the process that it left running.
fn drain(terminal: &mut Terminal) -> Reaped {
    terminal.line("run drain");
    terminal.wait_for("y or n> ");
    terminal.read().line("y");
    let pid = terminal.wait_for("| drains as ");
    Reaped(pid.parse().unwrap())
}

fn ending(sandbox: &Sandbox) -> serde_json::Value {
    sandbox.data("qrh.command.finished").last().unwrap()["report"]["ending"].clone()
}

#[test]
fn a_stopped_read_takes_its_grandchildren_with_it() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = sandbox.terminal(["run", &runbook("reads"), "--plain", "--pid", &service.pid()]);
    terminal.wait_for("read> ");
    terminal.line("run hang");
    terminal.wait_for("y or n> ");
    terminal.read().line("y");
    let grandchild = Reaped(terminal.wait_for("| hangs as ").parse().unwrap());
    assert!(grandchild.lives());
    terminal.line("stop 1");
    terminal.wait_for("#1 hang stopped");
    assert!(!grandchild.lives(), "it is said to be stopped");
    terminal.line("quit");
    assert_eq!(terminal.exit(), 0);
}

#[test]
fn a_change_that_is_stopped_half_way_is_unknown_until_somebody_says() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = switch(&sandbox, &service);
    let process = drain(&mut terminal);
    terminal.line("quit");
    terminal.wait_for("Drain slowly (#1) is running: stop it, or wait for it, before leaving");
    terminal.line("stop 1");
    terminal.wait_for("#1 drain OUTCOME UNKNOWN (stopped");
    assert!(!process.lives());
    terminal.line("run switch_off");
    terminal.wait_for("the outcome of #1 is unknown");
    terminal.line("quit");
    terminal.wait_for("Outcome unknown: #1");
    assert_eq!(terminal.exit(), 4);
    assert_eq!(ending(&sandbox)["ending"], "unknown");
}

#[test]
fn each_signal_stops_what_runs_and_records_it() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let sandbox = Sandbox::new();
        let service = Service::start();
        let mut terminal = switch(&sandbox, &service);
        let process = drain(&mut terminal);
        terminal.signal(signal);
        terminal.wait_for("#1 drain OUTCOME UNKNOWN (stopped");
        terminal.wait_for("Outcome unknown: #1");
        assert_eq!(terminal.exit(), code);
        assert!(!process.lives());
        assert_eq!(ending(&sandbox)["ending"], "unknown");
        sandbox.qrh(["incidents"]).with(0).says("open, 1 outcome unknown");
    }
}

#[test]
fn interrupt_from_the_keyboard_ends_it_and_leaves_a_confirmation_unanswered() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = switch(&sandbox, &service);
    terminal.line("run switch_off");
    terminal.wait_for("y or n> ");
    terminal.keys("\u{3}");
    assert_eq!(terminal.exit(), 130);
    assert_eq!(sandbox.read("world/flag"), "on\n");
    assert_eq!(sandbox.data("qrh.command.declined").len(), 1);
}

#[test]
fn leaving_stops_reads_and_says_so() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = sandbox.terminal(["run", &runbook("reads"), "--plain", "--pid", &service.pid()]);
    terminal.wait_for("read> ");
    terminal.line("run hang");
    terminal.wait_for("y or n> ");
    terminal.read().line("y");
    let process = Reaped(terminal.wait_for("| hangs as ").parse().unwrap());
    terminal.keys("\u{4}");
    terminal.wait_for("#1 hang stopped");
    assert_eq!(terminal.exit(), 0);
    assert!(!process.lives());
    assert_eq!(ending(&sandbox)["ending"], "stopped");
}

#[test]
fn a_crash_in_the_middle_of_a_change_leaves_it_unknown_and_rerun_by_nobody() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mut terminal = switch(&sandbox, &service);
    let process = drain(&mut terminal);
    terminal.signal(Signal::KILL);
    assert_eq!(terminal.exit(), 137);
    assert_eq!(sandbox.data("qrh.command.finished").len(), 0, "there was no time to write anything");
    sandbox.qrh(["incidents"]).with(0).says("1 outcome unknown");

    let mut terminal = sandbox.terminal(["resume", "--plain"]);
    terminal.wait_for("#1 drain OUTCOME UNKNOWN");
    terminal.wait_for("look> ");
    terminal.line("run switch_off");
    terminal.wait_for("the outcome of #1 is unknown");
    terminal.line("! echo off > flag");
    terminal.wait_for("the outcome of #1 is unknown");
    terminal.line("where");
    terminal.wait_for("nobody knows whether #1 happened");
    terminal.line("outcome 1 no the drain never came to its end");
    terminal.wait_for("#1 DID NOT HAPPEN (by ann@");
    terminal.line("run switch_off");
    terminal.wait_for("y or n> ");
    assert_eq!(sandbox.read("world/flag"), "draining\n", "nothing ran by itself");
    terminal.read().line("y");
    terminal.wait_for("#2 switch_off ok");
    assert_eq!(sandbox.read("world/flag"), "off\n");
    terminal.line("quit");
    assert_eq!(terminal.exit(), 0);
    assert!(process.lives(), "a crash can't stop what it started; the log says that nobody knows");
    let finished = sandbox.events().into_iter().find(|event| event["type"] == "qrh.command.finished").unwrap();
    let intended = sandbox.events().into_iter().find(|event| event["type"] == "qrh.change.intended").unwrap();
    assert_eq!(finished["causationid"], intended["id"]);
}

#[test]
fn a_full_pipe_does_not_hold_up_a_signal() {
    use std::process::Stdio;

    let sandbox = Sandbox::new();
    sandbox.policy("declared_only: run\n");
    let service = Service::start();
    let mut command = sandbox.command(["run", &runbook("reads"), "--pid", &service.pid()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"run flood\n").unwrap();
    // The pipe is full when its reader has let 64 KiB stand: nobody reads a byte of it.
    let full = child.stdout.as_ref().unwrap();
    let deadline = std::time::Instant::now() + crate::sandbox::DEADLINE;
    while rustix::io::ioctl_fionread(full).unwrap() < 60_000 {
        assert!(std::time::Instant::now() < deadline, "the flood never came");
        std::thread::yield_now();
    }
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let reader = child.stdout.take();
    assert_eq!(wait(child), 143);
    drop(reader);
}
