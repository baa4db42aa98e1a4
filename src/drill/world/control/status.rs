//! A pod's status, as the kubelet writes it.

use serde_json::{Value, json};

use crate::drill::world::behaviour::Exit;
use crate::drill::world::json::{count, default, list, list_at, part, remove, set, text};

/// The status of one container, by name.
pub fn of<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    list(pod, "/status/containerStatuses").iter().find(|status| text(status, "/name") == container)
}

/// Sets a condition; its time moves only when its status does.
pub fn condition(object: &mut Value, kind: &str, status: bool, reason: &str, now: &str) {
    let wanted = if status { "True" } else { "False" };
    let conditions = list_at(object, &["status", "conditions"]);
    let mut new = json!({ "type": kind, "status": wanted, "lastProbeTime": null, "lastTransitionTime": now });
    if !reason.is_empty() {
        set(&mut new, &["reason"], reason);
    }
    match conditions.iter_mut().find(|condition| text(condition, "/type") == kind) {
        Some(old) if text(old, "/status") == wanted => {
            let since = part(old, "/lastTransitionTime");
            set(&mut new, &["lastTransitionTime"], since);
            *old = new;
        }
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

/// A new pod.
pub fn pending(pod: &mut Value, now: &str) {
    default(pod, &["status", "phase"], "Pending");
    default(pod, &["status", "qosClass"], quality(pod));
    set(pod, &["status", "startTime"], now);
}

fn quality(pod: &Value) -> &'static str {
    let containers = list(pod, "/spec/containers");
    let all = |what: &str| {
        containers
            .iter()
            .all(|container| ["cpu", "memory"].iter().all(|resource| container.pointer(&format!("/resources/{what}/{resource}")).is_some()))
    };
    let equal = containers.iter().all(|container| container.pointer("/resources/limits") == container.pointer("/resources/requests"));
    let none =
        containers.iter().all(|container| container.pointer("/resources/limits").or(container.pointer("/resources/requests")).is_none());
    if none {
        "BestEffort"
    } else if all("limits") && equal {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// Placed, not started.
pub fn creating(pod: &mut Value, host: &str, now: &str) {
    set(pod, &["status", "hostIP"], host);
    set(pod, &["status", "startTime"], now);
    for (kind, ready) in [("PodScheduled", true), ("Initialized", true), ("Ready", false), ("ContainersReady", false)] {
        condition(pod, kind, ready, if ready { "" } else { "ContainersNotReady" }, now);
    }
    let statuses: Vec<Value> = list(pod, "/spec/containers")
        .iter()
        .map(|container| status(container, &json!({ "waiting": { "reason": "ContainerCreating" } }), ""))
        .collect();
    set(pod, &["status", "containerStatuses"], statuses);
}

fn status(container: &Value, state: &Value, digest: &str) -> Value {
    let running = state.get("running").is_some();
    json!({
        "name": text(container, "/name"), "image": text(container, "/image"), "imageID": digest, "state": state, "lastState": {},
        "ready": false, "started": running, "restartCount": 0,
    })
}

pub fn waiting(pod: &mut Value, container: &str, reason: &str, message: &str) {
    let statuses = list_at(pod, &["status", "containerStatuses"]);
    if let Some(status) = statuses.iter_mut().find(|status| text(status, "/name") == container) {
        set(status, &["state"], json!({ "waiting": { "reason": reason, "message": message } }));
    }
}

/// All containers run; none is ready yet.
pub fn started(pod: &mut Value, address: &str, digests: &[String], now: &str) {
    set(pod, &["status", "phase"], "Running");
    set(pod, &["status", "podIP"], address);
    set(pod, &["status", "podIPs"], json!([{ "ip": address }]));
    let running = json!({ "running": { "startedAt": now } });
    let statuses: Vec<Value> = list(pod, "/spec/containers")
        .iter()
        .enumerate()
        .map(|(index, container)| {
            let digest = digests.get(index).map_or("", String::as_str);
            let mut status = status(container, &running, digest);
            set(&mut status, &["containerID"], container_id(pod, index, 0));
            status
        })
        .collect();
    set(pod, &["status", "containerStatuses"], statuses);
    condition(pod, "Initialized", true, "", now);
    conditions(pod, now);
}

/// Made of the pod's uid, the container's place and its run: the same run always has the same id.
fn container_id(pod: &Value, index: usize, run: i64) -> String {
    use crate::drill::world::seed::{hash, mix};
    let from = hash(&format!("{}/{index}/{run}", text(pod, "/metadata/uid")));
    let words: Vec<String> = (1..=4).map(|word| format!("{:016x}", mix(from.wrapping_add(word)))).collect();
    format!("containerd://{}", words.concat())
}

/// One container's readiness, and what follows for the pod's.
pub fn ready(pod: &mut Value, index: usize, ready: bool, now: &str) {
    if let Some(status) = list_at(pod, &["status", "containerStatuses"]).get_mut(index) {
        let running = status.pointer("/state/running").is_some();
        set(status, &["ready"], ready && running);
        set(status, &["started"], running);
    }
    conditions(pod, now);
}

fn conditions(pod: &mut Value, now: &str) {
    let all = list(pod, "/status/containerStatuses").iter().all(|status| status.get("ready") == Some(&Value::Bool(true)));
    for kind in ["Ready", "ContainersReady"] {
        condition(pod, kind, all, if all { "" } else { "ContainersNotReady" }, now);
    }
}

fn change(pod: &mut Value, index: usize, change: impl FnOnce(&mut Value)) {
    if let Some(status) = list_at(pod, &["status", "containerStatuses"]).get_mut(index) {
        change(status);
    }
}

pub fn terminated(pod: &mut Value, index: usize, exit: &Exit, now: &str) {
    change(pod, index, |status| {
        let started = part(status, "/state/running/startedAt");
        let mut end = json!({
            "exitCode": exit.code, "reason": exit.reason, "startedAt": started, "finishedAt": now, "containerID": part(status, "/containerID"),
        });
        if !exit.message.is_empty() {
            set(&mut end, &["message"], exit.message.clone());
        }
        set(status, &["state"], json!({ "terminated": end }));
    });
    ready(pod, index, false, now);
}

/// Ended, and waiting for its next run.
pub fn looping(pod: &mut Value, index: usize, message: &str) {
    change(pod, index, |status| {
        let end = part(status, "/state");
        set(status, &["lastState"], end);
        set(status, &["state"], json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } }));
    });
}

pub fn restarted(pod: &mut Value, index: usize, now: &str) {
    let run = list(pod, "/status/containerStatuses").get(index).map_or(0, |status| count(status, "/restartCount")) + 1;
    let id = container_id(pod, index, run);
    change(pod, index, |status| {
        if status.pointer("/state/terminated").is_some() {
            let end = part(status, "/state");
            set(status, &["lastState"], end);
        }
        set(status, &["state"], json!({ "running": { "startedAt": now } }));
        set(status, &["restartCount"], run);
        set(status, &["containerID"], id);
        set(status, &["started"], true);
        remove(status, &["message"]);
    });
    conditions(pod, now);
}
