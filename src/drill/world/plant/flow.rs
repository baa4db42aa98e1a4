//! What a pod makes of its share of the traffic in a moment: how busy it is, who waits for how long, who fails. Rates are per second.

use super::effect::{Class, Effect};
use super::flag::{BREAKER, Flags, RETRIES};
use super::latency::Part;
use super::site::{ROUTES, Site};

/// Statuses that a service answers with.
pub const STATUSES: [&str; 6] = ["200", "202", "500", "502", "503", "504"];
const OK: usize = 0;
const ACCEPTED: usize = 1;
const BROKEN: usize = 2;
const BAD_GATEWAY: usize = 3;
const UNAVAILABLE: usize = 4;
const GATEWAY_TIMEOUT: usize = 5;

/// What the main thread does without any request, in cores.
const IDLE: f64 = 0.008;
/// Garbage collection of a healthy service, as a share of the time.
pub const USUAL_GC: f64 = 0.006;
/// A pause of it, in ms.
const USUAL_PAUSE_MS: f64 = 8.0;
/// Retries of a failed call, where they are on.
const RETRY: i32 = 2;
/// Main-thread time of a usual attempt, in ms.
const ATTEMPT_MS: f64 = 0.1;
/// A CPU limit that is used up stops everything until the next period of 100 ms.
const PERIOD_MS: f64 = 100.0;
/// Of those who are not served in time, the share that gives up; the others wait.
const IMPATIENT: f64 = 0.15;
/// When those that give up have given up, in the middle, in ms.
const GAVE_UP_AFTER_MS: f64 = 9000.0;
/// The longest that a queue keeps one waiting in the middle, in ms.
const LONGEST_WAIT_MS: f64 = 7000.0;

#[derive(Debug, Clone, Default)]
pub struct Flow {
    /// By route and status.
    pub answered: [[f64; STATUSES.len()]; ROUTES],
    /// By route, as the service measures it: from where its code gets the request. What waits before that it does not see.
    pub parts: [Vec<Part>; ROUTES],
    /// As users have it, all routes together.
    pub felt: Vec<Part>,
    /// Requests whose users gave up before the service saw them.
    pub gave_up: f64,
    pub attempts: f64,
    pub attempt_failures: f64,
    pub calls: f64,
    pub call_failures: f64,
    pub class: Option<Class>,
    /// In cores.
    pub main: f64,
    pub others: f64,
    /// Share of the periods in which the CPU limit stopped it.
    pub throttled: f64,
    pub gc: f64,
    /// Of the event loop, in ms, without the 10 ms of its own resolution.
    pub delay_ms: f64,
}

impl Flow {
    pub fn requests(&self) -> f64 {
        self.answered.iter().flatten().sum::<f64>() + self.gave_up
    }

    pub fn bad(&self) -> f64 {
        self.answered.iter().map(|route| route[BROKEN] + route[BAD_GATEWAY] + route[UNAVAILABLE] + route[GATEWAY_TIMEOUT]).sum::<f64>()
            + self.gave_up
    }
}

/// Calls to the dependency, for one request that makes one.
struct Calls {
    /// Attempts a call, and the share of the calls that fail in the end.
    attempts: f64,
    fails: f64,
    /// Of a call that fails, in ms.
    takes_ms: f64,
    cpu_ms: f64,
    class: Option<Class>,
}

