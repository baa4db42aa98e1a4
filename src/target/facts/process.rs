//! The service's main process: found by pid, pid file or unit, and proved to be the one that was meant.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{HostQuery, Missing, read};
use crate::action::identity::ProcessIdentity;
use crate::target::host::program::plain;
use crate::target::procfs::{self, Stat, TICKS_PER_SECOND};

/// A pid file holds a number; more than this is another file.
const PID_FILE_BYTES: u64 = 256;
/// How much younger than its pid file a process may be: file systems and clocks are not exact.
const SLACK: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProcessError {
    #[error("the service names no pid, pid file or unit: add one to its catalog entry")]
    NotNamed,
    #[error("the pid file {0} is not there: the service is not running, or it writes another file")]
    NoPidFile(PathBuf),
    #[error("the pid file {0} can't be read: {1}")]
    Unreadable(PathBuf, String),
    #[error("the pid file {0} is empty: the service is starting, or died while it wrote it; look for the process with ps")]
    Empty(PathBuf),
    #[error("the pid file {0} does not hold a pid but `{1}`: check the path in the service's catalog entry")]
    Garbage(PathBuf, String),
    #[error("pid {0} ({1}) is not running")]
    Dead(u32, String),
    #[error(
        "pid {pid} is not the process {file} was written for: it started {younger_s} s after that and is now `{name}`. The service is not \
         running; remove the file before anything signals that pid"
    )]
    Recycled { pid: u32, file: PathBuf, name: String, younger_s: u64 },
    #[error("unit {0} has no main process: it is not running")]
    NoMainProcess(String),
    #[error("the main process of unit {0} is not known, since the unit could not be read")]
    UnitUnknown(String),
    #[error("pid {0} can't be examined: {1}")]
    Hidden(u32, String),
}

impl ProcessError {
    /// True where the service is known to have no process.
    pub fn means_not_running(&self) -> bool {
        match self {
            Self::NotNamed | Self::NoPidFile(_) | Self::Dead(..) | Self::NoMainProcess(_) => true,
            Self::Unreadable(..) | Self::Empty(_) | Self::Garbage(..) | Self::Recycled { .. } | Self::UnitUnknown(_) | Self::Hidden(..) => {
                false
            }
        }
    }
}

/// A living process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub pid: u32,
    stat: Stat,
}

impl Found {
    pub fn identity(&self) -> ProcessIdentity {
        ProcessIdentity { pid: self.pid, started_ticks: self.stat.started_ticks }
    }
}

/// `unit` is what `systemctl show` said, where it was asked.
pub fn find(query: &HostQuery, unit: Option<&Value>) -> Result<Found, ProcessError> {
    if let Some(pid) = query.pid {
        return living(pid, "named in the catalog");
    }
    if let Some(file) = &query.pid_file {
        return by_file(file);
    }
    let name = query.unit.clone().ok_or(ProcessError::NotNamed)?;
    let main = unit.ok_or_else(|| ProcessError::UnitUnknown(name.clone()))?.get("main_pid").and_then(Value::as_u64);
    let main =
        main.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0).ok_or_else(|| ProcessError::NoMainProcess(name.clone()))?;
    living(main, &format!("main process of {name}"))
}

fn living(pid: u32, origin: &str) -> Result<Found, ProcessError> {
    let dead = || ProcessError::Dead(pid, origin.to_owned());
    match std::fs::read(format!("/proc/{pid}/stat")) {
        Ok(bytes) => {
            let stat = procfs::stat(&String::from_utf8_lossy(&bytes))
                .ok_or_else(|| ProcessError::Hidden(pid, "its /proc entry is odd".to_owned()))?;
            // A thread's number has an entry as well; a zombie runs nothing.
            if stat.pid != pid || stat.is_dead() { Err(dead()) } else { Ok(Found { pid, stat }) }
        }
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) =>
        {
            Err(dead())
        }
        Err(error) => Err(ProcessError::Hidden(pid, plain(&error))),
    }
}

