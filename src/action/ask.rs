//! `ask`: a value, a choice or a tick from the responder, stored with the incident.

use serde::{Deserialize, Serialize};

use super::{Description, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub question: String,
    #[serde(default)]
    pub answer: Answer,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    #[default]
    Text,
    Number,
    /// Yes or no.
    Tick,
    Choice(Vec<String>),
}

impl Ask {
    pub fn describe(&self) -> Description {
        Description { runs: self.question.lines().map(quote::visible).collect(), by_hand: None }
    }
}
