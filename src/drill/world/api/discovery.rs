//! What the API says it has: plain and aggregated discovery, and the version.

use serde_json::{Value, json};

use crate::drill::world::kind::{SERVED, VERBS, api_version};

/// Group, version, resource, kind, namespaced, verbs.
type Answered = (&'static str, &'static str, &'static str, &'static str, bool, &'static [&'static str]);

/// Kinds that are answered, not stored.
pub const ANSWERED: &[Answered] = &[
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false, &["create"]),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, &["create"]),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false, &["create"]),
    ("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false, &["get", "list"]),
    ("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", true, &["get", "list"]),
];

/// As of 1.35, but for what is not simulated.
pub fn version() -> Value {
    json!({
        "major": "1", "minor": "35", "gitVersion": "v1.35.0+qrh-world", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
    })
}

/// The groups that are not the core's, in order, each with its versions, the preferred one first.
fn groups() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    let stored = SERVED.iter().map(|(group, version, _)| (*group, *version));
    let answered = ANSWERED.iter().map(|(group, version, ..)| (*group, *version));
    for (group, version) in stored.chain(answered).filter(|(group, _)| !group.is_empty()) {
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, versions)) if versions.contains(&version) => {}
            Some((_, versions)) => versions.push(version),
            None => groups.push((group, vec![version])),
        }
    }
    groups
}

pub fn has(group: &str, version: &str) -> bool {
    (group.is_empty() && version == "v1") || groups().iter().any(|(known, versions)| *known == group && versions.contains(&version))
}

pub fn core_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    })
}

fn group(name: &str, versions: &[&str]) -> Value {
    let versions: Vec<Value> =
        versions.iter().map(|version| json!({ "groupVersion": format!("{name}/{version}"), "version": version })).collect();
    json!({ "name": name, "versions": versions, "preferredVersion": versions.first() })
}

pub fn group_list() -> Value {
    let groups: Vec<Value> = groups().iter().map(|(name, versions)| group(name, versions)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

pub fn one_group(name: &str) -> Option<Value> {
    let (name, versions) = groups().into_iter().find(|(known, _)| *known == name)?;
    let mut value = group(name, &versions);
    crate::drill::world::json::set(&mut value, &["kind"], "APIGroup");
    crate::drill::world::json::set(&mut value, &["apiVersion"], "v1");
    Some(value)
}

/// Group, version and kind that a subresource speaks.
fn speaks(sub: &str) -> Option<(&'static str, &'static str, &'static str)> {
    match sub {
        "scale" => Some(("autoscaling", "v1", "Scale")),
        "eviction" => Some(("policy", "v1", "Eviction")),
        "exec" => Some(("", "v1", "PodExecOptions")),
        "portforward" => Some(("", "v1", "PodPortForwardOptions")),
        _ => None,
    }
}

/// The plain form: one list a group and version.
pub fn resource_list(group: &str, version: &str) -> Value {
    let mut resources = Vec::new();
    for (_, _, kind) in SERVED.iter().filter(|(g, v, _)| *g == group && *v == version) {
        let info = kind.info();
        let mut entry = json!({
            "name": info.resource, "singularName": info.singular, "namespaced": kind.namespaced(), "kind": info.kind, "verbs": VERBS,
        });
        for (key, words) in [("shortNames", info.short), ("categories", info.categories)] {
            if !words.is_empty() {
                crate::drill::world::json::set(&mut entry, &[key], json!(words));
            }
        }
        resources.push(entry);
        for sub in info.subresources {
            let mut entry = json!({
                "name": format!("{}/{}", info.resource, sub.name()), "singularName": "", "namespaced": kind.namespaced(), "kind": info.kind,
                "verbs": sub.verbs(),
            });
            if let Some((group, version, kind)) = speaks(sub.name()) {
                for (key, word) in [("group", group), ("version", version), ("kind", kind)].iter().filter(|(_, word)| !word.is_empty()) {
                    crate::drill::world::json::set(&mut entry, &[key], *word);
                }
            }
            resources.push(entry);
        }
    }
    for (_, _, resource, kind, namespaced, verbs) in ANSWERED.iter().filter(|(g, v, ..)| *g == group && *v == version) {
        let singular = kind.to_lowercase();
        resources.push(json!({ "name": resource, "singularName": singular, "namespaced": namespaced, "kind": kind, "verbs": verbs }));
    }
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version(group, version), "resources": resources })
}

/// The aggregated form: all groups of `/api` or `/apis` at once.
pub fn aggregated(core: bool) -> Value {
    let groups = if core { vec![("", vec!["v1"])] } else { groups() };
    let items: Vec<Value> = groups
        .into_iter()
        .map(|(name, versions)| {
            let versions: Vec<Value> = versions.into_iter().map(|version| aggregated_version(name, version)).collect();
            let metadata = if name.is_empty() { json!({}) } else { json!({ "name": name }) };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items })
}

fn response_kind(group: &str, version: &str, kind: &str) -> Value {
    json!({ "group": group, "version": version, "kind": kind })
}

fn aggregated_version(group: &str, version: &str) -> Value {
    let scope = |namespaced: bool| if namespaced { "Namespaced" } else { "Cluster" };
    let mut resources = Vec::new();
    for (_, _, kind) in SERVED.iter().filter(|(g, v, _)| *g == group && *v == version) {
        let info = kind.info();
        let subresources: Vec<Value> = info
            .subresources
            .iter()
            .map(|sub| {
                let (group, version, kind) = speaks(sub.name()).unwrap_or((group, version, info.kind));
                json!({ "subresource": sub.name(), "responseKind": response_kind(group, version, kind), "verbs": sub.verbs() })
            })
            .collect();
        resources.push(json!({
            "resource": info.resource, "responseKind": response_kind(group, version, info.kind), "scope": scope(kind.namespaced()),
            "singularResource": info.singular, "verbs": VERBS, "shortNames": info.short, "categories": info.categories,
            "subresources": subresources,
        }));
    }
    for (_, _, resource, kind, namespaced, verbs) in ANSWERED.iter().filter(|(g, v, ..)| *g == group && *v == version) {
        resources.push(json!({
            "resource": resource, "responseKind": response_kind(group, version, kind), "scope": scope(*namespaced),
            "singularResource": kind.to_lowercase(), "verbs": verbs,
        }));
    }
    json!({ "version": version, "resources": resources, "freshness": "Current" })
}
