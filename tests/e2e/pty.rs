//! A program on a pseudo-terminal, as a person has it: keys go in, the screen is waited for. Never sleeps; what does not come within the
//! deadline fails the test with the screen as it was.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pts, Pty, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, Termios, tcgetattr};

/// How long anything on the screen may take. Generous: the tests share few cores with many programs.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Columns and rows.
#[derive(Debug, Clone, Copy)]
pub struct Area(pub u16, pub u16);

pub const WIDE: Area = Area(120, 40);
pub const SMALL: Area = Area(80, 24);

/// What to start. The environment is this and nothing else.
pub struct Start<'a> {
    pub program: &'a Path,
    pub arguments: &'a [OsString],
    pub environment: &'a [(OsString, OsString)],
    pub directory: &'a Path,
    pub area: Area,
}

pub struct Terminal {
    seen: Arc<Seen>,
    /// Taken by [`Terminal::hang_up`].
    pty: Option<Arc<Pty>>,
    /// Held open, so that the modes the program leaves behind can be read after its end.
    line: Option<Pts>,
    pid: Pid,
    before: Termios,
}

struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    status: Option<ExitStatus>,
    /// The reader is to let go of the terminal.
    hung_up: bool,
    /// No more bytes will come.
    closed: bool,
}

/// What a program left behind.
pub struct Ended {
    pub status: ExitStatus,
    /// The terminal's modes before the program started, and after it.
    pub before: Termios,
    pub after: Termios,
    pub bytes: Vec<u8>,
    pub screen: String,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.seen.lock().status.is_none() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that failed while it looked leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first thing that `look` finds.
    fn until<T>(&self, what: &str, mut look: impl FnMut(&State) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&state) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            let (screen, status) = (state.parser.screen().contents(), state.status);
            assert!(!left.is_zero(), "{what}: not within {PATIENCE:?} (ended: {status:?}). The screen:\n{screen}");
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

fn read_all(seen: &Seen, pty: Arc<Pty>) {
    let mut buffer = [0; 16 * 1024];
    // The end of a pseudo-terminal is an error (EIO).
    while let Ok(read @ 1..) = (&*pty).read(&mut buffer) {
        seen.change(|state| {
            state.parser.process(&buffer[..read]);
            state.bytes.extend_from_slice(&buffer[..read]);
        });
        if seen.lock().hung_up {
            break;
        }
    }
    drop(pty);
    seen.change(|state| state.closed = true);
}

impl Terminal {
    pub fn start(start: &Start) -> Self {
        let (pty, line) = open().unwrap();
        let Area(columns, rows) = start.area;
        pty.resize(Size::new(rows, columns)).unwrap();
        let before = tcgetattr(&pty).unwrap();
        let mut command = Command::new(start.program)
            .args(start.arguments)
            .env_clear()
            .envs(start.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(start.directory);
        let mut child = command.spawn_borrowed(&line).unwrap();
        let pid = Pid::from_child(&child);
        let parser = vt100::Parser::new(rows, columns, 0);
        let state = State { parser, bytes: Vec::new(), status: None, hung_up: false, closed: false };
        let seen = Arc::new(Seen { state: Mutex::new(state), changed: Condvar::new() });
        let pty = Arc::new(pty);
        let (reader, screen) = (Arc::clone(&pty), Arc::clone(&seen));
        std::thread::spawn(move || read_all(&screen, reader));
        let waiter = Arc::clone(&seen);
        std::thread::spawn(move || {
            let status = child.wait().unwrap();
            waiter.change(|state| state.status = Some(status));
        });
        Self { seen, pty: Some(pty), line: Some(line), pid, before }
    }

    pub fn screen(&self) -> String {
        self.seen.lock().parser.screen().contents()
    }

    /// Waits until `look` finds something on the screen.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut(&str) -> Option<T>) -> T {
        self.seen.until(what, |state| look(&state.parser.screen().contents()))
    }

    /// Waits for a text on the screen, on one of its lines.
    pub fn wait(&self, text: &str) {
        self.until(text, |screen| screen.contains(text).then_some(()));
    }

    /// Waits until a text is no longer on the screen.
    pub fn wait_gone(&self, text: &str) {
        self.until(&format!("{text} to go"), |screen| (!screen.contains(text)).then_some(()));
    }

    /// Waits for a text anywhere in what was sent after the first `from` bytes.
    pub fn wait_sent(&self, from: usize, text: &str) {
        self.until_sent(from, &[text]);
    }

    /// Waits for the first of some texts after the first `from` bytes, and gives what was sent up to now.
    pub fn until_sent(&self, from: usize, texts: &[&str]) -> String {
        self.seen.until(&texts.join(" or "), |state| {
            let sent = String::from_utf8_lossy(&state.bytes[from..]).into_owned();
            texts.iter().any(|text| sent.contains(text)).then_some(sent)
        })
    }

    pub fn sent(&self) -> usize {
        self.seen.lock().bytes.len()
    }

    /// Keys as a terminal sends them, in one piece.
    pub fn press(&self, keys: &str) {
        let mut pty = &**self.pty.as_ref().unwrap();
        pty.write_all(keys.as_bytes()).unwrap();
    }

    pub fn is_raw(&self) -> bool {
        let modes = tcgetattr(self.pty.as_ref().unwrap()).unwrap();
        !modes.local_modes.contains(LocalModes::ICANON)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Closes the terminal under the program, as when a window is closed or a connection is lost; how the program ended then.
    pub fn hang_up(mut self) -> ExitStatus {
        self.seen.change(|state| state.hung_up = true);
        // The reader has the other end too, and waits for bytes: this one lets it see.
        rustix::io::write(self.line.as_ref().unwrap(), b" ").unwrap();
        self.seen.until("the reader's end", |state| state.closed.then_some(()));
        drop(self.line.take());
        drop(self.pty.take());
        self.seen.until("the program's end", |state| state.status)
    }

    /// Waits for the program to end by itself.
    pub fn end(mut self) -> Ended {
        let status = self.seen.until("the program's end", |state| state.status);
        let after = tcgetattr(self.pty.as_ref().unwrap()).unwrap();
        drop(self.line.take());
        self.seen.until("the terminal's end", |state| state.closed.then_some(()));
        let state = self.seen.lock();
        let (bytes, screen) = (state.bytes.clone(), state.parser.screen().contents());
        drop(state);
        Ended { status, before: self.before.clone(), after, bytes, screen }
    }
}

impl Ended {
    fn assert_modes(&self) {
        let modes = |termios: &Termios| (termios.input_modes, termios.output_modes, termios.control_modes, termios.local_modes);
        assert_eq!(modes(&self.after), modes(&self.before), "the modes of the terminal are not as they were");
    }

    /// Nothing was ever asked of the terminal but to show text: not one escape sequence.
    pub fn assert_never_taken(&self) {
        self.assert_modes();
        assert!(!self.bytes.contains(&0x1b), "an escape sequence:\n{}", String::from_utf8_lossy(&self.bytes));
    }

    /// The terminal is as it was: cooked, echoing, on its first screen, with a cursor and without bracketed paste.
    pub fn assert_given_back(&self) {
        self.assert_modes();
        let text = String::from_utf8_lossy(&self.bytes);
        for (taken, given_back) in [("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?25l", "\x1b[?25h"), ("\x1b[?2004h", "\x1b[?2004l")] {
            let [taken, given_back] = [taken, given_back].map(|sequence| text.rfind(sequence));
            assert!(taken < given_back, "something taken from the terminal was not given back: {taken:?} < {given_back:?}");
        }
    }

    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by signal {:?}. The screen:\n{}", self.status.signal(), self.screen))
    }
}
