//! The runbooks and drills there are: those shipped in the binary, and the team's, which replace shipped ones of the same id. A team's
//! drills lie in `drills/` under its runbooks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::{Code, Failure};
use super::settings::{self, Place, Settings};
use crate::drill::scenario::model::Drill;
use crate::drill::scenario::{self, Against};
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

/// Shipped drills: one line each.
const DRILLS: &[(&str, &str)] = &[
    ("bad-deploy-local", include_str!("../../runbooks/drills/bad-deploy-local.yaml")),
    ("bad-deploy", include_str!("../../runbooks/drills/bad-deploy.yaml")),
    ("cpu-and-errors", include_str!("../../runbooks/drills/cpu-and-errors.yaml")),
    ("dependency-outage", include_str!("../../runbooks/drills/dependency-outage.yaml")),
    ("errors-in-waves", include_str!("../../runbooks/drills/errors-in-waves.yaml")),
    ("event-loop-latency", include_str!("../../runbooks/drills/event-loop-latency.yaml")),
    ("high-cpu-local", include_str!("../../runbooks/drills/high-cpu-local.yaml")),
    ("high-cpu", include_str!("../../runbooks/drills/high-cpu.yaml")),
    ("high-memory", include_str!("../../runbooks/drills/high-memory.yaml")),
    ("it-came-back", include_str!("../../runbooks/drills/it-came-back.yaml")),
    ("price-errors", include_str!("../../runbooks/drills/price-errors.yaml")),
    ("sudden-restarts", include_str!("../../runbooks/drills/sudden-restarts.yaml")),
];

/// Under the directory of runbooks.
const DRILLS_DIR: &str = "drills";

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
    runbooks(settings)?.into_iter().map(Listed::entry).collect()
}

/// All drills, by id, as [`entries`] gives the runbooks.
pub fn drills(settings: &Settings) -> Result<Vec<Entry>, Failure> {
    listed_drills(settings)?.into_iter().map(Listed::entry).collect()
}

fn runbooks(settings: &Settings) -> Result<Vec<Listed>, Failure> {
    completed(yaml_files(&settings.runbooks)?, SHIPPED, "shipped")
}

fn listed_drills(settings: &Settings) -> Result<Vec<Listed>, Failure> {
    let dir = settings.runbooks.path.join(DRILLS_DIR);
    let files = if dir.is_dir() { yaml_files_in(&dir)? } else { Vec::new() };
    completed(files, DRILLS, "shipped/drills")
}

/// A team's files, and the shipped ones it does not replace.
fn completed(files: Vec<PathBuf>, shipped: &[(&str, &'static str)], dir: &str) -> Result<Vec<Listed>, Failure> {
    let listed = |path: PathBuf| Ok(Listed { id: id_of(&path)?, name: path.display().to_string(), from: From::File(path) });
    let mut all = files.into_iter().map(listed).collect::<Result<Vec<_>, Failure>>()?;
    for (id, text) in shipped {
        if !all.iter().any(|listed| listed.id == *id) {
            all.push(Listed { id: (*id).to_owned(), name: format!("{dir}/{id}.yaml"), from: From::Binary(text) });
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

/// The same, and those of the directory's drills.
pub fn documents_in(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = yaml_files_in(dir)?;
    let drills = dir.join(DRILLS_DIR);
    if drills.is_dir() {
        files.extend(yaml_files_in(&drills)?);
    }
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
    pick(runbooks(settings)?, wanted, "runbook")
}

/// The drill with this id, or in this file.
pub fn find_drill(settings: &Settings, wanted: &str) -> Result<Entry, Failure> {
    let path = Path::new(wanted);
    if wanted.contains('/') || is_yaml(path) {
        return entry(path);
    }
    pick(listed_drills(settings)?, wanted, "drill")
}

fn pick(all: Vec<Listed>, wanted: &str, what: &str) -> Result<Entry, Failure> {
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
    let failure = Failure::new(Code::Usage, format!("there is no {what} `{wanted}`"));
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

/// Loads a drill and holds it against the runbooks there are; with errors in it, all of them are told and nothing runs.
pub fn ready_drill(settings: &Settings, entry: &Entry, colour: bool) -> Result<Drill, Failure> {
    let file = SourceFile::new(entry.name.clone(), entry.bytes.clone());
    let runbooks = entries(settings)?;
    let loaded = scenario::load(&file, false, Against::Runbooks(&|id| runbook_among(&runbooks, id)));
    loaded.drill.ok_or_else(|| broken(&file, loaded.diagnostics, colour))
}

/// Whether these are the bytes of a runbook that is in the program.
pub fn is_shipped(bytes: &[u8]) -> bool {
    SHIPPED.iter().any(|(_, text)| text.as_bytes() == bytes)
}

/// The first that loads without errors.
pub fn runbook_among(entries: &[Entry], id: &str) -> Option<Arc<Runbook>> {
    let named = entries.iter().filter(|entry| entry.id == id);
    named
        .map(|entry| load(&SourceFile::new(entry.name.clone(), entry.bytes.clone()), false))
        .find_map(|loaded| loaded.runbook)
        .map(Arc::new)
}

pub fn broken(file: &SourceFile, diagnostics: Vec<Diagnostic>, colour: bool) -> Failure {
    let errors: Vec<Diagnostic> = diagnostics.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    let count = errors.len();
    let text = diagnostic::render(file, &errors, colour);
    Failure::new(Code::Usage, format!("{} can't be used: {count} to correct\n{text}", file.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_the_directories_is_shipped() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        for (dir, shipped) in [(root.clone(), SHIPPED), (root.join(DRILLS_DIR), DRILLS)] {
            let files = yaml_files_in(&dir).unwrap_or_else(|failure| panic!("{failure:?}"));
            let files: Vec<String> = files.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
            assert_eq!(files, shipped.iter().map(|(id, _)| *id).collect::<Vec<_>>());
            for (id, text) in shipped {
                assert_eq!(top_level(text.as_bytes(), "id").as_deref(), Some(*id));
            }
        }
    }
}
