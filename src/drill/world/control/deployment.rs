//! The Deployment controller: revisions, rollouts, and what is said about them.

use std::time::Duration;

use serde_json::{Value, json};

use super::rollout::{Room, Set, grow, scale, shrink};
use crate::drill::world::clock::{later, parse, stamp};
use crate::drill::world::json::{count, list, map_at, number, part, remove, set, strings, text, truth};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::{Id, Object};
use crate::drill::world::seed::{hash, safe};
use crate::drill::world::state::{State, controlled_by};
use crate::drill::world::timer::Due;

const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH: &str = "pod-template-hash";

pub fn reconcile(state: &mut State, id: &Id) {
    let Some(deployment) = state.store.get(id).cloned() else { return };
    let value = deployment.value();
    let (mut new, old) = sets(state, &deployment, &value);
    let paused = truth(&value, "/spec/paused");
    let room = Room::of(&value);
    if new.is_none() && !paused {
        new = Some(create(state, &deployment, &value, &old));
    }
    if let Some(new) = &new {
        if !paused {
            revise(state, &deployment, new, &old);
        }
        if paused || text(&value, "/spec/strategy/type") != "Recreate" {
            if paused {
                resize(state, &deployment, &room, new, &old);
            } else if !grow(state, &deployment, &room, new, &old) {
                shrink(state, &deployment, &room, new, &old);
            }
        } else {
            recreate(state, &deployment, &room, new, &old);
        }
    }
    report(state, id);
    if !paused {
        forget(state, id);
    }
}

/// The set whose template is the Deployment's, and the others, oldest first.
fn sets(state: &State, deployment: &Object, value: &Value) -> (Option<Set>, Vec<Set>) {
    let template = part(value, "/spec/template");
    let mut all: Vec<Set> =
        state.store.owned(&deployment.uid, Kind::ReplicaSet).into_iter().map(|object| Set { value: object.value(), object }).collect();
    all.sort_by_key(|set| (set.revision(), set.object.created.clone(), set.object.id.name.clone()));
    let place = all.iter().position(|set| same_template(&set.value, &template));
    let new = place.map(|place| all.remove(place));
    (new, all)
}

fn same_template(set: &Value, template: &Value) -> bool {
    let mut other = part(set, "/spec/template");
    remove(&mut other, &["metadata", "labels", HASH]);
    let clean = |template: &Value| {
        let mut template = template.clone();
        remove(&mut template, &["metadata", "creationTimestamp"]);
        template
    };
    clean(&other) == clean(template)
}

fn create(state: &mut State, deployment: &Object, value: &Value, old: &[Set]) -> Set {
    let template = part(value, "/spec/template");
    let number = u32::try_from(hash(&sorted(&template)) & 0xffff_ffff).unwrap_or(0);
    let hash = safe(number);
    let name = format!("{}-{hash}", deployment.id.name);
    let mut template = template;
    set(&mut template, &["metadata", "labels", HASH], hash.clone());
    let mut selector = part(value, "/spec/selector");
    set(&mut selector, &["matchLabels", HASH], hash.clone());
    let labels = part(&template, "/metadata/labels");
    let mut annotations = strings(value, "/metadata/annotations");
    annotations.retain(|key, _| !not_copied(key));
    annotations.insert(REVISION.to_owned(), next_revision(None, old).to_string());
    let spec =
        json!({ "replicas": 0, "selector": selector, "template": template, "minReadySeconds": count(value, "/spec/minReadySeconds") });
    let metadata = json!({
        "name": name, "namespace": deployment.id.namespace, "labels": labels, "annotations": annotations,
        "ownerReferences": [controlled_by(deployment)],
    });
    let object = state.add(Kind::ReplicaSet, json!({ "metadata": metadata, "spec": spec, "status": { "replicas": 0 } }));
    condition(state, &deployment.id, ("Progressing", true), "NewReplicaSetCreated", &format!("Created new replica set \"{name}\""));
    Set { value: object.value(), object }
}

fn not_copied(key: &str) -> bool {
    matches!(key, "kubectl.kubernetes.io/last-applied-configuration" | REVISION | HISTORY)
        || matches!(key, "deployment.kubernetes.io/desired-replicas" | "deployment.kubernetes.io/max-replicas")
}

/// JSON with its keys in order: the same template always has the same hash.
fn sorted(value: &Value) -> String {
    if let Some(map) = value.as_object() {
        let mut keys: Vec<&String> = map.keys().collect();
        keys.sort();
        return keys.into_iter().flat_map(|key| [key.clone(), map.get(key).map(sorted).unwrap_or_default()]).collect::<Vec<_>>().join(";");
    }
    value.as_array().map_or_else(|| value.to_string(), |all| all.iter().map(|one| sorted(one) + ",").collect())
}

