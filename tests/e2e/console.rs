//! qrh as a person has it: a home of its own, the console on a terminal, and what to press until something is seen.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::log::Log;
use crate::pty::{Area, Start, Terminal};

/// A home directory with a service catalog, and nothing of this machine's settings.
pub struct Home {
    root: PathBuf,
    term: &'static str,
}

/// The console, and how far it has come.
pub struct Console {
    pub terminal: Terminal,
    /// Runs started so far: the next one has the number after it.
    runs: u32,
    /// Shows one pane at a time.
    narrow: bool,
}

impl Home {
    /// One service on this host, with what is known of it.
    pub fn new(root: &Path, service: &Value) -> Self {
        let catalog = json!({"schema": "qrh.services/v1", "services": {"shop": service}});
        std::fs::create_dir_all(root.join("home")).unwrap();
        let home = Self { root: root.join("home"), term: "xterm-256color" };
        // JSON is YAML.
        home.write("services.yaml", &catalog.to_string());
        home
    }

    pub fn dumb(mut self) -> Self {
        self.term = "dumb";
        self
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let path = |name: &str| self.root.join(name).into_os_string();
        vec![
            ("HOME".into(), path("")),
            ("XDG_STATE_HOME".into(), path("state")),
            ("XDG_CONFIG_HOME".into(), path("config")),
            ("QRH_SERVICES".into(), path("services.yaml")),
            ("KUBECONFIG".into(), path("no-kubeconfig")),
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
            ("TERM".into(), self.term.into()),
            ("USER".into(), "ann".into()),
            ("LANG".into(), "C.UTF-8".into()),
        ]
    }

    pub fn terminal(&self, area: Area, arguments: &[&str]) -> Terminal {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let (program, environment) = (Path::new(env!("CARGO_BIN_EXE_qrh")), self.environment());
        Terminal::start(&Start { program, arguments: &arguments, environment: &environment, directory: &self.root, area })
    }

    pub fn open(&self, area: Area, arguments: &[&str]) -> Console {
        Console { terminal: self.terminal(area, arguments), runs: 0, narrow: area.0 < 100 }
    }

    /// qrh without a terminal.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qrh"));
        command.args(arguments).env_clear().envs(self.environment()).current_dir(&self.root).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What qrh prints, where it succeeds.
    pub fn print(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "qrh {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The directory of the only incident.
    pub fn incident(&self) -> PathBuf {
        let mut found = std::fs::read_dir(self.root.join("state/qrh/incidents")).unwrap();
        let dir = found.next().expect("no incident was opened").unwrap().path();
        assert!(found.next().is_none(), "more than one incident was opened");
        dir
    }

    /// Takes the only incident away, so that the next one is the only one.
    pub fn forget(&self) {
        std::fs::remove_dir_all(self.incident()).unwrap();
    }

    pub fn log(&self) -> Log {
        Log::read(&self.incident())
    }
}

/// The row that is marked among the commands of the step: the title as far as there is room.
fn marked(screen: &str) -> Option<String> {
    let row = screen.lines().find_map(|line| line.split_once("› ["))?.1;
    let title = row.split_once(']')?.1.trim_start();
    Some(title.split("  ").next().unwrap_or_default().trim_end_matches(['│', ' ', '…']).to_owned())
}

/// The row that is marked among the steps.
fn marked_step(screen: &str) -> Option<String> {
    let row = screen.lines().find_map(|line| line.split_once("│›").filter(|(_, row)| !row.starts_with(" [")))?.1;
    Some(row.split('│').next().unwrap_or_default().trim_matches(['▶', '·', '▲', ' ', '…']).to_owned())
}

/// How a run ended, from the output pane that shows it.
fn ending(screen: &str, run: u32) -> Option<String> {
    let number = format!("#{run} ");
    let mut lines = screen.lines().skip_while(|line| !(line.contains("3 Output") && line.contains(&number)));
    lines.next()?;
    let mut pane = lines.take_while(|line| !line.contains('└')).map(|line| line.trim_end_matches(['│', ' ']));
    let last = pane.find_map(|line| line.rsplit('│').next().filter(|text| text.starts_with(['✓', '✗', '≠', '■', '?', '⊘'])))?;
    Some(last.trim().to_owned())
}

/// How long the incident is open, from the header: it ticks once a second.
fn clock(screen: &str) -> Option<String> {
    let header = screen.lines().next()?;
    Some(header.rsplit_once("open ")?.1.trim().to_owned())
}

impl Console {
    pub fn press(&self, keys: &str) {
        self.terminal.press(keys);
    }

