//! What the plant needs to know of the cluster: its pods and Deployments, read from their objects.

use jiff::Timestamp;
use serde_json::Value;

use super::site::{Site, site};
use crate::drill::world::clock::parse;
use crate::drill::world::control::status;
use crate::drill::world::json::{count, list, text};
use crate::drill::world::object::{Id, Object};
use crate::drill::world::quantity;

/// A pod of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    pub id: Id,
    pub uid: String,
    pub site: &'static Site,
    pub node: String,
    pub address: String,
    /// Of its labels.
    pub version: String,
    pub ready: bool,
    pub deleting: bool,
    pub created: Option<Timestamp>,
    /// When its process started. None: none runs.
    pub started: Option<Timestamp>,
    /// Restarts so far, which is which run this is.
    pub run: i64,
    /// Why its process ended last; empty: it has not.
    pub last_end: String,
    /// Cores and bytes; infinite where there is no limit.
    pub cpu_limit: f64,
    pub memory_limit: f64,
    pub cpu_request: f64,
    pub memory_request: f64,
    /// `--max-old-space-size`, in MiB.
    pub cap_mib: f64,
}

/// Node's own choice on a machine with enough memory.
const DEFAULT_CAP_MIB: f64 = 4096.0;

pub fn of_pod(object: &Object) -> Option<Facts> {
    let pod = object.value();
    let container = list(&pod, "/spec/containers").first()?;
    let site = site(text(container, "/name"))?;
    if object.id.namespace != super::NAMESPACE || object.labels.get("app").map(String::as_str) != Some(site.name) {
        return None;
    }
    let status = status::of(&pod, site.name).cloned().unwrap_or_default();
    let amount = |path: &str| quantity::parse(text(container, path));
    Some(Facts {
        id: object.id.clone(),
        uid: object.uid.clone(),
        site,
        node: object.pod.node.clone(),
        address: text(&pod, "/status/podIP").to_owned(),
        version: object.labels.get("version").cloned().unwrap_or_default(),
        ready: object.pod.ready,
        deleting: object.deleting,
        created: parse(&object.created),
        started: parse(text(&status, "/state/running/startedAt")),
        run: count(&status, "/restartCount"),
        last_end: text(&status, "/lastState/terminated/reason").to_owned(),
        cpu_limit: amount("/resources/limits/cpu").unwrap_or(f64::INFINITY),
        memory_limit: amount("/resources/limits/memory").unwrap_or(f64::INFINITY),
        cpu_request: amount("/resources/requests/cpu").unwrap_or(0.0),
        memory_request: amount("/resources/requests/memory").unwrap_or(0.0),
        cap_mib: cap_mib(container),
    })
}

fn cap_mib(container: &Value) -> f64 {
    let options = list(container, "/env").iter().find(|entry| text(entry, "/name") == "NODE_OPTIONS").map(|entry| text(entry, "/value"));
    let mut sizes = options.into_iter().flat_map(str::split_whitespace).filter_map(|word| {
        let word = word.trim_start_matches('-').replace('_', "-");
        word.strip_prefix("max-old-space-size=")?.parse().ok()
    });
    // Of two the last counts.
    sizes.next_back().unwrap_or(DEFAULT_CAP_MIB)
}

/// A Deployment of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub site: &'static Site,
    pub replicas: u32,
    pub ready: u32,
    pub available: u32,
    /// Of its template.
    pub version: String,
    pub image: String,
    /// Told not to be put back to what git says.
    pub suspended: bool,
}

pub fn of_deployment(object: &Object) -> Option<Wanted> {
    let site = site(&object.id.name).filter(|_| object.id.namespace == super::NAMESPACE)?;
    let value = object.value();
    let pods = |path: &str| u32::try_from(count(&value, path)).unwrap_or(0);
    let suspended = value.pointer("/metadata/annotations").and_then(|all| all.get(super::git::SUSPENDED));
    Some(Wanted {
        site,
        replicas: pods("/spec/replicas"),
        ready: pods("/status/readyReplicas"),
        available: pods("/status/availableReplicas"),
        version: text(&value, "/spec/template/metadata/labels/version").to_owned(),
        image: text(&value, "/spec/template/spec/containers/0/image").to_owned(),
        suspended: suspended.is_some_and(|value| value == "true"),
    })
}
