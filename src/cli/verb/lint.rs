//! `qrh lint`: every mistake of every file, in one go.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::args::{Lint, LintFormat};
use crate::cli::document;
use crate::cli::exit::{Code, Failure};
use crate::cli::library::{self, Entry};
use crate::cli::output::print;
use crate::cli::settings::{self, Own, Place, Settings};
use crate::drill::scenario::{self, Against};
use crate::guard::Policy;
use crate::runbook::diagnostic::{self, Diagnostic, Severity};
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::{SourceFile, Span};
use crate::runbook::{catalog, load};

/// What a file is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Runbook,
    Drill,
    Catalog,
    Policy,
    Settings,
}

struct Checked {
    kind: Kind,
    id: String,
    file: SourceFile,
    found: Vec<Diagnostic>,
}

pub fn run(settings: &Settings, args: &Lint) -> Result<ExitCode, Failure> {
    if args.rules {
        print(&rules())?;
        return Ok(ExitCode::SUCCESS);
    }
    let entries = if args.paths.is_empty() { everything(settings)? } else { named(&args.paths)? };
    let runbooks = runbooks(settings, &entries)?;
    let mut checked = check_all(entries, args.strict, &runbooks);
    find_twins(&mut checked);
    let all = || checked.iter().flat_map(|checked| &checked.found);
    let count = |severity| all().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    print(&match args.format {
        LintFormat::Text => text(&checked, errors, warnings),
        LintFormat::Json => json(&checked),
    })?;
    Ok(if errors == 0 { ExitCode::SUCCESS } else { Code::Failed.into() })
}

/// What drills are held against: the runbooks that are checked with them, then all others. A broken one names nothing.
fn runbooks(settings: &Settings, entries: &[(Kind, Entry)]) -> Result<Vec<Entry>, Failure> {
    if !entries.iter().any(|(kind, _)| *kind == Kind::Drill) {
        return Ok(Vec::new());
    }
    let named = entries.iter().filter(|(kind, _)| *kind == Kind::Runbook).map(|(_, entry)| entry.clone());
    Ok(named.chain(library::entries(settings)?).collect())
}

/// All runbooks and drills, the catalog, the policy and the settings.
fn everything(settings: &Settings) -> Result<Vec<(Kind, Entry)>, Failure> {
    let mut entries: Vec<(Kind, Entry)> = library::entries(settings)?.into_iter().map(|entry| (Kind::Runbook, entry)).collect();
    entries.extend(library::drills(settings)?.into_iter().map(|entry| (Kind::Drill, entry)));
    let others = [(Kind::Catalog, &settings.services), (Kind::Policy, &settings.policy), (Kind::Settings, &settings.settings)];
    for (kind, place) in others {
        entries.extend(optional(place)?.map(|entry| (kind, entry)));
    }
    Ok(entries)
}

fn optional(place: &Place) -> Result<Option<Entry>, Failure> {
    let is_there = place.is_named() || settings::read(&place.path)?.is_some();
    if is_there { library::entry(&place.path).map(Some) } else { Ok(None) }
}

fn named(paths: &[PathBuf]) -> Result<Vec<(Kind, Entry)>, Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        if path.is_dir() { files.extend(library::documents_in(path)?) } else { files.push(path.clone()) }
    }
    files.iter().map(|file| library::entry(file).map(|entry| (kind(file, &entry), entry))).collect()
}

/// What a file says it is; only the settings have no schema of their own.
fn kind(path: &Path, entry: &Entry) -> Kind {
    match library::top_level(&entry.bytes, "schema") {
        Some(schema) if schema.starts_with("qrh.services/") => Kind::Catalog,
        Some(schema) if schema.starts_with("qrh.policy/") => Kind::Policy,
        Some(schema) if schema.starts_with("qrh.drill/") => Kind::Drill,
        None if path.file_name().is_some_and(|name| name == "settings.yaml") => Kind::Settings,
        Some(_) | None => Kind::Runbook,
    }
}

