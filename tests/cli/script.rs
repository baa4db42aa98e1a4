//! Sessions through pipes: a script drives all of a console but changes, and nothing makes it wait for ever.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use sha2::{Digest as _, Sha256};

use crate::sandbox::{Sandbox, Service, hex, runbook, wait};

/// Reads run at once, as a team may decide that vouches for its runbooks.
const VOUCHED: &str = "declared_only: run\n";

#[test]
fn a_script_drives_a_whole_session() {
    let sandbox = Sandbox::new();
    sandbox.policy(VOUCHED);
    let service = Service::start();
    let switch = runbook("switch");
    let world = sandbox.world();
    sandbox
        .script(
            ["run", &switch, "--pid", &service.pid(), "--input", &world, "--detected", "10m"],
            &[
                "flag",
                "run flag",
                "ask_why",
                "run ask_why",
                "the release",
                "run tell",
                "copy 1",
                "? echo own words",
                "note -5m a call came in",
                "done the flag is on",
                "steps",
                "skip not now",
                "misfit nothing to add",
                "timeline",
                "close left as it is",
            ],
        )
        .with(0)
        .says("there is no command \"flag\"")
        .says("| on")
        .says("NOT as expected")
        .says("QUESTION #2  Who switched it on?")
        .says("| The flag is on; we are looking")
        .says("-- there is no clipboard here: copy the lines above")
        .says("-- there is no clipboard here; to copy by hand:")
        .says("| own words")
        .says("NOTE: a call came in")
        .says("DONE look: the flag is on")
        .says("SKIPPED change: not now")
        .says("DOES NOT FIT last-words: nothing to add")
        .says("CLOSED: left as it is")
        .says("For the review: qrh export");
    let opened = &sandbox.data("qrh.incident.opened")[0];
    assert_eq!((&opened["service_name"], &opened["mode"]), (&"local-process".into(), &"LIVE".into()));
    assert!(opened["detected"].is_string());
    let own = sandbox.data("qrh.command.started").into_iter().find(|started| started["ad_hoc"] == true).unwrap();
    assert_eq!((&own["place"], &own["hold"]), (&"host".into(), &"declared-only".into()));
    let finished = sandbox.data("qrh.command.finished");
    assert_eq!(finished.iter().filter(|finished| finished["report"]["ending"]["ending"] == "succeeded").count(), finished.len());
    sandbox.qrh(["incidents"]).with(0).says("closed");
}

#[test]
fn nothing_changes_where_nobody_can_confirm() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let switch = runbook("switch");
    let world = sandbox.world();
    sandbox
        .script(
            ["run", &switch, "--pid", &service.pid(), "--input", &world],
            &["run switch_off", "y", "run flag", "y", "! echo off > flag", "y", "run remove_old", "yes", "undo 1"],
        )
        .with(1)
        .says("Switch the flag off: standard input is not a terminal, so nobody can confirm")
        .says("Read the flag: standard input is not a terminal");
    assert_eq!((sandbox.read("world/flag"), sandbox.read("world/old")), ("on\n".to_owned(), "old\n".to_owned()));
    assert_eq!(sandbox.data("qrh.change.intended").len() + sandbox.data("qrh.command.started").len(), 0);
    assert_eq!(sandbox.data("qrh.command.refused").len(), 4);
}

#[test]
fn read_only_refuses_changes_and_stays_so_when_resumed() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let (switch, world) = (runbook("switch"), sandbox.world());
    sandbox
        .script(["run", &switch, "--pid", &service.pid(), "--input", &world, "--read-only"], &["run switch_off", "! rm flag"])
        .with(0)
        .says("this console was opened with --read-only");
    sandbox.script(["resume"], &["run switch_off"]).with(0).says("this console was opened with --read-only");
    assert_eq!(sandbox.data("qrh.change.intended").len(), 0);
}

