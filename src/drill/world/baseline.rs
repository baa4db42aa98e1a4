//! The world before anything happens: a shop with two services, a few releases behind them, and the two nodes it runs on. Its past is
//! not made up but played: every revision was rolled out once, so that history, hashes and digests are those of a cluster that lived.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::{Clock, Pace, earlier, stamp};
use super::control::hpa;
use super::json::set;
use super::kind::Kind;
use super::object::Id;
use super::plant::{self, Plant, Shop};
use super::service;
use super::state::{Past, State};
use super::{Error, Options, api::defaults};

pub const SCENARIOS: &[&str] = &["baseline"];
pub const MOST_PODS: usize = 20_000;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

pub fn build(options: &Options) -> Result<State, Error> {
    if !SCENARIOS.contains(&options.scenario.as_str()) {
        return Err(Error::Scenario(options.scenario.clone()));
    }
    if options.pods > MOST_PODS {
        return Err(Error::Pods { asked: options.pods });
    }
    let epoch = options.epoch.unwrap_or_else(Timestamp::now);
    let plant = Plant::new(options.seed);
    let behaviour = options.behaviour.clone().unwrap_or_else(|| Shop::new(plant.clone(), options.pace));
    let mut state = State::new(options.seed, Clock::new(options.pace, epoch), behaviour, plant);
    state.now = earlier(epoch, DAY * 90);
    cluster(&mut state, options.pods.div_ceil(110));
    shop(&mut state, epoch);
    fleet(&mut state, options.pods);
    state.play(earlier(epoch, HOUR));
    state.now = epoch;
    state.past = Past::Done;
    plant::begin(&mut state);
    hpa::begin(&mut state);
    state.settle();
    Ok(state)
}

fn add(state: &mut State, kind: Kind, mut value: Value) {
    defaults::apply(kind, &mut value);
    state.add(kind, value);
}

fn cluster(state: &mut State, more: usize) {
    for namespace in ["default", "kube-system", "kube-public", "kube-node-lease", "shop"] {
        add(state, Kind::Namespace, json!({ "metadata": { "name": namespace } }));
    }
    for index in 1..=2 + more {
        node(state, index);
    }
    state.settle();
    let port = json!([{ "name": "https", "port": 443, "targetPort": 6443, "protocol": "TCP" }]);
    let spec = json!({ "clusterIP": "10.43.0.1", "clusterIPs": ["10.43.0.1"], "ports": port });
    let metadata =
        json!({ "name": "kubernetes", "namespace": "default", "labels": { "component": "apiserver", "provider": "kubernetes" } });
    add(state, Kind::Service, json!({ "metadata": metadata, "spec": spec }));
}

fn node(state: &mut State, index: usize) {
    let name = format!("node-{index}");
    let now = stamp(state.now);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now, "lastTransitionTime": now });
    let size = json!({ "cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi" });
    let labels = json!({
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": format!("zone-{}", if index % 2 == 1 { "a" } else { "b" }),
    });
    let status = json!({
        "capacity": size, "allocatable": size,
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "addresses": [
            { "type": "InternalIP", "address": format!("10.0.{}.{}", index / 250, index % 250 + 1) },
            { "type": "Hostname", "address": name },
        ],
        "nodeInfo": {
            "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "6.1.0-world", "osImage": "qrh world",
            "containerRuntimeVersion": "containerd://2.1.0", "kubeletVersion": "v1.35.0+qrh-world", "kubeProxyVersion": "",
            "operatingSystem": "linux", "architecture": "amd64",
        },
    });
    add(
        state,
        Kind::Node,
        json!({ "metadata": { "name": name, "labels": labels }, "spec": { "podCIDR": format!("10.42.{index}.0/24") }, "status": status }),
    );
    let lease = json!({ "holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": super::clock::micro(state.now) });
    add(state, Kind::Lease, json!({ "metadata": { "name": name, "namespace": "kube-node-lease" }, "spec": lease }));
}

/// One release of a service.
struct Release {
    version: &'static str,
    days_ago: u32,
    heap: &'static str,
}

