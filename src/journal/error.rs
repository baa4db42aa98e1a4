//! What can go wrong with an incident's files, each with its path, its cause and the next step.

use std::io;
use std::path::{Path, PathBuf};

use crate::timeline::chain::Damage;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{path}: {doing} failed: {source}. {next}", path = .path.display(), next = next_step(.source))]
    Io { path: PathBuf, doing: &'static str, source: io::Error },
    /// A line could not be written or synced: whether it will be there after a crash is unknown. Changes must stop.
    #[error(
        "{path}: {doing} failed: {source}. The event is not safely stored and this log takes no more. {next}",
        path = .path.display(), next = next_step(.source)
    )]
    Lost { path: PathBuf, doing: &'static str, source: io::Error },
    #[error("{path}: this log failed earlier and takes no more events. Start a new segment before anything else is recorded", path = .path.display())]
    Ended { path: PathBuf },
    #[error(
        "{path}: {who} has this incident open as the same writer. Go on there, or end it and try again",
        path = .path.display(), who = .pid.map_or_else(|| "another qrh".to_owned(), |pid| format!("qrh with process id {pid}"))
    )]
    Locked { path: PathBuf, pid: Option<u32> },
    #[error("{path}, {damage}. Nothing was skipped and nothing was changed: keep the file, and compare it with a copy or an export", path = .path.display())]
    Damaged { path: PathBuf, damage: Damage },
    #[error("{path}: there is no event in its logs. It was left while it was being made; nothing was recorded, so it can be removed", path = .path.display())]
    Empty { path: PathBuf },
    #[error("{path}: this is a link, and qrh follows none to an incident's files. Put the directory itself in its place", path = .path.display())]
    Link { path: PathBuf },
    #[error("a line for {path} must end with its only newline; this one was not written", path = .path.display())]
    NotALine { path: PathBuf },
    #[error("no incident matches {wanted:?} under {root}. `qrh incidents` lists them", root = .root.display())]
    NotFound { wanted: String, root: PathBuf },
    #[error("{wanted:?} matches {count} incidents: {names}. Give more of the name")]
    Ambiguous { wanted: String, count: usize, names: String },
}

impl JournalError {
    /// For `map_err`: an operation on a path failed.
    pub(super) fn io<'a>(path: &'a Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| {
            let path = path.to_owned();
            if source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
                Self::Link { path }
            } else {
                Self::Io { path, doing, source }
            }
        }
    }
}

/// What a person can do about it.
fn next_step(error: &io::Error) -> &'static str {
    use io::ErrorKind;
    #[expect(clippy::wildcard_enum_match_arm, reason = "ErrorKind is non-exhaustive")]
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "Free some space there, or set XDG_STATE_HOME to a disk that has some",
        ErrorKind::ReadOnlyFilesystem => "Make that file system writable, or set XDG_STATE_HOME to one that is",
        ErrorKind::PermissionDenied => "Check who owns it and its mode, or set XDG_STATE_HOME to a directory of your own",
        ErrorKind::NotFound => "Check the path",
        ErrorKind::NotADirectory => "A directory belongs there; qrh follows no links to an incident's files",
        ErrorKind::FileTooLarge => "It is larger than qrh or this system allows: look at it by hand",
        ErrorKind::AlreadyExists => "Look at what is there; qrh overwrites nothing",
        _ => "Check the disk, or set XDG_STATE_HOME to another one",
    }
}
