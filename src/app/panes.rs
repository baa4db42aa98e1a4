//! The panes' loop: drain what came, update, draw once, sleep until something comes. Nothing wakes an idle screen but the clock's second.

use std::io::{self, Write};
use std::time::Duration;

use crossterm::event::{Event as Key, EventStream};
use futures::StreamExt;
use ratatui::buffer::Buffer;
use tokio::time::Instant;

use super::console::{Console, End, Ended, Flow, Front};
use super::open::Opening;
use super::second::Seconds;
use super::signal::Signals;
use super::terminal::Taken;
use super::world::Shown;
use crate::engine::{Notice, State};
use crate::target::Clock;
use crate::timeline::record::{Record, RunId};
use crate::tui::{self, Input, Model, Out};

/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(10);
/// Answers taken in before the screen is drawn again, at most.
const DRAIN: usize = 256;

/// Keeps what the console says until the model takes it.
struct Panes {
    model: Model,
    out: Vec<Out>,
    clock: Clock,
    /// Whether more than a second has passed since the last frame: something came in.
    stirred: bool,
}

impl Panes {
    fn update(&mut self, state: &State, input: Input) {
        let out = tui::update(&mut self.model, state, input, self.clock.now());
        self.out.extend(out);
    }
}

impl Front for Panes {
    fn recorded(&mut self, state: &State, record: &Record) {
        self.update(state, Input::Recorded(record.clone()));
    }

    fn told(&mut self, state: &State, notice: &Notice) {
        self.update(state, Input::Told(notice.clone()));
    }

    fn lines(&mut self, state: &State, run: RunId, lines: Vec<Shown>) {
        for Shown { stderr, text } in lines {
            self.update(state, Input::Line { run, stderr, text });
        }
    }

    fn copied(&mut self, text: String) {
        self.out.push(Out::Copy(text));
    }
}

/// Runs the console on the terminal until it ends or a signal comes.
pub async fn run(opening: Opening, model: Model, mut signals: Signals) -> io::Result<Ended> {
    let Opening { mut console, first, past, .. } = opening;
    let mut taken = Taken::take()?;
    let mut panes = Panes { model, out: Vec::new(), clock: console.clock().clone(), stirred: true };
    if console.state().setup.drill.is_some() && !console.is_piloted() {
        panes.model.brief();
    }
    let size = taken.screen.size()?;
    panes.update(console.state(), Input::Resize(size.width, size.height));
    for record in past {
        panes.update(console.state(), Input::Recorded(record));
    }
    let mut keys = EventStream::new();
    let seconds = Seconds::start()?;
    let mut flow = console.perform(first, &mut panes);
    let mut drawn = Instant::now();
    let mut end = End::Left;
    // A terminal that is gone ends the console in the same order as anything else: what runs is stopped first.
    let mut lost = draw(&mut taken, &mut panes, &console).err();
    while flow == Flow::On && lost.is_none() {
        tokio::select! {
            biased;
            signal = signals.next() => {
                end = End::Signal(signal);
                break;
            }
            key = keys.next() => {
                let Some(Ok(key)) = key else {
                    // The terminal is gone: what runs is stopped and the log closed, as after a hang-up.
                    end = End::Deaf;
                    break;
                };
                (console, flow) = press(console, &mut panes, key);
            }
            world = console.next() => match world {
                Some(world) => {
                    panes.stirred = true;
                    (console, flow) = console.take(world, &mut panes);
                }
                None => break,
            },
            () = seconds.next(), if panes.model.needs_second_tick(console.state()) => panes.update(console.state(), Input::Tick),
        }
        (console, flow) = drain(console, &mut panes, flow);
        if drawn.elapsed() < FRAME {
            tokio::time::sleep(FRAME.saturating_sub(drawn.elapsed())).await;
            (console, flow) = drain(console, &mut panes, flow);
        }
        lost = draw(&mut taken, &mut panes, &console).err();
        drawn = Instant::now();
    }
    let log = console.end(&mut panes).await;
    lost.map_or(Ok(Ended { end, log }), Err)
}

fn press(console: Console, panes: &mut Panes, key: Key) -> (Console, Flow) {
    let input = match key {
        Key::Key(key) => Input::Key(key),
        Key::Paste(text) => Input::Paste(text),
        Key::Mouse(mouse) => Input::Mouse(mouse),
        Key::Resize(width, height) => Input::Resize(width, height),
        Key::FocusGained | Key::FocusLost => return (console, Flow::On),
    };
    panes.stirred = true;
    panes.update(console.state(), input);
    (console, Flow::On)
}

/// Takes in what has come back already, and what the model wants done.
fn drain(mut console: Console, panes: &mut Panes, mut flow: Flow) -> (Console, Flow) {
    for _ in 0..DRAIN {
        let Some(world) = console.ready() else { break };
        panes.stirred = true;
        let next;
        (console, next) = console.take(world, panes);
        flow = if next == Flow::End { next } else { flow };
    }
    while !panes.out.is_empty() {
        panes.stirred = true;
        for out in std::mem::take(&mut panes.out) {
            match out {
                Out::Intent(intent) => {
                    let next;
                    (console, next) = console.intend(intent, panes);
                    flow = if next == Flow::End { next } else { flow };
                }
                Out::Copy(text) => copy(&text),
            }
        }
    }
    (console, flow)
}

/// To the clipboard of the terminal the responder sits at, also over ssh.
fn copy(text: &str) {
    let command = crossterm::clipboard::CopyToClipboard::to_clipboard_from(text);
    // A terminal without a clipboard ignores it.
    let _ = crossterm::execute!(io::stdout(), command);
    let _ = io::stdout().flush();
}

/// Draws what has changed: the header alone where that is all.
fn draw(taken: &mut Taken, panes: &mut Panes, console: &Console) -> io::Result<()> {
    let (now, state) = (panes.clock.now(), console.state());
    let Panes { model, stirred, .. } = panes;
    let header = taken.screen.drawn().filter(|_| !*stirred).and_then(|(at, area)| tui::steady(model, state, (at, now), area));
    if let Some(place) = header {
        let mut buffer = Buffer::empty(place);
        tui::draw_header(model, state, now, &mut buffer);
        return taken.screen.patch(buffer);
    }
    taken.screen.draw(now, tui::HEADER, |frame| {
        let area = frame.area();
        tui::view(model, state, now, area, frame.buffer_mut());
        if let Some(position) = tui::cursor(model, state, area) {
            frame.set_cursor_position(position);
        }
    })?;
    model.shown(state, now);
    *stirred = false;
    Ok(())
}
