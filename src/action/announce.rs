//! `announce`: a message to a webhook the team configured, or to the clipboard.

use serde::{Deserialize, Serialize};

use super::{Description, Hold, Verdict};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announce {
    pub message: String,
    /// Absent: the clipboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

impl Announce {
    pub fn classify(&self) -> Verdict {
        match self.webhook {
            None => Verdict::Reads(Hold::NoEffect),
            Some(_) => Verdict::Changes("a message sent can't be taken back".to_owned()),
        }
    }

    pub fn describe(&self) -> Description {
        Description { runs: self.message.lines().map(str::to_owned).collect(), by_hand: None }
    }
}
