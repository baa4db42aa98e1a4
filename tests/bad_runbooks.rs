//! Documents with mistakes: one file per mistake under `tests/data/bad_runbooks/` and `tests/data/bad_drills/`, each with a snapshot of
//! what its author reads; and documents that no author would write, which must not hurt either.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use qrh::drill::scenario::model::Level;
use qrh::drill::scenario::{self, Against};
use qrh::runbook::diagnostic::{self, Diagnostic, LIMIT};
use qrh::runbook::lint::rule::Rule;
use qrh::runbook::model::Runbook;
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

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Read once: each takes a while, and every drill asks for some.
static SHIPPED: LazyLock<Vec<Arc<Runbook>>> = LazyLock::new(|| {
    let files = fs::read_dir(repository("runbooks")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| Arc::new(load(&SourceFile::new("shipped.yaml", fs::read(path).unwrap()), false).runbook.unwrap())).collect()
});

fn shipped(id: &str) -> Option<Arc<Runbook>> {
    SHIPPED.iter().find(|runbook| runbook.id.as_str() == id).map(Arc::clone)
}

/// Held against the shipped runbooks; `strict` in its name does what it does to a runbook.
fn drill(path: &Path) -> (SourceFile, Vec<Diagnostic>) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let file = SourceFile::new(name.clone(), fs::read(path).unwrap());
    let loaded = scenario::load(&file, name.contains("strict"), Against::Runbooks(&shipped));
    (file, loaded.diagnostics)
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
fn every_mistake_of_a_drill_is_told_as_its_snapshot_says() {
    let files = data("bad_drills");
    assert!(files.len() >= 20, "only {} files", files.len());
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "snapshots/bad_drills" }, {
        for path in files {
            let (file, diagnostics) = drill(&path);
            let page = diagnostic::render(&file, &diagnostics, false);
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), page);
        }
    });
}

#[test]
fn no_snapshot_is_left_without_its_file() {
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    for folder in ["bad_runbooks", "bad_drills"] {
        let files: BTreeSet<_> = data(folder).iter().map(stem).collect();
        let snapshots: BTreeSet<_> = data(&format!("../snapshots/{folder}")).iter().map(stem).collect();
        assert_eq!(files, snapshots);
    }
}

#[test]
fn every_rule_has_a_file_that_breaks_it() {
    let runbooks = data("bad_runbooks").into_iter().flat_map(|path| read(&path).1.diagnostics);
    let drills = data("bad_drills").into_iter().flat_map(|path| drill(&path).1);
    let broken: BTreeSet<_> = runbooks.chain(drills).map(|found| found.rule).collect();
    let unbroken: Vec<_> = Rule::ALL.iter().filter(|rule| !broken.contains(rule)).collect();
    assert_eq!(unbroken, Vec::<&Rule>::new());
}

#[test]
fn every_diagnostic_has_a_place_in_its_file_and_something_to_do() {
    let runbooks =
        data("bad_runbooks").into_iter().map(|path| (read(&path), path)).map(|((file, loaded), path)| (file, loaded.diagnostics, path));
    let drills = data("bad_drills").into_iter().map(|path| (drill(&path), path)).map(|((file, found), path)| (file, found, path));
    for (file, diagnostics, path) in runbooks.chain(drills) {
        assert!(!diagnostics.is_empty(), "{path:?} has no mistake");
        for found in &diagnostics {
            assert!(found.span.start <= found.span.end && found.span.end <= file.text.len(), "{path:?}: {found:?}");
            assert!(found.hint.is_some() || found.rule == Rule::BadTemplate, "{path:?}: {found:?}");
            assert!(!found.message.ends_with('.') && found.message.len() < 400, "{path:?}: {found:?}");
        }
        let json = diagnostic::to_json(&file, &diagnostics);
        assert_eq!(json.as_array().unwrap().len(), diagnostics.len());
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

#[test]
fn the_shipped_drills_load_clean_and_strict() {
    let files: Vec<_> = fs::read_dir(repository("runbooks/drills")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 10, "only {} drills", files.len());
    for path in files {
        let file = SourceFile::new("drill.yaml", fs::read(&path).unwrap());
        let loaded = scenario::load(&file, true, Against::Runbooks(&shipped));
        assert_eq!(diagnostic::render(&file, &loaded.diagnostics, false), "", "{path:?}");
        let drill = loaded.drill.unwrap();
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), drill.id);
        for level in Level::ALL {
            let played = drill.at(level);
            assert!(played.first_page().is_some() && !played.hints.is_empty() && !played.variant(level).says.is_empty(), "{path:?}");
        }
    }
}

#[test]
fn the_schema_of_drills_in_docs_is_the_one_of_this_version() {
    let path = repository("docs/drill.schema.json");
    let now = serde_json::to_string_pretty(&scenario::json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == now,
        "docs/drill.schema.json is of another version: run this test once with UPDATE_DOCS=1"
    );
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
    let drill = scenario::load(&file, true, Against::Nothing);
    assert!(drill.drill.is_some() || !drill.diagnostics.is_empty());
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
