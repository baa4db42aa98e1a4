//! Disruption budgets: how many pods may be evicted now.

use serde_json::{Value, json};

use crate::drill::world::clock::stamp;
use crate::drill::world::json::{count, list, number, part, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::{Id, Object};
use crate::drill::world::selector::LabelSelector;
use crate::drill::world::state::State;

pub fn reconcile(state: &mut State, namespace: &str) {
    let budgets: Vec<Id> = state.store.list(Kind::Pdb, namespace).map(|budget| budget.id.clone()).collect();
    for id in budgets {
        let Some(budget) = state.store.get(&id) else { continue };
        let status = status(state, &budget.value());
        state.edit(&id, |value| set(value, &["status"], status));
    }
}

/// A number, or a share of `of`, rounded up.
pub fn portion(value: &Value, of: i64) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    Some((of * percent + 99).div_euclid(100))
}

fn status(state: &State, budget: &Value) -> Value {
    let selector = LabelSelector::from_object(&part(budget, "/spec/selector"));
    let pods: Vec<_> = state
        .store
        .list(Kind::Pod, text(budget, "/metadata/namespace"))
        .filter(|pod| selector.matches(&pod.labels) && !pod.pod.over() && !pod.deleting)
        .collect();
    let healthy = i64::try_from(pods.iter().filter(|pod| pod.pod.ready).count()).unwrap_or(i64::MAX);
    let expected = expected(state, &pods.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let desired = match (budget.pointer("/spec/minAvailable"), budget.pointer("/spec/maxUnavailable")) {
        (Some(least), _) => portion(least, expected).unwrap_or(0),
        (None, Some(most)) => (expected - portion(most, expected).unwrap_or(0)).max(0),
        (None, None) => 0,
    };
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let (met, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let before = list(budget, "/status/conditions").first();
    let since = match before {
        Some(before) if text(before, "/status") == met => text(before, "/lastTransitionTime").to_owned(),
        Some(_) | None => stamp(state.now),
    };
    let condition = json!({
        "type": "DisruptionAllowed", "status": met, "reason": reason, "message": "", "lastTransitionTime": since,
        "observedGeneration": count(budget, "/metadata/generation"),
    });
    json!({
        "conditions": [condition], "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed,
        "expectedPods": expected, "observedGeneration": count(budget, "/metadata/generation"),
    })
}

/// As many pods as their controllers want.
fn expected(state: &State, pods: &[&Object]) -> i64 {
    let mut owners: Vec<&str> = pods.iter().filter_map(|pod| pod.owner.as_deref()).collect();
    owners.sort_unstable();
    owners.dedup();
    let sets = pods.first().map(|pod| pod.id.namespace.clone()).unwrap_or_default();
    let mut wanted = 0;
    let mut deployments: Vec<String> = Vec::new();
    for set in state.store.list(Kind::ReplicaSet, &sets).filter(|set| owners.contains(&set.uid.as_str())) {
        match &set.owner {
            Some(owner) if !deployments.contains(owner) => deployments.push(owner.clone()),
            Some(_) => {}
            None => wanted += number(&set.value(), "/spec/replicas").unwrap_or(1),
        }
    }
    for deployment in state.store.list(Kind::Deployment, &sets).filter(|deployment| deployments.contains(&deployment.uid)) {
        wanted += number(&deployment.value(), "/spec/replicas").unwrap_or(1);
    }
    let free = pods.iter().filter(|pod| pod.owner.is_none()).count();
    wanted + i64::try_from(free).unwrap_or(0)
}

/// May this pod be evicted? Spends one allowed disruption of each budget that covers it. Err: what stands against it.
pub fn spend(state: &mut State, pod: &Object) -> Result<(), String> {
    reconcile(state, &pod.id.namespace);
    let covering: Vec<(Id, Value)> = state
        .store
        .list(Kind::Pdb, &pod.id.namespace)
        .map(|budget| (budget.id.clone(), budget.value()))
        .filter(|(_, budget)| LabelSelector::from_object(&part(budget, "/spec/selector")).matches(&pod.labels))
        .collect();
    for (id, budget) in &covering {
        if pod.pod.ready && count(budget, "/status/disruptionsAllowed") < 1 {
            let (needs, has) = (count(budget, "/status/desiredHealthy"), count(budget, "/status/currentHealthy"));
            return Err(format!("The disruption budget {} needs {needs} healthy pods and has {has} currently", id.name));
        }
    }
    Ok(())
}
