//! The line front end's loop: standard input to intents, records and output to standard output. No terminal is needed.
//!
//! A script's next line waits until the one before has had its effect; a person may interrupt at any time. Nothing is taken in while
//! text is on its way out, so that nobody answers what they can't see yet; only signals always are.

use std::io::{self, IsTerminal};

use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;
use jiff::Timestamp;

use super::console::{Console, End, Ended, Flow, Front};
use super::open::Opening;
use super::signal::Signals;
use super::typed::{Typed, read_ahead};
use super::voice::{Heard, Voice};
use super::world::Shown;
use crate::engine::change::Change;
use crate::engine::{Intent, Notice, State};
use crate::guard::ingest;
use crate::plain::Session;
use crate::timeline::record::{Record, RunId};

/// Bytes that wait to be written while the console ends; lines of output beyond it are left to their files.
const WAITING: usize = 1024 * 1024;

/// Where text for the clipboard goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clipboard {
    /// To that of the terminal the responder sits at (OSC 52), also over ssh.
    Terminal,
    /// There is none: it is printed.
    Nowhere,
}

/// Lines of an incident's past that are printed when it is resumed; `timeline` has all of them.
const RECALLED: usize = 12;

/// What is still to be written.
struct Printer {
    session: Session,
    waiting: String,
    /// The cursor stands behind a prompt.
    prompted: bool,
    clipboard: Clipboard,
}

impl Front for Printer {
    fn recorded(&mut self, state: &State, record: &Record) {
        let lines = self.session.recorded(state, record);
        self.print(&lines);
    }

    fn told(&mut self, _state: &State, notice: &Notice) {
        let lines = self.session.told(notice);
        self.print(&lines);
    }

    fn lines(&mut self, _state: &State, run: RunId, lines: Vec<Shown>) {
        for Shown { stderr, text } in lines {
            let lines = self.session.line(run, stderr, &text);
            if self.waiting.len() < WAITING {
                self.print(&lines);
            }
        }
    }

    fn copied(&mut self, text: String) {
        match self.clipboard {
            Clipboard::Terminal => {
                self.copy(&text);
                self.print(&["-- copied to the clipboard".to_owned()]);
            }
            Clipboard::Nowhere => self.print(&["-- there is no clipboard here: copy the lines above".to_owned()]),
        }
    }
}

impl Printer {
    fn print(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        if std::mem::take(&mut self.prompted) {
            self.waiting.push('\n');
        }
        for line in lines {
            self.waiting.push_str(line);
            self.waiting.push('\n');
        }
    }

    /// What happened before this console: all of it is known to the session, the end of it is printed.
    fn recall(&mut self, state: &State, past: &[Record]) {
        let lines: Vec<String> = past.iter().flat_map(|record| self.session.recorded(state, record)).collect();
        let end = lines.len().saturating_sub(RECALLED);
        self.print(&lines[end..]);
    }

    /// Without a line end, so that the answer stands beside it.
    fn prompt(&mut self, state: &State) {
        self.waiting.push_str(&self.session.prompt(state));
        self.prompted = true;
    }

    fn changed(&mut self, state: &State, now: Timestamp) {
        let lines = self.session.changed(state, now);
        self.print(&lines);
    }

    fn copy(&mut self, text: &str) {
        // Writing to a string does not fail; base64 is all there is in it.
        let _ = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut self.waiting);
    }

    /// A typed line as intents; what there is to say is said.
    fn take(&mut self, state: &State, Typed { at, line }: &Typed) -> Vec<Intent> {
        self.prompted = false;
        let parsed = self.session.input(state, line, *at);
        match (&parsed.copy, self.clipboard) {
            (Some(text), Clipboard::Nowhere) => {
                self.print(&["-- there is no clipboard here; to copy by hand:".to_owned()]);
                let lines: Vec<String> = text.lines().map(|line| format!("  | {}", ingest::text(line))).collect();
                self.print(&lines);
            }
            (Some(text), Clipboard::Terminal) => {
                self.copy(text);
                self.print(&parsed.say);
            }
            (None, Clipboard::Terminal | Clipboard::Nowhere) => self.print(&parsed.say),
        }
        parsed.intents
    }
}

/// When the last text was made, and when it was out: a line typed between the two was not an answer to it.
struct Seen {
    made: Timestamp,
    out: Timestamp,
}

impl Seen {
    fn date(&self, typed: Typed) -> Typed {
        if typed.at < self.out { Typed { at: typed.at.min(self.made), ..typed } } else { typed }
    }
}

/// What standard input may still give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// It has ended: the console is left as soon as that is possible.
    Ended,
    /// There was never any.
    Nobody,
}

/// Runs the console over standard input and output until it ends, input ends, or a signal comes.
pub async fn run(opening: Opening, mut signals: Signals, clipboard: Clipboard) -> io::Result<Ended> {
    let Opening { mut console, first, past, .. } = opening;
    let person = io::stdin().is_terminal();
    let clock = console.clock().clone();
    let mut lines = read_ahead(clock.clone())?;
    let mut voice = Voice::start()?;
    let mut printer = Printer { session: Session::new(), waiting: String::new(), prompted: false, clipboard };
    printer.recall(console.state(), &past);
    let mut flow = console.perform(first, &mut printer);
    // Nobody types to a drill that plays itself, and its end is its own.
    let listens = person || !console.is_piloted();
    let (mut input, mut end) = (if listens { Input::Open } else { Input::Nobody }, End::Left);
    let mut seen = Seen { made: clock.now(), out: clock.now() };
    while flow == Flow::On {
        if !voice.is_speaking() {
            seen.made = clock.now();
            printer.changed(console.state(), seen.made);
            if person && input == Input::Open && !printer.prompted && console.is_quiet() {
                printer.prompt(console.state());
            }
            if !printer.waiting.is_empty() {
                voice.say(std::mem::take(&mut printer.waiting));
            }
        }
        if input == Input::Ended && may_leave(&console, person) {
            (console, flow) = console.intend(Intent::Leave, &mut printer);
            continue;
        }
        let silent = !voice.is_speaking();
        tokio::select! {
            biased;
            signal = signals.next() => {
                end = End::Signal(signal);
                break;
            }
            heard = voice.heard(), if !silent => {
                seen.out = clock.now();
                if heard == Heard::No {
                    end = End::Deaf;
                    break;
                }
            }
            world = console.next(), if silent => match world {
                Some(world) => (console, flow) = console.take(world, &mut printer),
                None => break,
            },
            line = lines.recv(), if silent && input == Input::Open && (person || console.is_settled()) => match line {
                Some(typed) => (console, flow) = intend(console, &mut printer, &seen.date(typed)),
                None => input = Input::Ended,
            },
        }
    }
    let log = console.end(&mut printer).await;
    let heard = voice.finish(printer.waiting).await;
    Ok(Ended { end: if heard == Heard::No && end == End::Left { End::Deaf } else { end }, log })
}

/// Input has ended. What a script began runs to its end; a change always does.
fn may_leave(console: &Console, person: bool) -> bool {
    match console.state().change {
        Change::Committing(_) | Change::Running { .. } => false,
        Change::Idle | Change::Asking(_) => person || console.is_settled(),
    }
}

fn intend(mut console: Console, printer: &mut Printer, typed: &Typed) -> (Console, Flow) {
    let mut flow = Flow::On;
    for intent in printer.take(console.state(), typed) {
        (console, flow) = console.intend(intent, printer);
        if flow == Flow::End {
            break;
        }
    }
    (console, flow)
}
