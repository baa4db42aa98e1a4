//! Objects as the table `kubectl get -o wide` shows, for the screen and the tail of a report. `out` keeps the objects themselves.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A table's lines, the heading first. Objects of a kind without columns are `kind/name`, one a line.
pub(super) fn lines(kind: &str, objects: &[Value], now: Timestamp) -> Vec<String> {
    let rows: fn(&Value, Timestamp) -> Vec<String> = match kind {
        "Pod" => pod,
        "Deployment" => deployment,
        "ReplicaSet" => replica_set,
        "Event" => event,
        "Node" => node,
        _ => {
            return objects.iter().map(|object| format!("{}/{}", kind.to_ascii_lowercase(), text(object, "/metadata/name"))).collect();
        }
    };
    if objects.is_empty() {
        return vec![format!("no {} found", kind.to_ascii_lowercase())];
    }
    let heading = heading(kind).iter().map(|&name| name.to_owned()).collect();
    align(&std::iter::once(heading).chain(objects.iter().map(|object| rows(object, now))).collect::<Vec<_>>())
}

fn heading(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"],
        "Deployment" => &["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"],
        "ReplicaSet" => &["NAME", "DESIRED", "CURRENT", "READY", "AGE", "REVISION", "IMAGES"],
        "Event" => &["LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE"],
        _ => &["NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP"],
    }
}

/// Columns padded to their widest cell; the last is left as it is.
pub(super) fn align(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    rows.iter()
        .map(|row| {
            let line = row.iter().zip(&widths).fold(String::new(), |mut line, (cell, width)| {
                // Writing to a String does not fail.
                let _ = write!(line, "{cell:<width$}   ");
                line
            });
            line.trim_end().to_owned()
        })
        .collect()
}

fn pod(object: &Value, now: Timestamp) -> Vec<String> {
    let statuses = array(object, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let containers = array(object, "/spec/containers").len();
    let restarts: i64 = statuses.iter().filter_map(|status| status["restartCount"].as_i64()).sum();
    vec![
        text(object, "/metadata/name"),
        format!("{ready}/{containers}"),
        pod_status(object),
        restarts.to_string(),
        age(object, now),
        or_none(text(object, "/status/podIP")),
        or_none(text(object, "/spec/nodeName")),
    ]
}

/// The word kubectl puts under STATUS: what a container waits for or died of says more than the pod's phase.
pub(super) fn pod_status(object: &Value) -> String {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return "Terminating".to_owned();
    }
    let reason = |status: &Value, state: &str| status["state"][state]["reason"].as_str().map(str::to_owned);
    for status in array(object, "/status/initContainerStatuses") {
        let waits = reason(status, "waiting").filter(|reason| reason != "PodInitializing");
        let died = reason(status, "terminated").filter(|_| status["state"]["terminated"]["exitCode"] != 0);
        if let Some(word) = waits.or(died) {
            return format!("Init:{word}");
        }
    }
    let statuses = array(object, "/status/containerStatuses");
    let told = statuses.iter().find_map(|status| {
        reason(status, "waiting").or_else(|| {
            let ended = &status["state"]["terminated"];
            reason(status, "terminated").or_else(|| ended["exitCode"].as_i64().map(|code| format!("ExitCode:{code}")))
        })
    });
    let phase = text(object, "/status/phase");
    told.or_else(|| object["status"]["reason"].as_str().map(str::to_owned)).unwrap_or(phase)
}

fn deployment(object: &Value, now: Timestamp) -> Vec<String> {
    let containers = array(object, "/spec/template/spec/containers");
    let join = |key: &str| containers.iter().filter_map(|container| container[key].as_str()).collect::<Vec<_>>().join(",");
    vec![
        text(object, "/metadata/name"),
        format!("{}/{}", number(object, "/status/readyReplicas"), object["spec"]["replicas"].as_i64().unwrap_or(1)),
        number(object, "/status/updatedReplicas").to_string(),
        number(object, "/status/availableReplicas").to_string(),
        age(object, now),
        join("name"),
        join("image"),
        selector(&object["spec"]["selector"]).unwrap_or_else(|| "<complex>".to_owned()),
    ]
}

