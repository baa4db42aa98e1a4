//! A real Prometheus on a port from the kernel, filled by remote write: exact timestamps, staleness markers, no scraping and no waiting.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use qrh::drill::world::promql::{Labels, Release, Sample};

const DEADLINE: Duration = Duration::from_secs(50);

pub struct Prometheus {
    child: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/prometheus/prometheus");
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = std::env::var_os("QRH_TEST_PROMETHEUS")
        .map(PathBuf::from)
        .into_iter()
        .chain([here])
        .chain(std::env::split_paths(&on_path).map(|directory| directory.join("prometheus")));
    candidates
        .into_iter()
        .find(|candidate| candidate.is_file())
        .expect("no prometheus: run tests/run --setup-only, or name one in QRH_TEST_PROMETHEUS")
}

impl Prometheus {
    /// Started, and holding `series`.
    pub fn with(series: &[(Labels, Vec<Sample>)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("prometheus.yml");
        std::fs::write(&config, "global: {}\n").unwrap();
        let mut child = Command::new(binary())
            .args(["--web.listen-address=127.0.0.1:0", "--web.enable-remote-write-receiver", "--log.level=info"])
            // One block for all samples, so that none is too old to be taken.
            .args(["--storage.tsdb.min-block-duration=2d", "--storage.tsdb.max-block-duration=2d"])
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let address = listening(&mut child);
        let prometheus = Self { child, address, _directory: directory };
        prometheus.write(series);
        prometheus
    }

    /// What it says of itself.
    pub fn release(&self) -> Release {
        let (status, body) = self.get("/api/v1/status/buildinfo");
        assert_eq!(status, 200, "{body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let version = body["data"]["version"].as_str().unwrap().to_owned();
        let mut parts = version.split(['.', '+', '-']).map(|part| part.parse().unwrap());
        Release { major: parts.next().unwrap(), minor: parts.next().unwrap() }
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.0\r\n"), b"")
    }

    pub fn post(&self, path: &str, form: &str) -> (u16, String) {
        self.ask(&format!("POST {path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n"), form.as_bytes())
    }

    fn ask(&self, head: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect_timeout(&self.address, DEADLINE).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(format!("{head}Host: localhost\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn write(&self, series: &[(Labels, Vec<Sample>)]) {
        for (labels, samples) in series {
            let body = snappy(&write_request(labels, samples));
            let head = "POST /api/v1/write HTTP/1.0\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n";
            let (status, answer) = self.ask(head, &body);
            assert_eq!(status, 204, "{labels}: {answer}");
        }
    }
}

/// Reads its log until it is ready and has said where it listens, in whichever order; a thread then keeps the pipe empty.
fn listening(child: &mut Child) -> SocketAddr {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut address, mut ready, mut log) = (None, false, String::new());
    for line in lines.by_ref() {
        let line = line.unwrap();
        if let Some((_, said)) = line.split_once("address=")
            && line.contains("Listening on")
        {
            address = Some(said.trim_matches('"').parse().unwrap());
        }
        ready |= line.contains("Server is ready to receive web requests");
        log.push_str(&line);
        log.push('\n');
        if let (Some(address), true) = (address, ready) {
            std::thread::spawn(move || lines.for_each(drop));
            return address;
        }
    }
    panic!("prometheus ended before it was ready and had said where it listens:\n{log}");
}

fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    into.push(u8::try_from(value).unwrap());
}

fn field(number: u8, bytes: &[u8], into: &mut Vec<u8>) {
    into.push(number << 3 | 2);
    varint(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

/// `prometheus.WriteRequest` of remote write 1.0, one series.
fn write_request(labels: &Labels, samples: &[Sample]) -> Vec<u8> {
    let mut series = Vec::new();
    for (name, value) in labels.iter() {
        let mut label = Vec::new();
        field(1, name.as_bytes(), &mut label);
        field(2, value.as_bytes(), &mut label);
        field(1, &label, &mut series);
    }
    for sample in samples {
        let mut message = vec![1 << 3 | 1];
        message.extend_from_slice(&sample.value.to_le_bytes());
        message.push(2 << 3);
        varint(u64::try_from(sample.at).unwrap(), &mut message);
        field(2, &message, &mut series);
    }
    let mut request = Vec::new();
    field(1, &series, &mut request);
    request
}

/// Snappy's block format, all literals.
fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    varint(bytes.len() as u64, &mut block);
    for literal in bytes.chunks(0x1_0000) {
        block.push(61 << 2);
        block.extend_from_slice(&u16::try_from(literal.len() - 1).unwrap().to_le_bytes());
        block.extend_from_slice(literal);
    }
    block
}
