//! `promql`: a question to the Prometheus HTTP API, at an instant or over a range.

use serde::{Deserialize, Serialize};

use super::Description;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promql {
    pub query: String,
    /// Base URL of Prometheus; the service's `prometheus` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Present: a range query over this far back, e.g. `30m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Range queries only; range/120 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

impl Promql {
    pub fn describe(&self) -> Description {
        Description { runs: vec![self.query.clone()], by_hand: None }
    }
}
