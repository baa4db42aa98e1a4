//! The object a change names, as it is now: what a clearance is bound to.

use serde_json::Value;

use super::fault::Fault;
use super::get::resource;
use super::list;
use super::table::{array, text};
use super::wire::{Session, identity, named};
use crate::action::identity::ObjectIdentity;
use crate::action::kube::Kube;
use crate::action::kube::change::{Subject, subject};
use crate::action::kube::resource::Resource;

/// `None` for verbs that only read.
pub(super) async fn object(session: &Session<'_>, kube: &Kube) -> Result<Option<ObjectIdentity>, Fault> {
    let Some((resource, object)) = live(session, kube).await? else { return Ok(None) };
    Ok(Some(identity(&resource.kind, &object)))
}

/// What a verb changes, and how it is now.
pub(super) async fn live(session: &Session<'_>, kube: &Kube) -> Result<Option<(Resource, Value)>, Fault> {
    let (resource, name) = match subject(kube) {
        Subject::Nothing => return Ok(None),
        Subject::OneOf { pod, selector } => return Ok(Some((Resource::pods(), pod_for(session, pod, selector).await?))),
        Subject::Deployment(name) => (Resource::deployments(), name),
        Subject::Node(name) => (Resource::nodes(), name),
        Subject::Pod(name) => (Resource::pods(), name),
        Subject::Object { resource: word, name } => (resource(session, word).await?, name),
    };
    let object = session.object(&resource, name).await?;
    Ok(Some((resource, object)))
}

/// A named pod, or the first ready one of a selector, by name: the same one each time while it lives.
pub(super) async fn pod_for(session: &Session<'_>, pod: Option<&str>, selector: Option<&str>) -> Result<Value, Fault> {
    if let Some(name) = pod {
        named("Pod", name)?;
        return session.object(&Resource::pods(), name).await;
    }
    let Some(selector) = selector else {
        return Err(Fault::refused("neither a pod nor a selector is given; add one to the command"));
    };
    let mut pods = list::of(session, &Resource::pods(), Some(selector)).await?;
    let matching = pods.len();
    pods.retain(is_ready);
    pods.sort_by_key(|pod| text(pod, "/metadata/name"));
    pods.into_iter()
        .next()
        .ok_or_else(|| Fault::refused(format!("none of the {matching} pods of {selector} is ready; name a pod to use one that is not")))
}

fn is_ready(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null()
        && array(pod, "/status/conditions").iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
