//! The main path where there is less room: 80×24 with one pane at a time, numbered lines on a terminal, and lines through a pipe, where
//! nobody can confirm and nothing changes. One world serves all three, one after the other.

use std::io::Write;
use std::process::{Output, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::high_cpu::{FLAG, World};
use crate::pty::{SMALL, Terminal, WIDE};
use crate::world::{self, exchange};

/// Turns the fault on again, as the world was.
fn again(world: &World) {
    let (status, body) = exchange(world.service.port, "PUT", &format!("/flags/{FLAG}"), r#"{"enabled":true}"#);
    assert_eq!(status, 200, "{body}");
}

#[test]
fn the_same_path_fits_a_small_terminal_lines_and_refuses_a_pipe() {
    let world = World::start();
    small(&world);
    again(&world);
    lines(&world);
    again(&world);
    piped(&world);
}

fn small(world: &World) {
    let mut console = world.home.open(SMALL, &World::arguments());
    console.wait("LIVE host  shop");
    console.press("4");
    console.wait("facts read from the target");
    console.press("2");
    console.wait("[2 Step]");
    assert!(console.vouch("Compare the main thread").starts_with('✓'));
    console.go_to("Switch the cause off", "6 of 10");
    console.reply("Choose the switch", FLAG);
    console.succeeds("Read sync-json");
    console.mark("Switch sync-json off");
    console.press("\r");
    console.wait("this one changes the target");
    console.press("xyyyy\r");
    console.wait("Press y to run exactly this");
    console.beat();
    assert!(world.service.flag(FLAG), "Enter or what was typed ahead switched the flag off");
    // What must be known is in view, however small the screen.
    for text in
        ["TIER 1 ·", "reversible, one object", "Switch sync-json off", "LIVE this machine", "can be undone", "! What the switch turns off"]
    {
        assert!(console.terminal.screen().contains(text), "{text:?} is not in view:\n{}", console.terminal.screen());
    }
    console.press("y");
    console.ended_well();
    assert!(!world.service.flag(FLAG));
    console.go_to("See that it stays normal", "8 of 10");
    assert!(console.vouch("Compare the main thread").starts_with('✓'));
    console.press("u");
    console.wait("Undo a change");
    console.press("\x1b");
    console.terminal.wait_gone("Undo a change");
    console.close("off, on a small screen");
    let ended = console.terminal.end();
    assert_eq!(ended.code(), 0, "{}", ended.screen);
    ended.assert_given_back();
    let log = world.home.log();
    log.one("command.finished", "command", "switch_off");
    assert_eq!(log.all("incident.closed")[0]["data"]["summary"], "off, on a small screen");
    world.home.forget();
}

/// A dialog takes no answer before a person could have read it (300 ms).
fn read_it() {
    let (nobody, never) = (Mutex::new(()), Condvar::new());
    drop(never.wait_timeout(nobody.lock().unwrap(), Duration::from_millis(500)).unwrap());
}

/// Types a line and waits for a text that comes after it.
fn say(terminal: &Terminal, line: &str, text: &str) {
    let from = terminal.sent();
    terminal.press(&format!("{line}\n"));
    terminal.wait_sent(from, text);
}

fn lines(world: &World) {
    let mut arguments = World::arguments().to_vec();
    arguments.push("--plain");
    let terminal = world.home.terminal(WIDE, &arguments);
    terminal.wait_sent(0, "LIVE shop confirm>");
    // Once the facts are there, the command that needs the process is ready.
    terminal.wait_sent(0, "[declared only: asks first]");
    say(&terminal, "run cpu_threads", "y or n> ");
    read_it();
    say(&terminal, "y", "cpu_threads ok after");
    say(&terminal, "step mitigate", "LIVE shop mitigate>");
    say(&terminal, "run which_flag", "answer> ");
    say(&terminal, FLAG, "which_flag ok after");
    say(&terminal, "run flag_state", "flag_state ok after");
    let unchanged = |what: &str| assert!(world.service.flag(FLAG), "{what} switched the flag off");
    // The answer typed ahead is a line of its own, and none to the dialog.
    say(&terminal, "run switch_off\ny", "y or n> ");
    unchanged("typed ahead");
    read_it();
    say(&terminal, "", "an empty line confirms nothing");
    unchanged("an empty line");
    read_it();
    say(&terminal, "shop", "nothing ran");
    unchanged("a wrong answer");
    // A wrong answer may end the dialog: leaving what is there, it is asked for anew.
    say(&terminal, "n", "LIVE shop mitigate>");
    unchanged("n");
    let from = terminal.sent();
    say(&terminal, "run switch_off", "y or n> ");
    terminal.wait_sent(from, "CONFIRM LIVE  tier 1");
    read_it();
    say(&terminal, "y", "switch_off ok after");
    assert!(!world.service.flag(FLAG));
    say(&terminal, "changes", "takes it back");
    say(&terminal, "step verify", "LIVE shop verify>");
    say(&terminal, "run cpu_threads_now", "y or n> ");
    read_it();
    say(&terminal, "y", "cpu_threads_now ok after");
    say(&terminal, "close off, by lines", "CLOSED: off, by lines");
    let ended = terminal.end();
    assert_eq!(ended.code(), 0, "{}", ended.screen);
    assert!(ended.screen.contains("Closed. For the review: qrh export"), "{}", ended.screen);
    ended.assert_never_taken();
    let log = world.home.log();
    assert_eq!(log.all("change.intended").len(), 1);
    assert_eq!(log.one("change.intended", "command", "switch_off")["data"]["confirmed"], "y");
    world.home.forget();
}

/// Runs the console with these lines on a pipe.
fn pipe(world: &World, lines: &str) -> Output {
    let mut arguments = World::arguments().to_vec();
    arguments.push("--plain");
    let mut child = world.home.command(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    // A console that hangs here would hang the test with it: it is ended, and fails.
    let (ended, watched) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if watched.recv_timeout(world::PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    watch.join().unwrap();
    output
}

fn piped(world: &World) {
    let output = pipe(world, "run service_cpu\nstep mitigate\nrun which_flag\nsync-json\nrun flag_state\nrun switch_off\ny\ny\nquit\n");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("service_cpu ok after") && said.contains("flag_state ok after"), "{said}");
    assert!(said.contains("is not a terminal"), "the change was not refused:\n{said}");
    assert!(!said.contains('\x1b'), "{said:?}");
    assert_eq!(output.status.code(), Some(1), "what was refused is told by the exit code too:\n{said}");
    assert!(world.service.flag(FLAG), "a pipe switched the flag off");
    let log = world.home.log();
    assert!(log.all("change.intended").is_empty());
    log.one("command.refused", "command", "switch_off");
}
