//! The real thing: the fixture service under its supervisor with two releases, a load on it, an upstream that refuses, and a Prometheus
//! that scrapes it each second. Loopback only, ports from the kernel, ended with this value.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use qrh::runbook::catalog::{self, Service};
use qrh::runbook::source::SourceFile;
use qrh::target::facts::{HostQuery, facts};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a part of the world may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub dir: TempDir,
    pub url: String,
    pub prometheus: String,
    server: Child,
    /// They end in an orderly way with their input.
    programs: Vec<Child>,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        for mut program in self.programs.drain(..).rev() {
            drop(program.stdin.take());
            let _ = program.wait();
        }
    }
}

fn tool(variable: &str, name: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = named.or_else(|| std::env::split_paths(&places).map(|place| place.join(name)).find(|path| path.is_file()));
    found.unwrap_or_else(|| panic!("{name} is missing: run tests/run, which installs it, or set {variable}"))
}

fn fixture() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/service");
    assert!(path.join("node_modules").is_dir(), "the fixture's node_modules are missing: run tests/run, which installs them");
    path
}

/// Waits for something that comes by itself.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not come within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn node(script: &str) -> Command {
    let mut command = Command::new(tool("QRH_TEST_NODE", "node"));
    command.arg(fixture().join(script)).env("EXIT_WITH_PARENT", "1").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl World {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let made = node("make-releases.mjs").arg(&root).status().unwrap();
        assert!(made.success(), "make-releases.mjs: {made}");
        // Refuses: nobody listens there any more.
        let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let state = root.join("state");
        std::fs::create_dir(&state).unwrap();
        let supervisor = node("supervise.mjs")
            .arg("--current")
            .arg(root.join("current"))
            .arg("--state")
            .arg(&state)
            .env("PORT", "0")
            .env("UPSTREAM_URL", format!("http://{refusing}"))
            .spawn()
            .unwrap();
        let port = until("the service", || std::fs::read_to_string(state.join("service.port")).ok()?.trim().parse::<u16>().ok());
        let url = format!("http://127.0.0.1:{port}");
        let load = node("load.mjs").args(["--target", &url, "--rate", "30", "--duration", "600"]).spawn().unwrap();
        let (prometheus, server) = prometheus(&root, port);
        Self { dir, url, prometheus, server, programs: vec![supervisor, load] }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// The service as a catalog would have it, on this host.
    pub fn on_host(&self) -> Service {
        let (root, url, port, prometheus) = (self.root().display().to_string(), &self.url, self.port(), &self.prometheus);
        service(&format!(
            "schema: qrh.services/v1\nservices:\n  shop:\n    owner: shop team\n    prometheus: {prometheus}\n    url: {url}\n    \
             vars: {{ log_file: '{root}/state/service.log', deploy_lock: '{root}/state/lock' }}\n    target:\n      host: {{ pid_file: \
             '{root}/state/service.pid', port: {port}, releases: '{root}/releases', current: '{root}/current' }}\n"
        ))
    }

    /// The same service as if it ran in the cluster of the recorded answers.
    pub fn in_cluster(&self) -> Service {
        let (url, prometheus) = (&self.url, &self.prometheus);
        service(&format!(
            "schema: qrh.services/v1\nservices:\n  shop:\n    owner: shop team\n    prometheus: {prometheus}\n    url: {url}\n    target:\n      \
             cluster: {{ context: prod, namespace: shop, workload: web, container: app }}\n"
        ))
    }

    pub async fn facts(&self) -> Value {
        let root = self.root();
        let query = HostQuery {
            pid_file: Some(root.join("state/service.pid")),
            port: self.port().parse().ok(),
            current: Some(root.join("current")),
            releases: Some(root.join("releases")),
            ..HostQuery::default()
        };
        facts(&query).await
    }
}

fn service(text: &str) -> Service {
    let (catalog, diagnostics) = catalog::load(&SourceFile::new("services.yaml", text.as_bytes().to_vec()));
    catalog.unwrap_or_else(|| panic!("{diagnostics:?}\n{text}")).services.remove(0)
}

fn prometheus(root: &Path, port: u16) -> (String, Child) {
    let config = json!({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [format!("127.0.0.1:{port}")], "labels": {"service": "shop"}}]}],
    });
    let file = root.join("prometheus.yml");
    std::fs::write(&file, config.to_string()).unwrap();
    let mut child = Command::new(tool("QRH_TEST_PROMETHEUS", "prometheus"))
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", root.join("prometheus").display()))
        .arg("--web.listen-address=127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().expect("Prometheus ended before it listened").unwrap();
        let at = line.split_once("Listening on").and_then(|(_, rest)| rest.split_once("address="));
        if let Some((_, rest)) = at {
            break rest.split_whitespace().next().unwrap().to_owned();
        }
    };
    // A full pipe would stop it.
    std::thread::spawn(move || lines.for_each(drop));
    (format!("http://{address}"), child)
}
