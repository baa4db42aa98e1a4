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

#[test]
fn the_examples_load() {
    let services = file("examples/services.yaml");
    let (catalog, diagnostics) = qrh::runbook::catalog::load(&services);
    assert!(diagnostics.is_empty(), "\n{}", diagnostic::render(&services, &diagnostics, false));
    assert_eq!(catalog.unwrap().services.len(), 3);
    let policy: qrh::guard::Policy = serde_yaml::from_str(&std::fs::read_to_string("examples/policy.yaml").unwrap()).unwrap();
    assert_eq!((policy.protected.len(), policy.refuse.len(), policy.max_objects), (2, 2, Some(50)));
}

#[test]
fn the_guide_names_every_function_verb_and_phase() {
    use qrh::runbook::{expression, model, vocabulary};

    let guide = std::fs::read_to_string("docs/RUNBOOKS.md").unwrap();
    for function in expression::FUNCTIONS {
        assert!(guide.contains(&format!("`{}`", function.name)), "docs/RUNBOOKS.md does not name the function {}", function.name);
    }
    for verb in vocabulary::action::verb_names() {
        assert!(guide.contains(verb), "docs/RUNBOOKS.md does not name the verb {verb}");
    }
    for phase in model::Phase::ALL {
        assert!(guide.contains(phase.as_str()), "docs/RUNBOOKS.md does not name the phase {}", phase.as_str());
    }
}

#[test]
fn the_example_of_the_guide_loads() {
    let guide = std::fs::read_to_string("docs/RUNBOOKS.md").unwrap();
    let example = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = SourceFile::new("example.yaml", example.as_bytes().to_vec());
    let loaded = qrh::runbook::load(&file, false);
    assert!(loaded.runbook.is_some(), "\n{}", diagnostic::render(&file, &loaded.diagnostics, false));
}
