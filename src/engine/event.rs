//! What comes into the machine.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::effect::Plea;
use crate::action::{Description, Report, Verdict};
use crate::guard::clearance::Wish;
use crate::runbook::model::{CommandId, Effect, Name, StepId};
use crate::timeline::record::{Output, Reading, Record, RunId};

/// An event and the time it came in: the machine has no clock of its own.
#[derive(Debug)]
pub struct Stamped {
    pub at: Timestamp,
    pub event: Event,
}

#[derive(Debug)]
pub enum Event {
    Person(Intent),
    /// The log has it on disk.
    Recorded(Record),
    /// The log could not be written; nothing that changes anything may run any more.
    LogLost {
        why: String,
    },
    Considered(Considered),
    /// What qrh read about the target; absent where there is nothing to read or it can't be reached.
    Looked(Option<Value>),
    Prepared {
        token: Token,
        result: Result<Box<Prepared>, String>,
    },
    /// A read, or one sample of a watch, came to its end.
    Ran(Box<Ran>),
    /// A change came to its end.
    Applied(Box<Ran>),
    /// Readings taken after a change.
    Measured {
        run: RunId,
        readings: Vec<Reading>,
    },
}

/// What the responder does.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    GoTo(StepId),
    /// Start a command of the runbook: a read runs, a change is put to the responder.
    Start(CommandId),
    /// The answer to the confirmation on the screen.
    Answer {
        text: String,
        reason: Option<String>,
        considered_ms: u64,
    },
    /// Leave the confirmation or the question on the screen.
    Decline,
    /// The answer to a question of the runbook.
    Reply(Value),
    Complete {
        observed: String,
    },
    Skip {
        reason: String,
    },
    /// "This does not fit what I see."
    Misfit {
        reason: String,
    },
    /// `at` before now: a backdated note.
    Note {
        text: String,
        at: Option<Timestamp>,
    },
    /// A command line of the responder's own, on the target.
    AdHoc {
        line: String,
        effect: Effect,
    },
    Undo(RunId),
    Cancel(RunId),
    /// What became of a change whose outcome is unknown.
    Rule {
        run: RunId,
        happened: bool,
        why: String,
    },
    /// Ends the incident.
    Close {
        summary: String,
    },
    /// Of the drill that is played; there is none outside drills.
    Exercise(Plea),
    /// Leaves the console; the incident stays open.
    Leave,
}

/// Numbers an answer so that one that comes late is known to be late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Token(pub u64);

/// The step on the screen and every finding, rendered with what is known now.
#[derive(Debug, Clone)]
pub struct Considered {
    pub token: Token,
    pub step: StepId,
    pub title: String,
    pub commands: Vec<Rendered>,
    pub findings: Vec<Decided>,
}

/// One command as it would run now.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    pub id: CommandId,
    pub title: String,
    pub ready: Ready,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Ready {
    /// What it runs, and what qrh makes of it.
    Now { describes: Description, verdict: Verdict },
    /// Something it names is not known yet.
    Needs(String),
    /// Its `when` does not hold.
    NotNow(String),
}

/// A finding of any step: whether it holds. Undecided counts as not holding.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    pub step: StepId,
    pub number: usize,
    pub holds: bool,
    pub means: String,
    pub go: Option<StepId>,
}

/// A command made ready to run, with everything read from the live target.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    pub wish: Wish,
    pub verdict: Verdict,
    /// What qrh just read about the target; absent where the command needs none.
    pub facts: Option<Value>,
    pub remembered: BTreeMap<Name, Value>,
    /// Readings just before.
    pub before: Vec<Reading>,
}

/// How a run ended, with its expressions decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    pub run: RunId,
    pub report: Report,
    pub took_ms: u64,
    pub captured: BTreeMap<Name, Value>,
    pub expected: Option<bool>,
    /// For a watch: whether its condition holds in this sample.
    pub until: Option<bool>,
    pub reading: Option<Reading>,
    pub undecided: Vec<String>,
    pub output: Option<Output>,
}

impl Ran {
    /// A run without anything but its report.
    pub fn plain(run: RunId, report: Report) -> Self {
        Self {
            run,
            report,
            took_ms: 0,
            captured: BTreeMap::new(),
            expected: None,
            until: None,
            reading: None,
            undecided: Vec::new(),
            output: None,
        }
    }
}