const CHECKOUT: &[Release] = &[
    Release { version: "1.3.9", days_ago: 41, heap: "512" },
    Release { version: "1.4.1", days_ago: 24, heap: "512" },
    Release { version: "1.4.2", days_ago: 9, heap: "768" },
];

const PAYMENTS: &[Release] =
    &[Release { version: "2.0.0", days_ago: 60, heap: "512" }, Release { version: "2.0.1", days_ago: 17, heap: "512" }];

fn shop(state: &mut State, epoch: Timestamp) {
    let mut releases: Vec<(&str, u32, &Release)> =
        CHECKOUT.iter().map(|release| ("checkout", 3, release)).chain(PAYMENTS.iter().map(|release| ("payments", 2, release))).collect();
    releases.sort_by_key(|(_, _, release)| std::cmp::Reverse(release.days_ago));
    for (name, replicas, release) in releases {
        state.now = earlier(epoch, DAY * release.days_ago);
        roll_out(state, name, replicas, release);
        // Long enough for the pods of the release before to be gone.
        let until = super::clock::later(state.now, HOUR);
        state.play(until);
    }
    for (name, port) in [("checkout", 3000), ("payments", 3001)] {
        attach(state, name, port);
    }
    helm_release(state, epoch);
    let metadata = |name: &str| json!({ "name": name, "namespace": "shop", "labels": { "app": "checkout" } });
    let flags = json!({ "flags.json": "{\"new-pricing\":false,\"cached-catalog\":false}", "LOG_LEVEL": "info" });
    add(state, Kind::ConfigMap, json!({ "metadata": metadata("checkout-config"), "data": flags }));
    add(
        state,
        Kind::Secret,
        json!({ "metadata": metadata("checkout-db"), "stringData": { "DATABASE_URL": "postgres://world:not-a-secret@db.shop.svc/checkout" } }),
    );
    let target = json!({ "type": "Utilization", "averageUtilization": 70 });
    let spec = json!({
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout" }, "minReplicas": 3, "maxReplicas": 6,
        "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": target } }],
    });
    add(state, Kind::Hpa, json!({ "metadata": metadata("checkout"), "spec": spec }));
    let selector = json!({ "matchLabels": { "app": "checkout" } });
    add(state, Kind::Pdb, json!({ "metadata": metadata("checkout"), "spec": { "minAvailable": 2, "selector": selector } }));
    state.settle();
}

fn attach(state: &mut State, name: &str, port: u16) {
    let ports = json!([{ "name": "http", "port": 80, "targetPort": port }]);
    state.addresses.1 += 10;
    let address = format!("10.43.0.{}", state.addresses.1);
    let spec = json!({ "selector": { "app": name }, "ports": ports, "clusterIP": address, "clusterIPs": [address] });
    add(state, Kind::Service, json!({ "metadata": { "name": name, "namespace": "shop", "labels": { "app": name } }, "spec": spec }));
}

/// The Deployment of the field manual, at one release.
fn deployment(name: &str, replicas: u32, release: &Release) -> Value {
    let digest = service::digest(name, release.version);
    let port = if name == "checkout" { 3000 } else { 3001 };
    let probe = |path: &str, period: u32, failures: u32| json!({ "httpGet": { "path": path, "port": port }, "periodSeconds": period, "failureThreshold": failures });
    let container = json!({
        "name": name, "image": format!("{}{name}@{digest}", service::REGISTRY), "ports": [{ "name": "http", "containerPort": port }],
        "env": [
            { "name": "NODE_ENV", "value": "production" },
            { "name": "NODE_OPTIONS", "value": format!("--max-old-space-size={}", release.heap) },
        ],
        "readinessProbe": probe("/readyz", 5, 2), "livenessProbe": probe("/livez", 10, 3),
        "resources": { "requests": { "cpu": "250m", "memory": "512Mi" }, "limits": { "cpu": "1", "memory": "1Gi" } },
        "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "capabilities": { "drop": ["ALL"] } },
    });
    let cause = format!("release {}", release.version);
    json!({
        "metadata": { "name": name, "namespace": "shop", "labels": { "app": name }, "annotations": { "kubernetes.io/change-cause": cause } },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": { "app": name } }, "progressDeadlineSeconds": 600,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
            "template": {
                "metadata": { "labels": { "app": name, "version": release.version } },
                "spec": { "terminationGracePeriodSeconds": 45, "containers": [container] },
            },
        },
    })
}