#[test]
fn a_watch_that_is_under_way_when_input_ends_comes_to_its_end() {
    let sandbox = Sandbox::new();
    sandbox.policy(VOUCHED);
    let service = Service::start();
    sandbox.script(["run", &runbook("reads"), "--pid", &service.pid()], &["run watching"]).with(0).says("| 3").says("as expected");
    let finished = sandbox.data("qrh.command.finished");
    assert_eq!(finished[0]["expected"], true, "{finished:?}");
}

#[test]
fn a_question_that_is_open_when_input_ends_is_left_and_said() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let (switch, world) = (runbook("switch"), sandbox.world());
    sandbox
        .script(["run", &switch, "--pid", &service.pid(), "--input", &world], &["run ask_why"])
        .with(0)
        .says("QUESTION #1")
        .says("stopped");
    assert_eq!(sandbox.data("qrh.command.finished")[0]["report"]["ending"]["ending"], "stopped");
}

#[test]
fn ten_thousand_lines_are_kept_whole_and_printed_in_part() {
    let sandbox = Sandbox::new();
    sandbox.policy(VOUCHED);
    let service = Service::start();
    let ended = sandbox.script(["run", &runbook("reads"), "--pid", &service.pid()], &["run many_lines", "output 1"]).with(0);
    assert!(ended.out.contains("\n  | 1999\n") && ended.out.contains("no more lines of #1 are printed"), "{}", ended.out);
    assert!(!ended.out.contains("\n  | 5000\n") && ended.out.contains("\n  | 10000\n"), "the end is shown on request");
    let finished = &sandbox.data("qrh.command.finished")[0];
    assert_eq!(finished["report"]["lines"], 10_000);
    let kept = fs::read(sandbox.incident().join(finished["output"]["file"].as_str().unwrap())).unwrap();
    let expected = (1..=10_000).fold(String::new(), |text, number| text + &format!("{number}\n"));
    assert_eq!(String::from_utf8(kept.clone()).unwrap(), expected);
    assert_eq!(finished["output"]["sha256"], hex(&Sha256::digest(&kept)).as_str());
}

#[test]
fn a_line_of_a_million_letters_is_cut_and_counted() {
    let sandbox = Sandbox::new();
    sandbox.policy(VOUCHED);
    let service = Service::start();
    sandbox.script(["run", &runbook("reads"), "--pid", &service.pid()], &["run long_line", "run hello"]).with(0).says("| hello there");
    let report = &sandbox.data("qrh.command.finished")[0]["report"];
    assert_eq!(report["ending"]["ending"], "succeeded");
    let kept = report["out"].as_str().map_or(0, str::len) as u64;
    assert!(report["cut_bytes"].as_u64().unwrap() + kept >= 1_000_000, "{kept} kept of {}", report["cut_bytes"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_console() {
    let sandbox = Sandbox::new();
    sandbox.policy(VOUCHED);
    let service = Service::start();
    let mut command = sandbox.command(["run", &runbook("reads"), "--pid", &service.pid()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Standard input stays open: only the lost reader can end it.
    let _keyboard = child.stdin.take().unwrap();
    drop(child.stdout.take());
    let mut err = child.stderr.take().unwrap();
    assert_eq!(wait(child), 1);
    let mut said = String::new();
    err.read_to_string(&mut said).unwrap();
    assert!(said.contains("The incident stays open"), "{said}");
}

#[test]
fn odd_input_is_answered_and_harms_nothing() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let long = "x".repeat(100_000);
    let lines = [
        "",
        "   ",
        "run",
        "run 99",
        "step 99",
        "undo",
        "undo x",
        "outcome 1",
        "stop 7",
        "\u{1b}[2Jnote",
        "note \u{1b}]0;t\u{7}bell",
        &long,
        "done",
    ];
    let ended = sandbox.script(["run", &runbook("reads"), "--pid", &service.pid()], &lines).with(0);
    assert!(!ended.out.contains('\u{1b}') && !ended.out.contains('\u{7}'), "{:?}", ended.out);
    assert!(ended.out.contains("say what you see"), "{}", ended.out);
}
