//! docs/DRILLS.md is held to the code: its tables are made from it, and its example is a drill.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qrh::drill::local;
use qrh::drill::scenario::model::Level;
use qrh::drill::scenario::scope::{FAULT, HEALTH, Known, PREDICATE, QUERY};
use qrh::drill::scenario::{self, Against};
use qrh::drill::world::plant::fault::{KINDS, Parameter, Setting};
use qrh::runbook::diagnostic;
use qrh::runbook::lint::rule::Rule;
use qrh::runbook::load;
use qrh::runbook::model::Runbook;
use qrh::runbook::source::SourceFile;

fn path(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn text() -> String {
    fs::read_to_string(path("docs/DRILLS.md")).unwrap()
}

fn parameter(parameter: &Parameter) -> String {
    let default = match &parameter.default {
        Setting::Number { least, most, value } => format!("{value}; {least} to {most}"),
        Setting::Text("") => "empty".to_owned(),
        Setting::Text(text) => (*text).to_owned(),
        Setting::Choice(choices) => choices.join(" or "),
    };
    format!("`{}`: {} ({default})", parameter.name, parameter.about)
}

fn faults() -> String {
    let rows = KINDS.iter().map(|kind| {
        let parameters: Vec<String> = kind.parameters.iter().map(parameter).collect();
        format!("| `{}` | {} | {} |\n", kind.name, kind.about, parameters.join("<br>"))
    });
    format!("| kind | what is wrong | `with` |\n|---|---|---|\n{}", rows.collect::<Vec<_>>().concat())
}

fn local_faults() -> String {
    let rows: Vec<String> =
        local::fault::KINDS.iter().map(|kind| format!("| `{}` | {} | {} |\n", kind.name, kind.about, kind.ends)).collect();
    format!("| kind | what is wrong | what ends it |\n|---|---|---|\n{}", rows.concat())
}

fn names() -> String {
    let rows = |whose: &str, known: &[Known]| {
        known.iter().map(|known| format!("| {whose} | `{}` | {} |\n", known.name, known.says)).collect::<Vec<_>>().concat()
    };
    format!(
        "| in | name | what it is |\n|---|---|---|\n{}{}{}{}",
        rows("predicates", PREDICATE),
        rows("`health`, each of `services`", HEALTH),
        rows("each of `faults`", FAULT),
        rows("queries", QUERY)
    )
}

fn rules() -> String {
    let first = Rule::ALL.iter().position(|rule| *rule == Rule::UnknownRunbook).unwrap();
    let own = Rule::ALL[first..].iter().filter(|rule| **rule != Rule::TooManyProblems);
    let rows: Vec<String> = own.map(|rule| format!("| `{}` | {} |\n", rule.name(), rule.explanation())).collect();
    format!("| rule | why |\n|---|---|\n{}", rows.concat())
}

#[test]
fn the_tables_are_those_of_the_code() {
    let mut document = text();
    for (name, table) in [("faults", faults()), ("local-faults", local_faults()), ("names", names()), ("rules", rules())] {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let (before, rest) = document.split_once(&open).unwrap();
        let (_, after) = rest.split_once(&close).unwrap();
        document = format!("{before}{open}{table}{close}{after}");
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path("docs/DRILLS.md"), &document).unwrap();
    }
    assert!(text() == document, "docs/DRILLS.md is of another version: run this test once with UPDATE_DOCS=1");
}

#[test]
fn the_example_is_a_drill_without_a_fault_in_its_form() {
    let document = text();
    let (_, rest) = document.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let runbook = |id: &str| -> Option<Arc<Runbook>> {
        let bytes = fs::read(path("runbooks").join(format!("{id}.yaml"))).ok()?;
        load(&SourceFile::new(id, bytes), false).runbook.map(Arc::new)
    };
    let file = SourceFile::new("docs/DRILLS.md", example.as_bytes().to_vec());
    let loaded = scenario::load(&file, true, Against::Runbooks(&runbook));
    assert_eq!(diagnostic::render(&file, &loaded.diagnostics, false), "");
    let hard = loaded.drill.unwrap().at(Level::Hard);
    assert_eq!(hard.faults[0].with["extra_ms"], 300, "a level sets what it says");
}
