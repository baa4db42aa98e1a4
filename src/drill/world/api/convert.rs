//! Between the version an object is stored in and the version it is asked for.

use serde_json::{Value, json};

use crate::drill::world::control::hpa::cpu_target;
use crate::drill::world::json::{default, list, part, remove, set, text};
use crate::drill::world::kind::Kind;

/// As the asked group and version has it.
pub fn outward(kind: Kind, api_version: &str, mut value: Value) -> Value {
    match (kind, api_version) {
        (Kind::Event, "events.k8s.io/v1") => event_outward(&mut value),
        (Kind::Hpa, "autoscaling/v1") => hpa_outward(&mut value),
        _ => return value,
    }
    set(&mut value, &["apiVersion"], api_version);
    value
}

/// As it is stored.
pub fn inward(kind: Kind, api_version: &str, mut value: Value) -> Value {
    match (kind, api_version) {
        (Kind::Event, "events.k8s.io/v1") => event_inward(&mut value),
        (Kind::Hpa, "autoscaling/v1") => hpa_inward(&mut value),
        _ => return value,
    }
    set(&mut value, &["apiVersion"], kind.api_version());
    value
}

const EVENT_NAMES: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn event_outward(value: &mut Value) {
    for (stored, asked) in EVENT_NAMES {
        if let Some(field) = remove(value, &[stored]) {
            set(value, &[asked], field);
        }
    }
}

fn event_inward(value: &mut Value) {
    for (stored, asked) in EVENT_NAMES {
        if let Some(field) = remove(value, &[asked]) {
            set(value, &[stored], field);
        }
    }
    default(value, &["involvedObject"], json!({}));
}

fn hpa_outward(value: &mut Value) {
    let target = cpu_target(value);
    remove(value, &["spec", "metrics"]);
    remove(value, &["spec", "behavior"]);
    if !target.is_null() {
        set(value, &["spec", "targetCPUUtilizationPercentage"], target);
    }
    let current = list(value, "/status/currentMetrics").first().map(|metric| part(metric, "/resource/current/averageUtilization"));
    remove(value, &["status", "currentMetrics"]);
    remove(value, &["status", "conditions"]);
    if let Some(current) = current.filter(|current| !current.is_null()) {
        set(value, &["status", "currentCPUUtilizationPercentage"], current);
    }
}

fn hpa_inward(value: &mut Value) {
    if let Some(target) = remove(value, &["spec", "targetCPUUtilizationPercentage"]) {
        let target = json!({ "type": "Utilization", "averageUtilization": target });
        set(value, &["spec", "metrics"], json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]));
    }
    remove(value, &["status", "currentCPUUtilizationPercentage"]);
}

/// The text of an object as it is asked for, without parsing where nothing changes.
pub fn same_text(kind: Kind, api_version: &str) -> bool {
    kind.api_version() == api_version
}

/// What an object calls itself.
pub fn said(value: &Value) -> (&str, &str) {
    (text(value, "/apiVersion"), text(value, "/kind"))
}
