//! Where the suite runs: the simulated world, or the cluster that `QRH_E2E_KUBECONFIG` names. In both it makes a namespace of its own and
//! puts the same two releases of one Deployment there.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use qrh::drill::world::{self, Options, Running};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The Deployment, its label, and the service's name in the catalog.
pub const SERVICE: &str = "checkout";
/// What the world runs in place of `QRH_E2E_IMAGE`.
const WORLD_IMAGE: &str = "registry.example.com/checkout:1.4.2";

pub struct Ground {
    pub dir: TempDir,
    pub namespace: String,
    pub context: String,
    image: String,
    world: Option<(Running, Runtime)>,
}

impl Ground {
    /// The simulated world.
    pub fn world() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let world = runtime.block_on(world::start(Options::default())).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config"), world.kubeconfig()).unwrap();
        let (context, image) = ("world-admin".to_owned(), WORLD_IMAGE.to_owned());
        Self { dir, namespace: namespace(), context, image, world: Some((world, runtime)) }
    }

    /// The cluster the variable names, with the context its kubeconfig has as the current one. Never a kubeconfig that is only there.
    pub fn real() -> Option<Self> {
        let file = std::env::var_os("QRH_E2E_KUBECONFIG")?;
        let image = std::env::var("QRH_E2E_IMAGE").expect("QRH_E2E_IMAGE names the image of the fixture service for QRH_E2E_KUBECONFIG");
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(&file, dir.path().join("config")).unwrap_or_else(|error| panic!("QRH_E2E_KUBECONFIG {}: {error}", file.display()));
        let mut ground = Self { dir, namespace: namespace(), context: String::new(), image, world: None };
        ground.kubectl(&["config", "current-context"]).trim().clone_into(&mut ground.context);
        Some(ground)
    }

    /// The real cluster where one is named, else the world.
    pub fn new() -> Self {
        let ground = Self::real().unwrap_or_else(Self::world);
        println!("ground: {}", if ground.is_world() { "the simulated world" } else { "a real cluster" });
        ground.set_up();
        ground
    }

    pub fn is_world(&self) -> bool {
        self.world.is_some()
    }

    /// Two releases, the second of which runs.
    pub fn set_up(&self) {
        for document in self.documents() {
            self.apply(&document);
        }
        self.kubectl(&["rollout", "status", "deployment/checkout", "--timeout=180s"]);
        self.kubectl(&["set", "env", "deployment/checkout", "RELEASE=2"]);
        self.kubectl(&["rollout", "status", "deployment/checkout", "--timeout=180s"]);
    }

    fn documents(&self) -> Vec<Value> {
        let labels = json!({ "app": SERVICE });
        let metadata = |name: &str| json!({ "name": name, "namespace": self.namespace, "labels": labels });
        let container = json!({
            "name": SERVICE, "image": self.image, "ports": [{ "name": "http", "containerPort": 3000 }],
            "env": [{ "name": "RELEASE", "value": "1" }, { "name": "PORT", "value": "3000" }],
            "resources": { "requests": { "cpu": "20m", "memory": "64Mi" }, "limits": { "memory": "256Mi" } },
        });
        let template =
            json!({ "metadata": { "labels": labels }, "spec": { "terminationGracePeriodSeconds": 5, "containers": [container] } });
        let deployment = json!({ "replicas": 2, "selector": { "matchLabels": labels }, "template": template });
        let budget = json!({ "minAvailable": 1, "selector": { "matchLabels": labels } });
        let service = json!({ "selector": labels, "ports": [{ "name": "http", "port": 80, "targetPort": 3000 }] });
        vec![
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.namespace } }),
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(SERVICE), "spec": deployment }),
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata(SERVICE), "spec": service }),
            json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(SERVICE), "spec": budget }),
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("settings"), "data": { "level": "info" } }),
        ]
    }

    fn apply(&self, document: &Value) {
        let mut child =
            self.command(&["apply", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
        said(&["apply", &document["kind"].to_string()], child.wait_with_output().unwrap());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool("QRH_TEST_KUBECTL", "kubectl"));
        command.env_clear().env("HOME", self.dir.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("KUBECONFIG", self.config()).args(["--request-timeout=30s"]);
        if !self.context.is_empty() {
            command.args(["--context", &self.context, "--namespace", &self.namespace]);
        }
        command.args(arguments).stdin(Stdio::null());
        command
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        said(arguments, self.command(arguments).output().unwrap())
    }

    /// A command that may fail; the API's own answer is wanted either way.
    pub fn attempt(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.kubectl(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("kubectl {arguments:?}: {error}: {text}"))
    }

    /// One value of the Deployment as the API has it.
    pub fn deployment(&self, pointer: &str) -> Value {
        let deployment = self.json(&["get", "deployment", SERVICE, "-o", "json"]);
        deployment.pointer(pointer).cloned().unwrap_or_default()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        match self.world.take() {
            Some((world, runtime)) => runtime.block_on(world.stop()),
            // The namespace is this run's own; whatever became of the test, nothing of it stays.
            None => drop(self.attempt(&["delete", "namespace", &self.namespace, "--wait=false"])),
        }
    }
}

/// No other run has this name.
fn namespace() -> String {
    let own = ulid::Ulid::generate().to_string().to_lowercase();
    format!("qrh-e2e-{}", &own[own.len() - 10..])
}

fn said(arguments: &[&str], output: Output) -> String {
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn tool(variable: &str, what: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|file| Path::is_file(file));
    named.unwrap_or_else(|| panic!("{what} is needed for this test: run tests/run --setup-only, or set {variable}"))
}
