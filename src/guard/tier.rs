//! How grave a change is, and what answer it takes (the table of tiers in docs/ARCHITECTURE.md).

use serde::{Deserialize, Serialize};

use super::Policy;
use crate::action::kube::{Kube, Patch};
use crate::action::{Action, Identity, Write};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Reversible, one object, not protected.
    One,
    /// Protected, more than one object, or capacity.
    Two,
    /// Irreversible, or as wide as a node or a host.
    Three,
}

impl Tier {
    pub fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    pub fn means(self) -> &'static str {
        match self {
            Self::One => "reversible, one object",
            Self::Two => "protected, more than one object, or capacity",
            Self::Three => "irreversible, or as wide as a node or host",
        }
    }
}

/// What the responder must answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// The letter `y` and nothing else.
    Yes,
    /// The workload's name, shown.
    TypeName(String),
    /// The context's or host's name from memory, not shown, and a reason.
    Recall { what: &'static str, name: String },
}

impl Challenge {
    /// What must be typed, letter by letter.
    pub(super) fn expected(&self) -> &str {
        match self {
            Self::Yes => "y",
            Self::TypeName(name) | Self::Recall { name, .. } => name.trim(),
        }
    }

    /// How the answer is named in the log.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Yes => "y",
            Self::TypeName(_) => "name typed",
            Self::Recall { .. } => "recalled",
        }
    }
}

/// How many things a change reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reach {
    pub objects: u32,
    /// Pods or processes behind those objects, where known.
    pub pods: Option<u32>,
}

/// The stricter of what the action is and what the policy says.
pub fn tier(write: &Write, reach: Reach, policy: &Policy) -> Tier {
    let width = width(&write.planned.action);
    if write.undo.is_none() || width == Width::Machine {
        Tier::Three
    } else if width == Width::Capacity || reach.objects > 1 || policy.protects(&write.identity) {
        Tier::Two
    } else {
        Tier::One
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Object,
    Capacity,
    Machine,
}

/// Exhaustive on purpose: a new verb must say how wide it is.
fn width(action: &Action) -> Width {
    match action {
        Action::Kube(kube) => match kube {
            Kube::Cordon(_) | Kube::Uncordon(_) => Width::Machine,
            Kube::Scale(_) => Width::Capacity,
            Kube::Patch(patch) => patched(patch),
            Kube::Get(_)
            | Kube::Describe(_)
            | Kube::Events(_)
            | Kube::Logs(_)
            | Kube::Top(_)
            | Kube::RolloutStatus(_)
            | Kube::RolloutHistory(_)
            | Kube::RolloutUndo(_)
            | Kube::RolloutPause(_)
            | Kube::RolloutResume(_)
            | Kube::RolloutRestart(_)
            | Kube::SetImage(_)
            | Kube::SetEnv(_)
            | Kube::Evict(_)
            | Kube::DeletePod(_)
            | Kube::Exec(_) => Width::Object,
        },
        Action::Run(_)
        | Action::Shell(_)
        | Action::Http(_)
        | Action::Promql(_)
        | Action::Ask(_)
        | Action::Compute(_)
        | Action::Announce(_) => Width::Object,
    }
}

/// A patch is as wide as what it patches: a node, or the number of replicas, by whatever verb.
fn patched(patch: &Patch) -> Width {
    let kind = patch.resource.split(['.', '/']).next().unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "no" | "node" | "nodes" => Width::Machine,
        "hpa" | "horizontalpodautoscaler" | "horizontalpodautoscalers" => Width::Capacity,
        _ if names_replicas(&patch.patch) => Width::Capacity,
        _ => Width::Object,
    }
}

/// `spec.replicas` as a merge patch, or `/spec/replicas` in a JSON patch.
fn names_replicas(patch: &serde_json::Value) -> bool {
    let merged = patch.pointer("/spec/replicas").is_some();
    let listed = patch.as_array().is_some_and(|operations| {
        let paths = operations.iter().filter_map(|operation| operation.get("path")?.as_str());
        paths.into_iter().any(|path| path == "/spec/replicas" || path == "/spec" || path.is_empty())
    });
    merged || listed
}

/// The answer a tier takes on this target. `workload` is the service's name where the target has no better one.
pub fn challenge(tier: Tier, identity: &Identity, workload: &str) -> Challenge {
    match tier {
        Tier::One => Challenge::Yes,
        Tier::Two => Challenge::TypeName(workload.to_owned()),
        Tier::Three => match identity {
            Identity::Cluster(cluster) => Challenge::Recall { what: "context", name: cluster.context.clone() },
            Identity::Host(host) => Challenge::Recall { what: "host", name: host.host.clone() },
            Identity::Here => Challenge::Recall { what: "service", name: workload.to_owned() },
        },
    }
}
