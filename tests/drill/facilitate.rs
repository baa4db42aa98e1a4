//! A facilitator's second terminal: sees what is hidden, steers what comes, and the trainee's side shows none of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::home::{Home, log, until};

struct Playing {
    child: Child,
    out: Arc<Mutex<String>>,
    dir: PathBuf,
}

impl Playing {
    /// Watched by nobody, at life's pace, so that it lasts.
    fn start(home: &Home) -> Self {
        let mut command = home.command(&["drill", "bad-deploy", "--facilitate", "--autopilot", "--clock", "real", "--plain"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (out, mut stdout) = (Arc::new(Mutex::new(String::new())), child.stdout.take().unwrap());
        let heard = Arc::clone(&out);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut bytes) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        let dir = until("the incident", || {
            let dir = std::fs::read_dir(home.path("state/incidents")).ok()?.next()?.ok()?.path();
            dir.join("facilitator.sock").exists().then_some(dir)
        });
        Self { child, out, dir }
    }

    fn wait_for(&self, text: &str) {
        until(text, || self.out.lock().unwrap().contains(text).then_some(()));
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(stream: &UnixStream, line: &str) -> String {
    (&*stream).write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.by_ref().take_while(|line| line != ".").collect::<Vec<_>>().join("\n")
}

fn kinds(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["type"].as_str().unwrap()).collect()
}

#[test]
fn a_facilitator_sees_and_steers_what_the_trainee_does_not_see() {
    let home = Home::new();
    let mut playing = Playing::start(&home);
    let socket = playing.dir.join("facilitator.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let stream = UnixStream::connect(&socket).unwrap();
    let status = until("the fault", || Some(ask(&stream, "status")).filter(|status| status.contains("fault release: active")));
    for hidden in ["cause release (RIGHT)", "message page from pager: due at "] {
        assert!(status.contains(hidden), "{status}");
    }
    assert!(ask(&stream, "script").contains("kind: bad-release"));
    assert_eq!(ask(&stream, "hold first-customers"), "first-customers is kept back");
    assert!(ask(&stream, "fire page").contains("sent"));
    assert!(ask(&stream, "say look at the versions").contains("sent"));
    playing.wait_for("FACILITATOR: look at the versions");
    playing.wait_for("PAGER: ");
    assert_eq!(ask(&stream, "pause"), "the clock stands still");
    assert!(ask(&stream, "pause").starts_with("!! "));
    assert!(ask(&stream, "status").contains("clock held"));
    assert_eq!(ask(&stream, "continue"), "the clock goes on");
    assert!(ask(&stream, "rate tell-partners some late, but they did").contains("Some challenges"));
    assert!(ask(&stream, "rate tell-partners brilliant x").starts_with("!! "));
    assert!(ask(&stream, "no-such-word").starts_with("!! "));
    let second = home.run(&["facilitate"]);
    assert!(second.out.contains("FACILITATOR") && second.out.contains("fault release"), "{}\n{}", second.out, second.err);
    until("the rating on disk", || kinds(&log(&playing.dir)).contains(&"qrh.drill.rated").then_some(()));
    let shown = playing.out.lock().unwrap().clone();
    for hidden in ["bad-release", "RIGHT", "unhealthy", "fault-began", "Some challenges"] {
        assert!(!shown.contains(hidden), "{hidden} is shown to the trainee:\n{shown}");
    }
    kill_process(Pid::from_child(&playing.child), Signal::TERM).unwrap();
    playing.child.wait().unwrap();
    let records = log(&playing.dir);
    let kinds = kinds(&records);
    for kind in
        ["qrh.drill.injected", "qrh.drill.paused", "qrh.drill.continued", "qrh.drill.ended", "qrh.drill.revealed", "qrh.incident.closed"]
    {
        assert!(kinds.contains(&kind), "no {kind} in {kinds:?}");
    }
    assert!(!socket.exists(), "the door is gone with the drill");
    let late = home.run(&["facilitate", playing.dir.file_name().unwrap().to_str().unwrap()]);
    assert_eq!(late.code, 3, "{}", late.err);
}
