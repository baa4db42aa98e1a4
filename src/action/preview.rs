//! What a change would do, as far as the target itself can tell beforehand.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preview {
    /// Lines of a unified diff from the server's own dry run.
    Diff(Vec<String>),
    /// Why there is none, in plain words.
    None(String),
    /// The server would refuse it.
    Refused(String),
}
