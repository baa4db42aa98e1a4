//! `run`: one program with its arguments; each list element is one argument whatever it holds.

use serde::{Deserialize, Serialize};

use super::{Description, Verdict};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The program and its arguments; at least one element.
    pub argv: Vec<String>,
    /// Added to a minimal environment.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub env: std::collections::BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
}

impl Run {
    pub fn classify(&self) -> Verdict {
        Verdict::Unknown("programs are not examined: only the author's tag says what this does".to_owned())
    }

    pub fn describe(&self) -> Description {
        Description { runs: vec![self.argv.join(" ")], by_hand: None }
    }
}
