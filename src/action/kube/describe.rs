//! What a person reads before a verb runs: the API calls it makes, in order, and the kubectl line that does the same.

use super::call::Call;
use super::resource::Resource;
use super::{Events, Exec, Get, Kube, Logs, RolloutUndo, Top, change, kubectl};
use crate::action::Description;
use crate::action::identity::{ClusterIdentity, Identity};

impl Kube {
    /// Without a cluster's identity the places it would fill are shown as `<context>` and `<namespace>`.
    pub fn describe(&self, identity: &Identity) -> Description {
        let unknown = ClusterIdentity {
            context: "<context>".to_owned(),
            server: String::new(),
            namespace: "<namespace>".to_owned(),
            user: None,
            object: None,
        };
        let at = match identity {
            Identity::Cluster(cluster) => cluster,
            Identity::Host(_) | Identity::Here => &unknown,
        };
        Description { runs: runs(self, at), by_hand: Some(kubectl::line(self, at)) }
    }
}

fn runs(kube: &Kube, at: &ClusterIdentity) -> Vec<String> {
    let namespace = at.namespace.as_str();
    let deployment = |name: &str| Call::get(Resource::deployments().object(namespace, name)).to_string();
    let replica_sets = || format!("{} (those the Deployment owns)", Call::get(Resource::replica_sets().collection(namespace)));
    match kube {
        Kube::Get(target) => vec![get(target, namespace)],
        Kube::Describe(target) => vec![
            of_resource(&target.resource, |resource| Call::get(resource.object(namespace, &target.name))),
            events(&Events { about: Some(target.name.clone()), kind: None }, namespace).to_string(),
        ],
        Kube::Events(target) => vec![events(target, namespace).to_string()],
        Kube::Logs(target) => logs(target, namespace),
        Kube::Top(target) => vec![top(target, namespace).to_string()],
        Kube::RolloutStatus(target) => vec![deployment(&target.deployment)],
        Kube::RolloutHistory(target) => vec![deployment(&target.deployment), replica_sets()],
        Kube::RolloutUndo(target) => undo(target, at, [deployment(&target.deployment), replica_sets()]),
        Kube::Exec(target) => exec(target, namespace),
        Kube::Patch(target) => vec![change::call(kube, namespace, at.object.as_ref(), "").map_or_else(
            || format!("PATCH {}/{} in {namespace}: {}", target.resource, target.name, target.patch),
            |call| call.to_string(),
        )],
        Kube::RolloutPause(_)
        | Kube::RolloutResume(_)
        | Kube::RolloutRestart(_)
        | Kube::Scale(_)
        | Kube::SetImage(_)
        | Kube::SetEnv(_)
        | Kube::Cordon(_)
        | Kube::Uncordon(_)
        | Kube::Evict(_)
        | Kube::DeletePod(_) => change::call(kube, namespace, at.object.as_ref(), "<now>").iter().map(ToString::to_string).collect(),
    }
}

/// A resource the table does not hold is looked up on the server first.
fn of_resource(word: &str, call: impl FnOnce(&Resource) -> Call) -> String {
    Resource::known(word).map_or_else(|| format!("GET {word} (looked up on the server first)"), |resource| call(&resource).to_string())
}

fn get(target: &Get, namespace: &str) -> String {
    of_resource(&target.resource, |resource| list_or_one(target, resource, namespace))
}

/// One object by its name, or a page of a list.
pub fn list_or_one(target: &Get, resource: &Resource, namespace: &str) -> Call {
    match &target.name {
        Some(name) => Call::get(resource.object(namespace, name)),
        None => Call::get(resource.collection(namespace))
            .with("labelSelector", target.selector.clone())
            .with("fieldSelector", target.field_selector.clone()),
    }
}

/// The list of events, by the object they are about and by their type.
pub fn events(target: &Events, namespace: &str) -> Call {
    let mut fields = Vec::new();
    fields.extend(target.about.as_ref().map(|name| format!("involvedObject.name={name}")));
    fields.extend(target.kind.as_ref().map(|kind| format!("type={kind}")));
    Call::get(Resource::events().collection(namespace)).with("fieldSelector", (!fields.is_empty()).then(|| fields.join(",")))
}

fn logs(target: &Logs, namespace: &str) -> Vec<String> {
    let pod = target.pod.as_deref().unwrap_or("<each pod>");
    let list = target
        .selector
        .as_ref()
        .map(|selector| Call::get(Resource::pods().collection(namespace)).with("labelSelector", Some(selector.clone())).to_string());
    let container = target.container.clone().unwrap_or_else(|| "<each container>".to_owned());
    let mut line = format!("GET {}/log?container={container}", Resource::pods().object(namespace, pod));
    for (name, on) in [("follow", target.follow), ("previous", target.previous)] {
        line.extend(on.then(|| format!("&{name}=true")));
    }
    line.extend(target.since.as_ref().map(|since| format!("&since={since}")));
    line.extend(target.tail.map(|tail| format!("&tailLines={tail}")));
    list.into_iter().chain([line]).collect()
}

/// The metrics API's list.
pub fn top(target: &Top, namespace: &str) -> Call {
    let path = if target.resource.starts_with("no") {
        "/apis/metrics.k8s.io/v1beta1/nodes".to_owned()
    } else {
        format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods")
    };
    Call::get(path).with("labelSelector", target.selector.clone())
}

/// The template in the patch is read just before it is sent; the patch's tests are what holds it to what was shown.
fn undo(target: &RolloutUndo, at: &ClusterIdentity, reads: [String; 2]) -> Vec<String> {
    let to = target.to_revision.map_or_else(|| "the previous revision".to_owned(), |revision| format!("revision {revision}"));
    let path = Resource::deployments().object(&at.namespace, &target.deployment);
    let pinned = at
        .object
        .as_ref()
        .map_or_else(String::new, |object| format!("test uid == {} and resourceVersion == {}, ", object.uid, object.resource_version));
    let patch = format!(
        "PATCH {path}?fieldManager=qrh (application/json-patch+json): {pinned}test the revision annotation, \
         replace /spec/template with the template of {to}, replace /spec/paused with false if it is paused"
    );
    reads.into_iter().chain([patch]).collect()
}

fn exec(target: &Exec, namespace: &str) -> Vec<String> {
    let list = target.selector.as_ref().map(|selector| {
        let list = Call::get(Resource::pods().collection(namespace)).with("labelSelector", Some(selector.clone()));
        format!("{list} (the first ready pod)")
    });
    let call = change::exec(target, target.pod.as_deref().unwrap_or("<first ready pod>"), namespace);
    list.into_iter().chain([format!("{call} (WebSocket)")]).collect()
}
