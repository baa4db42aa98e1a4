//! The arithmetic of a rollout: how far the old ReplicaSets may shrink and the new one grow.

use std::sync::Arc;

use serde_json::Value;

use super::event::{self, normal};
use super::pdb::portion;
use crate::drill::world::json::{count, number, set, text};
use crate::drill::world::object::Object;
use crate::drill::world::state::State;

/// A ReplicaSet, as a Deployment sees it.
pub struct Set {
    pub object: Arc<Object>,
    pub value: Value,
}

impl Set {
    pub fn wanted(&self) -> i64 {
        number(&self.value, "/spec/replicas").unwrap_or(1)
    }

    pub fn available(&self) -> i64 {
        count(&self.value, "/status/availableReplicas")
    }

    pub fn there(&self) -> i64 {
        count(&self.value, "/status/replicas")
    }

    pub fn revision(&self) -> i64 {
        text(&self.value, "/metadata/annotations/deployment.kubernetes.io~1revision").parse().unwrap_or(0)
    }
}

/// How many pods above and below the wanted number a rollout may go.
pub struct Room {
    pub wanted: i64,
    pub surge: i64,
    pub unavailable: i64,
}

impl Room {
    pub fn of(deployment: &Value) -> Self {
        let wanted = number(deployment, "/spec/replicas").unwrap_or(1);
        let quarter = Value::from("25%");
        let rolling = |field: &str| deployment.pointer(&format!("/spec/strategy/rollingUpdate/{field}")).unwrap_or(&quarter);
        let surge = portion(rolling("maxSurge"), wanted).unwrap_or(0);
        let unavailable = rounded_down(rolling("maxUnavailable"), wanted);
        // Both zero would never move; Kubernetes then lets one be unavailable.
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Self { wanted, surge, unavailable: unavailable.min(wanted) }
    }
}

fn rounded_down(value: &Value, of: i64) -> i64 {
    value
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|percent| percent.parse::<i64>().ok())
        .map_or_else(|| value.as_i64().unwrap_or(0), |percent| (of * percent).div_euclid(100))
}

pub fn scale(state: &mut State, deployment: &Object, set_: &Set, to: i64) {
    let from = set_.wanted();
    if from == to {
        return;
    }
    state.edit(&set_.object.id, |value| set(value, &["spec", "replicas"], to));
    let direction = if to > from { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {from} to {to}", set_.object.id.name);
    event::tell(state, deployment, normal("deployment-controller", "ScalingReplicaSet", &message));
}

/// Grows the new set as far as the surge lets it. True: something changed, and the rest waits for what follows from it.
pub fn grow(state: &mut State, deployment: &Object, room: &Room, new: &Set, old: &[Set]) -> bool {
    if new.wanted() > room.wanted {
        scale(state, deployment, new, room.wanted);
        return true;
    }
    let total: i64 = old.iter().map(Set::wanted).sum::<i64>() + new.wanted();
    let more = (room.wanted + room.surge - total).min(room.wanted - new.wanted());
    if more > 0 {
        scale(state, deployment, new, new.wanted() + more);
    }
    more > 0
}

/// Shrinks the old sets: first what was never available, then as far as enough stays available.
pub fn shrink(state: &mut State, deployment: &Object, room: &Room, new: &Set, old: &[Set]) -> bool {
    let total: i64 = old.iter().map(Set::wanted).sum::<i64>() + new.wanted();
    let least = room.wanted - room.unavailable;
    let mut budget = total - least - (new.wanted() - new.available()).max(0);
    if budget <= 0 {
        return false;
    }
    let mut sizes: Vec<i64> = old.iter().map(Set::wanted).collect();
    for (set, size) in old.iter().zip(&mut sizes) {
        let broken = (set.wanted() - set.available()).max(0).min(budget.max(0));
        *size -= broken;
        budget -= broken;
    }
    let available: i64 = old.iter().map(Set::available).sum::<i64>() + new.available();
    let mut spare = (available - least).max(0);
    for size in &mut sizes {
        let go = (*size).min(spare);
        *size -= go;
        spare -= go;
    }
    let mut changed = false;
    for (set, size) in old.iter().zip(sizes) {
        if set.wanted() != size {
            scale(state, deployment, set, size);
            changed = true;
        }
    }
    changed
}
