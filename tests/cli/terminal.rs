//! The program on a pseudo terminal: what is typed goes in, and a test waits for text, never for time.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{DEADLINE, code};

const ROWS: u16 = 50;
const COLUMNS: u16 = 160;
/// A dialog takes no answer before a person could have read it (300 ms): a test that answers reads as long.
const READING: Duration = Duration::from_millis(400);

pub struct Terminal {
    child: Child,
    keyboard: Pty,
    shared: Arc<(Mutex<Seen>, Condvar)>,
    /// What lies before it in the text was waited for already.
    from: usize,
}

struct Seen {
    text: String,
    screen: vt100::Parser,
    last: Instant,
    ended: bool,
}

impl Terminal {
    pub fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, environment: Vec<(&'static str, PathBuf)>, dir: &Path) -> Self {
        let (keyboard, end) = open().unwrap();
        keyboard.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_qrh")).args(args).env_clear().envs(environment).current_dir(dir);
        let child = command.spawn(end).unwrap();
        let screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        let seen = Seen { text: String::new(), screen, last: Instant::now(), ended: false };
        let shared = Arc::new((Mutex::new(seen), Condvar::new()));
        let output = std::fs::File::from(keyboard.as_fd().try_clone_to_owned().unwrap());
        let reader = Arc::clone(&shared);
        thread::spawn(move || watch(output, &reader));
        Self { child, keyboard, shared, from: 0 }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types a line.
    pub fn line(&mut self, line: &str) -> &mut Self {
        self.keys(&format!("{line}\n"))
    }

    pub fn keys(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Waits for a text behind the one waited for last, and gives the rest of its line.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = self.seen();
        loop {
            if let Some(at) = seen.text[self.from..].find(text) {
                let end = self.from + at + text.len();
                let rest = &seen.text[end..];
                // A line that is asked for must be whole.
                if let Some(length) = rest.find(['\r', '\n']).or_else(|| text.ends_with("> ").then_some(0)) {
                    let line = rest[..length].to_owned();
                    drop(seen);
                    self.from = end;
                    return line;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.ended, "no {text:?} on the terminal. Its screen:\n{}\nIn whole:\n{}", dump(&seen), seen.text);
            seen = self.shared.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until a person could have read what is on the screen.
    pub fn read(&mut self) -> &mut Self {
        let mut seen = self.seen();
        loop {
            let left = READING.saturating_sub(seen.last.elapsed());
            if left.is_zero() || seen.ended {
                drop(seen);
                return self;
            }
            seen = self.shared.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Everything that came so far.
    pub fn text(&self) -> String {
        self.seen().text.clone()
    }

    pub fn signal(&self, signal: Signal) -> &Self {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self
    }

    /// The exit code, once the program has closed the terminal.
    #[track_caller]
    pub fn exit(mut self) -> i32 {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = self.shared.0.lock().unwrap();
        while !seen.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the program did not end. Its screen:\n{}\nIn whole:\n{}", dump(&seen), seen.text);
            seen = self.shared.1.wait_timeout(seen, left).unwrap().0;
        }
        drop(seen);
        code(self.child.wait().unwrap())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.0.lock().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn dump(seen: &Seen) -> String {
    seen.screen.screen().contents()
}

fn watch(mut output: std::fs::File, shared: &(Mutex<Seen>, Condvar)) {
    let mut bytes = [0; 4096];
    loop {
        // The terminal's other end is closed: an error on Linux.
        let count = output.read(&mut bytes).unwrap_or(0);
        // A test that failed in the meantime says so itself.
        let mut seen = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        seen.screen.process(&bytes[..count]);
        seen.last = Instant::now();
        seen.ended = count == 0;
        shared.1.notify_all();
        if seen.ended {
            return;
        }
    }
}
