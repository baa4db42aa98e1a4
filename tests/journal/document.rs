//! docs/TIMELINE.md holds what the code does: every event with its fields, and a check that runs as it is written there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use qrh::timeline::chain::{Chain, check};
use qrh::timeline::record::{Happening, Mode};
use serde_json::Value;

use crate::sample::{incident, records, seal, writer};

const DOCUMENT: &str = include_str!("../../docs/TIMELINE.md");

fn kind(happening: &Happening) -> String {
    serde_json::to_value(happening).unwrap()["type"].as_str().unwrap().to_owned()
}

/// The block that begins with ```` ```LANGUAGE ````.
fn block(language: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn every_event_and_every_field_is_described() {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records(Mode::Live) {
        let data = serde_json::to_value(&record.happening).unwrap()["data"].clone();
        let Value::Object(data) = data else { panic!("data is no object") };
        fields.entry(kind(&record.happening)).or_default().extend(data.keys().cloned());
    }
    for (kind, fields) in fields {
        let row = DOCUMENT.lines().find(|line| line.starts_with(&format!("| `{kind}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/TIMELINE.md has no row for {kind}"));
        for field in fields {
            assert!(row.contains(&format!("`{field}`")), "docs/TIMELINE.md: {kind} lacks `{field}`");
        }
    }
}

#[test]
fn the_sample_has_every_kind_of_event() {
    // The reader itself lists the types it knows.
    let told = serde_json::from_str::<Happening>(r#"{"type":"qrh.none"}"#).unwrap_err().to_string();
    let known: BTreeSet<&str> = told.split('`').filter(|word| word.starts_with("qrh.") && *word != "qrh.none").collect();
    let sample: Vec<String> = records(Mode::Live).iter().map(|record| kind(&record.happening)).collect();
    assert_eq!(known, sample.iter().map(String::as_str).collect());
}

#[test]
fn the_example_is_a_log() {
    let checked = check(&writer(), block("jsonl").as_bytes()).unwrap();
    assert_eq!(checked.envelopes.len(), 2);
    assert_eq!(checked.whole, block("jsonl").len());
}

#[test]
fn the_documented_check_finds_what_qrh_finds() {
    let jq = Command::new("jq").arg("--version").output();
    assert!(jq.is_ok_and(|output| output.status.success()), "jq is missing: install it (apt-get install jq), or run tests/run, which does");
    let script = block("bash");
    assert!(script.lines().count() <= 12, "ten lines were promised");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ana_laptop.jsonl");
    let run = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let output = Command::new("bash").args(["-c", script, "check"]).arg(&path).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let told = String::from_utf8(output.stdout).unwrap().replace(dir.path().to_str().unwrap(), "DIR");
        (output.status.success(), told)
    };
    let mut chain = Chain::start(incident(), writer());
    let (_, bytes) = seal(&mut chain, records(Mode::Live));
    let head = chain.head();
    assert_eq!(run(&bytes), (true, format!("DIR/ana_laptop.jsonl: {} events, head {}\n", head.sequence, head.digest)));

    let text = String::from_utf8(bytes).unwrap();
    let changed = text.replace("10 % errors", "11 % errors");
    assert_eq!(check(&writer(), changed.as_bytes()).unwrap_err().line, 8);
    assert_eq!(run(changed.as_bytes()), (false, "DIR/ana_laptop.jsonl: line 8 does not follow line 7\n".to_owned()));
    let missing: String = text.split_inclusive('\n').enumerate().filter(|(number, _)| *number != 4).map(|(_, line)| line).collect();
    assert_eq!(run(missing.as_bytes()), (false, "DIR/ana_laptop.jsonl: line 5 does not follow line 4\n".to_owned()));
}
