//! A drill's world by itself: with what is wrong in it, and without a word of what that is.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::home::Home;

struct Serving {
    child: Child,
    said: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Until it has said all it says.
fn serve(home: &Home, scenario: &str) -> Serving {
    let mut command = home.command(&["world", "--scenario", scenario]);
    let mut child = command.env("TMPDIR", home.path("")).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
        if line.contains("is not told") {
            break;
        }
    }
    Serving { child, said }
}

fn get(url: &str, path: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_drills_world_has_its_faults_and_tells_nothing_of_them() {
    let home = Home::new();
    let world = serve(&home, "high-cpu");
    assert!(world.said.contains("the drill high-cpu"), "{}", world.said);
    for hidden in ["sync-json", "reports", "report-details", "block"] {
        assert!(!world.said.contains(hidden), "{hidden} is told: {}", world.said);
    }
    let line = world.said.lines().find(|line| line.starts_with("# checkout")).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let flag = get(url, "/flags/report-details");
    assert!(flag.contains("200 OK") && flag.contains("\"enabled\":true"), "the fault is there from the first moment: {flag}");
}
