//! `qrh lint`: every mistake of every file, in one go.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::args::{Lint, LintFormat};
use crate::cli::exit::{Code, Failure};
use crate::cli::library::{self, Entry};
use crate::cli::output::print;
use crate::cli::settings::{self, Settings};
use crate::runbook::diagnostic::{self, Diagnostic, Severity};
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::SourceFile;
use crate::runbook::{catalog, load};

pub fn run(settings: &Settings, args: &Lint) -> Result<ExitCode, Failure> {
    if args.rules {
        print(&rules())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut checked = Vec::new();
    for entry in entries(settings, args)? {
        checked.push(check(entry, args.strict));
    }
    let count = |severity| checked.iter().flat_map(|(_, found)| found).filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    print(&match args.format {
        LintFormat::Text => text(&checked, errors, warnings),
        LintFormat::Json => json(&checked),
    })?;
    // A broken policy is a mistake like any other.
    settings.policy()?;
    Ok(if errors == 0 { ExitCode::SUCCESS } else { Code::Failed.into() })
}

/// What was named; else all runbooks and the catalog.
fn entries(settings: &Settings, args: &Lint) -> Result<Vec<Entry>, Failure> {
    if args.paths.is_empty() {
        let mut entries = library::entries(settings)?;
        if settings::read(&settings.services.path)?.is_some() {
            entries.push(library::entry(&settings.services.path)?);
        }
        return Ok(entries);
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for path in &args.paths {
        if path.is_dir() { files.extend(library::yaml_files(path, true)?) } else { files.push(path.clone()) }
    }
    files.iter().map(|file| library::entry(file)).collect()
}

fn check(entry: Entry, strict: bool) -> (SourceFile, Vec<Diagnostic>) {
    let is_catalog = entry.bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"schema: qrh.services/"));
    let file = SourceFile::new(entry.name, entry.bytes);
    let found = if is_catalog { catalog::load(&file).1 } else { load(&file, strict).diagnostics };
    (file, found)
}

fn text(checked: &[(SourceFile, Vec<Diagnostic>)], errors: usize, warnings: usize) -> String {
    let mut text = String::new();
    for (file, found) in checked.iter().filter(|(_, found)| !found.is_empty()) {
        text.push_str(&diagnostic::render(file, found, false));
        text.push('\n');
    }
    let files = checked.len();
    text + &format!("{files} files checked: {errors} errors, {warnings} warnings\n")
}

fn json(checked: &[(SourceFile, Vec<Diagnostic>)]) -> String {
    let all: Vec<serde_json::Value> = checked.iter().map(|(file, found)| diagnostic::to_json(file, found)).collect();
    format!("{:#}\n", serde_json::Value::Array(all))
}

fn rules() -> String {
    let lines: Vec<String> = Rule::ALL.iter().map(|rule| format!("{:<28} {}", rule.name(), rule.explanation())).collect();
    lines.join("\n") + "\n"
}
