//! docs/WORLD.md holds the table of the conformance run (what each command must do, per version) and that of the faults.
//! `UPDATE_DOCS=1` writes both anew.

use std::fmt::Write as _;
use std::path::Path;

use qrh::drill::world::plant::fault::{KINDS, Setting};

use crate::cases::{CASES, Must};

fn shown(must: Must) -> String {
    let text = |word: &str, text: &str| if text.is_empty() { word.to_owned() } else { format!("{word}: `{}`", text.replace('|', "\\|")) };
    match must {
        Must::Say(said) => text("done", said),
        Must::NotSay(_) => "done".to_owned(),
        Must::Refuse(said) => text("refused", said),
        Must::Stream(said) => text("streams", said),
        Must::Forward(path, said) => format!("forwards: `GET {path}` answers `{said}`"),
    }
}

fn table() -> String {
    let mut table = "| kubectl | 1.31 and newer | before | effect read back |\n|---|---|---|---|\n".to_owned();
    for case in CASES {
        let before = case.old.map_or_else(|| "the same".to_owned(), shown);
        let effect = case.effect.map_or(String::new(), |(object, pointer, value)| {
            if value.is_empty() { format!("`{object}{pointer}` is gone") } else { format!("`{object}{pointer}` is `{value}`") }
        });
        writeln!(table, "| `{}` | {} | {before} | {effect} |", case.line.replace('|', "\\|"), shown(case.must)).unwrap();
    }
    table
}

fn faults() -> String {
    let mut table = "| fault | what happens | parameters | what ends it |\n|---|---|---|---|\n".to_owned();
    for kind in KINDS {
        let parameters: Vec<String> = kind
            .parameters
            .iter()
            .map(|parameter| {
                let default = match &parameter.default {
                    Setting::Number { value, .. } => value.to_string(),
                    Setting::Text("") => "none".to_owned(),
                    Setting::Text(text) => (*text).to_owned(),
                    Setting::Choice(choices) => choices.join(" or "),
                };
                format!("`{}` ({default}): {}", parameter.name, parameter.about)
            })
            .collect();
        writeln!(table, "| `{}` | {} | {} | {} |", kind.name, kind.about, parameters.join("<br>"), kind.ends).unwrap();
    }
    table
}

/// The document with its part of that name as it has to be.
fn with(document: &str, part: &str, table: &str) -> String {
    let begin = format!("<!-- {part}: begin; written by tests/world/document.rs -->\n");
    let end = format!("<!-- {part}: end -->");
    let (before, rest) = document.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{table}{end}{after}")
}

#[test]
fn the_document_has_the_tables() {
    assert!(CASES.len() >= 60);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/WORLD.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let wanted = with(&with(&document, "conformance", &table()), "faults", &faults());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    } else {
        assert!(document == wanted, "docs/WORLD.md is behind the program: UPDATE_DOCS=1");
    }
}
