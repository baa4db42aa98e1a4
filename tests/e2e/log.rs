//! An incident's log, read from its bytes alone: nothing of qrh's own reader is used, so that a mistake in it can't hide here.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

pub struct Log {
    pub dir: PathBuf,
    pub events: Vec<Value>,
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

impl Log {
    /// Reads the only log of an incident and checks every line against the one before it.
    pub fn read(dir: &Path) -> Self {
        let mut files: Vec<PathBuf> = std::fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
        let [file] = files.as_slice() else { panic!("one log was expected, not {files:?}") };
        let bytes = std::fs::read(file).unwrap();
        assert_eq!(bytes.last(), Some(&b'\n'), "the last line is not whole");
        let mut prev = "0".repeat(64);
        let mut events: Vec<Value> = Vec::new();
        for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let event: Value = serde_json::from_slice(line).unwrap_or_else(|error| panic!("line {}: {error}", at + 1));
            assert_eq!(event["prev"], prev, "line {}: prev is not the SHA-256 of the line before", at + 1);
            assert_eq!(event["sequence"], at + 1, "line {}", at + 1);
            let last = events.last();
            assert!(last.is_none_or(|last| last["correlationid"] == event["correlationid"] && last["source"] == event["source"]));
            assert!(last.is_none_or(|last| last["hlc"].as_str() < event["hlc"].as_str()), "line {}: hlc", at + 1);
            prev = sha256(line);
            events.push(event);
        }
        Self { dir: dir.to_owned(), events }
    }

    /// All events of a type, which is named without its prefix.
    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["type"] == format!("qrh.{kind}")).collect()
    }

    /// The only event of a type whose data has this value.
    pub fn one(&self, kind: &str, key: &str, value: impl Into<Value>) -> &Value {
        let value = value.into();
        let found: Vec<&Value> = self.all(kind).into_iter().filter(|event| event["data"][key] == value).collect();
        let [event] = found.as_slice() else {
            panic!("one {kind} with {key} = {value} was expected, not {}: {:#?}", found.len(), self.story())
        };
        event
    }

    /// What happened, one word or two an event.
    pub fn story(&self) -> Vec<String> {
        let word = |event: &Value| {
            let kind = event["type"].as_str().unwrap().trim_start_matches("qrh.").to_owned();
            let of = ["command", "step", "when"].iter().find_map(|key| event["data"][*key].as_str());
            of.map_or(kind.clone(), |of| format!("{kind} {of}"))
        };
        self.events.iter().map(word).collect()
    }

    /// The story without what depends on how fast this machine is: facts read again, findings that come and go, a read that was repeated.
    pub fn plot(&self) -> Vec<String> {
        let steady = |word: &String| !word.starts_with("facts.read") && !word.starts_with("finding.");
        let mut plot: Vec<String> = Vec::new();
        for word in self.story().into_iter().filter(steady) {
            plot.push(word);
            if let [.., a, b, c, d] = plot.as_slice()
                && (a, b) == (c, d)
            {
                plot.truncate(plot.len() - 2);
            }
        }
        plot
    }

    /// Nobody else may read what was recorded.
    pub fn assert_private(&self) {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&self.dir), 0o700);
        for entry in std::fs::read_dir(self.dir.join("log")).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
}

/// Nanoseconds since 1970 of an RFC 3339 time.
pub fn time(event: &Value) -> i128 {
    let time: jiff::Timestamp = event.as_str().unwrap_or_else(|| panic!("{event} is no time")).parse().unwrap();
    time.as_nanosecond()
}
