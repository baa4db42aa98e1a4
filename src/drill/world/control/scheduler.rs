//! Which node a pod goes to: the one with the fewest pods among those that take it; the first by name among equals.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::{self, normal, warning};
use super::{pod, status};
use crate::drill::world::clock::stamp;
use crate::drill::world::json::{list, part, set, strings, text, truth};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Object;
use crate::drill::world::selector::LabelSelector;
use crate::drill::world::state::State;

/// The nodes that would take a pod, and how many would not and why.
fn candidates(state: &State, pod: &Value) -> (Vec<String>, BTreeMap<&'static str, usize>) {
    let (mut fit, mut misfit) = (Vec::new(), BTreeMap::new());
    let selector = LabelSelector::from_map(&strings(pod, "/spec/nodeSelector"));
    for node in state.store.list(Kind::Node, "") {
        let value = node.value();
        let tainted =
            list(&value, "/spec/taints").iter().any(|taint| text(taint, "/effect") != "PreferNoSchedule" && !tolerated(pod, taint));
        let why = if truth(&value, "/spec/unschedulable") && !tolerates_unschedulable(pod) {
            "node(s) were unschedulable"
        } else if tainted {
            "node(s) had untolerated taint(s)"
        } else if !selector.matches(&node.labels) {
            "node(s) didn't match Pod's node affinity/selector"
        } else {
            fit.push(node.id.name.clone());
            continue;
        };
        *misfit.entry(why).or_default() += 1;
    }
    (fit, misfit)
}

fn tolerates_unschedulable(pod: &Value) -> bool {
    list(pod, "/spec/tolerations").iter().any(|toleration| text(toleration, "/key") == "node.kubernetes.io/unschedulable")
}

fn tolerated(pod: &Value, taint: &Value) -> bool {
    list(pod, "/spec/tolerations").iter().any(|toleration| {
        let key = text(toleration, "/key");
        let keyed = key.is_empty() || key == text(taint, "/key");
        let valued = text(toleration, "/operator") == "Exists" || text(toleration, "/value") == text(taint, "/value");
        let effect = text(toleration, "/effect");
        keyed && valued && (effect.is_empty() || effect == text(taint, "/effect"))
    })
}

pub fn pick(state: &State, pod: &Value) -> Option<String> {
    let (fit, _) = candidates(state, pod);
    if fit.len() < 2 {
        return fit.into_iter().next();
    }
    let mut load: BTreeMap<&str, usize> = fit.iter().map(|node| (node.as_str(), 0)).collect();
    for other in state.store.list(Kind::Pod, "") {
        if let Some(count) = load.get_mut(other.pod.node.as_str()) {
            *count += 1;
        }
    }
    load.into_iter().min_by_key(|(_, count)| *count).map(|(node, _)| node.to_owned())
}

/// Where a pod of the past was put: the nodes took turns. Weighing them for each of ten thousand pods would take seconds.
pub fn turn(state: &State) -> Option<String> {
    let nodes: Vec<&str> = state.store.list(Kind::Node, "").map(|node| node.id.name.as_str()).collect();
    let turn = usize::try_from(state.addresses.0).unwrap_or(0).checked_rem(nodes.len())?;
    nodes.get(turn).map(|node| (*node).to_owned())
}

pub fn schedule(state: &mut State, pod: &Object) {
    if !pod.pod.node.is_empty() || pod.deleting {
        return;
    }
    let value = pod.value();
    let now = stamp(state.now);
    let Some(node) = pick(state, &value) else {
        let (_, misfit) = candidates(state, &value);
        let all: usize = misfit.values().sum();
        let whys: Vec<String> = misfit.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let message = format!("0/{all} nodes are available: {}.", whys.join(", "));
        event::tell(state, pod, warning("default-scheduler", "FailedScheduling", &message));
        state.edit(&pod.id, |value| {
            status::condition(value, "PodScheduled", false, "Unschedulable", &now);
            if let Some(condition) = super::super::json::list_at(value, &["status", "conditions"]).last_mut() {
                set(condition, &["message"], message);
            }
        });
        return;
    };
    let host = state.get(Kind::Node, "", &node).map(|node| address(&node)).unwrap_or_default();
    state.edit(&pod.id, |value| {
        set(value, &["spec", "nodeName"], node.clone());
        status::creating(value, &host, &now);
    });
    let message = format!("Successfully assigned {}/{} to {node}", pod.id.namespace, pod.id.name);
    event::tell(state, pod, normal("default-scheduler", "Scheduled", &message));
    pod::bound(state, &pod.uid);
}

fn address(node: &Value) -> String {
    let addresses = part(node, "/status/addresses");
    list(&addresses, "")
        .iter()
        .find(|address| text(address, "/type") == "InternalIP")
        .map(|address| text(address, "/address").to_owned())
        .unwrap_or_default()
}

/// A node changed or a pod went: those without a place are tried again.
pub fn retry(state: &mut State) {
    let unplaced: Vec<_> = state
        .store
        .list(Kind::Pod, "")
        .filter(|pod| pod.pod.node.is_empty() && !pod.deleting && pod.text.contains("\"Unschedulable\""))
        .cloned()
        .collect();
    for pod in unplaced {
        if pick(state, &pod.value()).is_some() {
            schedule(state, &pod);
        }
    }
}
