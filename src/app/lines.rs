//! The line front end's loop: standard input to intents, records and output to standard output. No terminal is needed.

use std::io::{self, BufRead, IsTerminal, Write};

use tokio::sync::mpsc;

use super::console::{Console, Flow, Front};
use super::signal::Signals;
use super::world::Shown;
use crate::engine::{Effect, Intent, Notice, State};
use crate::plain::Session;
use crate::timeline::record::{Record, RunId};

/// Lines of input read ahead.
const AHEAD: usize = 16;
/// Bytes of one line of input; a longer one is cut.
const LINE_BYTES: u64 = 16 * 1024;

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Left,
    /// By this signal.
    Signal(i32),
}

struct Printer {
    session: Session,
    /// Standard output is gone: there is nobody to talk to.
    deaf: bool,
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
            self.print(&lines);
        }
    }
}

impl Printer {
    fn print(&mut self, lines: &[String]) {
        let mut out = io::stdout().lock();
        let written = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
        self.deaf |= written.is_err();
    }

    /// Without a line end, so that the answer stands beside it.
    fn prompt(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        let written = write!(out, "{text}").and_then(|()| out.flush());
        self.deaf |= written.is_err();
    }

    fn changed(&mut self, state: &State) {
        let lines = self.session.changed(state, jiff::Timestamp::now());
        self.print(&lines);
    }
}

/// Runs the console over standard input and output until it ends, input ends, or a signal comes.
pub async fn run(mut console: Console, first: Vec<Effect>, mut signals: Signals) -> io::Result<End> {
    let person = io::stdin().is_terminal();
    let mut input = read_ahead()?;
    let mut printer = Printer { session: Session::new(), deaf: false };
    let mut flow = console.perform(first, &mut printer);
    let mut prompted = false;
    let mut end = End::Left;
    while flow == Flow::On && !printer.deaf {
        printer.changed(console.state());
        // A script's next line waits until the one before has had its effect; a person may interrupt at any time.
        let listening = person || console.is_settled();
        if listening && person && !prompted && console.is_settled() {
            let prompt = printer.session.prompt(console.state());
            printer.prompt(&prompt);
            prompted = true;
        }
        tokio::select! {
            biased;
            signal = signals.next() => {
                end = End::Signal(signal);
                break;
            }
            world = console.next() => match world {
                Some(world) => (console, flow) = console.take(world, &mut printer),
                None => break,
            },
            line = input.recv(), if listening => {
                prompted = false;
                (console, flow) = match line {
                    Some(line) => take(console, &mut printer, &line),
                    None => console.intend(Intent::Leave, &mut printer),
                };
            }
        }
    }
    console.end(&mut printer).await;
    Ok(end)
}

fn take(mut console: Console, printer: &mut Printer, line: &str) -> (Console, Flow) {
    let parsed = printer.session.input(console.state(), line, jiff::Timestamp::now());
    printer.print(&parsed.say);
    let mut flow = Flow::On;
    for intent in parsed.intents {
        (console, flow) = console.intend(intent, printer);
        if flow == Flow::End {
            break;
        }
    }
    (console, flow)
}

/// A thread of its own, since reading a terminal can't be cancelled: it ends with the process.
fn read_ahead() -> io::Result<mpsc::Receiver<String>> {
    let (sender, lines) = mpsc::channel(AHEAD);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(line)) = read_line(&mut input) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = io::Read::take(&mut *input, LINE_BYTES).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LINE_BYTES {
        input.skip_until(b'\n')?;
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned()))
}
