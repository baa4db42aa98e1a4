//! Documents with mistakes: one file per mistake under `tests/data/bad_runbooks/`, each with a snapshot of what its author reads; and
//! documents that no author would write, which must not hurt either.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use qrh::runbook::diagnostic::{self, LIMIT};
use qrh::runbook::lint::rule::Rule;
use qrh::runbook::source::{FILE_BYTES, SourceFile};
use qrh::runbook::{Loaded, catalog, load};

fn data(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A file with `strict` in its name is loaded as the shipped runbooks are.
fn read(path: &Path) -> (SourceFile, Loaded) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let file = SourceFile::new(name.clone(), fs::read(path).unwrap());
    let loaded = load(&file, name.contains("strict"));
    (file, loaded)
}

#[test]
fn every_mistake_is_told_as_its_snapshot_says() {
    let files = data("bad_runbooks");
    assert!(files.len() >= 45, "only {} files", files.len());
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "snapshots/bad_runbooks" }, {
        for path in files {
            let (file, loaded) = read(&path);
            let page = diagnostic::render(&file, &loaded.diagnostics, false);
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), page);
        }
    });
}

#[test]
fn no_snapshot_is_left_without_its_file() {
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let files: BTreeSet<_> = data("bad_runbooks").iter().map(stem).collect();
    let snapshots: BTreeSet<_> = data("../snapshots/bad_runbooks").iter().map(stem).collect();
    assert_eq!(files, snapshots);
}

#[test]
fn every_rule_has_a_file_that_breaks_it() {
    let broken: BTreeSet<_> = data("bad_runbooks").iter().flat_map(|path| read(path).1.diagnostics).map(|found| found.rule).collect();
    let unbroken: Vec<_> = Rule::ALL.iter().filter(|rule| !broken.contains(rule)).collect();
    assert_eq!(unbroken, Vec::<&Rule>::new());
}

#[test]
fn every_diagnostic_has_a_place_in_its_file_and_something_to_do() {
    for path in data("bad_runbooks") {
        let (file, loaded) = read(&path);
        assert!(!loaded.diagnostics.is_empty(), "{path:?} has no mistake");
        for found in &loaded.diagnostics {
            assert!(found.span.start <= found.span.end && found.span.end <= file.text.len(), "{path:?}: {found:?}");
            assert!(found.hint.is_some() || found.rule == Rule::BadTemplate, "{path:?}: {found:?}");
            assert!(!found.message.ends_with('.') && found.message.len() < 400, "{path:?}: {found:?}");
        }
        let json = diagnostic::to_json(&file, &loaded.diagnostics);
        assert_eq!(json.as_array().unwrap().len(), loaded.diagnostics.len());
        assert!(json[0]["line"].as_u64().unwrap() >= 1 && json[0]["rule"].is_string(), "{json}");
    }
}

#[test]
fn what_is_shown_never_drives_the_terminal() {
    let text = "schema: qrh.runbook/v1\n\"id\\e[31m\u{9b}\u{202e}\": \"\u{1b}[2J\"\n";
    let file = SourceFile::new("x\u{1b}[31m.yaml", text.as_bytes().to_vec());
    let page = diagnostic::render(&file, &load(&file, true).diagnostics, false);
    assert!(page.contains("yaml") && page.chars().all(|c| c == '\n' || !c.is_control()), "{page:?}");
    assert!(!page.contains('\u{202e}'), "{page:?}");
    let coloured = diagnostic::render(&file, &load(&file, true).diagnostics, true);
    assert!(coloured.contains("\u{1b}[") && !coloured.contains("\u{1b}[2J") && !coloured.contains(":::"), "{coloured:?}");
}

#[test]
fn a_file_over_the_limit_is_not_read() {
    let file = SourceFile::new("x.yaml", vec![b'#'; FILE_BYTES + 1]);
    let loaded = load(&file, false);
    assert_eq!(loaded.diagnostics.iter().map(|found| found.rule).collect::<Vec<_>>(), [Rule::TooLarge]);
}

#[test]
fn the_good_ones_load_clean_and_strict() {
    let files = data("good");
    assert!(!files.is_empty());
    for path in files {
        let file = SourceFile::new("good.yaml", fs::read(&path).unwrap());
        let loaded = load(&file, true);
        assert_eq!(diagnostic::render(&file, &loaded.diagnostics, false), "", "{path:?}");
        assert!(loaded.runbook.is_some());
    }
}

fn good() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/good/bad-deploy-example.yaml")).unwrap()
}

/// Loads, renders and lists: none of it may panic, whatever comes in.
fn survives(bytes: Vec<u8>) {
    let file = SourceFile::new("any.yaml", bytes);
    let loaded = load(&file, true);
    assert!(loaded.diagnostics.len() <= LIMIT + 1);
    assert!(loaded.runbook.is_some() || !loaded.diagnostics.is_empty());
    for found in &loaded.diagnostics {
        assert!(found.span.start <= found.span.end);
    }
    diagnostic::render(&file, &loaded.diagnostics, true);
    diagnostic::to_json(&file, &loaded.diagnostics);
    let (catalog, diagnostics) = catalog::load(&file);
    assert!(catalog.is_some() || !diagnostics.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        survives(bytes);
    }

    #[test]
    fn any_yaml_like_text_is_survived(text in "([a-z]{1,6}: |- |\\[|\\]|\\{|\\}|'|\"|\\||>|&a|\\*a|#|%|!|é|\t|\n {0,6}|[0-9]{1,3}[sm]?|\\{\\{ [a-z.]{1,9} \\}\\}){0,120}") {
        survives(text.into_bytes());
    }

    #[test]
    fn a_good_runbook_with_a_wound_is_survived(at in 0usize..9000, gone in 0usize..40, put in "[\\PC\\n\\t]{0,12}") {
        let text: Vec<char> = good().chars().collect();
        let at = at.min(text.len());
        let rest = (at + gone).min(text.len());
        let wounded: String = text[..at].iter().collect::<String>() + &put + &text[rest..].iter().collect::<String>();
        survives(wounded.into_bytes());
    }

    #[test]
    fn a_good_runbook_with_lines_moved_is_survived(from in 0usize..200, to in 0usize..200, indent in 0usize..9) {
        let text = good();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let line = lines.remove(from % lines.len());
        let place = to % lines.len();
        lines.insert(place, " ".repeat(indent) + line.trim_start());
        survives(lines.join("\n").into_bytes());
    }
}

#[test]
fn large_documents_of_one_kind_are_bounded() {
    let wide = |piece: &str| piece.repeat(900_000 / piece.len());
    for text in [
        wide("a: 1\n"),
        wide("- - - "),
        wide("{a: "),
        wide("'"),
        wide("&a *a "),
        format!("schema: qrh.runbook/v1\nsteps: [{}]", "{},".repeat(40_000)),
        format!("schema: qrh.runbook/v1\ntitle: \"{}\"", wide("{{ x }} ")),
        format!("schema: qrh.runbook/v1\n{}", (0..40_000).map(|i| format!("k{i}: {i}")).collect::<Vec<_>>().join("\n")),
        format!("schema: qrh.runbook/v1\nsteps: [{}]", "{commands: [{verify: x}], findings: [{when: x, go: y}]},".repeat(4_000)),
    ] {
        survives(text.into_bytes());
    }
}
