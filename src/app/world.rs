//! What comes back while a console runs: answers for the engine, and what is for the front end alone.

use tokio::sync::mpsc;

use super::drill::door::Request;
use crate::engine::Event;
use crate::timeline::record::RunId;

/// Answers and batches of lines waiting for the console; a full queue slows the commands, not the console.
pub const WAITING: usize = 1024;

#[derive(Debug)]
pub enum World {
    Event(Event),
    /// Output of a run, as it came.
    Lines {
        run: RunId,
        lines: Vec<Shown>,
    },
    /// A message for the clipboard: it belongs to the terminal, so only a front end can put it there.
    Copy(String),
    /// Time has passed in a drill's world.
    Beat,
    /// A facilitator's line, from the other terminal.
    Door(Request),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub stderr: bool,
    pub text: String,
}

pub type Sender = mpsc::Sender<World>;
