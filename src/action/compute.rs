//! `compute`: an expression over what is known already.

use serde::{Deserialize, Serialize};

use super::{Description, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compute {
    pub expression: String,
}

impl Compute {
    pub fn describe(&self) -> Description {
        Description { runs: self.expression.lines().map(quote::visible).collect(), by_hand: None }
    }
}
