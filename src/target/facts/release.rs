//! Release directories: which one is in use, and which was before it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::target::host::program::plain;

/// Releases listed, newest kept.
const LISTED: usize = 100;

/// `{current, previous, all}` as full paths, oldest first. `previous` is the newest release older than the current one, by the time its
/// directory was last changed and then by name; null where there is none.
pub fn describe(current: &Path, releases: Option<&Path>) -> Result<Value, String> {
    let shown = current.display();
    let link = std::fs::symlink_metadata(current).map_err(|error| format!("{shown} can't be read: {}", plain(&error)))?;
    if !link.is_symlink() {
        return Err(format!("{shown} is not a symbolic link: it names no release"));
    }
    let target = current.canonicalize().map_err(|error| format!("{shown} leads nowhere: {}", plain(&error)))?;
    let folder = match releases {
        Some(folder) => folder.canonicalize().map_err(|error| format!("{} can't be read: {}", folder.display(), plain(&error)))?,
        None => target.parent().ok_or_else(|| format!("{shown} leads to the root directory"))?.to_owned(),
    };
    let all = list(&folder)?;
    let previous = all.iter().position(|release| *release == target).and_then(|at| all.get(at.checked_sub(1)?));
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let newest: Vec<String> = all.iter().skip(all.len().saturating_sub(LISTED)).map(text).collect();
    Ok(json!({ "current": text(&target), "previous": previous.map(text), "all": newest }))
}

/// Directories only, links left out: `current` itself often stands beside them.
fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{} can't be read: {}", folder.display(), plain(&error)))?;
    let mut all: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let details = entry.metadata().ok()?;
            details.is_dir().then(|| (details.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path()))
        })
        .collect();
    all.sort();
    Ok(all.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aged(folder: &Path, name: &str, minutes: u64) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::File::open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(60 * minutes)).unwrap();
        path
    }

    #[test]
    fn previous_is_by_time_and_not_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (zulu, alpha, next) = (aged(&root, "zulu", 1), aged(&root, "alpha", 2), aged(&root, "next", 3));
        let current = root.join("current");
        std::os::unix::fs::symlink("alpha", &current).unwrap();
        std::fs::write(root.join("a-file"), "").unwrap();
        let release = describe(&current, None).unwrap();
        assert_eq!(release, json!({"current": alpha, "previous": zulu, "all": [zulu, alpha, next]}));
        std::fs::remove_file(&current).unwrap();
        std::os::unix::fs::symlink(&zulu, &current).unwrap();
        assert_eq!(describe(&current, Some(&root)).unwrap()["previous"], Value::Null);
    }

    #[test]
    fn a_link_that_names_nothing_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("current");
        assert!(describe(&link, None).unwrap_err().contains("can't be read"));
        std::os::unix::fs::symlink("gone", &link).unwrap();
        assert!(describe(&link, None).unwrap_err().contains("leads nowhere"));
        assert!(describe(folder.path(), None).unwrap_err().contains("not a symbolic link"));
    }
}
