//! A disk that fills up under an open console: what was acknowledged stays, reads go on, and it is said.

use std::process::Command;

use crate::sandbox::{Sandbox, Service, finish, runbook};

/// The program with a state directory on a file system of its own and of this size. It lives as long as the program.
fn on_small_disk(sandbox: &Sandbox, size: &str, args: &[&str], after: &str) -> Command {
    let state = sandbox.path("state");
    std::fs::create_dir_all(&state).unwrap();
    let script = format!("mount -t tmpfs -o size={size} none \"$XDG_STATE_HOME\" || exit 99; \"$@\"; code=$?; {after}; exit $code");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "--", "/bin/sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_qrh")]).args(args);
    command.env_clear().envs(sandbox.environment()).current_dir(sandbox.path(""));
    command
}

#[test]
fn a_disk_that_fills_up_stops_the_log_and_not_the_reads() {
    let sandbox = Sandbox::new();
    sandbox.policy("declared_only: run\n");
    let service = Service::start();
    let reads = runbook("reads");
    let pid = service.pid();
    let command = on_small_disk(&sandbox, "128k", &["run", &reads, "--pid", &pid], "cp -r \"$XDG_STATE_HOME/qrh\" \"$HOME/kept\"");
    let note = format!("note {}\n", "words ".repeat(2_000));
    let ended = finish(command, &format!("{}run hello\n", note.repeat(20)));
    assert_ne!(ended.code, 99, "this machine lets no user mount a file system of their own (unshare --mount): allow it");
    let ended = ended
        .with(1)
        .says("the log can't be written, so no change runs any more; reads still do")
        .says("Free some space")
        .says("| hello there")
        .says("The log could not be written to its end");
    assert!(ended.out.matches("NOTE: words").count() >= 3, "some notes fitted: {}", ended.out);
    // What was acknowledged is whole.
    let mut command = sandbox.command(["incidents", "--state"]);
    command.arg(sandbox.path("home/kept"));
    finish(command, "").with(0).says("  open");
}

#[test]
fn a_disk_that_is_full_at_the_start_opens_nothing() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let ended = finish(on_small_disk(&sandbox, "4k", &["run", &runbook("reads"), "--pid", &service.pid()], "true"), "");
    assert_ne!(ended.code, 99, "this machine lets no user mount a file system of their own (unshare --mount): allow it");
    ended.with(1).complains("Free some space there, or set XDG_STATE_HOME to a disk that has some");
}