fn next_revision(new: Option<&Set>, old: &[Set]) -> i64 {
    let newest = old.iter().map(Set::revision).max().unwrap_or(0);
    match new {
        Some(new) if new.revision() > newest => new.revision(),
        Some(_) | None => newest + 1,
    }
}

/// The current set carries the highest revision, and the Deployment says the same.
fn revise(state: &mut State, deployment: &Object, new: &Set, old: &[Set]) {
    let revision = next_revision(Some(new), old).to_string();
    let copied: Vec<(String, String)> =
        strings(&deployment.value(), "/metadata/annotations").into_iter().filter(|(key, _)| !not_copied(key)).collect();
    let least = count(&deployment.value(), "/spec/minReadySeconds");
    state.edit(&new.object.id, |value| {
        let before = text(value, "/metadata/annotations/deployment.kubernetes.io~1revision").to_owned();
        set(value, &["spec", "minReadySeconds"], least);
        let annotations = map_at(value, &["metadata", "annotations"]);
        for (key, text) in copied {
            annotations.insert(key, text.into());
        }
        if before != revision {
            let history = annotations.get(HISTORY).and_then(Value::as_str).map_or(before.clone(), |history| format!("{history},{before}"));
            annotations.insert(HISTORY.to_owned(), history.into());
            annotations.insert(REVISION.to_owned(), revision.clone().into());
        }
    });
    let going_back = new.revision().to_string() != revision;
    state.edit(&deployment.id, |value| set(value, &["metadata", "annotations", REVISION], revision.clone()));
    if going_back {
        let message = format!("Found new replica set \"{}\"", new.object.id.name);
        condition(state, &deployment.id, ("Progressing", true), "FoundNewReplicaSet", &message);
    }
}

/// A paused Deployment still follows its number of replicas: the difference goes to the largest set.
fn resize(state: &mut State, deployment: &Object, room: &Room, new: &Set, old: &[Set]) {
    let total: i64 = old.iter().map(Set::wanted).sum::<i64>() + new.wanted();
    let most = if old.iter().all(|set| set.wanted() == 0) { room.wanted } else { room.wanted + room.surge };
    let largest = old.iter().chain([new]).max_by_key(|set| set.wanted());
    if let Some(largest) = largest.filter(|_| total > most || total < room.wanted) {
        let to = (largest.wanted() + (if total > most { most } else { room.wanted }) - total).max(0);
        scale(state, deployment, largest, to);
    }
}

fn recreate(state: &mut State, deployment: &Object, room: &Room, new: &Set, old: &[Set]) {
    for set in old {
        scale(state, deployment, set, 0);
    }
    let gone = old.iter().all(|set| state.store.owned(&set.object.uid, Kind::Pod).is_empty());
    if gone {
        scale(state, deployment, new, room.wanted);
    }
}

/// Sets a condition of a Deployment. Its update time moves with its reason, its transition time with its status.
fn condition(state: &mut State, id: &Id, (kind, holds): (&str, bool), reason: &str, message: &str) {
    let now = stamp(state.now);
    let status = if holds { "True" } else { "False" };
    state.edit(id, |value| {
        let conditions = super::super::json::list_at(value, &["status", "conditions"]);
        let before = conditions.iter().position(|condition| text(condition, "/type") == kind);
        let mut new =
            json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": now, "lastTransitionTime": now });
        let Some(place) = before else { return conditions.push(new) };
        let Some(old) = conditions.get_mut(place) else { return };
        if text(old, "/status") == status {
            set(&mut new, &["lastTransitionTime"], part(old, "/lastTransitionTime"));
            if text(old, "/reason") == reason && text(old, "/message") == message && reason != "ReplicaSetUpdated" {
                set(&mut new, &["lastUpdateTime"], part(old, "/lastUpdateTime"));
            }
        }
        *old = new;
    });
}

