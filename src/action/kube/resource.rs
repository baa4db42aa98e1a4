//! Which API resource a word of a runbook means (`po`, `deployment`, `hpa`), without asking a server. Pure: a table.
//! Secrets are known on purpose, so that they can be refused by name instead of being looked up.

/// Where objects of a resource live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// One API resource: enough to build its paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    /// As in paths: `deployments`.
    pub plural: String,
    pub kind: String,
    pub scope: Scope,
}

struct Row {
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    scope: Scope,
    short: &'static [&'static str],
}

const fn row(group: &'static str, plural: &'static str, kind: &'static str, scope: Scope, short: &'static [&'static str]) -> Row {
    Row { group, version: "v1", plural, kind, scope, short }
}

use Scope::{Cluster, Namespaced};

const TABLE: &[Row] = &[
    row("", "pods", "Pod", Namespaced, &["po"]),
    row("", "services", "Service", Namespaced, &["svc"]),
    row("", "endpoints", "Endpoints", Namespaced, &["ep"]),
    row("", "configmaps", "ConfigMap", Namespaced, &["cm"]),
    row("", "events", "Event", Namespaced, &["ev"]),
    row("", "secrets", "Secret", Namespaced, &[]),
    row("", "serviceaccounts", "ServiceAccount", Namespaced, &["sa"]),
    row("", "persistentvolumeclaims", "PersistentVolumeClaim", Namespaced, &["pvc"]),
    row("", "resourcequotas", "ResourceQuota", Namespaced, &["quota"]),
    row("", "limitranges", "LimitRange", Namespaced, &["limits"]),
    row("", "replicationcontrollers", "ReplicationController", Namespaced, &["rc"]),
    row("", "nodes", "Node", Cluster, &["no"]),
    row("", "namespaces", "Namespace", Cluster, &["ns"]),
    row("", "persistentvolumes", "PersistentVolume", Cluster, &["pv"]),
    row("apps", "deployments", "Deployment", Namespaced, &["deploy"]),
    row("apps", "replicasets", "ReplicaSet", Namespaced, &["rs"]),
    row("apps", "statefulsets", "StatefulSet", Namespaced, &["sts"]),
    row("apps", "daemonsets", "DaemonSet", Namespaced, &["ds"]),
    row("batch", "jobs", "Job", Namespaced, &[]),
    row("batch", "cronjobs", "CronJob", Namespaced, &["cj"]),
    row("discovery.k8s.io", "endpointslices", "EndpointSlice", Namespaced, &[]),
    row("networking.k8s.io", "ingresses", "Ingress", Namespaced, &["ing"]),
    row("networking.k8s.io", "networkpolicies", "NetworkPolicy", Namespaced, &["netpol"]),
    row("policy", "poddisruptionbudgets", "PodDisruptionBudget", Namespaced, &["pdb"]),
    row("storage.k8s.io", "storageclasses", "StorageClass", Cluster, &["sc"]),
    Row {
        group: "autoscaling",
        version: "v2",
        plural: "horizontalpodautoscalers",
        kind: "HorizontalPodAutoscaler",
        scope: Namespaced,
        short: &["hpa"],
    },
];

impl Resource {
    /// The resource a word means: plural, singular, kind or short name, any case, with or without its group (`deployments.apps`).
    /// `None`: not in the table; a server may know it.
    pub fn known(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let (name, group) = word.split_once('.').map_or((word.as_str(), None), |(name, group)| (name, Some(group)));
        TABLE
            .iter()
            .find(|row| {
                (row.plural == name || row.kind.eq_ignore_ascii_case(name) || row.short.contains(&name))
                    && group.is_none_or(|group| group == row.group)
            })
            .map(Self::from)
    }

    pub fn deployments() -> Self {
        Self::from(&row("apps", "deployments", "Deployment", Namespaced, &[]))
    }

    pub fn replica_sets() -> Self {
        Self::from(&row("apps", "replicasets", "ReplicaSet", Namespaced, &[]))
    }

    pub fn pods() -> Self {
        Self::from(&row("", "pods", "Pod", Namespaced, &[]))
    }

    pub fn nodes() -> Self {
        Self::from(&row("", "nodes", "Node", Cluster, &[]))
    }

    pub fn events() -> Self {
        Self::from(&row("", "events", "Event", Namespaced, &[]))
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As kubectl writes it where it must be unmistakable: `pods`, `deployments.apps`.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    pub fn is_secret(&self) -> bool {
        self.group.is_empty() && self.plural == "secrets"
    }

    /// The path of the collection in a namespace (which cluster-wide resources ignore).
    pub fn collection(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        let (version, plural) = (self.api_version(), &self.plural);
        match self.scope {
            Scope::Namespaced => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
            Scope::Cluster => format!("{root}/{version}/{plural}"),
        }
    }

    /// The path of one object. The caller has checked the name with [`is_name`].
    pub fn object(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.collection(namespace))
    }
}

impl From<&Row> for Resource {
    fn from(row: &Row) -> Self {
        Self {
            group: row.group.to_owned(),
            version: row.version.to_owned(),
            plural: row.plural.to_owned(),
            kind: row.kind.to_owned(),
            scope: row.scope,
        }
    }
}

/// Whether a text can be an object's name: what the API server accepts, and nothing that means something in a path.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'_'))
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.bytes().last().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_resource_finds_it() {
        for word in ["deploy", "deployment", "Deployment", "deployments", "deployments.apps"] {
            assert_eq!(Resource::known(word).unwrap(), Resource::deployments(), "{word}");
        }
        assert_eq!(Resource::known("hpa").unwrap().api_version(), "autoscaling/v2");
        assert_eq!(Resource::known("ev").unwrap(), Resource::events());
        assert_eq!(Resource::known("deployments.extensions"), None);
        assert_eq!(Resource::known("widgets"), None);
    }

    #[test]
    fn no_word_means_two_resources() {
        let mut seen = std::collections::BTreeMap::new();
        for row in TABLE {
            let kind = row.kind.to_ascii_lowercase();
            for word in row.short.iter().copied().chain([row.plural]).chain((kind != row.plural).then_some(kind.as_str())) {
                assert_eq!(seen.insert(word.to_owned(), row.kind), None, "{word}");
            }
        }
    }

    #[test]
    fn paths_follow_scope_and_group() {
        assert_eq!(Resource::pods().object("shop", "web-1"), "/api/v1/namespaces/shop/pods/web-1");
        assert_eq!(Resource::deployments().collection("shop"), "/apis/apps/v1/namespaces/shop/deployments");
        assert_eq!(Resource::nodes().object("shop", "n1"), "/api/v1/nodes/n1");
    }

    #[test]
    fn a_name_can_not_leave_its_place_in_a_path() {
        for bad in ["", ".", "..", "a/b", "a%2Fb", "a?x=1", "a#b", "-rf", "a b", "ä", "a\n"] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_name("web-7c9d8b6f5-x2x9k") && is_name("system:node") && is_name("ip-10-0-0-1.eu-west-1.compute.internal"));
    }
}
