//! Node and the processes it is started as: each a group of its own, which ends as a whole.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use std::os::unix::process::CommandExt as _;

use rustix::process::{Pid, Signal, kill_process_group};

use super::SERVICE;
use super::files::Home;

/// `import.meta.dirname` is there from this on.
const OLDEST: (u32, u32) = (20, 11);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoNode {
    #[error(
        "this drill runs a real service, which needs Node.js 20.11 or newer, and there is no `node` in PATH: install it, or play a drill of the simulated cluster"
    )]
    Missing,
    #[error(
        "this drill runs a real service, which needs Node.js 20.11 or newer, and `{program}` is {version}: update it, or play a drill of the simulated cluster"
    )]
    Old { program: String, version: String },
    #[error("this drill runs a real service, and `{program}` can't be run: {why}; install Node.js 20.11 or newer")]
    Broken { program: String, why: String },
}

/// The first `node` in PATH, if it is new enough.
pub fn node() -> Result<PathBuf, NoNode> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path).map(|dir| dir.join("node")).find(|file| file.is_file()).ok_or(NoNode::Missing)?;
    let shown = || program.display().to_string();
    let asked = Command::new(&program).arg("--version").env_clear().stdin(Stdio::null()).stderr(Stdio::null()).output();
    let said = asked.map_err(|error| NoNode::Broken { program: shown(), why: error.to_string() })?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    match number(&version) {
        Some(number) if number >= OLDEST => Ok(program),
        Some(_) => Err(NoNode::Old { program: shown(), version }),
        None => Err(NoNode::Broken { program: shown(), why: "it does not tell its version".to_owned() }),
    }
}

/// `v22.3.0` as its first two numbers.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A program of the service's, and whatever it starts. Dropped, all of it is ended and nothing is left.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// With an environment of its own: no option for Node, no token and no proxy of the responder's reaches it.
    pub fn start(node: &PathBuf, home: &Home, arguments: &[String]) -> io::Result<Self> {
        let mut command = Command::new(node);
        command.args(arguments).current_dir(home.path("")).env_clear().process_group(0);
        command.envs([("HOME", home.path("").as_str()), ("PORT", "0"), ("SERVICE", SERVICE)]);
        command.envs([("EXIT_WITH_PARENT", "1"), ("STAND_INS", "1"), ("LANG", "C.UTF-8")]);
        // Its standard input is how it learns that qrh is gone: held open, never written.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Self)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // Gone already is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_node_tells_them() {
        assert_eq!(number("v22.3.0"), Some((22, 3)));
        assert!(number("v18.19.0").is_some_and(|version| version < OLDEST) && number("v20.11.1").is_some_and(|version| version >= OLDEST));
        assert_eq!((number("22.3.0"), number("bash: node"), number("")), (None, None, None));
    }
}
