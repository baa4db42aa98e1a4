//! A home of its own for each test: nothing of the machine's configuration, environment or state reaches the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Far beyond what anything here takes, on a machine with too much to do.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Home {
    dir: TempDir,
}

pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// qrh with nobody at its standard input.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qrh"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.dir.path())
            .env("QRH_STATE", self.path("state"))
            .env("USER", "ann")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments))
    }

    /// The records of the only incident, as its log has them.
    pub fn records(&self, root: &str) -> Vec<Value> {
        let dirs: Vec<PathBuf> = std::fs::read_dir(self.path(root)).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [dir] = dirs.as_slice() else { panic!("{dirs:?}") };
        log(dir)
    }
}

/// A shipped drill's file: by its id, a runbook of the same id would be meant as well.
pub fn shipped(id: &str) -> String {
    format!("{}/runbooks/drills/{id}.yaml", env!("CARGO_MANIFEST_DIR"))
}

pub fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

pub fn log(dir: &Path) -> Vec<Value> {
    let files = std::fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    let text: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits for something that no one announces.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        // Nothing tells when a file appears; this only sets how often is looked.
        std::thread::sleep(Duration::from_millis(20));
    }
}
