//! SIGUSR1 and what tells of it inside a container: `kill`, Node sending a signal itself, the process' signal masks, the listening sockets.

use std::fmt::Write as _;

use super::Inspectors;
use crate::drill::world::behaviour::{Ran, View};

/// The bit of SIGUSR1 in the masks of `/proc/PID/status`.
const SIGUSR1: u64 = 1 << 9;
/// Signals that Node catches, as a real one's mask has them.
const CAUGHT: u64 = 0x1_0000_4602;

/// What a signal is sent for.
enum Signal {
    Usr1,
    /// Is it there?
    None,
    Other(String),
}

fn signal(word: &str) -> Signal {
    match word.trim_start_matches("SIG") {
        "USR1" | "10" => Signal::Usr1,
        "0" => Signal::None,
        other => Signal::Other(other.to_owned()),
    }
}

fn failed(code: i32, text: &str) -> Ran {
    Ran { stderr: format!("{text}\n").into_bytes(), code, ..Ran::default() }
}

/// A signal and the processes it is for.
fn kill(words: &[&str]) -> Option<(Signal, Vec<String>)> {
    let all = |pids: &[&str]| pids.iter().map(|pid| (*pid).to_owned()).collect();
    match words {
        ["kill" | "/bin/kill" | "/usr/bin/kill", "-s" | "-n", name, pids @ ..] => Some((signal(name), all(pids))),
        ["kill" | "/bin/kill" | "/usr/bin/kill", word, pids @ ..] => match word.strip_prefix('-') {
            Some(name) => Some((signal(name), all(pids))),
            None => Some((signal("TERM"), all(&[&[*word], pids].concat()))),
        },
        // An image without kill has Node itself.
        ["node", "-e" | "--eval", script] => {
            let inside = script.trim().trim_end_matches(';').strip_prefix("process.kill(")?.strip_suffix(')')?;
            let (pid, name) = inside.split_once(',')?;
            Some((signal(name.trim().trim_matches(['\'', '"'])), all(&[pid.trim()])))
        }
        _ => None,
    }
}

impl Inspectors {
    /// Runs a command that sends a signal. None: it does not.
    pub fn exec(&self, view: &View<'_>, argv: &[String]) -> Option<Ran> {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let (signal, pids) = match words.as_slice() {
            // A shell that does only this.
            ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c", script] if !script.contains([';', '&', '|', '$', '\n', '>', '<']) => {
                kill(&script.split_whitespace().collect::<Vec<_>>())?
            }
            direct => kill(direct)?,
        };
        let mut ran = Ran::default();
        for pid in &pids {
            match (pid.as_str(), &signal) {
                ("1", Signal::Usr1) => self.open(view),
                ("1", Signal::None) => {}
                ("1", Signal::Other(name)) => return Some(failed(1, &format!("not simulated: kill -{name}; USR1 and 0 are"))),
                (pid, _) => ran = failed(1, &format!("kill: ({pid}) - No such process")),
            }
        }
        Some(if pids.is_empty() { failed(2, "kill: usage: kill -USR1 pid") } else { ran })
    }

    /// What the container's files tell of the inspector.
    pub fn files(&self, view: &View<'_>, files: &mut Vec<(&'static str, String)>) {
        let (blocked, caught) = if self.options(view).signal { (0, CAUGHT) } else { (SIGUSR1, CAUGHT & !SIGUSR1) };
        if let Some((_, status)) = files.iter_mut().find(|(path, _)| *path == "/proc/1/status") {
            // Writing to a String can't fail.
            let _ = write!(status, "SigBlk:\t{blocked:016x}\nSigIgn:\t0000000001001000\nSigCgt:\t{caught:016x}\n");
        }
        let mut tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n".to_owned();
        for (index, port) in self.ports(view).into_iter().enumerate() {
            let _ = writeln!(
                tcp,
                "{index:4}: 0100007F:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 {} 1 0000000000000000 100 0 0 10 0",
                41_000 + index
            );
        }
        files.push(("/proc/net/tcp", tcp));
    }
}
