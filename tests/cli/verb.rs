//! Verbs that start no console: what they print, what they refuse, and the exit code.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::sandbox::{Sandbox, finish, runbook};

const SHIPPED: [&str; 5] = ["bad-deploy", "dependency-outage", "event-loop-latency", "high-cpu", "high-memory"];

#[test]
fn by_itself_it_lists_the_runbooks_and_what_to_type() {
    let ended = Sandbox::new().qrh([""; 0]).with(0).says("Open incidents\n  none\n").says("qrh run RUNBOOK");
    for id in SHIPPED {
        assert!(ended.out.contains(id), "{}", ended.out);
    }
}

#[test]
fn version_help_and_documents_need_neither_home_nor_configuration() {
    let sandbox = Sandbox::new();
    sandbox.write("config/qrh/settings.yaml", "no: [such");
    for args in [&["--version"][..], &["--help"], &["schema"], &["man"], &["completions", "bash"], &["lint", "--rules"], &["info"]] {
        let mut command = sandbox.command(args);
        command.env_remove("HOME").env_remove("PATH");
        let ended = finish(command, "").with(0);
        assert!(!ended.out.is_empty(), "{args:?}");
    }
}

#[test]
fn every_verb_has_help_a_manual_page_and_a_completion() {
    let sandbox = Sandbox::new();
    let help = sandbox.qrh(["--help"]).with(0).out;
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let first = |line: &'_ str| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')).map(str::to_owned);
    let verbs: Vec<String> = listed
        .lines()
        .filter_map(first)
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .filter(|verb| verb != "help")
        .collect();
    assert!(verbs.len() >= 11, "{verbs:?}");
    for verb in verbs.iter().map(String::as_str) {
        sandbox.qrh([verb, "--help"]).with(0).says("Usage:");
        sandbox.qrh(["man", verb]).with(0).says(&format!("qrh\\-{verb}"));
    }
    let pages = sandbox.path("pages");
    sandbox.qrh(["man", "--all", pages.to_str().unwrap()]).with(0);
    for verb in &verbs {
        assert!(pages.join(format!("qrh-{verb}.1")).is_file(), "{verb}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.qrh(["completions", shell]).with(0).out;
        assert!(verbs.iter().all(|verb| script.contains(verb.as_str())), "{shell}");
    }
    sandbox.qrh(["man", "inciden"]).with(2).complains("did you mean `incidents`?");
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let sandbox = Sandbox::new();
    let wrong: [(&[&str], &str); 14] = [
        (&["frobnicate"], "unrecognized subcommand"),
        (&["run"], "<RUNBOOK>"),
        (&["run", "no-such", "--pid", "1"], "there is no runbook `no-such`"),
        (&["run", "high-cp", "--pid", "1"], "did you mean `high-cpu`?"),
        (&["run", "high-cpu"], "no service is named"),
        (&["run", "high-cpu", "--pid", "x"], "invalid value 'x'"),
        (&["run", "high-cpu", "--pid", "1", "--unit", "api"], "cannot be used with"),
        (&["run", "high-cpu", "--context", "c"], "--workload"),
        (&["run", "high-cpu", "--pid", "1", "--input", "no_such=1", "--input", "window"], "no_such: this runbook has no such input"),
        (&["run", "high-cpu", "--pid", "1", "--input", "window=soon"], "`soon` is not a duration"),
        (&["run", "high-cpu", "--pid", "1", "--detected", "tomorrow"], "--detected tomorrow"),
        (&["run", "high-cpu", "--pid", "1", "--detected", "2999-01-01T00:00:00Z"], "in the future"),
        (&["export"], "<INCIDENT>"),
        (&["--state"], "a value is required"),
    ];
    for (args, text) in wrong {
        sandbox.qrh(args).with(2).complains(text);
    }
    assert!(!sandbox.path("state").exists(), "a usage error makes no incident");
}

#[test]
fn a_runbook_with_mistakes_is_told_whole_and_opens_nothing() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("bad.yaml", "schema: qrh.runbook/v1\nid: bad\ntitel: Bad\ntargets: [host]\nsteps: []\n");
    let file = file.to_str().unwrap();
    for args in [&["run", file, "--pid", "1"][..], &["plan", file, "--pid", "1"], &["show", file]] {
        sandbox.qrh(args).with(2).complains("bad.yaml:3:1").complains("`titel`").complains("did you mean `title`?").complains("summary");
    }
    assert!(!sandbox.path("state").exists());
    sandbox.qrh(["run", "missing.yaml", "--pid", "1"]).with(2).complains("missing.yaml: there is no such file");
    sandbox.qrh(["run", "./config", "--pid", "1"]).with(2).complains("a directory, not a file");
}

