//! A world of real processes: the fixture service with a fault, a load on it, and a Prometheus that scrapes it each second. Loopback only,
//! ports from the kernel; all of them end with this value, and with this process if it is killed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, setpriority_process};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use crate::pty::PATIENCE;

/// Requests a second that are offered. With the fault on, two at a time keep the main thread busy and the rest is not sent.
const RATE: &str = "60";

/// A program that ends with its standard input.
pub struct Program {
    child: Child,
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A program that is ended by its id.
pub struct Server {
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a service answers, and where it keeps its process id and its log.
pub struct Service {
    pub port: u16,
    pub pid_file: PathBuf,
    pub log: PathBuf,
}

impl Service {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn pid(&self) -> u32 {
        std::fs::read_to_string(&self.pid_file).unwrap().trim().parse().unwrap()
    }

    /// A JSON answer of the service.
    pub fn ask(&self, path: &str) -> Value {
        let (status, body) = exchange(self.port, "GET", path, "");
        assert_eq!(status, 200, "GET {path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("GET {path}: {error}: {body}"))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.ask(&format!("/flags/{name}"))["enabled"].as_bool().unwrap()
    }

    /// The lines of its own log that tell of an event.
    pub fn told(&self, event: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(&self.log).unwrap();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["event"] == event).collect()
    }
}

/// A path of a tool the tests need, or one clear line.
fn tool(variable: &str, name: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(name).join(name);
    let places = std::env::var_os("PATH").unwrap_or_default();
    let mut found = named.into_iter().chain([own]).chain(std::env::split_paths(&places).map(|place| place.join(name)));
    found.find(|path| path.is_file()).unwrap_or_else(|| panic!("{name} is missing: run tests/run, which installs it, or set {variable}"))
}

fn script(name: &str) -> PathBuf {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/service");
    assert!(fixture.join("node_modules").is_dir(), "the fixture's node_modules are missing: run tests/run, which installs them");
    fixture.join(name)
}

/// Waits for something that is not on a screen.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not come within {PATIENCE:?}");
        // Nothing tells when a file appears or a process ends; this only sets how often is looked.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A port nobody listens on.
pub fn refusing_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(command: &mut Command) -> Program {
    Program {
        child: command.env("EXIT_WITH_PARENT", "1").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
    }
}

fn node(name: &str) -> Command {
    let mut command = Command::new(tool("QRH_TEST_NODE", "node"));
    command.arg(script(name));
    command
}

fn port_in(file: &Path) -> u16 {
    until("the service", || std::fs::read_to_string(file).ok()?.trim().parse().ok())
}

/// The service alone, with a fault that is on.
pub fn service(root: &Path, fault: &str) -> (Service, Server) {
    let [pid_file, port_file, log] = ["service.pid", "service.port", "service.log"].map(|name| root.join(name));
    let child = Command::new("setsid")
        .arg(tool("QRH_TEST_NODE", "node"))
        .arg(script("server.mjs"))
        .envs([("PORT", "0"), ("FAULT", fault), ("EXIT_WITH_PARENT", "1")])
        .envs([("PID_FILE", &pid_file), ("PORT_FILE", &port_file)])
        .stdin(Stdio::piped())
        .stdout(File::create(&log).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { child };
    let service = Service { port: port_in(&port_file), pid_file, log };
    prefer(service.pid());
    (service, server)
}

/// Lets a process have a core whatever else this machine does, where that may be said: it is to saturate one. Where the scheduler groups
/// processes by session, the group's weight counts; it has a session of its own.
fn prefer(pid: u32) {
    let _ = setpriority_process(Pid::from_raw(pid.try_into().unwrap()), -15);
    let _ = std::fs::write(format!("/proc/{pid}/autogroup"), "-15");
}

/// The service under its supervisor, from `current`, which leads to the bad one of two releases.
pub fn supervised(root: &Path) -> (Service, Program) {
    let made = node("make-releases.mjs").arg(root).stdout(Stdio::null()).status().unwrap();
    assert!(made.success(), "make-releases.mjs: {made}");
    let state = root.join("state");
    let supervisor = start(
        node("supervise.mjs")
            .arg("--current")
            .arg(root.join("current"))
            .arg("--state")
            .arg(&state)
            .env("PORT", "0")
            .env("DRAIN_DELAY_MS", "0"),
    );
    let port = port_in(&state.join("service.port"));
    (Service { port, pid_file: state.join("service.pid"), log: state.join("service.log") }, supervisor)
}

pub fn load(service: &Service, path: &str, rate: Option<&str>) -> Program {
    let url = service.url();
    let rate = rate.unwrap_or(RATE);
    start(node("load.mjs").args(["--target", &url, "--paths", path, "--rate", rate, "--concurrency", "2", "--duration", "600"]))
}

/// A Prometheus that scrapes the service.
pub struct Prometheus {
    pub port: u16,
    _server: Server,
}

impl Prometheus {
    pub fn start(root: &Path, service: &Service) -> Self {
        let targets = json!([{"targets": [format!("127.0.0.1:{}", service.port)], "labels": {"service": "shop"}}]);
        let config = json!({
            "global": {"scrape_interval": "1s"}, "scrape_configs": [{"job_name": "shop", "static_configs": targets}],
        });
        let file = root.join("prometheus.yml");
        std::fs::write(&file, config.to_string()).unwrap();
        // It does not watch its standard input: the kernel ends it with this process.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(tool("QRH_TEST_PROMETHEUS", "prometheus"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", root.join("prometheus").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let server = Server { child };
        let port = loop {
            let line = lines.next().expect("Prometheus ended before it listened").unwrap();
            let address = line.split_once("Listening on").and_then(|(_, rest)| rest.split_once("address=127.0.0.1:"));
            if let Some((_, rest)) = address {
                break rest.split_whitespace().next().unwrap().parse().unwrap();
            }
        };
        // A full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { port, _server: server }
    }

    /// The first value of an instant query, at a time as Prometheus takes it; nothing where there is none.
    pub fn query(&self, query: &str, time: &str) -> Option<f64> {
        let encoded = query.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
        let (status, body) = exchange(self.port, "GET", &format!("/api/v1/query?query={encoded}&time={time}"), "");
        if status == 503 {
            // It listens before it is ready.
            return None;
        }
        assert_eq!(status, 200, "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

/// One HTTP exchange on loopback: status and body.
pub fn exchange(port: u16, method: &str, path: &str, body: &str) -> (u16, String) {
    // A service that restarts does not listen for a moment.
    let mut stream = until("a connection", || TcpStream::connect(("127.0.0.1", port)).ok());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head =
        format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {answer:?}"));
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{method} {path}: {head}")), body.to_owned())
}

/// A directory of the test's own, without links in its path.
pub fn directory() -> (TempDir, PathBuf) {
    let kept = tempfile::tempdir().unwrap();
    let root = kept.path().canonicalize().unwrap();
    (kept, root)
}
