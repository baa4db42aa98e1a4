//! A home of its own for each test: nothing of the machine's configuration, environment or state reaches the program.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::terminal::Terminal;

/// Far beyond what anything here takes, on a machine with too much to do.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Sandbox {
    dir: TempDir,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; 128 and the signal's number where one ended it.
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Asserts the exit code, and shows everything where it is another.
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no {text:?} in:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no {text:?} in stderr:\n{}\nstdout:\n{}", self.err, self.out);
        self
    }
}

impl Sandbox {
    pub fn new() -> Self {
        let sandbox = Self { dir: tempfile::tempdir().unwrap() };
        for name in ["home", "config/qrh", "world"] {
            fs::create_dir_all(sandbox.path(name)).unwrap();
        }
        sandbox.write("world/flag", "on\n");
        sandbox.write("world/old", "old\n");
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The team's policy.
    pub fn policy(&self, rules: &str) -> &Self {
        self.write("config/qrh/policy.yaml", &format!("schema: qrh.policy/v1\n{rules}"));
        self
    }

    /// `NAME=VALUE` for the input of the `switch` runbook.
    pub fn world(&self) -> String {
        format!("dir={}", self.path("world").display())
    }

    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.path("home")),
            ("XDG_CONFIG_HOME", self.path("config")),
            ("XDG_STATE_HOME", self.path("state")),
            ("KUBECONFIG", self.path("no-kubeconfig")),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
            ("USER", "ann".into()),
        ]
    }

    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qrh"));
        command.args(args).env_clear().envs(self.environment()).current_dir(self.dir.path());
        command
    }

    /// Runs to its end with nothing on standard input.
    pub fn qrh<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ended {
        finish(self.command(args), "")
    }

    /// Runs with these lines on standard input, and their end.
    pub fn script<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, lines: &[&str]) -> Ended {
        finish(self.command(args), &lines.iter().flat_map(|line| [line, "\n"]).collect::<String>())
    }

    /// On a terminal of its own.
    pub fn terminal<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Terminal {
        Terminal::start(args, self.environment(), self.dir.path())
    }

    /// The directory of the only incident.
    pub fn incident(&self) -> PathBuf {
        let incidents: Vec<PathBuf> = fs::read_dir(self.path("state/qrh/incidents")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(incidents.len(), 1, "{incidents:?}");
        incidents.into_iter().next().unwrap()
    }

    /// Every event of the only incident. Each line must name the SHA-256 of the one before it.
    pub fn events(&self) -> Vec<Value> {
        let bytes = fs::read(only_log(&self.incident())).unwrap();
        let mut before = "0".repeat(64);
        let mut events = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let event: Value = serde_json::from_slice(line).unwrap();
            assert_eq!(event["prev"], before.as_str(), "the chain is broken at {}", String::from_utf8_lossy(line));
            before = hex(&Sha256::digest(line));
            events.push(event);
        }
        events
    }

    /// Events of this type, as their data.
    pub fn data(&self, kind: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["type"] == kind).map(|event| event["data"].clone()).collect()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn only_log(incident: &Path) -> PathBuf {
    let logs: Vec<PathBuf> = fs::read_dir(incident.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    logs.into_iter().next().unwrap()
}

/// A runbook of the tests' own.
pub fn runbook(name: &str) -> String {
    format!("{}/tests/data/cli/{name}.yaml", env!("CARGO_MANIFEST_DIR"))
}

/// A process to act on; it ends with the test.
pub struct Service(Child);

impl Service {
    pub fn start() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }

    pub fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends a process by its id when the test ends, however it ends.
pub struct Reaped(pub u32);

impl Reaped {
    /// Whether it runs; one that has ended and waits for its parent does not.
    pub fn lives(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z" && state != "X")
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_raw(self.0.cast_signed()).unwrap(), Signal::KILL);
    }
}

/// Runs a program to its end, within the deadline.
pub fn finish(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    // A program that ends before it has read everything closes the pipe: that is its right.
    thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let out = collect(child.stdout.take().unwrap());
    let err = collect(child.stderr.take().unwrap());
    let code = wait(child);
    Ended { code, out: out.recv().unwrap(), err: err.recv().unwrap() }
}

/// The exit code, within the deadline.
#[track_caller]
pub fn wait(mut child: Child) -> i32 {
    let pid = Pid::from_child(&child);
    let (done, status) = mpsc::channel();
    thread::spawn(move || drop(done.send(child.wait())));
    if let Ok(status) = status.recv_timeout(DEADLINE) {
        return code(status.unwrap());
    }
    let _ = kill_process(pid, Signal::KILL);
    panic!("the program did not end within {} s", DEADLINE.as_secs());
}

pub fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap()
}

fn collect(mut from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (done, text) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        let _ = done.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    text
}
