//! The columns kubectl prints, as the API server's printers have them. Priority 0 is always shown, 1 with `-o wide`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::drill::world::clock::{between, parse};
use crate::drill::world::json::{count, list, number, part, strings, text, truth};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Object;
use crate::drill::world::selector::LabelSelector;

type Column = (&'static str, u8);

fn names(kind: Kind, api_version: &str) -> &'static [Column] {
    match kind {
        Kind::ConfigMap => &[("Name", 0), ("Data", 0), ("Age", 0)],
        Kind::Endpoints => &[("Name", 0), ("Endpoints", 0), ("Age", 0)],
        Kind::Event => &[
            ("Last Seen", 0),
            ("Type", 0),
            ("Reason", 0),
            ("Object", 0),
            ("Subobject", 1),
            ("Source", 1),
            ("Message", 0),
            ("First Seen", 1),
            ("Count", 1),
            ("Name", 1),
        ],
        Kind::Namespace => &[("Name", 0), ("Status", 0), ("Age", 0)],
        Kind::Node => &[
            ("Name", 0),
            ("Status", 0),
            ("Roles", 0),
            ("Age", 0),
            ("Version", 0),
            ("Internal-IP", 1),
            ("External-IP", 1),
            ("OS-Image", 1),
            ("Kernel-Version", 1),
            ("Container-Runtime", 1),
        ],
        Kind::Pod => &[
            ("Name", 0),
            ("Ready", 0),
            ("Status", 0),
            ("Restarts", 0),
            ("Age", 0),
            ("IP", 1),
            ("Node", 1),
            ("Nominated Node", 1),
            ("Readiness Gates", 1),
        ],
        Kind::Secret => &[("Name", 0), ("Type", 0), ("Data", 0), ("Age", 0)],
        Kind::ServiceAccount => &[("Name", 0), ("Secrets", 0), ("Age", 0)],
        Kind::Service => &[("Name", 0), ("Type", 0), ("Cluster-IP", 0), ("External-IP", 0), ("Port(s)", 0), ("Age", 0), ("Selector", 1)],
        Kind::Deployment => {
            &[("Name", 0), ("Ready", 0), ("Up-to-date", 0), ("Available", 0), ("Age", 0), ("Containers", 1), ("Images", 1), ("Selector", 1)]
        }
        Kind::ReplicaSet => {
            &[("Name", 0), ("Desired", 0), ("Current", 0), ("Ready", 0), ("Age", 0), ("Containers", 1), ("Images", 1), ("Selector", 1)]
        }
        Kind::Hpa if api_version == "autoscaling/v1" => {
            &[("Name", 0), ("Reference", 0), ("Targets", 0), ("MinPods", 0), ("MaxPods", 0), ("Replicas", 0), ("Age", 0)]
        }
        Kind::Hpa => &[("Name", 0), ("Reference", 0), ("Targets", 0), ("MinPods", 0), ("MaxPods", 0), ("Replicas", 0), ("Age", 0)],
        Kind::Lease => &[("Name", 0), ("Holder", 0), ("Age", 0)],
        Kind::NetworkPolicy => &[("Name", 0), ("Pod-Selector", 0), ("Age", 0)],
        Kind::EndpointSlice => &[("Name", 0), ("AddressType", 0), ("Ports", 0), ("Endpoints", 0), ("Age", 0)],
        Kind::Pdb => &[("Name", 0), ("Min Available", 0), ("Max Unavailable", 0), ("Allowed Disruptions", 0), ("Age", 0)],
    }
}

pub fn columns(kind: Kind, api_version: &str) -> Value {
    names(kind, api_version)
        .iter()
        .map(|(name, priority)| {
            let format = if *name == "Name" { "name" } else { "" };
            let whole = [
                "Data",
                "Desired",
                "Current",
                "MinPods",
                "MaxPods",
                "Replicas",
                "Up-to-date",
                "Available",
                "Count",
                "Secrets",
                "Allowed Disruptions",
            ];
            let kind = if whole.contains(name) { "integer" } else { "string" };
            json!({ "name": name, "type": kind, "format": format, "description": "", "priority": priority })
        })
        .collect()
}

