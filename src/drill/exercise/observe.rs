//! What the world's truth is recorded as: only what changed since it was looked at last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Exercise, Truth, holds};
use crate::drill::world::plant::Health;
use crate::timeline::drill::{Observed, Sight};

/// The world's truth as it was recorded last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    healthy: Option<bool>,
    /// Those that have been active.
    pub(super) faults: BTreeMap<String, Stage>,
    /// There was something to mitigate: a fault was active and the drill's success did not hold.
    harmed: bool,
    pub(super) mitigated: Option<Timestamp>,
    pub(super) durable: bool,
    pub(super) failing: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Active,
    Cured,
}

impl Exercise {
    /// What became true since the last look.
    pub(super) fn observe(&mut self, truth: Truth<'_>, scope: &Value) -> Vec<Observed> {
        let service = self.drill.service.clone();
        let mut found = Vec::new();
        let mut say = |what, of: Option<&str>, detail: String| {
            found.push(Observed { what, service: service.clone(), of: of.map(str::to_owned), detail });
        };
        if let Some(health) = truth.health.get(&self.drill.service) {
            if self.seen.healthy != Some(health.healthy) {
                say(if health.healthy { Sight::Healthy } else { Sight::Unhealthy }, None, told(health));
            }
            self.seen.healthy = Some(health.healthy);
        }
        for fault in truth.health.values().flat_map(|health| &health.faults) {
            let now = if fault.cured { Stage::Cured } else { Stage::Active };
            if now == Stage::Cured && !self.seen.faults.contains_key(&fault.id) {
                // It does nothing yet: a release is on its way.
                continue;
            }
            let before = self.seen.faults.insert(fault.id.clone(), now);
            match (before, now) {
                (None, Stage::Active) => say(Sight::FaultBegan, Some(&fault.id), String::new()),
                (Some(Stage::Active), Stage::Cured) => say(Sight::FaultCured, Some(&fault.id), String::new()),
                (Some(Stage::Cured), Stage::Active) => say(Sight::FaultReturned, Some(&fault.id), String::new()),
                (Some(Stage::Active), Stage::Active) | (None | Some(Stage::Cured), Stage::Cured) => {}
            }
        }
        let well = holds(&self.drill.success.mitigated, scope);
        self.seen.harmed |= !well && !self.seen.faults.is_empty();
        let mitigated = well && self.seen.harmed;
        match (mitigated, self.seen.mitigated) {
            (true, None) => {
                self.seen.mitigated = Some(truth.now);
                say(Sight::Mitigated, None, String::new());
            }
            (false, Some(_)) => {
                self.seen.mitigated = None;
                say(Sight::Unmitigated, None, String::new());
            }
            (true, Some(_)) | (false, None) => {}
        }
        if !self.seen.durable && self.is_durable(truth.now) {
            self.seen.durable = true;
            say(Sight::Durable, None, format!("held for {} s", self.drill.success.durable_for.as_secs()));
        }
        for fail in &self.drill.fail {
            if holds(&fail.when, scope) && self.seen.failing.insert(fail.id.clone()) {
                say(Sight::Failing, Some(&fail.id), fail.why.clone());
            }
        }
        found
    }

    fn is_durable(&self, now: Timestamp) -> bool {
        let held = self.seen.mitigated.and_then(|since| Duration::try_from(now.duration_since(since)).ok());
        // A fault that is still to come is a part of it.
        self.faults.len() == self.drill.faults.len() && held.is_some_and(|held| held >= self.drill.success.durable_for)
    }
}

fn told(health: &Health) -> String {
    format!(
        "{:.1} % of requests fail, p99 {:.0} ms, {} of {} pods ready, version {}",
        health.error_share * 100.0,
        health.p99_ms,
        health.ready,
        health.wanted,
        health.version
    )
}
