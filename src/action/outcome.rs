//! What came of a run, as data.

use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ending", content = "why")]
pub enum Ending {
    /// It ran to its end and the target accepted it (exit 0, 2xx, object returned).
    Succeeded,
    /// The target answered no, or the command exited non-zero. For a change: nothing is known to be half done.
    Failed(String),
    /// The target can't be reached; the request is known not to have been accepted.
    Unreachable(String),
    /// Stopped by the responder, and every process of it is known to be gone.
    Stopped,
    /// It was sent and no answer came (timeout, lost link, crash): it may have happened.
    Unknown(String),
    /// The clearance no longer fitted the live target; nothing was sent.
    Voided(String),
}

/// What a run gives back: cleaned and redacted already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub ending: Ending,
    /// Exit status of a process; HTTP status of an `http` action.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit: Option<i32>,
    /// Structured result: parsed JSON where the output is JSON, a JSON string otherwise. At most 1 MiB as text; larger is `Null` and `cut`.
    pub out: serde_json::Value,
    /// The last lines a person would look at, at most 60 lines of 400 characters.
    pub tail: Vec<String>,
    /// Lines seen in all.
    pub lines: u64,
    /// Bytes of output not kept anywhere because of a limit.
    pub cut_bytes: u64,
    /// Secrets hidden by redaction.
    pub redacted: u64,
}

impl Report {
    /// A report without output.
    pub fn ended(ending: Ending) -> Self {
        Self { ending, exit: None, out: serde_json::Value::Null, tail: Vec::new(), lines: 0, cut_bytes: 0, redacted: 0 }
    }
}
