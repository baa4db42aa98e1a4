//! One stored object: its text, and the few fields that are asked for all the time. The text is kept rather than a tree of values
//! because it is a seventh of the size, and lists and watches send it as it is.

use std::sync::Arc;

use serde_json::Value;

use super::json::{Labels, count, list, strings, text, truth};
use super::kind::Kind;

/// Where an object is kept. Cluster-scoped ones have the namespace "".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    pub kind: Kind,
    pub namespace: String,
    pub name: String,
}

impl Id {
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// What controllers and selectors ask of a pod without reading all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFacts {
    pub phase: String,
    pub node: String,
    pub ready: bool,
    pub restarts: i64,
    /// When Ready last changed, as the object says it.
    pub ready_since: String,
}

impl PodFacts {
    /// Has it ended for good?
    pub fn over(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }
}

#[derive(Debug)]
pub struct Object {
    pub id: Id,
    pub uid: String,
    /// The resourceVersion of its last write.
    pub version: u64,
    pub labels: Labels,
    /// The uid of the owner that controls it.
    pub owner: Option<String>,
    pub deleting: bool,
    pub created: String,
    /// Of a pod only.
    pub pod: PodFacts,
    pub text: Arc<str>,
}

impl Object {
    /// Takes a whole object, its metadata filled in.
    pub fn new(id: Id, version: u64, value: &Value) -> Self {
        let owner = list(value, "/metadata/ownerReferences").iter().find(|owner| truth(owner, "/controller"));
        Self {
            uid: text(value, "/metadata/uid").to_owned(),
            version,
            labels: strings(value, "/metadata/labels"),
            owner: owner.map(|owner| text(owner, "/uid").to_owned()),
            deleting: value.pointer("/metadata/deletionTimestamp").is_some(),
            created: text(value, "/metadata/creationTimestamp").to_owned(),
            pod: if id.kind == Kind::Pod { facts(value) } else { PodFacts::default() },
            text: value.to_string().into(),
            id,
        }
    }

    /// The object as a tree. Null if its text does not parse, which it always does: it was written from a tree.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A pod that counts for its ReplicaSet.
    pub fn active_pod(&self) -> bool {
        self.id.kind == Kind::Pod && !self.deleting && !self.pod.over()
    }
}

fn facts(pod: &Value) -> PodFacts {
    let ready = list(pod, "/status/conditions").iter().find(|condition| text(condition, "/type") == "Ready");
    PodFacts {
        phase: text(pod, "/status/phase").to_owned(),
        node: text(pod, "/spec/nodeName").to_owned(),
        ready: ready.is_some_and(|ready| text(ready, "/status") == "True"),
        restarts: list(pod, "/status/containerStatuses").iter().map(|status| count(status, "/restartCount")).sum(),
        ready_since: ready.map(|ready| text(ready, "/lastTransitionTime").to_owned()).unwrap_or_default(),
    }
}
