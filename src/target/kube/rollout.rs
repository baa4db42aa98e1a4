//! How a Deployment's rollout stands, which revisions there are, and what an undo would put back. Written after kubectl's own
//! (staging/src/k8s.io/kubectl/pkg/polymorphichelpers), so that both say the same.

use serde_json::{Value, json};

use super::fault::Fault;
use super::get::say;
use super::list::{self, slim};
use super::wire::Session;
use super::{Outcome, table};
use crate::action::kube::change::{Pausing, REVISION, UndoPlan};
use crate::action::kube::resource::Resource;
use crate::target::stream::Collector;

pub(super) async fn status(session: &Session<'_>, deployment: &str, lines: &mut Collector) -> Result<Outcome, Fault> {
    let object = session.object(&Resource::deployments(), deployment).await?;
    let out = standing(deployment, &object);
    say(lines, [table::text(&out, "/message")]).await;
    Ok(Outcome::of(out))
}

/// `complete` is what `kubectl rollout status` waits for. `available` may lag `ready` by minReadySeconds.
fn standing(name: &str, object: &Value) -> Value {
    let count = |field: &str| table::number(object, &format!("/status/{field}"));
    let desired = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let (updated, total, available) = (count("updatedReplicas"), count("replicas"), count("availableReplicas"));
    let (generation, observed) = (table::number(object, "/metadata/generation"), count("observedGeneration"));
    let progressing = table::array(object, "/status/conditions").iter().find(|condition| condition["type"] == "Progressing");
    let reason = progressing.and_then(|condition| condition["reason"].as_str());
    let (complete, message) = if observed < generation {
        (false, "waiting for the controller to see the new spec".to_owned())
    } else if reason == Some("ProgressDeadlineExceeded") {
        (false, format!("deployment {name} exceeded its progress deadline"))
    } else if updated < desired {
        (false, format!("{updated} of {desired} new replicas have been updated"))
    } else if total > updated {
        (false, format!("{} old replicas are pending termination", total - updated))
    } else if available < updated {
        (false, format!("{available} of {updated} updated replicas are available"))
    } else {
        (true, format!("deployment {name} successfully rolled out"))
    };
    json!({
        "desired": desired,
        "updated": updated,
        "ready": count("readyReplicas"),
        "available": available,
        "unavailable": count("unavailableReplicas"),
        "total": total,
        "generation": generation,
        "observed_generation": observed,
        "paused": object["spec"]["paused"] == true,
        "progressing_reason": reason,
        "complete": complete,
        "message": message,
    })
}

pub(super) async fn history(session: &Session<'_>, deployment: &str, lines: &mut Collector) -> Result<Outcome, Fault> {
    let object = session.object(&Resource::deployments(), deployment).await?;
    let sets = owned(session, &object).await?;
    let current = revision(&object);
    let mut rows = vec![["REVISION", "REPLICASET", "READY", "CREATED", "IMAGES", "CHANGE-CAUSE"].map(str::to_owned).to_vec()];
    let revisions: Vec<Value> = sets.iter().map(revision_of).collect();
    for entry in &revisions {
        let mark = if entry["revision"].as_i64() == current { " *" } else { "" };
        let images: Vec<&str> = table::array(entry, "/images").iter().filter_map(Value::as_str).collect();
        rows.push(vec![
            format!("{}{mark}", entry["revision"]),
            table::text(entry, "/name"),
            format!("{}/{}", entry["ready"], entry["replicas"]),
            table::text(entry, "/created"),
            images.join(","),
            entry["change_cause"].as_str().unwrap_or("-").to_owned(),
        ]);
    }
    say(lines, table::align(&rows)).await;
    let find = |wanted: Option<i64>| revisions.iter().find(|entry| wanted.is_some() && entry["revision"].as_i64() == wanted).cloned();
    let previous = find(previous(&sets, current));
    Ok(Outcome::of(json!({"revisions": revisions, "current": find(current), "previous": previous})))
}

