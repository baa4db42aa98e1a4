//! What qrh itself reads about a service on this host, before each change: the process, its unit and cgroup, its listener, the release
//! directories, and the host. It reads files and asks `systemctl show`; nothing here changes anything.
//!
//! Always an answer: a part that can't be read is null and has an entry in `missing`, `{ "what": "cgroup.memory_max", "why": … }`.

pub mod cgroup;
pub mod listener;
pub mod process;
pub mod release;
pub mod unit;

use std::path::PathBuf;

use serde_json::{Map, Value, json};

pub use process::ProcessError;

use super::procfs;
use crate::action::identity::HostIdentity;
use crate::guard::ingest;

/// What the catalog says of a service on a host. The process is found by `pid`, else `pid_file`, else the unit's main process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostQuery {
    pub pid: Option<u32>,
    pub pid_file: Option<PathBuf>,
    pub unit: Option<String>,
    pub port: Option<u16>,
    /// The symbolic link that names the release in use.
    pub current: Option<PathBuf>,
    /// The directory of all releases; the one `current` leads to is in it unless said.
    pub releases: Option<PathBuf>,
}

/// Parts that could not be read.
#[derive(Debug, Default)]
pub struct Missing(Vec<Value>);

impl Missing {
    pub fn note(&mut self, what: &str, why: &dyn std::fmt::Display) {
        self.0.push(json!({ "what": what, "why": ingest::text(&why.to_string()) }));
    }

    /// The value, or null and a note.
    pub fn keep<T: Into<Value>, E: std::fmt::Display>(&mut self, what: &str, read: Result<T, E>) -> Value {
        match read {
            Ok(value) => value.into(),
            Err(why) => {
                self.note(what, &why);
                Value::Null
            }
        }
    }
}

/// Cleaned. Takes a few milliseconds, and at most 3 s where `systemctl` hangs.
pub async fn facts(query: &HostQuery) -> Value {
    let mut missing = Missing::default();
    let unit = match &query.unit {
        None => Err("the service names no unit".to_owned()),
        Some(name) => unit::show(name).await,
    };
    let found = process::find(query, unit.as_ref().ok());
    let (process, cgroup) = match found {
        Ok(found) => (process::describe(&found, &mut missing), cgroup::describe(found.pid, &mut missing)),
        Err(error) => {
            missing.note("process", &error);
            missing.note("cgroup", &"the process is not known");
            (Value::Null, Value::Null)
        }
    };
    let listener = match query.port {
        None => Err("the service names no port".to_owned()),
        Some(port) => listener::describe(port),
    };
    let release = match &query.current {
        None => Err("the service names no `current` link".to_owned()),
        Some(current) => release::describe(current, query.releases.as_deref()),
    };
    let mut facts = Map::new();
    facts.insert("process".to_owned(), process);
    facts.insert("unit".to_owned(), missing.keep("unit", unit));
    facts.insert("cgroup".to_owned(), cgroup);
    facts.insert("listener".to_owned(), missing.keep("listener", listener));
    facts.insert("release".to_owned(), missing.keep("release", release));
    facts.insert("host".to_owned(), host(&mut missing));
    facts.insert("missing".to_owned(), missing.0.into());
    ingest::json(Value::Object(facts))
}

/// Which host and process a change would reach, read fresh. A service that is not running has no process; a pid file that can't be
/// trusted (unreadable, garbage, a recycled number) is an error, since a change would reach whatever it names.
pub async fn identity(query: &HostQuery) -> Result<HostIdentity, ProcessError> {
    let unit = match &query.unit {
        Some(name) if query.pid.is_none() && query.pid_file.is_none() => unit::show(name).await.ok(),
        Some(_) | None => None,
    };
    let process = match process::find(query, unit.as_ref()) {
        Ok(found) => Some(found.identity()),
        Err(error) if error.means_not_running() => None,
        Err(error) => return Err(error),
    };
    Ok(HostIdentity { host: host_name(), process })
}

pub fn host_name() -> String {
    ingest::text(&rustix::system::uname().nodename().to_string_lossy())
}

fn host(missing: &mut Missing) -> Value {
    let memory = read("/proc/meminfo");
    let memory_value = |name: &str| match &memory {
        Ok(text) => procfs::meminfo(text, name).ok_or_else(|| format!("/proc/meminfo has no {name}")),
        Err(why) => Err(why.clone()),
    };
    let cpus = read("/sys/devices/system/cpu/online")
        .and_then(|text| procfs::cpus(&text).ok_or_else(|| "the list of processors is odd".to_owned()));
    let uptime = read("/proc/uptime").and_then(|text| procfs::uptime(&text).ok_or_else(|| "/proc/uptime is odd".to_owned()));
    json!({
        "name": host_name(),
        "cpus": missing.keep("host.cpus", cpus),
        "memory_bytes": missing.keep("host.memory_bytes", memory_value("MemTotal")),
        "memory_available_bytes": missing.keep("host.memory_available_bytes", memory_value("MemAvailable")),
        "uptime_s": missing.keep("host.uptime_s", uptime),
    })
}

/// A small kernel file as text, or the reason in words.
pub(super) fn read(path: &str) -> Result<String, String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(format!("{path} can't be read: {}", super::host::program::plain(&error))),
    }
}
