//! The drills there are: those shipped in the binary, and the team's in `drills/` of its runbooks' directory, which replace shipped ones of
//! the same id.

use std::path::Path;
use std::sync::Arc;

use super::exit::{Code, Failure};
use super::library::{self, Entry};
use super::settings::Settings;
use crate::drill::scenario::model::Drill;
use crate::drill::scenario::{self, Against, Loaded};
use crate::runbook::diagnostic;
use crate::runbook::model::Runbook;
use crate::runbook::source::SourceFile;

/// Shipped drills: one line each.
const SHIPPED: &[(&str, &str)] = &[];

/// A drill that loaded without errors.
#[derive(Debug, Clone)]
pub struct Ready {
    pub drill: Drill,
    /// The text it was read from.
    pub document: String,
}

/// All drills, by id.
pub fn entries(settings: &Settings) -> Result<Vec<Entry>, Failure> {
    let dir = settings.runbooks.path.join("drills");
    let files = if dir.is_dir() { library::yaml_files_in(&dir)? } else { Vec::new() };
    let mut entries: Vec<Entry> = files.iter().map(|path| library::entry(path)).collect::<Result<_, _>>()?;
    for (id, text) in SHIPPED {
        if !entries.iter().any(|entry| entry.id == *id) {
            entries.push(Entry { id: (*id).to_owned(), name: format!("shipped/drills/{id}.yaml"), bytes: text.as_bytes().to_vec() });
        }
    }
    entries.sort_by(|one, other| (&one.id, &one.name).cmp(&(&other.id, &other.name)));
    Ok(entries)
}

/// The drill with this id, or in this file.
pub fn find(settings: &Settings, wanted: &str) -> Result<Entry, Failure> {
    let path = Path::new(wanted);
    if wanted.contains('/') || library::is_yaml(path) {
        return library::entry(path);
    }
    let entries = entries(settings)?;
    let known: Vec<String> = entries.iter().map(|entry| entry.id.clone()).collect();
    entries.into_iter().find(|entry| entry.id == wanted).ok_or_else(|| {
        let near = diagnostic::did_you_mean(wanted, known.iter().map(String::as_str));
        let hint = near.unwrap_or_else(|| format!("there are: {}", known.join(", ")));
        Failure::new(Code::Usage, format!("there is no drill `{wanted}`")).hint(hint)
    })
}

/// Loads a drill and what it names; with errors in it, all of them are told and nothing runs.
pub fn ready(settings: &Settings, entry: Entry, colour: bool) -> Result<Ready, Failure> {
    let file = SourceFile::new(entry.name, entry.bytes.clone());
    let runbook = |id: &str| runbook(settings, id);
    let Loaded { drill, diagnostics } = scenario::load(&file, false, Against::Runbooks(&runbook));
    match drill {
        Some(drill) => Ok(Ready { drill, document: String::from_utf8_lossy(&entry.bytes).into_owned() }),
        None => Err(library::broken(&file, diagnostics, colour)),
    }
}

fn runbook(settings: &Settings, id: &str) -> Option<Arc<Runbook>> {
    let entry = library::find(settings, id).ok()?;
    library::ready(entry, false).ok().map(|ready| ready.runbook)
}