#[test]
fn lint_names_every_mistake_and_fails_only_for_errors() {
    let sandbox = Sandbox::new();
    sandbox.qrh(["lint", &runbook("switch")]).with(0).says("1 file, 0 errors, 2 warnings");
    sandbox.qrh(["lint", "--strict", &runbook("switch")]).with(1).says("error[missing-phase]");
    let file = sandbox.write("bad.yaml", "schema: qrh.runbook/v1\nid: bad\ntitel: Bad\n");
    let json = sandbox.qrh(["lint", "--format", "json", file.to_str().unwrap(), &runbook("switch")]).with(1).out;
    let found: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert!(found.len() > 3, "{json}");
    let slip = found.iter().find(|found| found["rule"] == "unknown-key").unwrap();
    assert_eq!((&slip["line"], &slip["column"], &slip["severity"]), (&3.into(), &1.into(), &"error".into()));
    sandbox.qrh(["lint", "no-such.yaml"]).with(2).complains("there is no such file");
    sandbox.qrh(["lint", "--rules"]).with(0).says("effect-disagrees").says("duplicate-key");
}

#[test]
fn lint_by_default_holds_all_there_is_to_the_rules() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("config/qrh/runbooks")).unwrap();
    fs::copy(runbook("switch"), sandbox.path("config/qrh/runbooks/one.yaml")).unwrap();
    fs::copy(runbook("switch"), sandbox.path("config/qrh/runbooks/two.yaml")).unwrap();
    sandbox.write("config/qrh/services.yaml", "schema: qrh.services/v1\nservices:\n  api: { target: { hosts: { pid: 1 } } }\n");
    sandbox.write("config/qrh/policy.yaml", "schema: qrh.policy/v1\nprotect: []\n");
    sandbox.write("config/qrh/settings.yaml", "theme: [dark]\n");
    let ended = sandbox.qrh(["lint"]).with(1);
    for text in [
        "two.yaml:3:1",
        "one.yaml has the id `switch` too",
        "services.yaml:3:",
        "policy.yaml:2:1",
        "did you mean `protected`?",
        "settings.yaml:1:8",
    ] {
        assert!(ended.out.contains(text), "no {text:?} in:\n{}", ended.out);
    }
    sandbox.qrh(["run", "switch", "--pid", "1"]).with(2).complains("several files have the id `switch`").complains("two.yaml");
}

#[test]
fn the_schema_is_the_one_in_the_documents() {
    let kept = fs::read_to_string(format!("{}/docs/runbook.schema.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let printed = Sandbox::new().qrh(["schema"]).with(0).out;
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), serde_json::from_str::<Value>(&kept).unwrap());
}

#[test]
fn show_lists_runbooks_and_prints_one() {
    let sandbox = Sandbox::new();
    sandbox.qrh(["show"]).with(0).says("high-cpu");
    sandbox
        .qrh(["show", &runbook("switch")])
        .with(0)
        .says("input dir: Directory that holds the flag (needed)")
        .says("[recovery] Switch it off (change)")
        .says("mutating  host    Switch the flag off (switch_off: shell)")
        .says("if flag.out == \"off\": The flag is off -> last-words");
}

#[test]
fn a_runbook_is_found_by_its_id_wherever_the_id_stands() {
    let sandbox = Sandbox::new();
    let text = fs::read_to_string(runbook("switch")).unwrap();
    fs::create_dir(sandbox.path("config/qrh/runbooks")).unwrap();
    // Where a reader of the first bytes would cut the id's line in two, and far behind them.
    for (name, above) in [("cut", 4096 - 8), ("far", 9000)] {
        let comment = format!("#{}\n", "x".repeat(above - 2));
        sandbox.write(
            &format!("config/qrh/runbooks/{name}-file.yaml"),
            &format!("{comment}{}", text.replacen("id: switch", &format!("id: {name}-id"), 1)),
        );
        sandbox.qrh(["show", &format!("{name}-id")]).with(0).says("Switch the flag off");
    }
    sandbox.qrh(["show", "cut-file"]).with(2).complains("there is no runbook `cut-file`");
}

#[test]
fn a_closed_pipe_ends_a_verb_quietly() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["schema"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}