/// Status, conditions and the deadline.
fn report(state: &mut State, id: &Id) {
    let Some(deployment) = state.store.get(id).cloned() else { return };
    let value = deployment.value();
    let (new, old) = sets(state, &deployment, &value);
    let room = Room::of(&value);
    let all = || old.iter().chain(new.iter());
    let there: i64 = all().map(Set::there).sum();
    let available: i64 = all().map(Set::available).sum();
    let ready: i64 = all().map(|set| count(&set.value, "/status/readyReplicas")).sum();
    let updated = new.as_ref().map_or(0, Set::there);
    let unavailable = (all().map(Set::wanted).sum::<i64>() - available).max(0);
    let before = (count(&value, "/status/updatedReplicas"), there_of(&value), count(&value, "/status/availableReplicas"));
    state.edit(id, |value| {
        let conditions = part(value, "/status/conditions");
        let mut status = json!({ "observedGeneration": count(value, "/metadata/generation") });
        for (field, number) in [
            ("replicas", there),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", unavailable),
        ] {
            if number > 0 {
                set(&mut status, &[field], number);
            }
        }
        if !conditions.is_null() {
            set(&mut status, &["conditions"], conditions);
        }
        set(value, &["status"], status);
    });
    if available >= room.wanted - room.unavailable {
        condition(state, id, ("Available", true), "MinimumReplicasAvailable", "Deployment has minimum availability.");
    } else {
        condition(state, id, ("Available", false), "MinimumReplicasUnavailable", "Deployment does not have minimum availability.");
    }
    let moved = before.0 < updated || before.1 > there || before.2 < available;
    let complete = updated == room.wanted && there == room.wanted && available == room.wanted;
    let progressed = if complete {
        Progress::Complete
    } else if moved {
        Progress::Moved
    } else {
        Progress::Waiting
    };
    progress(state, id, new.as_ref(), &progressed);
}

fn there_of(value: &Value) -> i64 {
    count(value, "/status/replicas")
}

enum Progress {
    Complete,
    Moved,
    Waiting,
}

fn progress(state: &mut State, id: &Id, new: Option<&Set>, progress: &Progress) {
    let Some(value) = state.store.get(id).map(|deployment| deployment.value()) else { return };
    let current = list(&value, "/status/conditions").iter().find(|condition| text(condition, "/type") == "Progressing");
    let reason = current.map(|condition| text(condition, "/reason")).unwrap_or_default().to_owned();
    if truth(&value, "/spec/paused") {
        return set_paused(state, id);
    }
    if reason == "DeploymentPaused" {
        return unknown(state, id, "DeploymentResumed", "Deployment is resumed");
    }
    let Some(new) = new else { return };
    let name = &new.object.id.name;
    match progress {
        Progress::Complete => {
            let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
            condition(state, id, ("Progressing", true), "NewReplicaSetAvailable", &message);
        }
        Progress::Moved => {
            condition(state, id, ("Progressing", true), "ReplicaSetUpdated", &format!("ReplicaSet \"{name}\" is progressing."));
            expect(state, id);
        }
        Progress::Waiting if reason == "NewReplicaSetAvailable" || reason == "ProgressDeadlineExceeded" => {}
        Progress::Waiting => {
            let updated = current.and_then(|condition| parse(text(condition, "/lastUpdateTime"))).unwrap_or(state.now);
            let deadline = Duration::from_secs(number(&value, "/spec/progressDeadlineSeconds").unwrap_or(600).unsigned_abs());
            if later(updated, deadline) <= state.now {
                let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
                condition(state, id, ("Progressing", false), "ProgressDeadlineExceeded", &message);
            } else {
                expect(state, id);
            }
        }
    }
}

fn set_paused(state: &mut State, id: &Id) {
    unknown(state, id, "DeploymentPaused", "Deployment is paused");
}

fn unknown(state: &mut State, id: &Id, reason: &str, message: &str) {
    let said = state.store.get(id).map(|deployment| deployment.value()).is_some_and(|value| {
        list(&value, "/status/conditions")
            .iter()
            .any(|condition| text(condition, "/reason") == reason && text(condition, "/status") == "Unknown")
    });
    if said {
        return;
    }
    condition(state, id, ("Progressing", true), reason, message);
    state.edit(id, |value| {
        let conditions = super::super::json::list_at(value, &["status", "conditions"]);
        if let Some(progressing) = conditions.iter_mut().find(|condition| text(condition, "/type") == "Progressing") {
            set(progressing, &["status"], "Unknown");
        }
    });
    expect(state, id);
}

/// Looks again when the deadline has passed.
fn expect(state: &mut State, id: &Id) {
    let Some(value) = state.store.get(id).map(|deployment| deployment.value()) else { return };
    let deadline = number(&value, "/spec/progressDeadlineSeconds").unwrap_or(600).unsigned_abs();
    state.after(Duration::from_secs(deadline + 1), Due::Again(id.clone()));
}

/// Drops the oldest empty sets beyond the history's limit.
fn forget(state: &mut State, id: &Id) {
    let Some(deployment) = state.store.get(id).cloned() else { return };
    let value = deployment.value();
    let (_, old) = sets(state, &deployment, &value);
    let kept = usize::try_from(number(&value, "/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or(0);
    let empty: Vec<&Set> = old.iter().filter(|set| set.wanted() == 0 && set.there() == 0).collect();
    for set in empty.iter().take(empty.len().saturating_sub(kept)) {
        state.remove(&set.object.id);
    }
}