fn calls(effect: &Effect, flags: &Flags) -> Option<Calls> {
    if flags.is_on(BREAKER) {
        return None;
    }
    let retries = flags.is_on(RETRIES);
    let (share, class) = effect.unwell.map_or((0.0, None), |(share, class)| (share.min(0.999), Some(class)));
    let storm = effect.storm.filter(|_| retries);
    let most = storm.map_or(if retries { RETRY + 1 } else { 1 }, |(attempts, _)| whole(attempts));
    // 1 + f + f² + … : each further attempt is made where those before it failed.
    let (mut attempts, mut reach) = (0.0, 1.0);
    for _ in 0..most {
        attempts += reach;
        reach *= share;
    }
    let pause_ms = if retries && storm.is_none() { 150.0 } else { 0.0 };
    let one_ms = class.map_or(0.0, Class::fails_after_ms);
    Some(Calls {
        attempts,
        fails: reach,
        takes_ms: one_ms * f64::from(most) + pause_ms,
        cpu_ms: storm.map_or(ATTEMPT_MS, |(_, cpu)| cpu),
        class,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "at most a hundred, by its parameter")]
fn whole(number: f64) -> i32 {
    number as i32
}

/// `rate`: requests a second that come to the pod. `limit`: cores that it may use.
pub fn flow(site: &Site, (effect, flags): (&Effect, &Flags), rate: f64, limit: f64) -> Flow {
    let coming: [f64; ROUTES] = std::array::from_fn(|route| rate * site.routes[route].share);
    let calls = calls(effect, flags);
    let attempts = calls.as_ref().map_or(0.0, |calls| coming[0] * calls.attempts);
    let sum = |of: &dyn Fn(usize) -> f64| (0..ROUTES).map(|route| coming[route] * of(route)).sum::<f64>() / 1000.0;
    let blocked = sum(&|route| effect.block_ms[route]);
    let gc = USUAL_GC + effect.gc;
    let calling = calls.as_ref().map_or(0.0, |calls| attempts * calls.cpu_ms / 1000.0);
    let load = IDLE + gc + blocked + calling + sum(&|route| site.routes[route].cpu_ms);
    let pool = sum(&|route| effect.pool_ms[route]) + gc * 0.3;
    // The kernel gives all threads together what the limit allows.
    let asked = load.min(1.0) + pool;
    let squeeze = (limit / asked).min(1.0);
    let bursts = pool - gc * 0.3;
    let throttled = ((asked - limit).max(0.0) / limit * 2.0 + bursts / limit * 0.5).min(0.95);
    let served = (squeeze / load).min(1.0);
    let mut flow = Flow { gc, throttled, main: load.min(1.0) * squeeze, others: pool * squeeze, ..Flow::default() };
    let wait = Wait::of(effect, (blocked, load / squeeze), throttled, calls.as_ref().map_or(0.0, |calls| calls.cpu_ms));
    flow.delay_ms = wait.delay_ms;
    for (route, coming) in coming.into_iter().enumerate() {
        let stays = if effect.pool_ms[route] > 0.0 { served * squeeze } else { served };
        let taken = coming * stays;
        // Most wait for their answers before they ask again: less is asked of a service that is slow.
        let gave_up = (coming - taken) * IMPATIENT;
        flow.gave_up += gave_up;
        let failed = flow.answer(route, taken, effect, calls.as_ref());
        let takes = site.routes[route].median_ms + effect.block_ms[route] + effect.pool_ms[route] / squeeze + effect.extra_ms[route];
        flow.wait(route, (taken - failed, takes), &wait);
        flow.wait(route, (failed, takes + calls.as_ref().map_or(0.0, |calls| calls.takes_ms)), &wait);
        if gave_up > 0.0 {
            flow.felt.push(Part { weight: gave_up, median_ms: GAVE_UP_AFTER_MS });
        }
    }
    flow
}

impl Flow {
    /// Gives the requests of a route that were taken their statuses. What is given back failed for the sake of a call.
    fn answer(&mut self, route: usize, taken: f64, effect: &Effect, calls: Option<&Calls>) -> f64 {
        let dropped = taken * effect.dropped;
        let broken = (taken - dropped) * effect.fails[route];
        let well = taken - dropped - broken;
        let row = &mut self.answered[route];
        row[UNAVAILABLE] += dropped;
        row[BROKEN] += broken;
        match calls {
            Some(calls) if route == 0 => {
                let failed = well * calls.fails;
                let status = if calls.class == Some(Class::Slow) { GATEWAY_TIMEOUT } else { BAD_GATEWAY };
                row[status] += failed;
                row[OK] += well - failed;
                (self.calls, self.call_failures, self.class) = (well, failed, calls.class);
                self.attempts = well * calls.attempts;
                self.attempt_failures = self.attempts - (well - failed);
                return failed;
            }
            None if route == 0 => row[ACCEPTED] += well,
            Some(_) | None => row[OK] += well,
        }
        0.0
    }

    fn wait(&mut self, route: usize, (requests, median_ms): (f64, f64), wait: &Wait) {
        if requests > 0.0 {
            let late = requests * wait.share;
            // The route that calls waits for its turn again, once its answer is there.
            let again_ms = wait.piece_ms * if route == 0 { 0.5 } else { 0.05 };
            self.parts[route].push(Part { weight: requests - late, median_ms });
            self.parts[route].push(Part { weight: late, median_ms: median_ms + again_ms });
            self.felt.push(Part { weight: requests - late, median_ms });
            self.felt.push(Part { weight: late, median_ms: median_ms + again_ms + wait.median_ms });
        }
    }
}

/// Who waits for the main thread, and for how long.
struct Wait {
    share: f64,
    /// Before the service sees the request.
    median_ms: f64,
    /// The longest that the thread does in one piece.
    piece_ms: f64,
    delay_ms: f64,
}

impl Wait {
    fn of(effect: &Effect, (blocked, load): (f64, f64), throttled: f64, attempt_ms: f64) -> Self {
        let longest = effect.block_ms.iter().copied().fold(0.0, f64::max);
        let pause = if effect.gc > 0.02 { effect.gc_pause_ms } else { 0.0 };
        let stopped = if throttled > 0.05 { PERIOD_MS } else { 0.0 };
        let piece = longest.max(pause).max(stopped).max(attempt_ms).max(USUAL_PAUSE_MS);
        let queue = if load > 0.8 { load.min(1.0) } else { 0.0 };
        let share = (blocked + effect.gc + throttled).max(queue).clamp(0.01, 1.0);
        let full = load.min(0.98);
        let waits = piece * (0.5 + 0.5 * full / (1.0 - full));
        let median_ms = if load >= 1.0 { waits.max(2500.0) } else { waits }.min(LONGEST_WAIT_MS);
        let often = blocked + effect.gc + throttled > 0.02;
        let delay_ms = match (load >= 1.0, often) {
            (true, _) => (piece * 2.0).max(150.0),
            (false, true) => piece * (1.0 + 0.5 * full),
            (false, false) => 1.5,
        };
        Self { share, median_ms, piece_ms: piece, delay_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::world::plant::latency::quantile;
    use crate::drill::world::plant::site::site;

    fn p99(flow: &Flow) -> f64 {
        quantile(&flow.felt, 0.99)
    }

    fn healthy(rate: f64) -> Flow {
        flow(site("checkout").unwrap(), (&Effect::default(), &Flags::default()), rate, 1.0)
    }

    #[test]
    fn health_is_cheap_and_quick() {
        let flow = healthy(40.0);
        assert!((flow.requests() - 40.0).abs() < 1e-9);
        assert!(flow.bad() < 1e-9 && flow.main < 0.13 && flow.throttled < 0.01, "{flow:?}");
        assert!(p99(&flow) < 250.0, "{}", p99(&flow));
        assert!((flow.attempts - flow.calls).abs() < 1e-9);
    }

    #[test]
    fn more_replicas_do_not_free_a_blocked_loop() {
        let mut effect = Effect::default();
        effect.block_ms[2] = 600.0;
        for pods in [3.0, 6.0] {
            let flow = flow(site("checkout").unwrap(), (&effect, &Flags::default()), 120.0 / pods, 1.0);
            assert!(flow.main > 0.9, "{pods} pods: {}", flow.main);
            assert!(p99(&flow) > 1000.0, "{pods} pods: {}", p99(&flow));
            assert!(flow.requests() < 120.0 / pods && flow.bad() > 0.0, "{pods} pods: who is not served waits, or gives up: {flow:?}");
            let seconds = |route: usize| crate::drill::world::plant::latency::seconds(&flow.parts[route]);
            assert!((0..ROUTES).all(|route| seconds(route) <= seconds(2)), "the route that blocks takes the most time: {flow:?}");
        }
    }

    #[test]
    fn the_breaker_spares_the_dependency_and_the_users() {
        let effect = Effect { unwell: Some((1.0, Class::Slow)), ..Effect::default() };
        let site = site("checkout").unwrap();
        let mut flags = Flags::default();
        let down = flow(site, (&effect, &flags), 40.0, 1.0);
        assert!(down.call_failures > 11.0 && down.attempts / down.calls > 2.9, "{down:?}");
        assert!(down.answered[0][GATEWAY_TIMEOUT] > 11.0);
        flags.set(BREAKER, true);
        let spared = flow(site, (&effect, &flags), 40.0, 1.0);
        assert!(spared.calls < 1e-9 && spared.bad() < 1e-9);
        assert!(spared.answered[0][ACCEPTED] > 11.0);
    }

    #[test]
    fn a_used_up_limit_throttles() {
        let mut effect = Effect::default();
        effect.pool_ms[0] = 220.0;
        let flow = flow(site("checkout").unwrap(), (&effect, &Flags::default()), 40.0, 1.0);
        assert!(flow.throttled > 0.5 && flow.others > 0.5 && flow.main < 0.3, "{flow:?}");
        assert!((flow.main + flow.others - 1.0).abs() < 1e-6);
    }
}
