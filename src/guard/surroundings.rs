//! What the facts say about a change's reach and about who will work against it.

use serde_json::Value;

use super::tier::Reach;
use crate::action::Action;
use crate::action::kube::Kube;

/// Objects and pods a change reaches, as far as the facts tell.
pub fn reach(action: &Action, facts: &Value) -> Reach {
    let replicas = facts.pointer("/workload/replicas").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
    let pods = match action {
        Action::Kube(Kube::Evict(_) | Kube::DeletePod(_) | Kube::Exec(_)) => Some(1),
        Action::Kube(Kube::Scale(scale)) => u32::try_from(scale.replicas).ok().max(replicas),
        Action::Kube(
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
            | Kube::Patch(_),
        ) => replicas,
        Action::Kube(Kube::Cordon(_) | Kube::Uncordon(_))
        | Action::Run(_)
        | Action::Shell(_)
        | Action::Http(_)
        | Action::Promql(_)
        | Action::Ask(_)
        | Action::Compute(_)
        | Action::Announce(_) => None,
    };
    Reach { objects: 1, pods }
}

/// Controllers that may undo or refuse a change, one line each.
pub fn fighters(facts: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    if facts.pointer("/gitops/managed") == Some(&Value::Bool(true)) {
        let tool = text(facts, "/gitops/tool").unwrap_or_else(|| "a GitOps tool".to_owned());
        lines.push(format!("{tool} owns this object and may put its own version back: change it in git too"));
    }
    if let Some(name) = text(facts, "/hpa/name") {
        let bound = |end: &str| facts.pointer(&format!("/hpa/{end}")).map_or_else(|| "?".to_owned(), Value::to_string);
        lines.push(format!("HPA {name} sets the replica count ({} to {})", bound("min"), bound("max")));
    }
    if let Some(name) = text(facts, "/pdb/name") {
        let allowed = facts.pointer("/pdb/disruptions_allowed").map_or_else(|| "?".to_owned(), Value::to_string);
        lines.push(format!("PDB {name} allows {allowed} disruptions now"));
    }
    lines
}

fn text(facts: &Value, pointer: &str) -> Option<String> {
    facts.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::fighters;

    #[test]
    fn every_fighter_is_named() {
        let facts = json!({
            "gitops": {"managed": true, "tool": "Argo CD"},
            "hpa": {"name": "shop", "min": 2, "max": 9},
            "pdb": {"name": "shop-pdb", "disruptions_allowed": 0},
        });
        let lines = fighters(&facts);
        assert!(lines[0].starts_with("Argo CD owns this object"), "{lines:?}");
        assert_eq!(lines[1], "HPA shop sets the replica count (2 to 9)");
        assert_eq!(lines[2], "PDB shop-pdb allows 0 disruptions now");
    }

    #[test]
    fn unknown_facts_name_nobody() {
        assert!(fighters(&json!({"gitops": {"managed": false}, "hpa": null})).is_empty());
    }
}
