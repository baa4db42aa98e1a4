//! Which thing an action reaches, read from the live target: what a clearance is bound to.

use serde::{Deserialize, Serialize};

/// A clearance holds for the one that was shown: [`Identity::is_as_shown`] says when the live one still is it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    Cluster(ClusterIdentity),
    Host(HostIdentity),
    /// The responder's machine.
    Here,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterIdentity {
    pub context: String,
    /// The API server's URL, from the live client.
    pub server: String,
    pub namespace: String,
    /// The user the kubeconfig names; not yet what the server makes of it.
    pub user: Option<String>,
    /// The object a change names; absent for reads over a selector.
    pub object: Option<ObjectIdentity>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectIdentity {
    /// `Deployment`, `Pod`, `Node`, …
    pub kind: String,
    pub name: String,
    pub uid: String,
    /// Moves with every change of the specification; absent on kinds that don't count theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Moves with everything, status updates included.
    pub resource_version: String,
}

impl ObjectIdentity {
    /// Whether `live` is still the object that was shown. The specification counts, not the status: in a failing rollout the status
    /// moves every few seconds, and a clearance that can't outlive one would never be usable when it is needed most. A pod is its
    /// uid: it is replaced, not changed. Between this look and the change, the version read with `live` travels in the request.
    pub fn is_as_shown(&self, live: &Self) -> bool {
        let same = (&self.kind, &self.name, &self.uid) == (&live.kind, &live.name, &live.uid);
        same && match (self.generation, live.generation) {
            _ if self.kind == "Pod" => true,
            (Some(shown), Some(live)) => shown == live,
            (None, None) => self.resource_version == live.resource_version,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

impl Identity {
    /// Whether `live` is still the target that was shown.
    pub fn is_as_shown(&self, live: &Self) -> bool {
        match (self, live) {
            (Self::Cluster(shown), Self::Cluster(live)) => shown.is_as_shown(live),
            (Self::Host(shown), Self::Host(live)) => shown == live,
            (Self::Here, Self::Here) => true,
            (Self::Cluster(_) | Self::Host(_) | Self::Here, _) => false,
        }
    }
}

impl ClusterIdentity {
    fn is_as_shown(&self, live: &Self) -> bool {
        let place = |it: &Self| (it.context.clone(), it.server.clone(), it.namespace.clone(), it.user.clone());
        let object = match (&self.object, &live.object) {
            (Some(shown), Some(live)) => shown.is_as_shown(live),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        object && place(self) == place(live)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostIdentity {
    /// The host's own name (`uname -n`).
    pub host: String,
    /// The service's main process, where the target names one and it is running.
    pub process: Option<ProcessIdentity>,
}

/// A process by pid *and* start time: a recycled pid is another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`, in clock ticks since boot.
    pub started_ticks: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, uid: &str, generation: Option<i64>, version: &str) -> ObjectIdentity {
        ObjectIdentity {
            kind: kind.to_owned(),
            name: "web".to_owned(),
            uid: uid.to_owned(),
            generation,
            resource_version: version.to_owned(),
        }
    }

    #[test]
    fn a_status_update_keeps_a_clearance_and_a_changed_specification_voids_it() {
        let shown = object("Deployment", "a", Some(7), "100");
        assert!(shown.is_as_shown(&object("Deployment", "a", Some(7), "101")), "only the status moved");
        assert!(!shown.is_as_shown(&object("Deployment", "a", Some(8), "101")), "the specification moved");
        assert!(!shown.is_as_shown(&object("Deployment", "b", Some(7), "100")), "another object of the same name");
        assert!(!shown.is_as_shown(&object("Deployment", "a", None, "100")), "it stopped counting");
    }

    #[test]
    fn kinds_without_a_generation_are_held_to_their_version_and_pods_to_their_uid() {
        let map = object("ConfigMap", "a", None, "100");
        assert!(map.is_as_shown(&object("ConfigMap", "a", None, "100")));
        assert!(!map.is_as_shown(&object("ConfigMap", "a", None, "101")));
        let pod = object("Pod", "a", None, "100");
        assert!(pod.is_as_shown(&object("Pod", "a", None, "101")));
        assert!(!pod.is_as_shown(&object("Pod", "b", None, "100")));
    }
}