fn revision_of(set: &Value) -> Value {
    let images: Vec<&Value> = table::array(set, "/spec/template/spec/containers").iter().map(|container| &container["image"]).collect();
    json!({
        "revision": revision(set),
        "name": set["metadata"]["name"],
        "images": images,
        "created": set["metadata"]["creationTimestamp"],
        "replicas": set["spec"]["replicas"].as_i64().unwrap_or(1),
        "ready": table::number(set, "/status/readyReplicas"),
        "change_cause": set["metadata"]["annotations"]["kubernetes.io/change-cause"],
    })
}

/// The Deployment's ReplicaSets, oldest revision first. By owner, not by labels: two Deployments may share labels by mistake.
pub(super) async fn owned(session: &Session<'_>, deployment: &Value) -> Result<Vec<Value>, Fault> {
    let selector = table::selector(&deployment["spec"]["selector"]);
    let mut sets = list::of(session, &Resource::replica_sets(), selector.as_deref()).await?;
    let uid = &deployment["metadata"]["uid"];
    sets.retain(|set| table::array(set, "/metadata/ownerReferences").iter().any(|owner| owner["uid"] == *uid));
    sets.sort_by_key(|set| revision(set).unwrap_or(0));
    Ok(sets)
}

pub(super) fn revision(object: &Value) -> Option<i64> {
    object["metadata"]["annotations"][REVISION].as_str()?.parse().ok()
}

/// The highest revision below the current one.
pub(super) fn previous(sets: &[Value], current: Option<i64>) -> Option<i64> {
    sets.iter().filter_map(revision).filter(|number| current.is_none_or(|current| *number < current)).max()
}

/// What an undo puts back, or why there is nothing to.
pub(super) async fn plan_undo(session: &Session<'_>, deployment: &str, to: Option<i64>) -> Result<(Value, UndoPlan), Fault> {
    let object = session.object(&Resource::deployments(), deployment).await?;
    let sets = owned(session, &object).await?;
    let there: Vec<String> = sets.iter().filter_map(revision).map(|number| number.to_string()).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    let Some(current) = revision(&object) else {
        return Err(Fault::refused(format!(
            "deployment {deployment} has no revision yet: its controller has not seen it; look at rollout-status"
        )));
    };
    let Some(wanted) = to.or_else(|| previous(&sets, Some(current))) else {
        return Err(Fault::refused(format!(
            "deployment {deployment} has no revision before {current}; there is: {there}; deploy the fixed version instead"
        )));
    };
    if wanted == current {
        return Err(Fault::refused(format!("deployment {deployment} is at revision {current} already; there is: {there}")));
    }
    let Some(set) = sets.into_iter().find(|set| revision(set) == Some(wanted)) else {
        return Err(Fault::refused(format!("deployment {deployment} has no revision {wanted} any more; there is: {there}")));
    };
    let paused = if object["spec"]["paused"] == true { Pausing::Paused } else { Pausing::Running };
    let plan = UndoPlan { from: current.to_string(), to: wanted, template: set["spec"]["template"].clone(), paused };
    Ok((slim(object), plan))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(status: &Value) -> Value {
        json!({"metadata": {"generation": 4}, "spec": {"replicas": 3}, "status": status})
    }

    #[test]
    fn complete_means_every_replica_is_new_and_available_and_the_controller_has_seen_the_spec() {
        let done = json!({"observedGeneration": 4, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3});
        assert_eq!(standing("web", &deployment(&done))["complete"], true);
        for (field, value) in [("observedGeneration", 3), ("replicas", 4), ("updatedReplicas", 2), ("availableReplicas", 2)] {
            let mut status = done.clone();
            status[field] = json!(value);
            let out = standing("web", &deployment(&status));
            assert_eq!(out["complete"], false, "{field}: {}", out["message"]);
        }
    }
}
