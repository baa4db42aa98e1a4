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

impl Answer {
    /// What a reply must be, as it stands beside the question.
    pub fn expects(&self) -> String {
        match self {
            Self::Text => "a line of text is needed".to_owned(),
            Self::Number => "a number is needed".to_owned(),
            Self::Tick => "yes or no is needed".to_owned(),
            Self::Choice(choices) => format!("one of these is needed: {}", choices.join(", ")),
        }
    }
}

impl Ask {
    /// Whether a reply is of the kind asked for; the error says what is expected.
    pub fn check(&self, reply: &serde_json::Value) -> Result<(), String> {
        let fits = match &self.answer {
            Answer::Text => reply.as_str().is_some_and(|text| !text.trim().is_empty()),
            Answer::Number => reply.is_number(),
            Answer::Tick => reply.is_boolean(),
            Answer::Choice(choices) => reply.as_str().is_some_and(|reply| choices.iter().any(|choice| choice == reply)),
        };
        if fits { Ok(()) } else { Err(self.answer.expects()) }
    }

    pub fn describe(&self) -> Description {
        Description { runs: self.question.lines().map(quote::visible).collect(), by_hand: None }
    }
}
