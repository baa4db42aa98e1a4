//! The runbooks there are: those shipped in the binary, and the team's, which replace shipped ones of the same id.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::{Code, Failure};
use super::settings::{self, Place, Settings};
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

/// Bytes of a file in which its id is looked for first.
const HEAD: usize = 4096;

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

/// A runbook that is there, not read yet.
struct Listed {
    id: String,
    name: String,
    from: From,
}

enum From {
    File(PathBuf),
    Binary(&'static str),
}

impl Listed {
    fn entry(self) -> Result<Entry, Failure> {
        match self.from {
            From::File(path) => entry(&path),
            From::Binary(text) => Ok(Entry { id: self.id, name: self.name, bytes: text.as_bytes().to_vec() }),
        }
    }
}

/// All runbooks, by id. Two files of the team with one id are both there: whoever asks for that id is told.
pub fn entries(settings: &Settings) -> Result<Vec<Entry>, Failure> {
    listed(settings)?.into_iter().map(Listed::entry).collect()
}

fn listed(settings: &Settings) -> Result<Vec<Listed>, Failure> {
    let files = yaml_files(&settings.runbooks)?.into_iter();
    let mut all = files
        .map(|path| Ok(Listed { id: id_of(&path)?, name: path.display().to_string(), from: From::File(path) }))
        .collect::<Result<Vec<_>, _>>()?;
    for (id, text) in SHIPPED {
        if !all.iter().any(|listed| listed.id == *id) {
            all.push(Listed { id: (*id).to_owned(), name: format!("shipped/{id}.yaml"), from: From::Binary(text) });
        }
    }
    all.sort_by(|one, other| (&one.id, &one.name).cmp(&(&other.id, &other.name)));
    Ok(all)
}

/// The id of a team's runbook. It stands near the top: most files are not read further for it.
fn id_of(path: &Path) -> Result<String, Failure> {
    let head = settings::read_head(path, HEAD)?.ok_or_else(|| settings::missing(path))?;
    let whole_lines = head.iter().rposition(|byte| *byte == b'\n').and_then(|end| head.get(..end));
    match whole_lines.and_then(|lines| top_level(lines, "id")) {
        Some(id) => Ok(id),
        None => entry(path).map(|entry| entry.id),
    }
}

pub fn entry(path: &Path) -> Result<Entry, Failure> {
    let bytes = settings::read(path)?.ok_or_else(|| settings::missing(path))?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let id = top_level(&bytes, "id").unwrap_or(stem);
    Ok(Entry { id, name: path.display().to_string(), bytes })
}

/// The text of a top-level key, without reading the document: 200 files must not slow the first frame.
pub fn top_level(bytes: &[u8], key: &str) -> Option<String> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(key.as_bytes())?.strip_prefix(b":"))?;
    let value = std::str::from_utf8(value).ok()?.split(" #").next()?.trim();
    let value = value.trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// The team's runbooks; none where there is no directory and none was named.
fn yaml_files(runbooks: &Place) -> Result<Vec<PathBuf>, Failure> {
    if !runbooks.is_named() && !runbooks.path.exists() {
        return Ok(Vec::new());
    }
    yaml_files_in(&runbooks.path)
}

/// The YAML files of a directory, sorted.
pub fn yaml_files_in(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |error: std::io::Error| Failure::new(Code::Usage, format!("{}: {error}", dir.display()));
    let mut files = Vec::new();
    for listed in std::fs::read_dir(dir).map_err(fail)? {
        let path = listed.map_err(fail)?.path();
        if is_yaml(&path) {
            files.push(path);
        }
        if files.len() > FILES {
            return Err(Failure::new(Code::Usage, format!("{}: more than {FILES} files", dir.display())));
        }
    }
    files.sort();
    Ok(files)
}

pub fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// The runbook with this id, or in this file.
pub fn find(settings: &Settings, wanted: &str) -> Result<Entry, Failure> {
    let path = Path::new(wanted);
    if wanted.contains('/') || is_yaml(path) {
        return entry(path);
    }
    let all = listed(settings)?;
    let known: Vec<String> = all.iter().map(|listed| listed.id.clone()).collect();
    let mut found: Vec<Listed> = all.into_iter().filter(|listed| listed.id == wanted).collect();
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(|listed| listed.name.as_str()).collect();
        let failure = Failure::new(Code::Usage, format!("several files have the id `{wanted}`: {}", names.join(", ")));
        return Err(failure.hint("name the file, or give one of them another id"));
    }
    if let Some(only) = found.pop() {
        return only.entry();
    }
    let failure = Failure::new(Code::Usage, format!("there is no runbook `{wanted}`"));
    Err(match diagnostic::did_you_mean(wanted, known.iter().map(String::as_str)) {
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
