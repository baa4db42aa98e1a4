//! What holds of every shipped runbook without running anything.

use std::path::PathBuf;

use qrh::runbook::diagnostic;
use qrh::runbook::model::Runbook;
use qrh::runbook::source::SourceFile;

pub const IDS: [&str; 5] = ["bad-deploy", "dependency-outage", "event-loop-latency", "high-cpu", "high-memory"];

pub fn file(path: &str) -> SourceFile {
    let whole = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    SourceFile::new(path, std::fs::read(&whole).unwrap())
}

pub fn runbook(id: &str) -> Runbook {
    let file = file(&format!("runbooks/{id}.yaml"));
    let loaded = qrh::runbook::load(&file, true);
    assert!(loaded.diagnostics.is_empty(), "\n{}", diagnostic::render(&file, &loaded.diagnostics, false));
    loaded.runbook.unwrap()
}

#[test]
fn every_runbook_is_clean_under_strict() {
    let mut found = String::new();
    for id in IDS {
        let file = file(&format!("runbooks/{id}.yaml"));
        let loaded = qrh::runbook::load(&file, true);
        found.push_str(&diagnostic::render(&file, &loaded.diagnostics, false));
        assert!(loaded.runbook.is_none_or(|runbook| runbook.id.as_str() == id));
    }
    assert!(found.is_empty(), "\n{found}");
}
