//! Paths and settings: from the arguments, else the environment, else the configuration directory. Read once, here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use directories::ProjectDirs;
use serde::Deserialize;

use super::args::Common;
use super::document;
use super::exit::{Code, Failure};
use super::library::broken;
use crate::guard::Policy;
use crate::runbook::source::{FILE_BYTES, SourceFile};
use crate::target::kube::Source;

#[derive(Debug, Clone)]
pub struct Settings {
    /// The team's runbooks.
    pub runbooks: Place,
    pub services: Place,
    pub policy: Place,
    pub settings: Place,
    /// Incidents lie in `incidents/` under it.
    pub state: Place,
    pub kubeconfig: Option<OsString>,
    pub home: Option<PathBuf>,
    pub actor: String,
    pub no_color: bool,
    /// `TERM=dumb`, or none at all.
    pub dumb: bool,
    /// Directives for the program's own log, from `QRH_LOG`.
    pub log: Option<String>,
}

/// A path and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub from: From,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Argument,
    /// This variable.
    Environment(&'static str),
    /// Nobody said: the usual place.
    Usual(&'static str),
}

impl From {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Argument => "argument",
            Self::Environment(name) | Self::Usual(name) => name,
        }
    }
}

impl Place {
    /// Whether somebody named it: then it must be there.
    pub fn is_named(&self) -> bool {
        match self.from {
            From::Argument | From::Environment(_) => true,
            From::Usual(_) => false,
        }
    }
}

/// `settings.yaml`: the responder's own taste.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// `dark`, `light`, `mono`, or a theme file.
    #[serde(default)]
    pub theme: Option<String>,
    /// Keys by action, as in docs/KEYS.md.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the environment, and no file.
    pub fn read(common: &Common, matches: &ArgMatches) -> Self {
        let dirs = ProjectDirs::from("", "", "qrh");
        let config = dirs.as_ref().map(|dirs| dirs.config_dir().to_owned()).unwrap_or_default();
        let state = dirs.as_ref().map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned());
        let usual = |name: &str| Place { path: config.join(name), from: From::Usual("configuration directory") };
        let said = |given: &Option<PathBuf>, (id, variable): (&str, &'static str), usual: Place| match given {
            Some(path) if matches.value_source(id) == Some(ValueSource::EnvVariable) => {
                Place { path: path.clone(), from: From::Environment(variable) }
            }
            Some(path) => Place { path: path.clone(), from: From::Argument },
            None => usual,
        };
        let state = Place { path: state.unwrap_or_default(), from: From::Usual("state directory") };
        Self {
            runbooks: said(&common.runbooks, ("runbooks", "QRH_RUNBOOKS"), usual("runbooks")),
            services: said(&common.services, ("services", "QRH_SERVICES"), usual("services.yaml")),
            policy: said(&common.policy, ("policy", "QRH_POLICY"), usual("policy.yaml")),
            settings: usual("settings.yaml"),
            state: said(&common.state, ("state", "QRH_STATE"), state),
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: std::env::var_os("HOME").map(PathBuf::from),
            actor: actor(),
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            dumb: std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb"),
            log: std::env::var("QRH_LOG").ok().filter(|log| !log.is_empty()),
        }
    }

    /// Where incidents are kept; without a home directory and without `--state` there is no such place.
    pub fn incidents(&self) -> Result<PathBuf, Failure> {
        if self.state.path.as_os_str().is_empty() {
            let message = "there is no place to keep incidents: this user has no home directory";
            return Err(Failure::new(Code::Usage, message).hint("set HOME or XDG_STATE_HOME, or name a directory with --state DIR"));
        }
        Ok(self.state.path.join("incidents"))
    }

    /// The team's floor; the defaults where there is no file.
    pub fn policy(&self) -> Result<Policy, Failure> {
        match source(&self.policy)? {
            Some(file) => document::read(&file).map_err(|found| broken(&file, found, false)),
            None => Ok(Policy::default()),
        }
    }

    pub fn own(&self) -> Result<Own, Failure> {
        match source(&self.settings)? {
            Some(file) if !document::is_blank(&file) => document::read(&file).map_err(|found| broken(&file, found, false)),
            Some(_) | None => Ok(Own::default()),
        }
    }

    pub fn kube_source(&self) -> Source {
        Source::kubeconfig(self.kubeconfig.as_deref(), self.home.as_deref())
    }
}

fn actor() -> String {
    let name = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{}@{host}", name.unwrap_or_else(|| "responder".to_owned()))
}

pub fn missing(path: &Path) -> Failure {
    Failure::new(Code::Usage, format!("{}: there is no such file", path.display()))
}

/// The file of a place; `None` where there is none and none was named.
pub fn source(place: &Place) -> Result<Option<SourceFile>, Failure> {
    match read(&place.path)? {
        Some(bytes) => Ok(Some(SourceFile::new(place.path.display().to_string(), bytes))),
        None if place.is_named() => Err(missing(&place.path)),
        None => Ok(None),
    }
}

/// A file's bytes; `None` where it does not exist. Of one that is too large, a byte more than is taken: whoever loads it says so.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    read_head(path, FILE_BYTES + 1)
}

/// The first bytes of a file, at most `most`.
pub fn read_head(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Failure> {
    let fail = |error: std::io::Error| Failure::new(Code::Usage, format!("{}: {error}", path.display()));
    let file = match File::open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(fail(error)),
        Ok(file) => file,
    };
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(most) + 1);
    match file.take(most as u64).read_to_end(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            Err(Failure::new(Code::Usage, format!("{}: a directory, not a file", path.display())))
        }
        Err(error) => Err(fail(error)),
        Ok(_) => Ok(Some(bytes)),
    }
}