    pub fn wait(&self, text: &str) {
        self.terminal.wait(text);
    }

    /// Waits until the console's clock has ticked twice: whatever was pressed before has had its effect, a dialog that has been on the
    /// screen takes keys, and what is pressed next is not taken for a key held down.
    pub fn beat(&self) {
        for _ in 0..2 {
            let before = self.terminal.until("the clock", clock);
            self.terminal.until("the next second", |screen| clock(screen).filter(|now| *now != before));
        }
    }

    /// Marks a command further down in the step, by the beginning of its title.
    pub fn mark(&self, title: &str) {
        let mut now = self.terminal.until("a marked command", marked);
        while !now.starts_with(title) {
            self.press("j");
            now = self
                .terminal
                .until(&format!("a mark below {now:?}, on the way to {title:?}"), |screen| marked(screen).filter(|found| *found != now));
        }
    }

    /// Goes to a step by the list of steps; `place` is where the step stands there, as in `6 of 10`.
    pub fn go_to(&self, title: &str, place: &str) {
        self.press("1g");
        self.beat();
        let mut now = self.terminal.until("a marked step", marked_step);
        while !now.contains(title) {
            self.press("j");
            now = self.terminal.until(&format!("a mark below {now:?}, on the way to {title:?}"), |screen| {
                marked_step(screen).filter(|found| *found != now)
            });
        }
        self.press("\r2");
        self.wait(&format!("· {place} ·"));
        // A frame comes in pieces, its top first.
        self.beat();
    }

    /// Starts the marked read and waits for its end.
    pub fn read(&mut self, title: &str) -> String {
        self.mark(title);
        self.press("\r");
        self.ended()
    }

    /// Starts the marked read, which is to succeed.
    pub fn succeeds(&mut self, title: &str) {
        self.mark(title);
        self.press("\r");
        self.ended_well();
    }

    /// Waits for the end of the run that was started last, which is to be a success.
    pub fn ended_well(&mut self) {
        let ending = self.ended();
        assert!(ending.starts_with("✓ succeeded"), "run #{} ended with {ending:?}. The screen:\n{}", self.runs, self.terminal.screen());
    }

    /// Starts the marked read, which nothing enforces and which is therefore confirmed, and waits for its end.
    pub fn vouch(&mut self, title: &str) -> String {
        self.mark(title);
        self.press("\r");
        self.wait("read-only by its author's word alone");
        self.beat();
        self.press("y");
        self.ended()
    }

    /// Answers a question of the runbook with a line.
    pub fn reply(&mut self, title: &str, answer: &str) {
        self.mark(title);
        self.press("\r");
        self.wait("Answer:");
        self.beat();
        self.press(answer);
        self.wait(&format!("Answer: {answer}"));
        self.press("\r");
        self.ended();
        // What stood for the answer in titles is replaced by it.
        self.beat();
    }

    /// Answers a question of the runbook with one of several.
    pub fn choose(&mut self, title: &str, choice: &str) {
        self.mark(title);
        self.press("\r");
        self.wait("Question:");
        self.beat();
        let on = format!("› {choice}");
        while !self.terminal.screen().contains(&on) {
            let before = self.terminal.screen();
            self.press("j");
            self.terminal.until(&on, |screen| (*screen != before).then_some(()));
        }
        self.press("\r");
        self.ended();
        // What stood for the answer in titles is replaced by it.
        self.beat();
    }

    /// Waits for the end of the run that was started last.
    pub fn ended(&mut self) -> String {
        self.runs += 1;
        if self.narrow {
            self.press("3");
        }
        let ending = self.terminal.until(&format!("the end of run #{}", self.runs), |screen| ending(screen, self.runs));
        if self.narrow {
            self.press("2");
            self.wait("[2 Step]");
            self.beat();
        }
        ending
    }

    /// Opens the dialog of a change and waits until it can be answered.
    pub fn propose(&self, title: &str, tier: u8) {
        self.mark(title);
        self.press("x");
        self.wait(&format!("TIER {tier} ·"));
        self.beat();
    }

    /// Ends the incident, and the console with it.
    pub fn close(&self, summary: &str) {
        self.press("E");
        self.wait("End the incident");
        self.beat();
        self.press(summary);
        self.wait(summary);
        self.press("\r");
    }

    /// Leaves; the incident stays open.
    pub fn leave(&self) {
        self.press("q");
        self.wait("Leave the console?");
        self.press("q");
    }
}
