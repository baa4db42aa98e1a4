//! The API call each change makes. The screen shows these calls before a person answers, and the target sends the same ones: there is
//! no second place where a change is written down. Pure: what must be known from the live object comes in as its identity.

use serde_json::{Map, Value, json};

use super::call::{Call, pin, preconditions, tests};
use super::{Exec, Kube, Patch, PatchKind, Scale, SetEnv, SetImage};
use crate::action::identity::ObjectIdentity;
use crate::action::kube::resource::Resource;

/// Marks the pods of a Deployment so that they are all replaced: the annotation kubectl uses.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// Which rollout a Deployment or ReplicaSet is at.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// Added by the controller to each ReplicaSet's template.
pub const TEMPLATE_HASH: &str = "pod-template-hash";

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    Deployment(&'a str),
    Node(&'a str),
    Pod(&'a str),
    /// Of a resource that may have to be looked up.
    Object {
        resource: &'a str,
        name: &'a str,
    },
    /// A pod by its name, or one of a selector.
    OneOf {
        pod: Option<&'a str>,
        selector: Option<&'a str>,
    },
    /// It only reads.
    Nothing,
}

/// The object a verb changes.
pub fn subject(kube: &Kube) -> Subject<'_> {
    match kube {
        Kube::RolloutUndo(target) => Subject::Deployment(&target.deployment),
        Kube::RolloutPause(target) | Kube::RolloutResume(target) | Kube::RolloutRestart(target) => Subject::Deployment(&target.deployment),
        Kube::Scale(target) => Subject::Deployment(&target.deployment),
        Kube::SetImage(target) => Subject::Deployment(&target.deployment),
        Kube::SetEnv(target) => Subject::Deployment(&target.deployment),
        Kube::Patch(target) => Subject::Object { resource: &target.resource, name: &target.name },
        Kube::Cordon(target) | Kube::Uncordon(target) => Subject::Node(&target.node),
        Kube::Evict(target) | Kube::DeletePod(target) => Subject::Pod(&target.pod),
        Kube::Exec(target) => Subject::OneOf { pod: target.pod.as_deref(), selector: target.selector.as_deref() },
        Kube::Get(_)
        | Kube::Describe(_)
        | Kube::Events(_)
        | Kube::Logs(_)
        | Kube::Top(_)
        | Kube::RolloutStatus(_)
        | Kube::RolloutHistory(_) => Subject::Nothing,
    }
}

/// The call of a change that needs nothing from the live object but its identity. `None` for reads, for rollout-undo (its patch holds
/// the old ReplicaSet's template: [`undo`]), for exec ([`exec`]) and for a patch of a resource only the server knows.
/// `now` is RFC 3339 and used by rollout-restart only.
pub fn call(kube: &Kube, namespace: &str, object: Option<&ObjectIdentity>, now: &str) -> Option<Call> {
    let deployment = |name: &str, body: Value| strategic(Resource::deployments().object(namespace, name), body, object);
    match kube {
        Kube::RolloutPause(target) => Some(deployment(&target.deployment, json!({"spec": {"paused": true}}))),
        Kube::RolloutResume(target) => Some(deployment(&target.deployment, json!({"spec": {"paused": null}}))),
        Kube::RolloutRestart(target) => {
            Some(deployment(&target.deployment, json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: now}}}}})))
        }
        Kube::Scale(target) => Some(scale(target, namespace, object)),
        Kube::SetImage(target) => Some(deployment(&target.deployment, image(target))),
        Kube::SetEnv(target) => Some(deployment(&target.deployment, env(target))),
        Kube::Patch(target) => Resource::known(&target.resource).map(|resource| patch(target, &resource, namespace, object)),
        Kube::Cordon(target) => {
            Some(strategic(Resource::nodes().object(namespace, &target.node), json!({"spec": {"unschedulable": true}}), object))
        }
        Kube::Uncordon(target) => {
            Some(strategic(Resource::nodes().object(namespace, &target.node), json!({"spec": {"unschedulable": null}}), object))
        }
        Kube::Evict(target) => Some(evict(&target.pod, namespace, object)),
        Kube::DeletePod(target) => Some(delete_pod(&target.pod, namespace, object)),
        Kube::RolloutUndo(_)
        | Kube::Exec(_)
        | Kube::Get(_)
        | Kube::Describe(_)
        | Kube::Events(_)
        | Kube::Logs(_)
        | Kube::Top(_)
        | Kube::RolloutStatus(_)
        | Kube::RolloutHistory(_) => None,
    }
}

fn strategic(path: String, mut body: Value, object: Option<&ObjectIdentity>) -> Call {
    pin(&mut body, object);
    Call::patch(PatchKind::Strategic, path, body)
}