pub fn cells(object: &Object, value: &Value, _api_version: &str, now: Timestamp) -> Value {
    let name = object.id.name.as_str();
    let age = age(&object.created, now);
    match object.id.kind {
        Kind::ConfigMap => json!([name, size(value, &["data", "binaryData"]), age]),
        Kind::Endpoints => json!([name, endpoints(value), age]),
        Kind::Event => event(value, name, now),
        Kind::Namespace => json!([name, text(value, "/status/phase"), age]),
        Kind::Node => node(value, name, &age),
        Kind::Pod => pod(object, value, &age, now),
        Kind::Secret => json!([name, text(value, "/type"), size(value, &["data"]), age]),
        Kind::ServiceAccount => json!([name, list(value, "/secrets").len(), age]),
        Kind::Service => service(value, name, &age),
        Kind::Deployment => deployment(value, name, &age),
        Kind::ReplicaSet => {
            let (containers, images) = containers(value);
            let of = |field: &str| count(value, field);
            let wanted = of("/spec/replicas");
            json!([name, wanted, of("/status/replicas"), of("/status/readyReplicas"), age, containers, images, selector(value)])
        }
        Kind::Hpa => hpa(value, name, &age),
        Kind::Lease => json!([name, text(value, "/spec/holderIdentity"), age]),
        Kind::NetworkPolicy => {
            json!([name, LabelSelector::from_object(&super::super::json::part(value, "/spec/podSelector")).to_string(), age])
        }
        Kind::EndpointSlice => slice(value, name, &age),
        Kind::Pdb => {
            let or = |field: &str| value.pointer(field).map_or_else(|| "N/A".to_owned(), plain);
            let allowed = count(value, "/status/disruptionsAllowed");
            json!([name, or("/spec/minAvailable"), or("/spec/maxUnavailable"), allowed, age])
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn size(value: &Value, fields: &[&str]) -> usize {
    fields.iter().filter_map(|field| value.get(*field)?.as_object().map(serde_json::Map::len)).sum()
}

/// How long ago, in the two largest units, as `duration.HumanDuration` writes it.
pub fn age(since: &str, now: Timestamp) -> String {
    let Some(since) = parse(since) else { return "<unknown>".to_owned() };
    let seconds = between(since, now).as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |a: u64, unit: &str, b: u64, other: &str| if b == 0 { format!("{a}{unit}") } else { format!("{a}{unit}{b}{other}") };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

fn pod(object: &Object, value: &Value, age: &str, now: Timestamp) -> Value {
    let statuses = list(value, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| truth(status, "/ready")).count();
    let mut reason = text(value, "/status/phase").to_owned();
    if !text(value, "/status/reason").is_empty() {
        text(value, "/status/reason").clone_into(&mut reason);
    }
    let mut running = false;
    for status in statuses.iter().rev() {
        let end = part(status, "/state/terminated");
        if !text(status, "/state/waiting/reason").is_empty() {
            text(status, "/state/waiting/reason").clone_into(&mut reason);
        } else if !end.is_null() {
            reason = if text(&end, "/reason").is_empty() {
                format!("ExitCode:{}", count(&end, "/exitCode"))
            } else {
                text(&end, "/reason").to_owned()
            };
        } else if truth(status, "/ready") {
            running = true;
        }
    }
    if reason == "Completed" && running {
        "Running".clone_into(&mut reason);
    }
    if object.deleting {
        "Terminating".clone_into(&mut reason);
    }
    let last = statuses.iter().filter_map(|status| parse(text(status, "/lastState/terminated/finishedAt"))).max();
    let restarts = match last {
        Some(last) if object.pod.restarts > 0 => format!("{} ({} ago)", object.pod.restarts, self::age(&last.to_string(), now)),
        Some(_) | None => object.pod.restarts.to_string(),
    };
    let or_none = |text: &str| if text.is_empty() { "<none>".to_owned() } else { text.to_owned() };
    let all = list(value, "/spec/containers").len();
    let (address, node) = (or_none(text(value, "/status/podIP")), or_none(&object.pod.node));
    json!([object.id.name, format!("{ready}/{all}"), reason, restarts, age, address, node, "<none>", "<none>"])
}

fn node(value: &Value, name: &str, age: &str) -> Value {
    let ready = list(value, "/status/conditions")
        .iter()
        .any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True");
    let mut status = if ready { "Ready" } else { "NotReady" }.to_owned();
    if truth(value, "/spec/unschedulable") {
        status.push_str(",SchedulingDisabled");
    }
    let roles: Vec<String> = strings(value, "/metadata/labels")
        .into_keys()
        .filter_map(|label| label.strip_prefix("node-role.kubernetes.io/").map(str::to_owned))
        .collect();
    let roles = if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") };
    let address = list(value, "/status/addresses").iter().find(|address| text(address, "/type") == "InternalIP");
    let info = |field: &str| text(value, &format!("/status/nodeInfo/{field}")).to_owned();
    json!([
        name,
        status,
        roles,
        age,
        info("kubeletVersion"),
        address.map_or("<none>", |address| text(address, "/address")),
        "<none>",
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion")
    ])
}

fn event(value: &Value, name: &str, now: Timestamp) -> Value {
    let source = part(value, "/source");
    let source = match (text(&source, "/component"), text(&source, "/host")) {
        (component, "") => component.to_owned(),
        (component, host) => format!("{component}, {host}"),
    };
    let about = format!("{}/{}", text(value, "/involvedObject/kind").to_lowercase(), text(value, "/involvedObject/name"));
    json!([
        age(text(value, "/lastTimestamp"), now),
        text(value, "/type"),
        text(value, "/reason"),
        about,
        text(value, "/involvedObject/fieldPath"),
        source,
        text(value, "/message").trim(),
        age(text(value, "/firstTimestamp"), now),
        count(value, "/count"),
        name
    ])
}

fn selector(value: &Value) -> String {
    LabelSelector::from_object(&part(value, "/spec/selector")).to_string()
}

fn containers(value: &Value) -> (String, String) {
    let all = list(value, "/spec/template/spec/containers");
    let join = |field: &str| all.iter().map(|container| text(container, field)).collect::<Vec<_>>().join(",");
    (join("/name"), join("/image"))
}

fn deployment(value: &Value, name: &str, age: &str) -> Value {
    let (containers, images) = containers(value);
    let of = |field: &str| count(value, &format!("/status/{field}"));
    let ready = format!("{}/{}", of("readyReplicas"), number(value, "/spec/replicas").unwrap_or(1));
    json!([name, ready, of("updatedReplicas"), of("availableReplicas"), age, containers, images, selector(value)])
}

fn service(value: &Value, name: &str, age: &str) -> Value {
    let ports: Vec<String> =
        list(value, "/spec/ports").iter().map(|port| format!("{}/{}", count(port, "/port"), text(port, "/protocol"))).collect();
    let labels = strings(value, "/spec/selector");
    let selector = if labels.is_empty() { "<none>".to_owned() } else { LabelSelector::from_map(&labels).to_string() };
    let address = if text(value, "/spec/clusterIP").is_empty() { "<none>" } else { text(value, "/spec/clusterIP") };
    json!([name, text(value, "/spec/type"), address, "<none>", ports.join(","), age, selector])
}

fn hpa(value: &Value, name: &str, age: &str) -> Value {
    let reference = format!("{}/{}", text(value, "/spec/scaleTargetRef/kind"), text(value, "/spec/scaleTargetRef/name"));
    let current = list(value, "/status/currentMetrics");
    let targets: Vec<String> = list(value, "/spec/metrics")
        .iter()
        .enumerate()
        .map(|(index, metric)| {
            let target = count(metric, "/resource/target/averageUtilization");
            let now = current.get(index).and_then(|metric| number(metric, "/resource/current/averageUtilization"));
            let now = now.map_or_else(|| "<unknown>".to_owned(), |now| format!("{now}%"));
            format!("{}: {now}/{target}%", text(metric, "/resource/name"))
        })
        .collect();
    let (least, most) = (number(value, "/spec/minReplicas").unwrap_or(1).to_string(), count(value, "/spec/maxReplicas"));
    json!([name, reference, targets.join(", "), least, most, count(value, "/status/currentReplicas"), age])
}

fn endpoints(value: &Value) -> String {
    let mut all = Vec::new();
    for subset in list(value, "/subsets") {
        for address in list(subset, "/addresses") {
            for port in list(subset, "/ports") {
                all.push(format!("{}:{}", text(address, "/ip"), count(port, "/port")));
            }
        }
    }
    shortened(&all)
}

fn shortened(all: &[String]) -> String {
    match all.len() {
        0 => "<none>".to_owned(),
        1..=3 => all.join(","),
        more => format!("{} + {} more...", all.get(..3).unwrap_or_default().join(","), more - 3),
    }
}

fn slice(value: &Value, name: &str, age: &str) -> Value {
    let ports: Vec<String> = list(value, "/ports").iter().map(|port| count(port, "/port").to_string()).collect();
    let addresses: Vec<String> = list(value, "/endpoints").iter().flat_map(|endpoint| list(endpoint, "/addresses")).map(plain).collect();
    json!([name, text(value, "/addressType"), shortened(&ports), shortened(&addresses), age])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_as_kubectl_writes_them() {
        let since = "2026-01-01T00:00:00Z";
        let begin: Timestamp = since.parse().unwrap();
        let at = |seconds: u64| age(since, crate::drill::world::clock::later(begin, std::time::Duration::from_secs(seconds)));
        assert_eq!(at(0), "0s");
        assert_eq!(at(119), "119s");
        assert_eq!(at(125), "2m5s");
        assert_eq!(at(3600), "60m");
        assert_eq!(at(11_400), "3h10m");
        assert_eq!(at(180_000), "2d2h");
        assert_eq!(at(86_400 * 20), "20d");
    }
}