fn by_file(path: &Path) -> Result<Found, ProcessError> {
    let unreadable = |error: &std::io::Error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            ProcessError::NoPidFile(path.to_owned())
        } else {
            ProcessError::Unreadable(path.to_owned(), plain(error))
        }
    };
    let details = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !details.is_file() {
        // A named pipe would block whoever opens it.
        return Err(ProcessError::Unreadable(path.to_owned(), "it is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(PID_FILE_BYTES).read_to_end(&mut bytes)).map_err(|error| unreadable(&error))?;
    let pid = pid(&String::from_utf8_lossy(&bytes), path)?;
    let found = living(pid, &format!("from {}", path.display()))?;
    match (details.modified().ok(), age(&found.stat)) {
        (Some(written), Ok(age)) => match younger(written, age, SystemTime::now()) {
            Some(younger) => {
                Err(ProcessError::Recycled { pid, file: path.to_owned(), name: found.stat.name.clone(), younger_s: younger.as_secs() })
            }
            None => Ok(found),
        },
        (None, _) | (_, Err(_)) => Ok(found),
    }
}

/// The first line must be the number; some programs write more below it.
fn pid(text: &str, path: &Path) -> Result<u32, ProcessError> {
    let line = text.trim_start().lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(ProcessError::Empty(path.to_owned()));
    }
    match line.parse() {
        Ok(pid) if pid > 0 => Ok(pid),
        Ok(_) | Err(_) => Err(ProcessError::Garbage(path.to_owned(), line.chars().take(40).collect())),
    }
}

/// How much later than the file was written the process started, where that is too much to be the one it was written for.
fn younger(written: SystemTime, age: Duration, now: SystemTime) -> Option<Duration> {
    let started = now.checked_sub(age)?;
    started.duration_since(written).ok().filter(|younger| *younger > SLACK)
}

fn age(stat: &Stat) -> Result<Duration, String> {
    let uptime = procfs::uptime(&read("/proc/uptime")?).ok_or("/proc/uptime is odd")?;
    #[allow(clippy::cast_precision_loss, reason = "ticks since boot stay below 2^53 for millions of years")]
    let started = stat.started_ticks as f64 / TICKS_PER_SECOND as f64;
    Ok(Duration::try_from_secs_f64((uptime - started).max(0.0)).unwrap_or_default())
}

pub fn describe(found: &Found, missing: &mut Missing) -> Value {
    let (pid, stat) = (found.pid, &found.stat);
    let age = age(stat);
    let started = age.as_ref().ok().and_then(|age| {
        let started = jiff::Timestamp::now().checked_sub(*age).ok()?;
        started.round(jiff::Unit::Second).ok().map(|started| started.to_string())
    });
    let status = match read(&format!("/proc/{pid}/status")) {
        Ok(text) => procfs::status(&text),
        Err(why) => {
            missing.note("process.status", &why);
            procfs::Status::default()
        }
    };
    let exe = std::fs::read_link(format!("/proc/{pid}/exe"));
    let exe =
        exe.map(|path| path.to_string_lossy().into_owned()).map_err(|error| format!("/proc/{pid}/exe can't be read: {}", plain(&error)));
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok().and_then(|bytes| procfs::command_line(&bytes));
    json!({
        "pid": pid,
        "name": stat.name,
        "started_at": started,
        "age_s": missing.keep("process.age_s", age.map(|age| age.as_secs())),
        "cmdline": missing.keep("process.cmdline", command.ok_or("it shows no command line")),
        "exe": missing.keep("process.exe", exe),
        "state": procfs::state_word(stat.state),
        "threads": stat.threads,
        "rss_bytes": missing.keep("process.rss_bytes", status.rss_bytes.ok_or("its status has no VmRSS")),
        "sigusr1_handled": missing.keep("process.sigusr1_handled", status.sigusr1_handled.ok_or("its status has no SigCgt")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_holds_a_pid_and_nothing_else_will_do() {
        let path = Path::new("/run/x.pid");
        for text in ["42", "42\n", " 42 \n", "42\n/var/lib/postgresql\n5432\n"] {
            assert_eq!(pid(text, path), Ok(42), "{text:?}");
        }
        for text in ["", "\n", "  \n \n"] {
            assert_eq!(pid(text, path), Err(ProcessError::Empty(path.into())), "{text:?}");
        }
        for text in ["0", "-1", "42 43", "node", "4294967296", "0x2a", "42;reboot"] {
            assert!(matches!(pid(text, path), Err(ProcessError::Garbage(..))), "{text:?}");
        }
    }

    #[test]
    fn a_process_much_younger_than_its_pid_file_is_another_one() {
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let now = written + Duration::from_secs(500);
        let started_after = |seconds: u64| younger(written, Duration::from_secs(500 - seconds), now);
        assert_eq!(started_after(0), None);
        assert_eq!(started_after(9), None);
        assert_eq!(started_after(100), Some(Duration::from_secs(100)));
        assert_eq!(younger(written, Duration::from_secs(9_000), now), None, "older than its file is as it should be");
    }
}
