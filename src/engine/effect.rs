//! What goes out of the machine: imperatives, as data. Whoever carries them out answers with an event.

use std::time::Duration;

use serde_json::Value;

use crate::action::{Action, Write};
use crate::engine::event::Token;
use crate::guard::{Admitted, Cleared};
use crate::runbook::model::{CommandId, Effect as Tag, StepId};
use crate::timeline::record::{Record, RunId};

#[derive(Debug)]
pub enum Effect {
    /// Put a record on disk, then answer `Recorded` (or `LogLost`). In the order given.
    Append(Box<Record>),
    /// Render a step and decide every finding, then answer `Considered`.
    Consider { token: Token, step: StepId, scope: Value },
    /// Read what a command needs from the live target, then answer `Prepared`.
    Prepare { token: Token, request: Request, scope: Value },
    /// Read what qrh itself knows about the target, then answer `Looked`.
    Look,
    /// Forget a preparation: its answer is not wanted any more.
    Abandon(Token),
    /// Run a read after a pause (zero: at once), then answer `Ran`.
    Read { run: RunId, command: Option<CommandId>, admitted: Admitted, after: Duration, scope: Value },
    /// Run a cleared change, then answer `Applied`.
    Apply { run: RunId, command: Option<CommandId>, cleared: Box<Cleared<Write>>, scope: Value },
    /// Stop a run; it answers as it would have.
    Stop(RunId),
    /// Take the readings after a change, then answer `Measured`.
    Measure { run: RunId, commands: Vec<CommandId>, scope: Value },
    /// Say something to the responder.
    Tell(Notice),
    /// Something for the drill that is played here.
    Exercise(Plea),
    /// Leave the console.
    Quit,
}

/// What a trainee asks of a drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plea {
    /// The next hint, at its price.
    Hint,
    /// This cause, by its id, is the diagnosis.
    Diagnose(String),
}

/// What is to be made ready.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    Command(CommandId),
    AdHoc {
        line: String,
        effect: Tag,
    },
    /// Take back a change: its undo as it was rendered when the change ran.
    Undo {
        run: RunId,
        title: String,
        undo: Box<Action>,
        redo: Box<Action>,
        command: CommandId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Info(String),
    Problem(String),
}

impl Notice {
    pub fn text(&self) -> &str {
        match self {
            Self::Info(text) | Self::Problem(text) => text,
        }
    }
}
