//! `run`: one program with its arguments; each list element is one argument whatever it holds.

use serde::{Deserialize, Serialize};

use super::quote::{self, HIDDEN, is_secret_name};
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

    /// One line that a shell would read back as exactly this argv, variables and directory. Values of variables named like a secret are
    /// hidden; arguments are not, since what is shown is what is agreed to.
    pub fn describe(&self) -> Description {
        let variables = self.env.iter().map(|(name, value)| {
            let value = if is_secret_name(name) { HIDDEN.to_owned() } else { quote::word(value) };
            format!("{name}={value} ")
        });
        let directory = self.dir.iter().map(|dir| format!("cd {} && ", quote::word(dir)));
        let mut line: String = directory.chain(variables).collect();
        line.push_str(&quote::words(self.argv.iter().map(String::as_str)));
        Description { runs: vec![line], by_hand: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_argv_with_its_borders() {
        let run = Run { argv: vec!["echo".into(), "a b".into(), "$HOME".into(), String::new()], env: [].into(), dir: None };
        assert_eq!(run.describe().runs, ["echo 'a b' '$HOME' ''"]);
        let run = Run {
            argv: vec!["./deploy".into()],
            env: [("API_TOKEN".to_owned(), "hunter2".to_owned()), ("MODE".to_owned(), "a b".to_owned())].into(),
            dir: Some("/srv/my app".into()),
        };
        assert_eq!(run.describe().runs, ["cd '/srv/my app' && API_TOKEN=‹hidden› MODE='a b' ./deploy"]);
    }
}