/// Checks the files on all cores; the answers are in the order of the files.
fn check_all(entries: Vec<(Kind, Entry)>, strict: bool, runbooks: &[Entry]) -> Vec<Checked> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(entries.len().max(1));
    let mut shares: Vec<Vec<(usize, (Kind, Entry))>> = (0..threads).map(|_| Vec::new()).collect();
    for (at, entry) in entries.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(at % threads) {
            share.push((at, entry));
        }
    }
    let work = |share: Vec<(usize, (Kind, Entry))>| -> Vec<(usize, Checked)> {
        share.into_iter().map(|(at, (kind, entry))| (at, check(kind, entry, strict, runbooks))).collect()
    };
    let own = shares.pop().unwrap_or_default();
    let mut checked = std::thread::scope(|scope| {
        let others: Vec<_> = shares.into_iter().map(|share| scope.spawn(|| work(share))).collect();
        let mut checked = work(own);
        for other in others {
            // A panic goes on as if it had happened here.
            checked.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        checked
    });
    checked.sort_by_key(|(at, _)| *at);
    checked.into_iter().map(|(_, checked)| checked).collect()
}

fn check(kind: Kind, entry: Entry, strict: bool, runbooks: &[Entry]) -> Checked {
    let file = SourceFile::new(entry.name, entry.bytes);
    let found = match kind {
        Kind::Runbook => load(&file, strict).diagnostics,
        Kind::Drill => scenario::load(&file, strict, Against::Runbooks(&|id| library::runbook_among(runbooks, id))).diagnostics,
        Kind::Catalog => catalog::load(&file).1,
        Kind::Policy => document::read::<Policy>(&file).err().unwrap_or_default(),
        Kind::Settings if document::is_blank(&file) => Vec::new(),
        Kind::Settings => document::read::<Own>(&file).err().unwrap_or_default(),
    };
    Checked { kind, id: entry.id, file, found }
}

/// Two runbooks, or two drills, of one id: nobody could open either by it.
fn find_twins(checked: &mut [Checked]) {
    let twins = |kind| matches!(kind, Kind::Runbook | Kind::Drill);
    let named: Vec<(Kind, String, String)> =
        checked.iter().map(|checked| (checked.kind, checked.id.clone(), checked.file.name.clone())).collect();
    for (at, checked) in checked.iter_mut().enumerate().filter(|(_, checked)| twins(checked.kind)) {
        let Some((_, _, other)) = named.iter().take(at).find(|(kind, id, _)| *kind == checked.kind && *id == checked.id) else { continue };
        let start = checked.file.text.lines().take_while(|line| !line.starts_with("id:")).map(|line| line.len() + 1).sum();
        let message = format!("{other} has the id {} too", diagnostic::quote(&checked.id));
        checked.found.push(Diagnostic::new(Rule::DuplicateId, Span::at(start), message).hint("give one of them another id"));
    }
}

fn text(checked: &[Checked], errors: usize, warnings: usize) -> String {
    let mut text = String::new();
    for Checked { file, found, .. } in checked.iter().filter(|checked| !checked.found.is_empty()) {
        text.push_str(&diagnostic::render(file, found, false));
        text.push('\n');
    }
    text + &format!("{}, {}, {}\n", counted(checked.len(), "file"), counted(errors, "error"), counted(warnings, "warning"))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// One array for all files.
fn json(checked: &[Checked]) -> String {
    let lists = checked.iter().map(|checked| diagnostic::to_json(&checked.file, &checked.found));
    let all: Vec<serde_json::Value> = lists.filter_map(|list| list.as_array().cloned()).flatten().collect();
    format!("{:#}\n", serde_json::Value::Array(all))
}

fn rules() -> String {
    let lines: Vec<String> = Rule::ALL.iter().map(|rule| format!("{:<28} {}", rule.name(), rule.explanation())).collect();
    lines.join("\n") + "\n"
}
