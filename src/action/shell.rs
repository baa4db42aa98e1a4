//! `shell`: a script for `/bin/sh -eu`; every placeholder was quoted as one word when it was rendered.

use serde::{Deserialize, Serialize};

use super::{Description, Verdict, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shell {
    pub script: String,
}

impl Shell {
    pub fn classify(&self) -> Verdict {
        Verdict::Unknown("scripts are not examined: only the author's tag says what this does".to_owned())
    }

    /// The script as it stands, line by line: also what a person would type.
    pub fn describe(&self) -> Description {
        Description { runs: self.script.lines().map(quote::visible).collect(), by_hand: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_can_hide_nothing() {
        let description = Shell { script: "echo ok\r\u{1b}[2K\nrm -rf '/tmp/x'\n".into() }.describe();
        assert_eq!(description.runs, [r"echo ok\r\x1b[2K", "rm -rf '/tmp/x'"]);
    }
}
