//! The service catalog, `qrh.services/v1`: for each service its card and the target an incident about it acts on. The types also stand
//! in the incident's log and in the scope of templates, as `service` and `target`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::runbook::diagnostic::{self, Diagnostic, Severity};
use crate::runbook::form::{self, Fields, Read, plain};
use crate::runbook::model::{Card, TargetKind};
use crate::runbook::read::build::card;
use crate::runbook::source::{Node, SourceFile};
use crate::runbook::vocabulary::catalog as vocabulary;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// In the order of the file.
    pub services: Vec<Service>,
}

impl Catalog {
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub card: Card,
    /// Base URL of the Prometheus that scrapes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<String>,
    /// Its own base URL, as reached from the responder's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map<String, Json>,
    pub target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    Cluster(ClusterTarget),
    Host(HostTarget),
}

impl Target {
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Cluster(_) => TargetKind::Cluster,
            Self::Host(_) => TargetKind::Host,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterTarget {
    /// The kubeconfig context.
    pub context: String,
    pub namespace: String,
    /// The Deployment's name.
    pub workload: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// `app=WORKLOAD` unless the catalog says another.
    pub selector: String,
}

/// A process on the machine qrh runs on. Exactly one of `pid_file`, `unit` and `pid` is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTarget {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The directory that holds one directory per release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub releases: Option<String>,
    /// The symbolic link to the release in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// The program and its arguments that restart it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<String>,
}

/// `None` where any diagnostic is an error.
pub fn load(file: &SourceFile) -> (Option<Catalog>, Vec<Diagnostic>) {
    let Read { root, diagnostics } = form::read(file, &vocabulary::CATALOG);
    let mut catalog = None;
    if let Some(root) = root {
        let entries = root.get("services").map_or(&[][..], Node::entries);
        catalog = Some(Catalog { services: entries.iter().filter_map(|(name, node)| service(file, &name.value, node)).collect() });
    }
    let diagnostics = diagnostic::settle(diagnostics, false);
    let sound = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    (catalog.filter(|_| sound), diagnostics)
}

fn service(file: &SourceFile, name: &str, node: &Node) -> Option<Service> {
    let fields = Fields { file, node };
    let target = fields.get("target")?;
    let target = match (target.get("cluster"), target.get("host")) {
        (Some(node), _) => Target::Cluster(cluster(Fields { file, node })),
        (None, Some(node)) => Target::Host(host(Fields { file, node })),
        (None, None) => return None,
    };
    Some(Service {
        name: name.to_owned(),
        card: card(fields),
        prometheus: fields.maybe_text("prometheus"),
        url: fields.maybe_text("url"),
        vars: fields.entries("vars").iter().map(|(name, value)| (name.value.clone(), plain(value))).collect(),
        target,
    })
}

fn cluster(fields: Fields<'_>) -> ClusterTarget {
    let workload = fields.text("workload");
    ClusterTarget {
        context: fields.text("context"),
        namespace: fields.text("namespace"),
        container: fields.maybe_text("container"),
        selector: fields.maybe_text("selector").unwrap_or_else(|| format!("app={workload}")),
        workload,
    }
}

fn host(fields: Fields<'_>) -> HostTarget {
    HostTarget {
        pid_file: fields.maybe_text("pid_file"),
        unit: fields.maybe_text("unit"),
        pid: fields.integer("pid").and_then(|pid| u32::try_from(pid).ok()),
        port: fields.integer("port").and_then(|port| u16::try_from(port).ok()),
        releases: fields.maybe_text("releases"),
        current: fields.maybe_text("current"),
        restart: fields.list("restart").filter_map(Node::text).map(str::to_owned).collect(),
    }
}

/// `service` as templates and expressions see it: name, card, URLs, vars and, on a cluster, what names its objects. What is not known is
/// left out, so that using it is an error rather than an empty word.
pub fn service_scope(service: &Service) -> Json {
    let mut scope = object(json!(service.card));
    scope.insert("name".to_owned(), json!(service.name));
    for (name, value) in [("prometheus", &service.prometheus), ("url", &service.url)] {
        if let Some(value) = value {
            scope.insert(name.to_owned(), json!(value));
        }
    }
    scope.insert("vars".to_owned(), Json::Object(service.vars.clone()));
    if let Target::Cluster(cluster) = &service.target {
        let mut cluster = object(json!(cluster));
        cluster.remove("context");
        scope.extend(cluster);
    }
    Json::Object(scope)
}

/// `target` as templates and expressions see it: `kind`, and the fields of that kind.
pub fn target_scope(target: &Target) -> Json {
    let mut scope = match target {
        Target::Cluster(cluster) => object(json!(cluster)),
        Target::Host(host) => object(json!(host)),
    };
    scope.insert("kind".to_owned(), json!(target.kind().as_str()));
    Json::Object(scope)
}

fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(fields) => fields,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => Map::new(),
    }
}

/// What [`service_scope`] can have.
pub fn service_names() -> Vec<&'static str> {
    let own = vocabulary::SERVICE.all_keys().map(|key| key.name).filter(|name| *name != "target");
    let cluster = vocabulary::CLUSTER.all_keys().map(|key| key.name).filter(|name| *name != "context");
    std::iter::once("name").chain(own).chain(cluster).collect()
}

/// What [`target_scope`] can have.
pub fn target_names() -> Vec<&'static str> {
    let cluster = vocabulary::CLUSTER.all_keys().map(|key| key.name);
    std::iter::once("kind").chain(cluster).chain(vocabulary::HOST.all_keys().map(|key| key.name)).collect()
}

/// Whether a name of `service` or `target` can't be there on one kind of target.
pub fn lacks(target: TargetKind, root: &str, name: &str) -> bool {
    let cluster = vocabulary::CLUSTER.key(name).is_some();
    let host = vocabulary::HOST.key(name).is_some();
    match (root, target) {
        ("service", TargetKind::Host) => cluster,
        ("target", TargetKind::Host) => cluster && !host,
        ("target", TargetKind::Cluster) => host && !cluster,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
