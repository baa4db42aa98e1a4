//! What the API server fills in where nothing is said: the fields kubectl and the controllers rely on.

use serde_json::{Value, json};

use crate::drill::world::json::{default, list, list_at, number, part, remove, set, text};
use crate::drill::world::kind::Kind;

/// A part of an object to fill in.
type Fill = fn(&mut Value);

pub fn apply(kind: Kind, value: &mut Value) {
    let fill: Option<Fill> = match kind {
        Kind::Pod => Some(|pod| pod_spec(pod, &["spec"])),
        Kind::Deployment => Some(deployment),
        Kind::ReplicaSet => Some(|set| {
            default(set, &["spec", "replicas"], 1);
            pod_spec(set, &["spec", "template", "spec"]);
        }),
        Kind::Service => Some(service),
        Kind::Hpa => Some(|hpa| default(hpa, &["spec", "minReplicas"], 1)),
        Kind::Namespace => Some(|namespace| {
            default(namespace, &["status", "phase"], "Active");
            default(namespace, &["spec", "finalizers"], json!(["kubernetes"]));
            let name = text(namespace, "/metadata/name").to_owned();
            set(namespace, &["metadata", "labels", "kubernetes.io/metadata.name"], name);
        }),
        Kind::Secret => Some(secret),
        Kind::ConfigMap
        | Kind::Endpoints
        | Kind::Event
        | Kind::Node
        | Kind::ServiceAccount
        | Kind::Lease
        | Kind::NetworkPolicy
        | Kind::EndpointSlice
        | Kind::Pdb => None,
    };
    if let Some(fill) = fill {
        fill(value);
    }
}

fn deployment(value: &mut Value) {
    default(value, &["spec", "replicas"], 1);
    default(value, &["spec", "revisionHistoryLimit"], 10);
    default(value, &["spec", "progressDeadlineSeconds"], 600);
    default(value, &["spec", "strategy", "type"], "RollingUpdate");
    if text(value, "/spec/strategy/type") == "RollingUpdate" {
        default(value, &["spec", "strategy", "rollingUpdate", "maxUnavailable"], "25%");
        default(value, &["spec", "strategy", "rollingUpdate", "maxSurge"], "25%");
    }
    pod_spec(value, &["spec", "template", "spec"]);
}

fn pod_spec(value: &mut Value, path: &[&str]) {
    let pointer = format!("/{}", path.join("/"));
    let Some(spec) = value.pointer_mut(&pointer) else { return };
    default(spec, &["restartPolicy"], "Always");
    default(spec, &["dnsPolicy"], "ClusterFirst");
    default(spec, &["schedulerName"], "default-scheduler");
    default(spec, &["terminationGracePeriodSeconds"], 30);
    default(spec, &["securityContext"], json!({}));
    for container in list_at(spec, &["containers"]) {
        fill_container(container);
    }
    for name in ["initContainers", "volumes"] {
        if spec.get(name).is_some() {
            for one in list_at(spec, &[name]) {
                if name == "volumes" { volume(one) } else { fill_container(one) }
            }
        }
    }
}

fn volume(volume: &mut Value) {
    for source in ["configMap", "secret"] {
        if volume.get(source).is_some() {
            default(volume, &[source, "defaultMode"], 420);
        }
    }
}

fn fill_container(container: &mut Value) {
    let image = text(container, "/image");
    let tag = image.rsplit('/').next().unwrap_or_default().split_once(':').map_or("", |(_, tag)| tag);
    let always = !image.contains('@') && (tag.is_empty() || tag == "latest");
    default(container, &["imagePullPolicy"], if always { "Always" } else { "IfNotPresent" });
    default(container, &["terminationMessagePath"], "/dev/termination-log");
    default(container, &["terminationMessagePolicy"], "File");
    default(container, &["resources"], json!({}));
    let limits = part(container, "/resources/limits");
    for (resource, limit) in limits.as_object().into_iter().flatten() {
        default(container, &["resources", "requests", resource], limit.clone());
    }
    if container.get("ports").is_some() {
        for port in list_at(container, &["ports"]) {
            default(port, &["protocol"], "TCP");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container.get(probe).is_none() {
            continue;
        }
        for (field, number) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)] {
            default(container, &[probe, field], number);
        }
        if container.pointer(&format!("/{probe}/httpGet")).is_some() {
            default(container, &[probe, "httpGet", "scheme"], "HTTP");
            default(container, &[probe, "httpGet", "path"], "/");
        }
    }
}

fn service(value: &mut Value) {
    default(value, &["spec", "type"], "ClusterIP");
    default(value, &["spec", "sessionAffinity"], "None");
    default(value, &["spec", "internalTrafficPolicy"], "Cluster");
    default(value, &["spec", "ipFamilies"], json!(["IPv4"]));
    default(value, &["spec", "ipFamilyPolicy"], "SingleStack");
    for port in list_at(value, &["spec", "ports"]) {
        default(port, &["protocol"], "TCP");
        let own = number(port, "/port").unwrap_or(0);
        default(port, &["targetPort"], own);
    }
    default(value, &["status", "loadBalancer"], json!({}));
}

fn secret(value: &mut Value) {
    default(value, &["type"], "Opaque");
    let Some(plain) = remove(value, &["stringData"]) else { return };
    for (key, word) in plain.as_object().into_iter().flatten() {
        let bytes = k8s_openapi::ByteString(word.as_str().unwrap_or_default().as_bytes().to_vec());
        set(value, &["data", key], serde_json::to_value(bytes).unwrap_or_default());
    }
}

/// Labels a selector asks of the pods it makes, if they do not carry them.
pub fn selector_misses_template(value: &Value) -> bool {
    use crate::drill::world::json::strings;
    use crate::drill::world::selector::LabelSelector;
    let selector = LabelSelector::from_object(&part(value, "/spec/selector"));
    selector.is_empty() || !selector.matches(&strings(value, "/spec/template/metadata/labels"))
}

/// Containers without a name or an image, said as the API says it.
pub fn bad_container(value: &Value, pointer: &str) -> Option<String> {
    let containers = list(value, pointer);
    let path = pointer.trim_start_matches('/').replace('/', ".");
    if containers.is_empty() {
        return Some(format!("{path}: Required value"));
    }
    containers.iter().enumerate().find_map(|(index, container)| {
        let missing = ["name", "image"].into_iter().find(|field| text(container, &format!("/{field}")).is_empty())?;
        Some(format!("{path}[{index}].{missing}: Required value"))
    })
}
