//! The kinds the world keeps, in one table: discovery, routing, rights, conversion and checking all read it.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Event, Namespace, Node, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A kind that is stored. The order is that of `kubectl api-resources` in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    ConfigMap,
    Endpoints,
    Event,
    Namespace,
    Node,
    Pod,
    Secret,
    ServiceAccount,
    Service,
    Deployment,
    ReplicaSet,
    Hpa,
    Lease,
    EndpointSlice,
    NetworkPolicy,
    Pdb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Cluster,
    Namespaced,
}

/// What is known of a kind.
#[derive(Debug)]
pub struct Info {
    /// Group and version it is stored and checked in.
    pub group: &'static str,
    pub version: &'static str,
    pub resource: &'static str,
    pub singular: &'static str,
    pub kind: &'static str,
    pub scope: Scope,
    pub short: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub subresources: &'static [Sub],
    /// Through the typed form and back: wrong types are errors, unknown fields are gone.
    pub typed: fn(&Value) -> Result<Value, serde_json::Error>,
}

/// A part of an object with a path of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sub {
    Status,
    Scale,
    Log,
    Attach,
    Exec,
    PortForward,
    Eviction,
}

impl Sub {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Scale => "scale",
            Self::Log => "log",
            Self::Attach => "attach",
            Self::Exec => "exec",
            Self::PortForward => "portforward",
            Self::Eviction => "eviction",
        }
    }

    pub const fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Status | Self::Scale => &["get", "patch", "update"],
            Self::Log => &["get"],
            Self::Attach | Self::Exec | Self::PortForward => &["create", "get"],
            Self::Eviction => &["create"],
        }
    }
}

/// The verbs every stored kind has.
pub const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

pub const ALL: &[Kind] = &[
    Kind::ConfigMap,
    Kind::Endpoints,
    Kind::Event,
    Kind::Namespace,
    Kind::Node,
    Kind::Pod,
    Kind::Secret,
    Kind::ServiceAccount,
    Kind::Service,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::Hpa,
    Kind::Lease,
    Kind::EndpointSlice,
    Kind::NetworkPolicy,
    Kind::Pdb,
];

/// Under which group and version a kind is served; the storage version first where there are two.
pub const SERVED: &[(&str, &str, Kind)] = &[
    ("", "v1", Kind::ConfigMap),
    ("", "v1", Kind::Endpoints),
    ("", "v1", Kind::Event),
    ("", "v1", Kind::Namespace),
    ("", "v1", Kind::Node),
    ("", "v1", Kind::Pod),
    ("", "v1", Kind::Secret),
    ("", "v1", Kind::ServiceAccount),
    ("", "v1", Kind::Service),
    ("events.k8s.io", "v1", Kind::Event),
    ("apps", "v1", Kind::Deployment),
    ("apps", "v1", Kind::ReplicaSet),
    ("autoscaling", "v2", Kind::Hpa),
    ("autoscaling", "v1", Kind::Hpa),
    ("coordination.k8s.io", "v1", Kind::Lease),
    ("discovery.k8s.io", "v1", Kind::EndpointSlice),
    ("networking.k8s.io", "v1", Kind::NetworkPolicy),
    ("policy", "v1", Kind::Pdb),
];

/// The kind behind a path, if the world has it.
pub fn served(group: &str, version: &str, resource: &str) -> Option<Kind> {
    SERVED.iter().find(|(g, v, kind)| *g == group && *v == version && kind.info().resource == resource).map(|(_, _, kind)| *kind)
}

/// Is anything served under this group and version?
pub fn has_group_version(group: &str, version: &str) -> bool {
    SERVED.iter().any(|(g, v, _)| *g == group && *v == version)
}

impl Kind {
    pub fn info(self) -> &'static Info {
        match self {
            Self::ConfigMap => &CONFIG_MAP,
            Self::Endpoints => &ENDPOINTS,
            Self::Event => &EVENT,
            Self::Namespace => &NAMESPACE,
            Self::Node => &NODE,
            Self::Pod => &POD,
            Self::Secret => &SECRET,
            Self::ServiceAccount => &SERVICE_ACCOUNT,
            Self::Service => &SERVICE,
            Self::Deployment => &DEPLOYMENT,
            Self::ReplicaSet => &REPLICA_SET,
            Self::Hpa => &HPA,
            Self::Lease => &LEASE,
            Self::EndpointSlice => &ENDPOINT_SLICE,
            Self::NetworkPolicy => &NETWORK_POLICY,
            Self::Pdb => &PDB,
        }
    }

    /// Group and resource, as messages name it.
    pub fn full(self) -> (&'static str, &'static str) {
        (self.info().group, self.info().resource)
    }

    pub fn api_version(self) -> String {
        api_version(self.info().group, self.info().version)
    }

    pub fn namespaced(self) -> bool {
        self.info().scope == Scope::Namespaced
    }
}

pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn typed<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(T::deserialize(value)?)
}

/// A kind of the core group without short names, categories and subresources.
const fn core(
    resource: &'static str,
    singular: &'static str,
    kind: &'static str,
    typed: fn(&Value) -> Result<Value, serde_json::Error>,
) -> Info {
    Info {
        group: "",
        version: "v1",
        resource,
        singular,
        kind,
        scope: Scope::Namespaced,
        short: &[],
        categories: &[],
        subresources: &[],
        typed,
    }
}

static CONFIG_MAP: Info = Info { short: &["cm"], ..core("configmaps", "configmap", "ConfigMap", typed::<ConfigMap>) };
static ENDPOINTS: Info = Info { short: &["ep"], ..core("endpoints", "endpoints", "Endpoints", typed::<Endpoints>) };
static EVENT: Info = Info { short: &["ev"], ..core("events", "event", "Event", typed::<Event>) };
static NAMESPACE: Info = Info {
    short: &["ns"],
    scope: Scope::Cluster,
    subresources: &[Sub::Status],
    ..core("namespaces", "namespace", "Namespace", typed::<Namespace>)
};
static NODE: Info =
    Info { short: &["no"], scope: Scope::Cluster, subresources: &[Sub::Status], ..core("nodes", "node", "Node", typed::<Node>) };
static POD: Info = Info {
    short: &["po"],
    categories: &["all"],
    subresources: &[Sub::Attach, Sub::Eviction, Sub::Exec, Sub::Log, Sub::PortForward, Sub::Status],
    ..core("pods", "pod", "Pod", typed::<Pod>)
};
static SECRET: Info = core("secrets", "secret", "Secret", typed::<Secret>);
static SERVICE_ACCOUNT: Info =
    Info { short: &["sa"], ..core("serviceaccounts", "serviceaccount", "ServiceAccount", typed::<ServiceAccount>) };
static SERVICE: Info = Info {
    short: &["svc"],
    categories: &["all"],
    subresources: &[Sub::Status],
    ..core("services", "service", "Service", typed::<Service>)
};
static DEPLOYMENT: Info = Info {
    group: "apps",
    short: &["deploy"],
    categories: &["all"],
    subresources: &[Sub::Scale, Sub::Status],
    ..core("deployments", "deployment", "Deployment", typed::<Deployment>)
};
static REPLICA_SET: Info = Info {
    group: "apps",
    short: &["rs"],
    categories: &["all"],
    subresources: &[Sub::Scale, Sub::Status],
    ..core("replicasets", "replicaset", "ReplicaSet", typed::<ReplicaSet>)
};
static HPA: Info = Info {
    group: "autoscaling",
    version: "v2",
    short: &["hpa"],
    categories: &["all"],
    subresources: &[Sub::Status],
    ..core("horizontalpodautoscalers", "horizontalpodautoscaler", "HorizontalPodAutoscaler", typed::<HorizontalPodAutoscaler>)
};
static LEASE: Info = Info { group: "coordination.k8s.io", ..core("leases", "lease", "Lease", typed::<Lease>) };
static ENDPOINT_SLICE: Info =
    Info { group: "discovery.k8s.io", ..core("endpointslices", "endpointslice", "EndpointSlice", typed::<EndpointSlice>) };
static NETWORK_POLICY: Info = Info {
    group: "networking.k8s.io",
    short: &["netpol"],
    ..core("networkpolicies", "networkpolicy", "NetworkPolicy", typed::<NetworkPolicy>)
};
static PDB: Info = Info {
    group: "policy",
    short: &["pdb"],
    subresources: &[Sub::Status],
    ..core("poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget", typed::<PodDisruptionBudget>)
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_served_in_its_storage_version() {
        for kind in ALL {
            let info = kind.info();
            assert_eq!(served(info.group, info.version, info.resource), Some(*kind));
        }
    }

    #[test]
    fn no_name_means_two_kinds() {
        let mut names: Vec<&str> = ALL.iter().flat_map(|kind| kind.info().short.iter().chain([&kind.info().resource])).copied().collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
