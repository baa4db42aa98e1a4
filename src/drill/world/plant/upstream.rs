//! What a service has of another that it calls, where both are of the world: the calls that fail there fail here, and what is late there is
//! late here. A caller feels what was in the tick before, so the order in which services are played does not matter.

use super::effect::{CHECKOUT, Class, Effect, fail_calls};
use super::latency::{Part, answered, quantile};
use super::model::Model;
use super::site::{Site, site};

/// A call that takes longer is given up: the services' own setting, in ms.
const TIMEOUT_MS: f64 = 1000.0;
/// Less than this is the usual noise: a healthy callee changes nothing.
const NOTICED: f64 = 0.005;
const NOTICED_MS: f64 = 20.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Felt {
    /// Share of the attempts that fail, and how.
    fails: f64,
    class: Class,
    /// What a call takes longer than usual, in ms.
    extra_ms: f64,
}

/// What `caller` has of what it calls. None: nothing to speak of, or it is not of this world.
pub fn felt(model: &Model, caller: &Site) -> Option<Felt> {
    let callee = site(caller.upstream)?;
    let moment = model.services.get(callee.name)?.moments.back().filter(|moment| moment.requests > 0.0)?;
    let weight: f64 = moment.parts.iter().map(|part| part.weight).sum();
    if weight <= 0.0 {
        return Some(Felt { fails: 1.0, class: Class::Down, extra_ms: 0.0 });
    }
    let broken = broken(model, callee).max(if moment.bad >= moment.requests { 1.0 } else { 0.0 });
    let late = 1.0 - answered(&moment.parts, TIMEOUT_MS) / weight;
    let usual: Vec<Part> = callee.routes.iter().map(|route| Part { weight: route.share, median_ms: route.median_ms }).collect();
    let extra_ms = (quantile(&moment.parts, 0.5) - quantile(&usual, 0.5)).min(TIMEOUT_MS);
    let felt = Felt {
        fails: broken + (1.0 - broken) * late,
        class: if late > broken { Class::Slow } else { Class::Upstream },
        extra_ms: if extra_ms > NOTICED_MS { extra_ms } else { 0.0 },
    };
    (felt.fails > NOTICED || felt.extra_ms > 0.0).then_some(felt)
}

/// The failing share of the route that is called.
fn broken(model: &Model, callee: &Site) -> f64 {
    let rows = || model.of(callee.name).map(|body| body.flow.answered[CHECKOUT]);
    let all: f64 = rows().flatten().sum();
    let bad: f64 = rows().flat_map(|row| row.into_iter().skip(2)).sum();
    if all > 0.0 { bad / all } else { 0.0 }
}

impl Felt {
    pub fn add(self, effect: &mut Effect) {
        if self.fails > NOTICED {
            fail_calls(effect, self.fails, self.class);
        }
        effect.extra_ms[CHECKOUT] += self.extra_ms;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Map;

    use crate::drill::world::plant::{Fault, Health};
    use crate::drill::world::{self, Options, Pace};

    /// checkout, while payments has a fault and after it is lifted.
    async fn checkout(kind: &str) -> [Health; 3] {
        let epoch = Some(jiff::Timestamp::UNIX_EPOCH);
        let world = world::start(Options { pace: Pace::Stepped, epoch, ..Options::default() }).await.unwrap();
        world.advance(Duration::from_secs(60));
        let before = world.health("checkout");
        world.put("theirs", Fault::read(kind, "payments", &Map::new()).unwrap());
        world.advance(Duration::from_secs(120));
        let during = world.health("checkout");
        world.lift("theirs");
        world.advance(Duration::from_secs(120));
        [before, during, world.health("checkout")]
    }

    #[tokio::test]
    async fn what_fails_there_fails_here_and_what_is_late_there_is_late_here() {
        for kind in ["dependency-refusing", "sync-json"] {
            let [before, during, after] = checkout(kind).await;
            assert!(before.healthy && after.healthy, "{kind}: {before:?} {after:?}");
            assert!(!during.healthy, "{kind}: {during:?}");
            assert!(during.error_share > 0.05 || during.p99_ms > 2.0 * before.p99_ms, "{kind}: {during:?}");
            assert!(during.faults.is_empty(), "{kind}: the fault is not its own: {during:?}");
        }
        assert_eq!(checkout("dependency-slow").await, checkout("dependency-slow").await, "the same each time");
    }
}
