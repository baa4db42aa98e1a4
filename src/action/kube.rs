//! `kube`: the native Kubernetes verbs. Every verb names what it needs and no more; context and namespace come from the incident.

pub mod call;
pub mod change;
pub mod describe;
mod kubectl;
pub mod resource;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Hold, Verdict};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kube {
    Get(Get),
    Describe(Named),
    Events(Events),
    Logs(Logs),
    Top(Top),
    RolloutStatus(Deployment),
    RolloutHistory(Deployment),
    RolloutUndo(RolloutUndo),
    RolloutPause(Deployment),
    RolloutResume(Deployment),
    RolloutRestart(Deployment),
    Scale(Scale),
    SetImage(SetImage),
    SetEnv(SetEnv),
    Patch(Patch),
    Cordon(Node),
    Uncordon(Node),
    Evict(Pod),
    DeletePod(Pod),
    Exec(Exec),
}

/// `resource` is a plural or kind kubectl knows (`pods`, `deployment`, `replicasets`, `hpa`, `pdb`, `services`, `events`, `nodes`, …).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    pub resource: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_selector: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub resource: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Events about this object only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// `Normal` or `Warning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// By pod or by selector. With a selector every matching pod's lines are prefixed with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    #[serde(default)]
    pub previous: bool,
    #[serde(default)]
    pub follow: bool,
    /// Seconds, minutes or hours back, e.g. `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Last lines per container; all unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Top {
    /// `pods` or `nodes`.
    pub resource: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    pub deployment: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutUndo {
    pub deployment: String,
    /// The previous revision unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_revision: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    pub deployment: String,
    pub replicas: i64,
    /// Refused by the server where the count is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetImage {
    pub deployment: String,
    pub container: String,
    pub image: String,
}

/// A `null` value removes the variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetEnv {
    pub deployment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    pub env: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    pub resource: String,
    pub name: String,
    /// `json`, `merge` or `strategic`.
    #[serde(rename = "type")]
    pub kind: PatchKind,
    pub patch: serde_json::Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PatchKind {
    Json,
    Merge,
    Strategic,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub node: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pod {
    pub pod: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    /// A pod's name; with `selector` instead, the first ready pod that matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    pub argv: Vec<String>,
}

impl Kube {
    /// As it is written in a runbook.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Describe(_) => "describe",
            Self::Events(_) => "events",
            Self::Logs(_) => "logs",
            Self::Top(_) => "top",
            Self::RolloutStatus(_) => "rollout-status",
            Self::RolloutHistory(_) => "rollout-history",
            Self::RolloutUndo(_) => "rollout-undo",
            Self::RolloutPause(_) => "rollout-pause",
            Self::RolloutResume(_) => "rollout-resume",
            Self::RolloutRestart(_) => "rollout-restart",
            Self::Scale(_) => "scale",
            Self::SetImage(_) => "set-image",
            Self::SetEnv(_) => "set-env",
            Self::Patch(_) => "patch",
            Self::Cordon(_) => "cordon",
            Self::Uncordon(_) => "uncordon",
            Self::Evict(_) => "evict",
            Self::DeletePod(_) => "delete-pod",
            Self::Exec(_) => "exec",
        }
    }

    /// Exhaustive: a new verb must say what it is.
    pub fn classify(&self) -> Verdict {
        match self {
            Self::Get(_)
            | Self::Describe(_)
            | Self::Events(_)
            | Self::Logs(_)
            | Self::Top(_)
            | Self::RolloutStatus(_)
            | Self::RolloutHistory(_) => Verdict::Reads(Hold::ReadClient),
            Self::RolloutUndo(_)
            | Self::RolloutPause(_)
            | Self::RolloutResume(_)
            | Self::RolloutRestart(_)
            | Self::Scale(_)
            | Self::SetImage(_)
            | Self::SetEnv(_)
            | Self::Patch(_)
            | Self::Cordon(_)
            | Self::Uncordon(_)
            | Self::Evict(_)
            | Self::DeletePod(_) => Verdict::Changes("it changes a Kubernetes object".to_owned()),
            Self::Exec(_) => Verdict::Unknown("a program run inside a container is not examined".to_owned()),
        }
    }
}
