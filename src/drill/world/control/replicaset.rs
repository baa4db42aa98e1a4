//! The ReplicaSet controller: as many pods as asked for, no more, no fewer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::event::{self, normal};
use super::{pod, status};
use crate::drill::world::clock::{between, later, parse, stamp};
use crate::drill::world::json::{count, list_at, number, part, set};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::{Id, Object};
use crate::drill::world::selector::LabelSelector;
use crate::drill::world::state::{Past, State, controlled_by};
use crate::drill::world::timer::Due;

const COMPONENT: &str = "replicaset-controller";
/// A single reconcile makes or deletes no more pods than this; the rest waits for the next.
const BURST: usize = 500;

pub fn reconcile(state: &mut State, id: &Id) {
    let Some(set) = state.store.get(id).cloned() else { return };
    let value = set.value();
    let selector = LabelSelector::from_object(&part(&value, "/spec/selector"));
    claim(state, &set, &selector);
    let pods: Vec<Arc<Object>> = state.store.owned(&set.uid, Kind::Pod).into_iter().filter(|pod| pod.active_pod()).collect();
    let wanted = usize::try_from(number(&value, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    if pods.len() < wanted {
        let missing = wanted - pods.len();
        for _ in 0..missing.min(BURST) {
            create(state, &set, &value);
        }
        if missing > BURST {
            state.dirty.insert(super::Work::ReplicaSet(id.clone()));
        }
    } else if pods.len() > wanted {
        let surplus = pods.len() - wanted;
        for victim in rank(pods).into_iter().take(surplus) {
            let message = format!("Deleted pod: {}", victim.id.name);
            event::tell(state, &set, normal(COMPONENT, "SuccessfulDelete", &message));
            pod::terminate(state, &victim.id, None);
        }
    }
    report(state, id, &value);
}

/// Lets go of pods that are no longer selected, and takes orphans that are.
fn claim(state: &mut State, set: &Object, selector: &LabelSelector) {
    for pod in state.store.owned(&set.uid, Kind::Pod) {
        if !selector.matches(&pod.labels) {
            state.edit(&pod.id, |value| {
                list_at(value, &["metadata", "ownerReferences"]).retain(|owner| owner.get("uid").and_then(Value::as_str) != Some(&set.uid));
            });
        }
    }
    let orphans: Vec<Id> = state
        .store
        .owned("", Kind::Pod)
        .iter()
        .filter(|pod| pod.id.namespace == set.id.namespace && pod.active_pod() && selector.matches(&pod.labels))
        .map(|pod| pod.id.clone())
        .collect();
    for orphan in orphans {
        state.edit(&orphan, |value| list_at(value, &["metadata", "ownerReferences"]).push(controlled_by(set)));
    }
}

fn create(state: &mut State, owner: &Object, value: &Value) {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": part(value, "/spec/template/metadata"), "spec": part(value, "/spec/template/spec"),
    });
    let name = format!("{}-{}", owner.id.name, state.seed.suffix());
    super::super::json::remove(&mut pod, &["metadata", "creationTimestamp"]);
    set(&mut pod, &["metadata", "name"], name.clone());
    set(&mut pod, &["metadata", "namespace"], owner.id.namespace.clone());
    set(&mut pod, &["metadata", "generateName"], format!("{}-", owner.id.name));
    set(&mut pod, &["metadata", "ownerReferences"], json!([controlled_by(owner)]));
    crate::drill::world::api::defaults::apply(Kind::Pod, &mut pod);
    state.identify(Kind::Pod, &mut pod);
    if state.past == Past::Writing {
        pod = pod::written(state, pod);
    } else {
        set(&mut pod, &["status"], json!({ "phase": "Pending" }));
        status::pending(&mut pod, &stamp(state.now));
        super::super::json::remove(&mut pod, &["status", "startTime"]);
    }
    state.keep(Kind::Pod, pod);
    let message = format!("Created pod: {name}");
    event::tell(state, owner, normal(COMPONENT, "SuccessfulCreate", &message));
}

/// Those to go first: not placed, not running, not ready, ready for the shortest time.
fn rank(mut pods: Vec<Arc<Object>>) -> Vec<Arc<Object>> {
    pods.sort_by_key(|pod| {
        let newest_first = std::cmp::Reverse((pod.pod.ready_since.clone(), pod.created.clone()));
        (
            !pod.pod.node.is_empty(),
            pod.pod.phase == "Running",
            pod.pod.ready,
            std::cmp::Reverse(pod.pod.restarts),
            newest_first,
            pod.id.name.clone(),
        )
    });
    pods
}

fn report(state: &mut State, id: &Id, value: &Value) {
    let Some(set) = state.store.get(id).cloned() else { return };
    let pods: Vec<Arc<Object>> = state.store.owned(&set.uid, Kind::Pod).into_iter().filter(|pod| pod.active_pod()).collect();
    let least = Duration::from_secs(count(value, "/spec/minReadySeconds").unsigned_abs());
    let ready: Vec<_> = pods.iter().filter(|pod| pod.pod.ready).collect();
    let mut available = 0;
    let mut soonest = None;
    for pod in &ready {
        let since = parse(&pod.pod.ready_since).unwrap_or(state.now);
        if between(since, state.now) >= least {
            available += 1;
        } else {
            let due = later(since, least);
            soonest = Some(soonest.map_or(due, |soonest: jiff::Timestamp| soonest.min(due)));
        }
    }
    if let Some(due) = soonest {
        state.timers.at(due, Due::Again(id.clone()));
    }
    let selected = LabelSelector::from_object(&json!({ "matchLabels": part(value, "/spec/template/metadata/labels") }));
    let labelled = pods.iter().filter(|pod| selected.matches(&pod.labels)).count();
    let terminating = state.store.owned(&set.uid, Kind::Pod).iter().filter(|pod| pod.deleting).count();
    let generation = count(&set.value(), "/metadata/generation");
    let mut new = json!({ "replicas": pods.len(), "observedGeneration": generation });
    for (field, number) in [
        ("fullyLabeledReplicas", labelled),
        ("readyReplicas", ready.len()),
        ("availableReplicas", available),
        ("terminatingReplicas", terminating),
    ] {
        if number > 0 {
            super::super::json::set(&mut new, &[field], number);
        }
    }
    state.edit(id, |value| super::super::json::set(value, &["status"], new));
}
