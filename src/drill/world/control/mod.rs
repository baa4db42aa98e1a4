//! The controllers. Each looks at the state and brings it a step closer to what was asked for, as its namesake in Kubernetes does;
//! all of them run at once after a change, in one order, so that a seed always gives one story.

pub mod deployment;
pub mod endpoints;
pub mod event;
pub mod garbage;
pub mod hpa;
pub mod pdb;
pub mod pod;
pub mod replicaset;
mod rollout;
mod scheduler;
pub mod status;

use super::kind::Kind;
use super::object::{Id, Object};
use super::plant;
use super::selector::LabelSelector;
use super::state::State;
use super::timer::Due;

/// Something a controller is to look at. The order is the order it is done in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Garbage(String),
    Namespace(String),
    Deployment(Id),
    ReplicaSet(Id),
    Schedule,
    /// The Services of a namespace.
    Endpoints(String),
    /// The disruption budgets of a namespace.
    Budgets(String),
}

pub fn work(state: &mut State, work: Work) {
    match work {
        Work::Garbage(uid) => garbage::collect(state, &uid),
        Work::Namespace(name) => garbage::furnish(state, &name),
        Work::Deployment(id) => deployment::reconcile(state, &id),
        Work::ReplicaSet(id) => replicaset::reconcile(state, &id),
        Work::Schedule => scheduler::retry(state),
        Work::Endpoints(namespace) => endpoints::reconcile(state, &namespace),
        Work::Budgets(namespace) => pdb::reconcile(state, &namespace),
    }
}

pub fn due(state: &mut State, due: Due) {
    match due {
        Due::Pod { uid, turn, step } => pod::due(state, &uid, turn, &step),
        Due::Again(id) if id.kind == Kind::ReplicaSet => {
            state.dirty.insert(Work::ReplicaSet(id));
        }
        Due::Again(id) => {
            state.dirty.insert(Work::Deployment(id));
        }
        Due::Hpa(id) => hpa::sync(state, &id),
        Due::Plant => plant::due(state),
    }
}

/// Something was written: who has to look?
pub fn notice(state: &mut State, before: Option<&Object>, after: Option<&Object>) {
    let Some(object) = after.or(before) else { return };
    let id = &object.id;
    if after.is_none() {
        state.dirty.insert(Work::Garbage(object.uid.clone()));
    }
    match id.kind {
        Kind::Pod => notice_pod(state, before, after),
        Kind::ReplicaSet => {
            if after.is_some() {
                state.dirty.insert(Work::ReplicaSet(id.clone()));
            }
            notice_owner(state, object, Kind::Deployment);
        }
        Kind::Deployment => {
            if after.is_some() {
                state.dirty.insert(Work::Deployment(id.clone()));
            }
        }
        Kind::Service => {
            state.dirty.insert(Work::Endpoints(id.namespace.clone()));
        }
        Kind::Pdb => {
            state.dirty.insert(Work::Budgets(id.namespace.clone()));
        }
        Kind::Node => {
            state.dirty.insert(Work::Schedule);
        }
        Kind::Namespace if before.is_none() => {
            state.dirty.insert(Work::Namespace(id.name.clone()));
        }
        Kind::Hpa if before.is_none() => hpa::appeared(state, id),
        Kind::Namespace
        | Kind::Hpa
        | Kind::ConfigMap
        | Kind::Endpoints
        | Kind::Event
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::Lease
        | Kind::NetworkPolicy
        | Kind::EndpointSlice => {}
    }
}

fn notice_owner(state: &mut State, object: &Object, kind: Kind) {
    let Some(owner) = &object.owner else { return };
    let found = state.store.list(kind, &object.id.namespace).find(|candidate| candidate.uid == *owner).map(|owner| owner.id.clone());
    if let Some(id) = found {
        state.dirty.insert(if kind == Kind::ReplicaSet { Work::ReplicaSet(id) } else { Work::Deployment(id) });
    }
}

fn notice_pod(state: &mut State, before: Option<&Object>, after: Option<&Object>) {
    for pod in [before, after].into_iter().flatten() {
        notice_owner(state, pod, Kind::ReplicaSet);
    }
    let namespace = before.or(after).map(|pod| pod.id.namespace.clone()).unwrap_or_default();
    if let Some(pod) = after {
        if before.is_none() {
            pod::appeared(state, pod);
        }
        if pod.owner.is_none() {
            adoptable(state, pod);
        }
    } else if let Some(pod) = before {
        state.lives.remove(&pod.uid);
        state.dirty.insert(Work::Schedule);
    }
    let same = before.zip(after).is_some_and(|(before, after)| {
        before.labels == after.labels
            && before.pod.ready == after.pod.ready
            && before.pod.phase == after.pod.phase
            && before.deleting == after.deleting
    });
    if !same {
        state.dirty.insert(Work::Endpoints(namespace.clone()));
        state.dirty.insert(Work::Budgets(namespace));
    }
}

/// An orphan whose labels a ReplicaSet selects will be adopted by it.
fn adoptable(state: &mut State, pod: &Object) {
    let sets: Vec<Id> = state
        .store
        .list(Kind::ReplicaSet, &pod.id.namespace)
        .filter(|set| {
            let selector = LabelSelector::from_object(&super::json::part(&set.value(), "/spec/selector"));
            !selector.is_empty() && selector.matches(&pod.labels)
        })
        .map(|set| set.id.clone())
        .collect();
    state.dirty.extend(sets.into_iter().map(Work::ReplicaSet));
}
