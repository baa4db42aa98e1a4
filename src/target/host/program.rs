//! What a command on this machine is started with: its program, its environment and its directory, checked before anything starts, so
//! that a missing program is one clear line and not an exit status.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where PATH is not set at all.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why a command was not started.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    #[error("the command is empty: `argv` needs at least the program's name")]
    Empty,
    #[error("argument {0} holds a NUL byte, which no program can be given: correct the runbook or the value it takes in")]
    Nul(usize),
    #[error("the environment variable `{0}` can't be set: its name or value holds `=` or NUL")]
    Variable(String),
    #[error("`{program}` was not found in PATH ({path}): install it, or give its full path")]
    NotFound { program: String, path: String },
    #[error("`{0}` is not there: check the path")]
    NoSuchFile(String),
    #[error("`{0}` may not be executed: check its permissions (chmod +x), or run it by its interpreter")]
    NotExecutable(String),
    #[error("the directory `{0}` can't be entered: {1}")]
    Directory(String, String),
    #[error("`{0}` could not be started: {1}")]
    Start(String, String),
}

/// A command ready to start.
#[derive(Debug)]
pub struct Program {
    pub argv: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    pub directory: Option<PathBuf>,
}

impl Program {
    /// The environment is PATH and HOME of qrh's own, `LANG=C.UTF-8`, `TERM=dumb`, and what the action adds. Nothing else is handed on:
    /// a token in qrh's environment is not the command's. A command that needs `KUBECONFIG` or `SSH_AUTH_SOCK` says so in its `env`.
    pub fn prepare(argv: &[String], own: &BTreeMap<String, String>, directory: Option<&str>) -> Result<Self, Refused> {
        let name = argv.first().filter(|name| !name.is_empty()).ok_or(Refused::Empty)?;
        if let Some(place) = argv.iter().position(|word| word.contains('\0')) {
            return Err(Refused::Nul(place));
        }
        let mut environment = minimal();
        for (key, value) in own {
            if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
                return Err(Refused::Variable(key.clone()));
            }
            environment.insert(key.into(), value.into());
        }
        let directory = directory.map(PathBuf::from);
        if let Some(directory) = &directory {
            enter(directory)?;
        }
        let path = environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        find(name, &path, directory.as_deref())?;
        Ok(Self { argv: argv.iter().map(OsString::from).collect(), environment: environment.into_iter().collect(), directory })
    }
}

fn minimal() -> BTreeMap<OsString, OsString> {
    let mut environment = BTreeMap::from([("LANG".into(), "C.UTF-8".into()), ("TERM".into(), "dumb".into())]);
    environment.insert("PATH".into(), std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into()));
    environment.insert("HOME".into(), std::env::var_os("HOME").unwrap_or_else(|| "/".into()));
    environment
}

fn enter(directory: &Path) -> Result<(), Refused> {
    let shown = || directory.display().to_string();
    match std::fs::metadata(directory) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Refused::Directory(shown(), "it is not a directory".to_owned())),
        Err(error) => Err(Refused::Directory(shown(), plain(&error))),
    }
}

/// Looks where `execvp` would look.
fn find(name: &str, path: &OsStr, directory: Option<&Path>) -> Result<(), Refused> {
    if name.contains('/') {
        let file = directory.map_or_else(|| PathBuf::from(name), |directory| directory.join(name));
        return match std::fs::metadata(&file) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => Ok(()),
            Ok(_) => Err(Refused::NotExecutable(name.to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Refused::NoSuchFile(name.to_owned())),
            Err(error) => Err(Refused::Start(name.to_owned(), plain(&error))),
        };
    }
    let mut blocked = None;
    for folder in std::env::split_paths(path) {
        let file = folder.join(name);
        match std::fs::metadata(&file) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => return Ok(()),
            Ok(found) if found.is_file() => blocked = Some(file.display().to_string()),
            Ok(_) | Err(_) => {}
        }
    }
    Err(match blocked {
        Some(file) => Refused::NotExecutable(file),
        None => Refused::NotFound { program: name.to_owned(), path: path.to_string_lossy().into_owned() },
    })
}

/// An IO error without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
