//! docs/CLI.md is what the program says of itself. `UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;
use std::fs;

use clap::{Command, CommandFactory};
use qrh::cli::args::Args;

/// Columns of the help texts.
const WIDTH: usize = 100;

#[test]
fn the_documented_command_line_is_this_one() {
    let path = format!("{}/docs/CLI.md", env!("CARGO_MANIFEST_DIR"));
    let now = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &now).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "docs/CLI.md is of another version: run this test once with UPDATE_DOCS=1");
}

fn page() -> String {
    let mut command = Args::command().term_width(WIDTH);
    command.build();
    let mut page = String::from("# The command line\n\nMade from the program's own help: do not edit.\n");
    section(&mut page, &command, "qrh");
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        section(&mut page, verb, &format!("qrh {}", verb.get_name()));
    }
    page
}

fn section(page: &mut String, command: &Command, name: &str) {
    let help = command.clone().term_width(WIDTH).render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim());
}
