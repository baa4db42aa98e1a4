//! The runbooks there are: those shipped in the binary, and the team's, which replace shipped ones of the same id.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::{Code, Failure};
use super::settings::{self, Settings};
use crate::runbook::diagnostic::{self, Diagnostic, Severity};
use crate::runbook::model::Runbook;
use crate::runbook::source::SourceFile;
use crate::runbook::{Loaded, load};

/// Shipped runbooks: one line each.
const SHIPPED: &[(&str, &str)] = &[
    ("bad-deploy", include_str!("../../runbooks/bad-deploy.yaml")),
    ("dependency-outage", include_str!("../../runbooks/dependency-outage.yaml")),
    ("event-loop-latency", include_str!("../../runbooks/event-loop-latency.yaml")),
    ("high-cpu", include_str!("../../runbooks/high-cpu.yaml")),
    ("high-memory", include_str!("../../runbooks/high-memory.yaml")),
];

/// Files of one directory, at most.
const FILES: usize = 2_000;

/// One runbook's bytes and where they are from.
#[derive(Debug, Clone)]
pub struct Entry {
    /// From the `id:` line, else the file's name.
    pub id: String,
    pub name: String,
    pub bytes: Vec<u8>,
}

/// A runbook that loaded without errors.
pub struct Ready {
    pub runbook: Arc<Runbook>,
    pub bytes: Vec<u8>,
}

/// All runbooks by id; the team's own win.
pub fn entries(settings: &Settings) -> Result<Vec<Entry>, Failure> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for (id, text) in SHIPPED {
        let entry = Entry { id: (*id).to_owned(), name: format!("shipped/{id}.yaml"), bytes: text.as_bytes().to_vec() };
        entries.insert((*id).to_owned(), entry);
    }
    for path in yaml_files(&settings.runbooks.path, settings.runbooks.from != "configuration directory")? {
        let entry = entry(&path)?;
        entries.insert(entry.id.clone(), entry);
    }
    Ok(entries.into_values().collect())
}

pub fn entry(path: &Path) -> Result<Entry, Failure> {
    let bytes = settings::read(path)?.ok_or_else(|| settings::missing(path))?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let id = id_line(&bytes).unwrap_or(stem);
    Ok(Entry { id, name: path.display().to_string(), bytes })
}

/// The value of a top-level `id:` line, without reading the document: 200 files must not slow the first frame.
fn id_line(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"id:"))?;
    let text = std::str::from_utf8(line).ok()?;
    let value = text.split(" #").next()?.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// The YAML files of a directory, sorted. One that was named must exist.
pub fn yaml_files(dir: &Path, named: bool) -> Result<Vec<PathBuf>, Failure> {
    let listed = match std::fs::read_dir(dir) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => return Ok(Vec::new()),
        Err(error) => return Err(Failure::new(Code::Usage, format!("{}: {error}", dir.display()))),
    };
    let mut files: Vec<PathBuf> = listed
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .collect();
    if files.len() > FILES {
        return Err(Failure::new(Code::Usage, format!("{}: more than {FILES} files", dir.display())));
    }
    files.sort();
    Ok(files)
}

/// The runbook with this id, or in this file.
pub fn find(settings: &Settings, wanted: &str) -> Result<Entry, Failure> {
    let path = Path::new(wanted);
    if wanted.contains('/') || path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        return entry(path);
    }
    let mut entries = entries(settings)?;
    if let Some(found) = entries.iter().position(|entry| entry.id == wanted) {
        return Ok(entries.swap_remove(found));
    }
    let known: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let failure = Failure::new(Code::Usage, format!("there is no runbook `{wanted}`"));
    Err(match diagnostic::did_you_mean(wanted, known.iter().copied()) {
        Some(hint) => failure.hint(hint),
        None => failure.hint(format!("there are: {}", known.join(", "))),
    })
}

/// Loads an entry; with errors in it, all of them are told and nothing runs.
pub fn ready(entry: Entry, colour: bool) -> Result<Ready, Failure> {
    let file = SourceFile::new(entry.name.clone(), entry.bytes.clone());
    let Loaded { runbook, diagnostics } = load(&file, false);
    match runbook {
        Some(runbook) => Ok(Ready { runbook: Arc::new(runbook), bytes: entry.bytes }),
        None => Err(broken(&file, diagnostics, colour)),
    }
}

pub fn broken(file: &SourceFile, diagnostics: Vec<Diagnostic>, colour: bool) -> Failure {
    let errors: Vec<Diagnostic> = diagnostics.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    let count = errors.len();
    let text = diagnostic::render(file, &errors, colour);
    Failure::new(Code::Usage, format!("{} can't be used: {count} to correct\n{text}", file.name))
}
