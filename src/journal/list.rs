//! The incidents of this machine: what each directory holds, and which one a responder means.

use std::io;
use std::path::{Path, PathBuf};

use super::recover::replay;
use super::{Disk, JournalError, Storage, through_links};
use crate::timeline::identifier::IncidentId;
use crate::timeline::incident::Incident;

/// Names given in an ambiguity error.
const NAMES_SHOWN: usize = 5;

/// One directory under the root.
#[derive(Debug)]
pub struct Summary {
    /// The directory's name.
    pub name: String,
    pub dir: PathBuf,
    pub found: Found,
}

#[derive(Debug)]
pub enum Found {
    Whole {
        id: IncidentId,
        incident: Box<Incident>,
    },
    /// It can't be read or does not hold together; the reason is the error's text.
    Damaged(JournalError),
}

/// All incidents, newest first. One that is damaged is listed with its reason and hides no other. No root: none.
pub fn list(root: &Path) -> Result<Vec<Summary>, JournalError> {
    Ok(names(root)?
        .into_iter()
        .map(|name| {
            let dir = root.join(&name);
            let found = match replay(&dir) {
                Ok(replay) => Found::Whole {
                    id: replay.incident,
                    incident: Box::new(Incident::replay(replay.envelopes.iter().map(|envelope| &envelope.record))),
                },
                Err(error) => Found::Damaged(error),
            };
            Summary { name, dir, found }
        })
        .collect())
}

/// The directory of the incident named by its id, by its directory's name, or by a part of that name which no other has.
pub fn find(root: &Path, wanted: &str) -> Result<PathBuf, JournalError> {
    let names = names(root)?;
    if names.iter().any(|name| name == wanted) {
        return Ok(root.join(wanted));
    }
    let lower = wanted.to_lowercase();
    let part = match wanted.parse() {
        Ok(id) => format!("-{}", IncidentId(id).short()),
        Err(_) => lower,
    };
    let matching: Vec<&String> = names.iter().filter(|name| !part.is_empty() && name.contains(&part)).collect();
    match matching.as_slice() {
        [] => Err(JournalError::NotFound { wanted: wanted.to_owned(), root: root.to_owned() }),
        [name] => Ok(root.join(name)),
        several => {
            let mut names: Vec<&str> = several.iter().take(NAMES_SHOWN).map(|name| name.as_str()).collect();
            if several.len() > NAMES_SHOWN {
                names.push("…");
            }
            Err(JournalError::Ambiguous { wanted: wanted.to_owned(), count: several.len(), names: names.join(", ") })
        }
    }
}

/// Names of the incidents' directories, newest first: they begin with the date.
fn names(root: &Path) -> Result<Vec<String>, JournalError> {
    let mut names = match Disk.names(&through_links(root)) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(JournalError::io(root, "reading the incidents' directory")(error)),
    };
    names.retain(|name| root.join(name).is_dir());
    names.sort_by(|a, b| b.cmp(a));
    Ok(names)
}
