//! The console in lines on a terminal, as a responder has it with `--plain`.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::ground::{Ground, SERVICE};
use crate::pty::{Start, Terminal, WIDE};

pub struct Session<'a> {
    ground: &'a Ground,
    terminal: Terminal,
    home: PathBuf,
}

impl<'a> Session<'a> {
    pub fn open(ground: &'a Ground, runbook: &str) -> Self {
        let home = ground.dir.path().join(format!("home-{runbook}"));
        std::fs::create_dir_all(&home).unwrap();
        let target = json!({
            "context": ground.context, "namespace": ground.namespace, "workload": SERVICE, "container": SERVICE,
            "selector": format!("app={SERVICE}"),
        });
        // Only the cluster's part of a runbook is tried: no Prometheus is there, and something answers in the service's place that it lives.
        let url = format!("http://{}", alive());
        let card = json!({ "owner": "shop", "prometheus": "http://127.0.0.1:9", "url": url, "target": { "cluster": target } });
        let catalog = json!({ "schema": "qrh.services/v1", "services": { SERVICE: card } });
        std::fs::write(home.join("services.yaml"), catalog.to_string()).unwrap();
        let environment: Vec<(OsString, OsString)> = [
            ("HOME", home.clone().into_os_string()),
            ("XDG_STATE_HOME", home.join("state").into_os_string()),
            ("QRH_SERVICES", home.join("services.yaml").into_os_string()),
            ("KUBECONFIG", ground.config().into_os_string()),
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("TERM", "xterm-256color".into()),
            ("USER", "ann".into()),
            ("LANG", "C.UTF-8".into()),
        ]
        .map(|(name, value)| (name.into(), value))
        .into();
        let arguments: Vec<OsString> = ["run", runbook, "--service", SERVICE, "--plain"].map(OsString::from).into();
        let program = Path::new(env!("CARGO_BIN_EXE_qrh"));
        let terminal = Terminal::start(&Start { program, arguments: &arguments, environment: &environment, directory: &home, area: WIDE });
        terminal.wait_sent(0, &format!("LIVE {SERVICE} "));
        let session = Self { ground, terminal, home };
        session.wait_for_facts();
        session
    }

    /// They are read beside everything else; a command that needs them is not ready before.
    fn wait_for_facts(&self) {
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            if self.say("facts", &["nothing was read", "ago:"]).contains("ago:") {
                return;
            }
            read_it();
        }
        panic!("the facts were not read:\n{}", self.terminal.screen());
    }

    /// Types a line and waits for one of the texts that come after it.
    pub fn say(&self, line: &str, texts: &[&str]) -> String {
        let from = self.terminal.sent();
        self.terminal.press(&format!("{line}\n"));
        self.terminal.until_sent(from, texts)
    }

    pub fn step(&self, step: &str) {
        self.say(&format!("step {step}"), &[&format!("LIVE {SERVICE} {step}>")]);
    }

    /// A read that must succeed.
    pub fn reads(&self, command: &str) {
        assert_eq!(self.read(command), None);
    }

    /// What was said instead where a read did not succeed.
    pub fn read(&self, command: &str) -> Option<String> {
        let good = format!(" {command} ok after");
        let mut said = self.say(&format!("run {command}"), &[&good, "!! ", "y or n> "]);
        if !said.contains(&good) && said.contains("y or n> ") {
            // Nothing but its author says that it only reads.
            read_it();
            said = self.say("y", &[&good, "!! "]);
        }
        (!said.contains(&good)).then_some(said)
    }

    pub fn answers(&self, command: &str, answer: &str) {
        self.say(&format!("run {command}"), &["answer> "]);
        self.say(answer, &[&format!(" {command} ok after")]);
    }

    /// A change, confirmed with what its dialog asks for. Gives what the dialog said, and the number of the run.
    pub fn changes(&self, command: &str) -> (String, String) {
        self.confirms(&format!("run {command}"), command)
    }

    pub fn takes_back(&self, run: &str, command: &str) {
        self.confirms(&format!("undo {run}"), command);
    }

    fn confirms(&self, line: &str, command: &str) -> (String, String) {
        let name = format!("{SERVICE} or n> ");
        let dialog = self.say(line, &["y or n> ", &name]);
        read_it();
        let answer = if dialog.contains(&name) { SERVICE } else { "y" };
        let good = format!(" {command} ok after");
        let said = self.say(answer, &[&good, "!! "]);
        let run = said.split(&good).next().and_then(|before| before.rsplit('#').next()).unwrap_or_default();
        assert!(said.contains(&good), "{command}:\n{dialog}\n{said}");
        (dialog, run.to_owned())
    }

    /// Leaves the incident open, and gives its events.
    pub fn leave(self) -> Vec<Value> {
        self.terminal.press("quit\n");
        let ended = self.terminal.end();
        assert_eq!(ended.code(), 0, "{}", ended.screen);
        let incidents = self.home.join("state/qrh/incidents");
        let dir = std::fs::read_dir(&incidents).unwrap().next().unwrap().unwrap().path().join("log");
        let log = std::fs::read_dir(&dir).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(log).unwrap();
        assert!(!text.contains("Bearer "), "a credential is in the log of {}", self.ground.namespace);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A dialog takes no answer before a person could have read it (300 ms).
fn read_it() {
    let (nobody, never) = (Mutex::new(()), Condvar::new());
    drop(never.wait_timeout(nobody.lock().unwrap(), Duration::from_millis(500)).unwrap());
}

/// Answers every request with 200, until the test ends.
fn alive() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            // One read is all of a request without a body.
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    address
}
