//! Which thing an action reaches, read from the live target: what a clearance is bound to.

use serde::{Deserialize, Serialize};

/// Compared whole: any difference from what was shown voids a clearance.
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
    pub resource_version: String,
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
