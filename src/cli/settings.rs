//! Paths and settings: from the arguments, else the environment, else the configuration directory. Read once, here.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::args::Common;
use super::exit::{Code, Failure};
use crate::guard::Policy;
use crate::target::kube::Source;

/// Bytes of a configuration file, at most.
const FILE_BYTES: u64 = 1024 * 1024;

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
    pub own: Own,
}

/// A path and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub from: &'static str,
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
    pub keys: std::collections::BTreeMap<String, String>,
}

impl Settings {
    pub fn read(common: &Common) -> Result<Self, Failure> {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let dirs = ProjectDirs::from("", "", "qrh");
        let config = dirs.as_ref().map(|dirs| dirs.config_dir().to_owned()).unwrap_or_default();
        let state = dirs.as_ref().map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned());
        let said = |given: &Option<PathBuf>, name: &str| match given {
            Some(path) => Place { path: path.clone(), from: "argument or environment" },
            None => Place { path: config.join(name), from: "configuration directory" },
        };
        let settings = Place { path: config.join("settings.yaml"), from: "configuration directory" };
        let own = optional(&settings)?.unwrap_or_default();
        Ok(Self {
            runbooks: said(&common.runbooks, "runbooks"),
            services: said(&common.services, "services.yaml"),
            policy: said(&common.policy, "policy.yaml"),
            settings,
            state: match &common.state {
                Some(path) => Place { path: path.clone(), from: "argument or environment" },
                None => Place { path: state.unwrap_or_default(), from: "state directory" },
            },
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home,
            actor: actor(),
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            dumb: std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb"),
            log: std::env::var("QRH_LOG").ok().filter(|log| !log.is_empty()),
            own,
        })
    }

    /// Where incidents are kept; without a home directory and without `--state` there is no such place.
    pub fn incidents(&self) -> Result<PathBuf, Failure> {
        if self.state.path.as_os_str().is_empty() {
            let message = "there is no place to keep incidents: HOME is not set";
            return Err(Failure::new(Code::Usage, message).hint("set HOME or XDG_STATE_HOME, or name a directory with --state DIR"));
        }
        Ok(self.state.path.join("incidents"))
    }

    /// The team's floor; the defaults where there is no file. A file that was named must exist.
    pub fn policy(&self) -> Result<Policy, Failure> {
        match optional(&self.policy)? {
            Some(policy) => Ok(policy),
            None if self.policy.from == "configuration directory" => Ok(Policy::default()),
            None => Err(missing(&self.policy.path)),
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

/// A YAML file with fixed keys; `None` where it does not exist.
fn optional<T: DeserializeOwned>(place: &Place) -> Result<Option<T>, Failure> {
    let Some(bytes) = read(&place.path)? else { return Ok(None) };
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::new(Code::Usage, format!("{}: not UTF-8 text: {error}", place.path.display())))?;
    serde_yaml::from_str(&text).map(Some).map_err(|error| Failure::new(Code::Usage, format!("{}: {error}", place.path.display())))
}

/// A file's bytes, bounded; `None` where it does not exist.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let fail = |error: std::io::Error| Failure::new(Code::Usage, format!("{}: {error}", path.display()));
    match std::fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(fail(error)),
        Ok(metadata) if metadata.is_dir() => return Err(Failure::new(Code::Usage, format!("{}: a directory, not a file", path.display()))),
        Ok(metadata) if metadata.len() > FILE_BYTES => {
            return Err(Failure::new(Code::Usage, format!("{}: larger than 1 MiB", path.display())));
        }
        Ok(_) => {}
    }
    std::fs::read(path).map(Some).map_err(fail)
}