/// With the count it is expected to have: a PUT that carries the version read with that count. Without: a merge patch.
fn scale(target: &Scale, namespace: &str, object: Option<&ObjectIdentity>) -> Call {
    let path = format!("{}/scale", Resource::deployments().object(namespace, &target.deployment));
    if target.current_replicas.is_none() {
        let mut body = json!({"spec": {"replicas": target.replicas}});
        pin(&mut body, object);
        return Call::patch(PatchKind::Merge, path, body);
    }
    let mut body = json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": target.deployment, "namespace": namespace},
        "spec": {"replicas": target.replicas},
    });
    pin(&mut body, object);
    Call::put(path, body)
}

fn image(target: &SetImage) -> Value {
    containers(&json!({"name": target.container, "image": target.image}))
}

/// `valueFrom: null` because a variable may not have both a value and a source; `$patch: delete` removes an element of a keyed list.
fn env(target: &SetEnv) -> Value {
    let variables: Vec<Value> = target
        .env
        .iter()
        .map(|(name, value)| match value {
            Some(value) => json!({"name": name, "value": value, "valueFrom": null}),
            None => json!({"name": name, "$patch": "delete"}),
        })
        .collect();
    containers(&json!({"name": target.container.as_deref().unwrap_or("<its only container>"), "env": variables}))
}

fn containers(container: &Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [container]}}}})
}

/// The author's patch with the precondition added in the form its type has.
pub fn patch(target: &Patch, resource: &Resource, namespace: &str, object: Option<&ObjectIdentity>) -> Call {
    let path = resource.object(namespace, &target.name);
    let body = match (target.kind, &target.patch) {
        (PatchKind::Json, Value::Array(operations)) => Value::Array(tests(object).into_iter().chain(operations.iter().cloned()).collect()),
        (PatchKind::Json | PatchKind::Merge | PatchKind::Strategic, other) => {
            let mut body = other.clone();
            pin(&mut body, object);
            body
        }
    };
    Call::patch(target.kind, path, body)
}

/// An eviction asks; a disruption budget may say no (429). It is not kubectl's `delete pod`, which no budget stops.
fn evict(pod: &str, namespace: &str, object: Option<&ObjectIdentity>) -> Call {
    let mut body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}});
    if object.is_some() {
        body["deleteOptions"] = json!({"preconditions": preconditions(object)});
    }
    Call::post(format!("{}/eviction", Resource::pods().object(namespace, pod)), body)
}

fn delete_pod(pod: &str, namespace: &str, object: Option<&ObjectIdentity>) -> Call {
    let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
    if object.is_some() {
        body["preconditions"] = preconditions(object);
    }
    Call::delete(Resource::pods().object(namespace, pod), body)
}

/// What rollout-undo puts back, read from the live cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct UndoPlan {
    /// The revision the Deployment is at: the patch fails if it has moved.
    pub from: String,
    pub to: i64,
    /// The target ReplicaSet's `spec.template`, as stored.
    pub template: Value,
    /// A paused Deployment is resumed by the same patch: resuming first would continue the bad rollout.
    pub paused: Pausing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pausing {
    Running,
    Paused,
}

/// One JSON patch: nobody can see (or race with) a state in between.
pub fn undo(deployment: &str, namespace: &str, plan: &UndoPlan, object: Option<&ObjectIdentity>) -> Call {
    let mut operations = tests(object);
    let annotation = format!("/metadata/annotations/{}", REVISION.replace('~', "~0").replace('/', "~1"));
    operations.push(json!({"op": "test", "path": annotation, "value": plan.from}));
    operations.push(json!({"op": "replace", "path": "/spec/template", "value": without_hash(plan.template.clone())}));
    if plan.paused == Pausing::Paused {
        operations.push(json!({"op": "replace", "path": "/spec/paused", "value": false}));
    }
    Call::patch(PatchKind::Json, Resource::deployments().object(namespace, deployment), Value::Array(operations))
}

fn without_hash(mut template: Value) -> Value {
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        let kept: Map<String, Value> =
            labels.iter().filter(|(key, _)| *key != TEMPLATE_HASH).map(|(k, v)| (k.clone(), v.clone())).collect();
        *labels = kept;
    }
    template
}

/// The request exec opens its WebSocket with.
pub fn exec(target: &Exec, pod: &str, namespace: &str) -> Call {
    let mut call = Call::get(format!("{}/exec", Resource::pods().object(namespace, pod)))
        .with("stdout", Some("true"))
        .with("stderr", Some("true"))
        .with("container", target.container.clone());
    call.query.extend(target.argv.iter().map(|argument| ("command", argument.clone())));
    call
}
