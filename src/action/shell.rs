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

    /// The script as it stands, line by line. `by_hand` is the argv it runs as.
    pub fn describe(&self) -> Description {
        let runs = self.script.lines().map(quote::visible).collect();
        Description { runs, by_hand: Some(quote::words(["/bin/sh", "-eu", "-c", &self.script])) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_can_hide_nothing() {
        let description = Shell { script: "echo ok\r\u{1b}[2K\nrm -rf '/tmp/x'\n".into() }.describe();
        assert_eq!(description.runs, [r"echo ok\r\x1b[2K", "rm -rf '/tmp/x'"]);
        assert_eq!(description.by_hand.unwrap(), r"/bin/sh -eu -c $'echo ok\r\x1b[2K\nrm -rf \'/tmp/x\'\n'");
    }
}
