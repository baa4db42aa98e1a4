//! `compute`: an expression over what is known already.

use serde::{Deserialize, Serialize};

use super::Description;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compute {
    pub expression: String,
}

impl Compute {
    pub fn describe(&self) -> Description {
        Description { runs: vec![self.expression.clone()], by_hand: None }
    }
}