fn replica_set(object: &Value, now: Timestamp) -> Vec<String> {
    let images: Vec<&str> =
        array(object, "/spec/template/spec/containers").iter().filter_map(|container| container["image"].as_str()).collect();
    vec![
        text(object, "/metadata/name"),
        object["spec"]["replicas"].as_i64().unwrap_or(1).to_string(),
        number(object, "/status/replicas").to_string(),
        number(object, "/status/readyReplicas").to_string(),
        age(object, now),
        object["metadata"]["annotations"][crate::action::kube::change::REVISION].as_str().unwrap_or("-").to_owned(),
        images.join(","),
    ]
}

fn event(object: &Value, now: Timestamp) -> Vec<String> {
    let about = &object["involvedObject"];
    let message = text(object, "/message");
    vec![
        event_time(object).map_or_else(|| "?".to_owned(), |time| short(now.duration_since(time))),
        text(object, "/type"),
        text(object, "/reason"),
        format!("{}/{}", about["kind"].as_str().unwrap_or("?").to_ascii_lowercase(), about["name"].as_str().unwrap_or("?")),
        object["series"]["count"].as_i64().or_else(|| object["count"].as_i64()).unwrap_or(1).to_string(),
        message.split_whitespace().collect::<Vec<_>>().join(" "),
    ]
}

/// When an event was last seen: a series, an event of the old form, or one of the new.
pub(super) fn event_time(object: &Value) -> Option<Timestamp> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"].iter().find_map(|path| time(object, path))
}

fn node(object: &Value, now: Timestamp) -> Vec<String> {
    let ready = array(object, "/status/conditions").iter().find(|condition| condition["type"] == "Ready");
    let mut status = match ready.and_then(|condition| condition["status"].as_str()) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if object["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    let labels = object["metadata"]["labels"].as_object();
    let roles: Vec<&str> = labels.into_iter().flatten().filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/")).collect();
    let address = array(object, "/status/addresses").iter().find(|address| address["type"] == "InternalIP");
    vec![
        text(object, "/metadata/name"),
        status,
        or_none(roles.join(",")),
        age(object, now),
        text(object, "/status/nodeInfo/kubeletVersion"),
        or_none(address.and_then(|address| address["address"].as_str()).unwrap_or_default().to_owned()),
    ]
}

/// A label selector as the API takes it. `None`: it has expressions, which have another form.
pub(super) fn selector(value: &Value) -> Option<String> {
    if value["matchExpressions"].as_array().is_some_and(|expressions| !expressions.is_empty()) {
        return None;
    }
    let labels = value["matchLabels"].as_object()?;
    Some(labels.iter().filter_map(|(key, value)| value.as_str().map(|value| format!("{key}={value}"))).collect::<Vec<_>>().join(","))
}

pub(super) fn text(object: &Value, path: &str) -> String {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Absent counts are zero: the API leaves zeros out.
pub(super) fn number(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

pub(super) fn array<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    object.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn time(object: &Value, path: &str) -> Option<Timestamp> {
    object.pointer(path)?.as_str()?.parse().ok()
}

fn or_none(text: String) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text }
}

fn age(object: &Value, now: Timestamp) -> String {
    time(object, "/metadata/creationTimestamp").map_or_else(|| "?".to_owned(), |created| short(now.duration_since(created)))
}

/// `45s`, `12m`, `3h20m`, `5d`: two units at most, as kubectl does. A clock that is behind gives `0s`.
pub(super) fn short(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0..=1) => format!("{seconds}s"),
        (0, 0, 2..=9) if seconds % 60 > 0 => format!("{minutes}m{}s", seconds % 60),
        (0, 0..=2, _) => format!("{minutes}m"),
        (0, 3..=7, _) if minutes % 60 > 0 => format!("{hours}h{}m", minutes % 60),
        (0..=1, _, _) => format!("{hours}h"),
        (2..=7, _, _) if hours % 24 > 0 => format!("{days}d{}h", hours % 24),
        _ => format!("{days}d"),
    }
}
