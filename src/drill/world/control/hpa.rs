//! The horizontal autoscaler: every fifteen seconds it compares what the pods use with what they asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event::{self, normal};
use super::{pod, status};
use crate::drill::world::clock::{between, stamp};
use crate::drill::world::json::{count, list, number, part, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Id;
use crate::drill::world::quantity;
use crate::drill::world::state::{Past, State};
use crate::drill::world::timer::Due;

const EVERY: Duration = Duration::from_secs(15);
/// Below this distance from 1 the ratio is close enough.
const TOLERANCE: f64 = 0.1;
/// Scaling down follows the highest recommendation of the last five minutes.
const STABLE: Duration = Duration::from_secs(300);

/// The recommendations of late, per autoscaler.
pub type Memory = BTreeMap<Id, Vec<(Timestamp, i64)>>;

pub fn appeared(state: &mut State, id: &Id) {
    if state.past == Past::Done {
        state.after(Duration::from_secs(1), Due::Hpa(id.clone()));
    }
}

/// The past is written: the autoscalers begin to look.
pub fn begin(state: &mut State) {
    let all: Vec<Id> = state.store.list(Kind::Hpa, "").map(|hpa| hpa.id.clone()).collect();
    for id in all {
        sync(state, &id);
    }
}

pub fn sync(state: &mut State, id: &Id) {
    let Some(hpa) = state.store.get(id).cloned() else {
        state.scaler.remove(id);
        return;
    };
    state.after(EVERY, Due::Hpa(id.clone()));
    let value = hpa.value();
    let target = Id::new(Kind::Deployment, &id.namespace, text(&value, "/spec/scaleTargetRef/name"));
    let Some(deployment) = state.store.get(&target).cloned() else {
        let now = stamp(state.now);
        state.edit(id, |value| status::condition(value, "AbleToScale", false, "FailedGetScale", &now));
        return;
    };
    let current = number(&deployment.value(), "/spec/replicas").unwrap_or(1);
    let wanted = list(&value, "/spec/metrics").iter().find_map(|metric| {
        number(metric, "/resource/target/averageUtilization").map(|percent| (text(metric, "/resource/name").to_owned(), percent))
    });
    let (resource, percent) = wanted.unwrap_or_else(|| ("cpu".to_owned(), 80));
    let Some((utilization, average)) = utilization(state, &deployment.uid, &resource) else {
        let now = stamp(state.now);
        state.edit(id, |value| status::condition(value, "ScalingActive", false, "FailedGetResourceMetric", &now));
        return;
    };
    let desired = recommend(state, id, &value, current, utilization / as_float(percent));
    if desired != current {
        let direction = if desired > current { "above" } else { "below" };
        let message = format!("New size: {desired}; reason: {resource} resource utilization (percentage of request) {direction} target");
        state.edit(&target, |value| set(value, &["spec", "replicas"], desired));
        event::tell(state, &hpa, normal("horizontal-pod-autoscaler", "SuccessfulRescale", &message));
    }
    let now = stamp(state.now);
    state.edit(id, |value| {
        if desired != current {
            set(value, &["status", "lastScaleTime"], now.clone());
        }
        set(value, &["status", "currentReplicas"], current);
        set(value, &["status", "desiredReplicas"], desired);
        let current = json!({ "averageUtilization": rounded(utilization * 100.0), "averageValue": average });
        set(value, &["status", "currentMetrics"], json!([{ "type": "Resource", "resource": { "name": resource, "current": current } }]));
        status::condition(value, "AbleToScale", true, "ReadyForNewScale", &now);
        status::condition(value, "ScalingActive", true, "ValidMetricFound", &now);
        let limited = desired == bound(value, "/spec/maxReplicas");
        status::condition(value, "ScalingLimited", limited, if limited { "TooManyReplicas" } else { "DesiredWithinRange" }, &now);
        for condition in super::super::json::list_at(value, &["status", "conditions"]) {
            super::super::json::remove(condition, &["lastProbeTime"]);
        }
    });
}

fn bound(hpa: &Value, pointer: &str) -> i64 {
    number(hpa, pointer).unwrap_or(1)
}

#[expect(clippy::cast_precision_loss, reason = "replicas and percents are small")]
fn as_float(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, reason = "rounded, and far below the limit")]
fn rounded(number: f64) -> i64 {
    number.round() as i64
}

/// What the ready pods of a Deployment use of their request, as a share, and the average use as a quantity.
fn utilization(state: &State, deployment: &str, resource: &str) -> Option<(f64, String)> {
    let (mut used, mut asked, mut pods) = (0.0, 0.0, 0.0);
    for set in state.store.owned(deployment, Kind::ReplicaSet) {
        for object in state.store.owned(&set.uid, Kind::Pod).iter().filter(|pod| pod.active_pod() && pod.pod.ready) {
            let value = object.value();
            for container in list(&value, "/spec/containers") {
                let status = status::of(&value, text(container, "/name")).cloned().unwrap_or(Value::Null);
                let usage = state.behaviour.usage(&pod::view(state.now, &value, container, &status));
                used += if resource == "memory" { as_float(i64::try_from(usage.memory).unwrap_or(0)) } else { usage.cpu };
                asked += quantity::parse(text(container, &format!("/resources/requests/{resource}"))).unwrap_or(0.0);
            }
            pods += 1.0;
        }
    }
    let average = if resource == "memory" { quantity::bytes(used / pods) } else { quantity::cpu(used / pods) };
    (asked > 0.0).then(|| (used / asked, average))
}

fn recommend(state: &mut State, id: &Id, hpa: &Value, current: i64, ratio: f64) -> i64 {
    let plain = if (ratio * 100.0 - 1.0).abs() <= TOLERANCE { current } else { as_ceiling(as_float(current) * ratio * 100.0) };
    let least = number(hpa, "/spec/minReplicas").unwrap_or(1);
    let plain = plain.clamp(least, bound(hpa, "/spec/maxReplicas").max(least));
    let now = state.now;
    let memory = state.scaler.entry(id.clone()).or_default();
    memory.retain(|(time, _)| between(*time, now) < STABLE);
    if memory.is_empty() && count(hpa, "/status/desiredReplicas") > 0 {
        memory.push((now, current));
    }
    memory.push((now, plain));
    if plain >= current {
        return plain;
    }
    memory.iter().map(|(_, replicas)| *replicas).max().unwrap_or(plain).min(current)
}

#[expect(clippy::cast_possible_truncation, reason = "a number of replicas")]
fn as_ceiling(number: f64) -> i64 {
    number.ceil() as i64
}

/// What `part` of an autoscaler's spec the older API calls its target.
pub fn cpu_target(hpa: &Value) -> Value {
    let metric = list(hpa, "/spec/metrics").iter().find(|metric| text(metric, "/resource/name") == "cpu");
    metric.map_or(Value::Null, |metric| part(metric, "/resource/target/averageUtilization"))
}
