//! A world whose clock stands still, the guard before it, and real kubectl and helm let loose on both.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use qrh::drill::world::{self, Kind, Options, Pace, Running};
use qrh::target::kube::{ApiGuard, Cluster, ConnectOptions, Secrets, Source};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// No single command takes longer.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct Ground {
    pub runtime: Runtime,
    pub dir: TempDir,
    world: Option<Running>,
    pub guard: Option<ApiGuard>,
    /// The guarded program's own directory.
    _private: TempDir,
}

impl Ground {
    /// The responder behind it may do everything: the guard alone stands between.
    pub fn new(secrets: Secrets) -> Self {
        Self::at(Pace::Stepped, secrets)
    }

    pub fn at(pace: Pace, secrets: Secrets) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = runtime.block_on(world::start(Options { pace, ..Options::default() })).unwrap();
        let (dir, private) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let text = world.kubeconfig().replace("\"current-context\": \"world\"", "\"current-context\": \"world-admin\"");
        std::fs::write(dir.path().join("config"), &text).unwrap();
        furnish(dir.path());
        let guard = runtime.block_on(async {
            let options = ConnectOptions { source: Source::Text(text), context: None, namespace: None };
            Cluster::connect(options).await.unwrap().guard(private.path(), secrets).await.unwrap()
        });
        Self { runtime, dir, world: Some(world), guard: Some(guard), _private: private }
    }

    pub fn world(&self) -> &Running {
        self.world.as_ref().unwrap()
    }

    pub fn guard(&self) -> &ApiGuard {
        self.guard.as_ref().unwrap()
    }

    /// Everything there is, events included: at a clock that stands still nothing changes by itself.
    pub fn state(&self) -> Vec<Value> {
        self.world().objects()
    }

    pub fn pod(&self) -> String {
        let first = self.world().look(|state| {
            state.store.list(Kind::Pod, "shop").find(|pod| pod.id.name.starts_with("checkout") && pod.pod.ready && !pod.deleting).cloned()
        });
        first.expect("checkout has a pod that is ready").id.name.clone()
    }

    pub fn guarded(&self, program: &Path, line: &str) -> Output {
        self.run(program, line, self.guard().kubeconfig())
    }

    pub fn bare(&self, program: &Path, line: &str) -> Output {
        self.run(program, line, &self.dir.path().join("config"))
    }

    /// As a person at a clean terminal would. What does not end by itself is ended, and gives no success.
    fn run(&self, program: &Path, line: &str, config: &Path) -> Output {
        let mut child = self.command(program, line, config).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let since = Instant::now();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = |mut pipe: Box<dyn std::io::Read + Send>| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                pipe.read_to_end(&mut bytes).unwrap();
                bytes
            })
        };
        let (out, err) = (read(Box::new(out)), read(Box::new(err)));
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if since.elapsed() > PATIENCE {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
                break child.wait().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
    }

    pub fn command(&self, program: &Path, line: &str, config: &Path) -> Command {
        let line = line.replace("{pod}", &self.pod()).replace("{dir}", &self.dir.path().display().to_string());
        let mut command = Command::new(program);
        command
            .args(line.split(' '))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("EDITOR", self.dir.path().join("editor"))
            .env("KUBECONFIG", config)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.guard = None;
        if let Some(world) = self.world.take() {
            self.runtime
                .block_on(async { tokio::time::timeout(Duration::from_secs(10), world.stop()).await })
                .expect("the world ends when told");
        }
    }
}

/// The files the commands name.
fn furnish(dir: &Path) {
    let write = |name: &str, text: &str| {
        let file = dir.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    write("editor", "#!/bin/sh\nexec sed -i 's/replicas: .*/replicas: 9/' \"$1\"\n");
    std::fs::set_permissions(dir.join("editor"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: evil, namespace: shop}\ndata: {a: b}\n";
    write("web.yaml", map);
    write("namespace.json", r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"evil"}}"#);
    write("role.yaml", "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: evil, namespace: shop}\nrules: []\n");
    write("kustom/kustomization.yaml", "resources: [web.yaml]\n");
    write("kustom/web.yaml", map);
    write("chart/Chart.yaml", "apiVersion: v2\nname: evil\nversion: 1.0.0\n");
    write("chart/templates/map.yaml", map);
}

/// A program named by a variable, as tests/run sets it.
pub fn tool(variable: &str, what: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|file| file.is_file());
    named.unwrap_or_else(|| panic!("{what} is needed for this test: run tests/run --setup-only, or set {variable}"))
}

/// The lines of a corpus, each with the program it is for.
pub fn lines(corpus: &'static str, kubectl: &Path, helm: Option<&Path>) -> Vec<(PathBuf, &'static str)> {
    let said = corpus.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.filter_map(|line| match line.strip_prefix("helm ") {
        Some(line) => Some((helm?.to_owned(), line)),
        None => Some((kubectl.to_owned(), line)),
    })
    .collect()
}
