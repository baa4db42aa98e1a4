//! What every test stands on: a server with the recorded shop, a cluster connected to it, and a conduct.

use std::path::PathBuf;
use std::time::Duration;

use qrh::action::kube::Kube;
use qrh::action::{Ending, Report};
use qrh::target::kube::{Cluster, ConnectOptions, Source};
use qrh::target::stream::{Conduct, Line};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::server::Server;

pub const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
pub const PODS: &str = "/api/v1/namespaces/shop/pods";
pub const SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";
pub const POD: &str = "/api/v1/namespaces/shop/pods/web-7c9d8b6f5-x2x9k";

pub struct Bench {
    pub server: Server,
    pub cluster: Cluster,
    pub dir: TempDir,
}

/// A recorded answer.
pub fn data(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/kube").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn kube(value: Value) -> Kube {
    serde_json::from_value(value).unwrap()
}

pub fn kubeconfig(server: &str, user: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "prod",
        "clusters": [{"name": "prod-cluster", "cluster": {"server": server}}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod-cluster", "user": "responder", "namespace": "shop"}}],
        "users": [{"name": "responder", "user": user}],
    })
}

pub fn options(file: PathBuf) -> ConnectOptions {
    ConnectOptions { source: Source::Kubeconfig(vec![file]), context: None, namespace: None }
}

impl Bench {
    /// The shop's Deployment, ReplicaSets, pods, budget and autoscaler are there.
    pub async fn new() -> Self {
        let server = Server::start().await;
        let user = json!({"token": "t0ken"});
        let bench = Self::at(server, user).await;
        bench.server.json(&format!("GET {WEB}"), data("deployment.json"));
        bench.server.json(&format!("GET {SETS}"), data("replicasets.json"));
        bench.server.json(&format!("GET {PODS}"), data("pods.json"));
        bench.server.json(&format!("GET {POD}"), data("pod.json"));
        bench.server.json("GET /apis/policy/v1/namespaces/shop/poddisruptionbudgets", data("pdbs.json"));
        bench.server.json("GET /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers", data("hpas.json"));
        bench.server.json("GET /api/v1/nodes/node-1", data("node.json"));
        bench.server.json("GET /api/v1/namespaces/shop/events", data("events.json"));
        bench
    }

    /// An empty server and a user of the kubeconfig.
    pub async fn at(server: Server, user: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, kubeconfig(&server.url(), user).to_string()).unwrap();
        let cluster = Cluster::connect(options(file)).await.unwrap();
        Self { server, cluster, dir }
    }

    pub async fn read(&self, verb: Value) -> Report {
        let (conduct, lines) = conduct(Duration::from_secs(20));
        let report = self.cluster.read(&kube(verb), &conduct).await;
        drop((conduct, lines));
        report
    }

    pub async fn apply(&self, verb: Value) -> Report {
        let (conduct, _lines) = conduct(Duration::from_secs(20));
        self.cluster.apply(&kube(verb), None, &conduct).await
    }

    /// With the identity a person was shown.
    pub async fn apply_shown(&self, verb: Value) -> Report {
        let verb = kube(verb);
        let identity = self.cluster.identity(&verb).await.unwrap();
        let (conduct, _lines) = conduct(Duration::from_secs(20));
        self.cluster.apply(&verb, identity.object.as_ref(), &conduct).await
    }
}

/// With room for every line of a test.
pub fn conduct(timeout: Duration) -> (Conduct, mpsc::Receiver<Line>) {
    let (lines, receiver) = mpsc::channel(20_000);
    (Conduct { lines, cancel: CancellationToken::new(), timeout }, receiver)
}

/// The text of an ending.
pub fn why(report: &Report) -> String {
    match &report.ending {
        Ending::Succeeded => "succeeded".to_owned(),
        Ending::Stopped => "stopped".to_owned(),
        Ending::Failed(why) | Ending::Unreachable(why) | Ending::Unknown(why) | Ending::Voided(why) => why.clone(),
    }
}

pub fn kind(report: &Report) -> &'static str {
    match &report.ending {
        Ending::Succeeded => "succeeded",
        Ending::Stopped => "stopped",
        Ending::Failed(_) => "failed",
        Ending::Unreachable(_) => "unreachable",
        Ending::Unknown(_) => "unknown",
        Ending::Voided(_) => "voided",
    }
}
