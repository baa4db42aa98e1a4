//! The journal on this machine's own disk: modes, locks, links, outputs, and finding an incident again.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use qrh::journal::{Found, Journal, JournalError, New, OutputFile, Recovered, find, list, replay};
use qrh::timeline::chain::Chain;
use qrh::timeline::identifier::{Digest, IncidentId, Writer};
use qrh::timeline::record::{Mode, Output};
use tempfile::TempDir;
use ulid::Ulid;

use crate::sample::{after, incident, note, records, seal, seed, start, writer};

fn create(root: &Path, incident: IncidentId, parts: &[&str]) -> Journal {
    let writer = writer();
    Journal::create(root, &New { incident, opened: start(), parts, writer: &writer, runbook: b"id: bad-deploy\n" }).unwrap()
}

/// An incident with every kind of event; `dir` outlives the journal.
fn whole(root: &Path, mode: Mode) -> PathBuf {
    let mut journal = create(root, incident(), &["bad-deploy", "checkout"]);
    let (_, bytes) = seal(&mut Chain::start(incident(), writer()), records(mode));
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        journal.append(line).unwrap();
    }
    journal.dir().to_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_the_owners_alone() {
    let root = TempDir::new().unwrap();
    let dir = whole(&root.path().join("deep/er"), Mode::Live);
    assert_eq!(dir.file_name().unwrap(), "2026-11-23-bad-deploy-checkout-ff0492");
    for name in ["", "log", "out", "artifacts"] {
        assert_eq!(mode(&dir.join(name)), 0o700, "{name}");
    }
    for name in ["log/ana_laptop.jsonl", "log/ana_laptop.lock", "runbook.yaml"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    assert_eq!(fs::read(dir.join("runbook.yaml")).unwrap(), b"id: bad-deploy\n");
}

#[test]
fn odd_names_make_plain_directories() {
    let root = TempDir::new().unwrap();
    let long = "x".repeat(500);
    for (number, parts) in [&["../../etc", "a b\n;rm"][..], &["", ""], &["--", "é"], &[&long]].into_iter().enumerate() {
        let journal = create(root.path(), IncidentId(Ulid::from_parts(1, number as u128)), parts);
        assert_eq!(journal.dir().parent().unwrap(), root.path());
        let name = journal.dir().file_name().unwrap().to_str().unwrap();
        assert!(name.len() < 100 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
        assert!(!name.contains("--"), "{name}");
    }
}

#[test]
fn a_second_console_of_one_writer_is_refused_with_the_firsts_pid() {
    let root = TempDir::new().unwrap();
    let dir = whole(root.path(), Mode::Live);
    let first = Journal::open(&dir, &writer()).unwrap();
    let refused = Journal::open(&dir, &writer()).unwrap_err().to_string();
    assert!(refused.contains(&format!("qrh with process id {} has this incident open", std::process::id())), "{refused}");
    let other = Journal::open(&dir, &Writer::named("ben")).unwrap();
    assert_eq!(other.envelopes, first.envelopes);
    drop(first);
    Journal::open(&dir, &writer()).unwrap();
}

#[test]
fn writers_share_an_incident_in_one_order() {
    let root = TempDir::new().unwrap();
    let dir = whole(root.path(), Mode::Live);
    let Recovered { mut journal, mut chain, envelopes, .. } = Journal::open(&dir, &Writer::named("ben")).unwrap();
    // Ben's wall clock is an hour slow; his event still comes after what he saw.
    let (event, line) = chain.seal(note("from ben"), seed(after(-3600), 1)).unwrap();
    journal.append(&line).unwrap();
    let all = replay(&dir).unwrap();
    assert_eq!(all.envelopes.len(), envelopes.len() + 1);
    assert_eq!(all.envelopes.last().unwrap().id, event.id);
    assert_eq!(all.heads.iter().map(|head| head.writer.to_string()).collect::<Vec<_>>(), ["ana_laptop", "ben"]);
    assert_eq!(all.incident, incident());
}

#[test]
fn a_torn_line_is_kept_beside_and_damage_stops_with_its_place() {
    let root = TempDir::new().unwrap();
    let dir = whole(root.path(), Mode::Live);
    let log = dir.join("log/ana_laptop.jsonl");
    let good = fs::read(&log).unwrap();
    for number in 1..=2 {
        fs::write(&log, [&good[..], b"{\"specver"].concat()).unwrap();
        assert_eq!(replay(&dir).unwrap().torn[0].bytes, 9, "looking changes nothing");
        let recovered = Journal::open(&dir, &writer()).unwrap();
        let aside = dir.join(format!("log/ana_laptop.jsonl.torn-{number}"));
        assert_eq!(recovered.torn[0].aside.as_ref(), Some(&aside));
        assert_eq!(fs::read(aside).unwrap(), b"{\"specver");
        assert_eq!(fs::read(&log).unwrap(), good);
    }
    let at = good.iter().position(|byte| *byte == b'\n').unwrap() + 20;
    let mut bad = good.clone();
    bad[at] = b'\0';
    fs::write(&log, &bad).unwrap();
    for result in [replay(&dir).map(|_| ()), Journal::open(&dir, &writer()).map(|_| ())] {
        let Err(JournalError::Damaged { path, damage }) = result else { panic!("not found: {result:?}") };
        assert_eq!((path, damage.line), (log.clone(), 2));
        assert!(damage.byte.abs_diff(at) <= 1, "{damage}, expected near {at}");
    }
    assert_eq!(fs::read(&log).unwrap(), bad, "nothing was changed");
}

#[test]
fn links_and_pipes_are_refused() {
    let root = TempDir::new().unwrap();
    let dir = whole(root.path(), Mode::Live);
    let link = root.path().join("link");
    symlink(&dir, &link).unwrap();
    let told = Journal::open(&link, &writer()).unwrap_err().to_string();
    assert!(told.contains("qrh follows no links"), "{told}");

    let log = dir.join("log/ana_laptop.jsonl");
    let moved = root.path().join("moved");
    fs::rename(&log, &moved).unwrap();
    symlink(&moved, &log).unwrap();
    assert!(matches!(Journal::open(&dir, &writer()), Err(JournalError::Link { .. })));
    assert!(matches!(replay(&dir), Err(JournalError::Link { .. })));

    fs::remove_file(&log).unwrap();
    assert!(Command::new("mkfifo").arg(&log).status().unwrap().success());
    let told = replay(&dir).unwrap_err().to_string();
    assert!(told.contains("not a regular file"), "{told}");

    fs::remove_file(&log).unwrap();
    fs::rename(&moved, &log).unwrap();
    fs::rename(dir.join("log"), root.path().join("log")).unwrap();
    symlink(root.path().join("log"), dir.join("log")).unwrap();
    assert!(Journal::open(&dir, &writer()).unwrap_err().to_string().contains("qrh follows no links"));
}

#[test]
fn a_state_directory_may_be_linked_elsewhere() {
    let root = TempDir::new().unwrap();
    fs::create_dir(root.path().join("big-disk")).unwrap();
    symlink(root.path().join("big-disk"), root.path().join("state")).unwrap();
    let incidents = root.path().join("state/qrh/incidents");
    whole(&incidents, Mode::Live);
    assert_eq!(list(&incidents).unwrap().len(), 1);
}

#[test]
fn incidents_are_listed_with_the_damaged_ones() {
    let root = TempDir::new().unwrap();
    assert!(list(&root.path().join("none")).unwrap().is_empty());
    whole(root.path(), Mode::Drill);
    drop(create(root.path(), IncidentId(Ulid::from_parts(1, 1)), &["left", "early"]));
    fs::write(root.path().join("a file"), "x").unwrap();
    let broken = create(root.path(), IncidentId(Ulid::from_parts(1, 2)), &["zz"]);
    fs::write(broken.dir().join("log/ana_laptop.jsonl"), "no event\n").unwrap();
    let told: Vec<String> = list(root.path())
        .unwrap()
        .into_iter()
        .map(|summary| match summary.found {
            Found::Whole { id, incident } => {
                format!("{} {id} {} closed: {}", summary.name, incident.opened.unwrap().mode.as_str(), incident.closed.is_some())
            }
            Found::Damaged(error) => format!("{} {}", summary.name, error.to_string().replace(root.path().to_str().unwrap(), "ROOT")),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    2026-11-23-zz-000002 ROOT/2026-11-23-zz-000002/log/ana_laptop.jsonl, line 1, byte 1: this is not an event of qrh.timeline/v1: expected ident. Nothing was skipped and nothing was changed: keep the file, and compare it with a copy or an export
    2026-11-23-left-early-000001 ROOT/2026-11-23-left-early-000001: there is no event in its logs. It was left while it was being made; nothing was recorded, so it can be removed
    2026-11-23-bad-deploy-checkout-ff0492 01M84VAD3V28T5CY4TQKFF0492 DRILL closed: true
    ");
}

#[test]
fn an_incident_is_found_by_a_part_of_its_name() {
    let root = TempDir::new().unwrap();
    let dir = whole(root.path(), Mode::Live);
    let other = create(root.path(), IncidentId(Ulid::from_parts(1, 1)), &["high-cpu", "checkout"]);
    for wanted in ["2026-11-23-bad-deploy-checkout-ff0492", "ff0492", "FF0492", "bad-dep", &incident().to_string()] {
        assert_eq!(find(root.path(), wanted).unwrap(), dir, "{wanted}");
    }
    assert_eq!(find(root.path(), "cpu").unwrap(), other.dir());
    let told = |wanted| find(root.path(), wanted).unwrap_err().to_string().replace(root.path().to_str().unwrap(), "ROOT");
    insta::assert_snapshot!(told("checkout"), @r#""checkout" matches 2 incidents: 2026-11-23-high-cpu-checkout-000001, 2026-11-23-bad-deploy-checkout-ff0492. Give more of the name"#);
    insta::assert_snapshot!(told("nothing"), @r#"no incident matches "nothing" under ROOT. `qrh incidents` lists them"#);
    assert!(matches!(find(root.path(), ""), Err(JournalError::NotFound { .. })));
    assert!(matches!(find(root.path(), "../x"), Err(JournalError::NotFound { .. })));
}

#[test]
fn a_short_output_needs_no_file_and_a_long_one_is_whole() {
    let root = TempDir::new().unwrap();
    let dir = whole(root.path(), Mode::Live);
    let Recovered { envelopes, .. } = Journal::open(&dir, &writer()).unwrap();
    let mut short = OutputFile::create(&dir, envelopes[0].id);
    (0..60).for_each(|_| short.line(&"é".repeat(400)).unwrap());
    assert_eq!(short.finish().unwrap(), None);
    assert_eq!(fs::read_dir(dir.join("out")).unwrap().count(), 0);

    for (number, lines) in [vec!["x".repeat(401)], vec!["y".to_owned(); 61]].into_iter().enumerate() {
        let mut long = OutputFile::create(&dir, envelopes[number + 1].id);
        for line in &lines {
            long.line(line).unwrap();
        }
        let output = long.finish().unwrap().unwrap();
        let bytes = fs::read(dir.join(&output.file)).unwrap();
        assert_eq!(bytes, (lines.join("\n") + "\n").into_bytes());
        let sha256 = Digest::of(&bytes).to_string();
        let file = format!("out/{}.log", envelopes[number + 1].id);
        assert_eq!(output, Output { file, bytes: bytes.len() as u64, sha256, cut_bytes: 0 });
        assert_eq!(mode(&dir.join(&output.file)), 0o600);
    }
}
