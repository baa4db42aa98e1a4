//! docs/WORLD.md holds the table of the conformance run: what each command must do, per version. `UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use crate::cases::{CASES, Must};

const BEGIN: &str = "<!-- conformance: begin; written by tests/world/document.rs -->\n";
const END: &str = "<!-- conformance: end -->";

fn shown(must: Must) -> String {
    let text = |word: &str, text: &str| if text.is_empty() { word.to_owned() } else { format!("{word}: `{}`", text.replace('|', "\\|")) };
    match must {
        Must::Say(said) => text("done", said),
        Must::NotSay(_) => "done".to_owned(),
        Must::Refuse(said) => text("refused", said),
        Must::Stream(said) => text("streams", said),
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

#[test]
fn the_document_has_the_table() {
    assert!(CASES.len() >= 60);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/WORLD.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    } else {
        assert!(document == wanted, "docs/WORLD.md is behind tests/world/cases.rs: UPDATE_DOCS=1");
    }
}