fn roll_out(state: &mut State, name: &str, replicas: u32, release: &Release) {
    let mut wanted = deployment(name, replicas, release);
    defaults::apply(Kind::Deployment, &mut wanted);
    let id = Id::new(Kind::Deployment, "shop", name);
    if state.store.get(&id).is_none() {
        state.add(Kind::Deployment, wanted);
    } else {
        let cause = wanted.pointer("/metadata/annotations/kubernetes.io~1change-cause").cloned().unwrap_or_default();
        let template = wanted.pointer("/spec/template").cloned().unwrap_or_default();
        state.edit(&id, |value| {
            set(value, &["spec", "template"], template);
            set(value, &["metadata", "annotations", "kubernetes.io/change-cause"], cause);
        });
    }
    state.settle();
}

/// The release record helm keeps in a Secret: JSON, base64 twice (helm takes it without gzip as well).
fn helm_release(state: &mut State, epoch: Timestamp) {
    for (revision, release) in CHECKOUT.iter().enumerate() {
        let revision = revision + 1;
        let status = if revision == CHECKOUT.len() { "deployed" } else { "superseded" };
        let deployed = stamp(earlier(epoch, DAY * release.days_ago));
        let record = json!({
            "name": "checkout", "namespace": "shop", "version": revision,
            "info": {
                "first_deployed": stamp(earlier(epoch, DAY * 41)), "last_deployed": deployed, "deleted": "", "status": status,
                "description": if revision == 1 { "Install complete" } else { "Upgrade complete" },
            },
            "chart": {
                "metadata": { "name": "checkout", "version": release.version, "appVersion": release.version, "apiVersion": "v2" },
                "templates": [], "values": {}, "schema": null, "files": [], "lock": null,
            },
            "config": {}, "manifest": "", "hooks": [],
        });
        let once = serde_json::to_value(k8s_openapi::ByteString(record.to_string().into_bytes())).unwrap_or_default();
        let labels = json!({ "owner": "helm", "name": "checkout", "status": status, "version": revision.to_string() });
        let metadata = json!({ "name": format!("sh.helm.release.v1.checkout.v{revision}"), "namespace": "shop", "labels": labels });
        let data = json!({ "release": once.as_str().unwrap_or_default() });
        add(state, Kind::Secret, json!({ "metadata": metadata, "type": "helm.sh/release.v1", "stringData": data }));
    }
}

/// Many small Deployments of up to a hundred pods each, in a namespace of their own.
fn fleet(state: &mut State, pods: usize) {
    if pods == 0 {
        return;
    }
    add(state, Kind::Namespace, json!({ "metadata": { "name": "fleet" } }));
    let mut left = pods;
    let mut index = 0;
    while left > 0 {
        let replicas = left.min(100);
        let name = format!("fleet-{index:03}");
        let resources = json!({ "requests": { "cpu": "50m", "memory": "64Mi" } });
        let image = format!("{}fleet@{}", service::REGISTRY, service::digest("fleet", "1"));
        let template = json!({
            "metadata": { "labels": { "app": name } },
            "spec": { "containers": [{ "name": "fleet", "image": image, "ports": [{ "containerPort": 3000 }], "resources": resources }] },
        });
        let spec = json!({ "replicas": replicas, "selector": { "matchLabels": { "app": name } }, "template": template });
        add(
            state,
            Kind::Deployment,
            json!({ "metadata": { "name": name, "namespace": "fleet", "labels": { "app": name } }, "spec": spec }),
        );
        state.settle();
        left -= replicas;
        index += 1;
    }
}

/// A moment that is always the same: for worlds whose story must be.
pub fn fixed_epoch() -> Timestamp {
    Timestamp::from_second(1_768_446_000).unwrap_or_default()
}

/// A world whose time stands still until it is moved.
pub fn stepped(seed: u64) -> Options {
    Options { seed, pace: Pace::Stepped, epoch: Some(fixed_epoch()), ..Options::default() }
}
