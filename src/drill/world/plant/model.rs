//! The state of the plant, and one tick of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::body::{Body, End, Tone};
use super::effect::{self, Effect};
use super::facts::{Facts, Wanted};
use super::fault::{Fault, What};
use super::flag::{BREAKER, Flags, RETRIES};
use super::flow;
use super::git::Git;
use super::latency::Part;
use super::memory::{Age, Full};
use super::site::{SERVICES, Site};
use super::{upstream, write};
use crate::drill::world::behaviour::Exit;
use crate::drill::world::clock::between;
use crate::drill::world::object::Id;
use crate::drill::world::promql::Store;
use crate::drill::world::seed::mix;

/// Series kept, at most; a pod has about 140.
const SERIES: usize = 60_000;
/// Samples kept of each: three hours at one every five seconds.
const SAMPLES: usize = 2_200;
/// Ticks that health looks back.
pub const LOOK_BACK: usize = 6;
/// Changes of its sound that a pod's log remembers.
const TONES: usize = 512;
/// Ends of a pod's process that are remembered.
const ENDS: usize = 16;

/// A fault that was put.
pub struct Placed {
    pub id: String,
    pub fault: Fault,
    pub since: Timestamp,
    /// Share of the attempts that the dependency fails because of too many attempts.
    pub weak: f64,
    /// What git says, where git is in charge.
    pub git: Option<Git>,
    /// When it last did what it does now and then.
    pub acted: Timestamp,
}

/// A service in one tick, all pods together.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    pub requests: f64,
    pub bad: f64,
    pub parts: Vec<Part>,
}

#[derive(Default)]
pub struct Service {
    pub flags: Flags,
    /// Oldest first.
    pub moments: VecDeque<Moment>,
    /// When a process of it last ended by itself.
    pub ended: Option<Timestamp>,
    /// Requests that a responder's machine sent, to spread them.
    pub asked: u64,
}

pub struct Model {
    pub seed: u64,
    pub faults: Vec<Placed>,
    pub store: Store,
    pub services: BTreeMap<&'static str, Service>,
    /// By the pod's uid.
    pub bodies: BTreeMap<String, Body>,
    /// What was read of an object, with the version it was read from.
    pub read: BTreeMap<Id, (u64, Option<Facts>, Option<Wanted>)>,
    pub ticked: Option<Timestamp>,
    /// Its first tick: chances and waves follow from the time since, so that a story goes the same way at any hour.
    began: Option<Timestamp>,
}

/// What the plant wants of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The process of a pod has ended.
    Ended(Id),
}

impl Model {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            faults: Vec::new(),
            store: Store::new(SAMPLES, SERIES),
            services: SERVICES.iter().map(|site| (site.name, Service::default())).collect(),
            bodies: BTreeMap::new(),
            read: BTreeMap::new(),
            ticked: None,
            began: None,
        }
    }

    pub fn flags(&self, site: &Site) -> Flags {
        self.services.get(site.name).map(|service| service.flags.clone()).unwrap_or_default()
    }

    /// Plays what happened since the last tick, and writes the series as they are at `now`.
    pub fn tick(&mut self, now: Timestamp, pods: Vec<Facts>, wanted: &[Wanted]) -> Vec<Act> {
        let since = self.ticked.map_or(super::TICK, |last| between(last, now));
        self.ticked = Some(now);
        self.began.get_or_insert(now);
        if since.is_zero() {
            return Vec::new();
        }
        self.follow(pods, now);
        self.weaken();
        let mut acts = Vec::new();
        for site in SERVICES {
            acts.extend(self.serve(site, now, since));
        }
        write::all(self, wanted, now);
        acts
    }

    /// Bodies come, restart and go with their pods.
    fn follow(&mut self, pods: Vec<Facts>, now: Timestamp) {
        let gone: Vec<String> = self.bodies.keys().filter(|uid| pods.iter().all(|pod| pod.uid != **uid)).cloned().collect();
        for uid in gone {
            if let Some(body) = self.bodies.remove(&uid) {
                write::end(&mut self.store, &body, now);
            }
        }
        for facts in pods {
            let body = self.bodies.entry(facts.uid.clone()).or_insert_with(|| Body::new(facts.clone()));
            if body.facts.run != facts.run || (facts.started.is_none() && body.facts.started.is_some()) {
                body.restart();
            }
            body.facts = facts;
        }
    }

    /// A dependency that is called too often gets weaker, and recovers when it is left alone.
    fn weaken(&mut self) {
        for index in 0..self.faults.len() {
            let storms = self.faults.get(index).is_some_and(|placed| placed.fault.what() == What::RetryLoop && self.storms(&placed.fault));
            if let Some(placed) = self.faults.get_mut(index) {
                placed.weak = if storms { (placed.weak + 0.3).min(0.97) } else { placed.weak * 0.5 };
                if placed.weak < 0.01 {
                    placed.weak = 0.0;
                }
            }
        }
    }

    /// Whether a pod of it would try failed calls many times.
    pub fn storms(&self, fault: &Fault) -> bool {
        let Some(flags) = self.services.get(fault.service()).map(|service| &service.flags) else { return false };
        flags.is_on(RETRIES)
            && !flags.is_on(BREAKER)
            && self.of(fault.service()).any(|body| effect::reaches(fault, &body.facts.version, flags))
    }

    /// The pods of a service.
    pub fn of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Body> {
        self.bodies.values().filter(move |body| body.facts.site.name == service)
    }

    /// Seconds since its first tick.
    fn age(&self, now: Timestamp) -> u64 {
        self.began.map_or(0, |began| between(began, now).as_secs())
    }

    /// Requests a second that users send: a slow wave and a little noise around the usual.
    fn demand(&self, site: &Site, now: Timestamp) -> f64 {
        let seconds = self.age(now);
        let part = |number: u64| f64::from(u32::try_from(number % 10_000).unwrap_or(0)) / 10_000.0;
        let phase = f64::from(u32::try_from(seconds % 1800).unwrap_or(0)) / 1800.0;
        let wave = 1.0 - 4.0 * (phase - 0.5).abs();
        let noise = part(mix(self.seed ^ (seconds / 5) ^ u64::from(site.port))) - 0.5;
        site.rate * (1.0 + 0.04 * wave + 0.03 * noise)
    }

    /// The pod that gets a request which needs memory for a moment, where one comes now.
    fn strike(&mut self, site: &Site, flags: &Flags, now: Timestamp) -> Option<String> {
        let bursts = |placed: &&Placed| placed.fault.what() == What::BurstOom && placed.fault.service() == site.name;
        let placed = self.faults.iter().find(bursts).filter(|placed| effect::reaches(&placed.fault, "", flags))?;
        let id = placed.id.clone();
        if !super::tick::turn(self, &id, now) {
            return None;
        }
        let ready: Vec<&Body> = self.of(site.name).filter(|body| body.facts.ready && !body.facts.deleting).collect();
        let turn = usize::try_from(mix(self.seed ^ self.age(now)) % 1024).unwrap_or(0);
        Some(ready.get(turn.checked_rem(ready.len())?)?.facts.uid.clone())
    }

    fn serve(&mut self, site: &'static Site, now: Timestamp, since: Duration) -> Vec<Act> {
        let demand = self.demand(site, now);
        let flags = self.flags(site);
        let serving = |body: &Body| body.facts.started.is_some() && (body.facts.ready || body.facts.deleting);
        let ready = self.of(site.name).filter(|body| body.facts.ready && !body.facts.deleting).count();
        let share = demand / f64::from(u32::try_from(ready.max(1)).unwrap_or(1));
        let mut moment = Moment::default();
        if ready == 0 {
            (moment.requests, moment.bad) = (demand, demand);
        }
        let mut acts = Vec::new();
        let struck = self.strike(site, &flags, now);
        let called = upstream::felt(self, site);
        let faults = &self.faults;
        for body in self.bodies.values_mut().filter(|body| body.facts.site == site && body.facts.started.is_some()) {
            let mut effect = effect::on(faults, &body.facts, &flags, now);
            if let Some(felt) = called {
                felt.add(&mut effect);
            }
            effect.burst = effect.burst.filter(|_| struck.as_ref() == Some(&body.facts.uid));
            // One that stops gets no more, but for what is on its way to it.
            let takes = serving(body) && (!body.facts.deleting || effect.dropped > 0.0);
            let rate = if takes { share } else { 0.0 };
            let full = live(body, &mut effect, (now, since));
            if let Some(full) = full.filter(|_| body.ends.last().is_none_or(|end| end.run != body.facts.run)) {
                body.ends.push(end(body, full, now));
                if body.ends.len() > ENDS {
                    body.ends.remove(0);
                }
                acts.push(Act::Ended(body.facts.id.clone()));
            }
            body.flow = flow::flow(site, (&effect, &flags), rate, body.facts.cpu_limit);
            sound(body, &effect, now);
            body.count(since.as_secs_f64());
            moment.requests += body.flow.requests();
            moment.bad += body.flow.bad();
            moment.parts.extend(body.flow.felt.iter().copied());
        }
        if let Some(service) = self.services.get_mut(site.name) {
            service.moments.push_back(moment);
            while service.moments.len() > LOOK_BACK {
                service.moments.pop_front();
            }
            if !acts.is_empty() {
                service.ended = Some(now);
            }
        }
        acts
    }
}

/// Memory of a moment; a heap near its cap is collected all the time.
fn live(body: &mut Body, effect: &mut Effect, (now, since): (Timestamp, Duration)) -> Option<Full> {
    let seconds = body.facts.started.map_or(Duration::ZERO, |started| between(started, now)).as_secs_f64();
    let full = body.memory.grow(effect, &body.facts, Age { seconds, since: since.as_secs_f64() });
    let pressure = body.memory.pressure(body.facts.cap_mib);
    if pressure > 0.0 {
        effect.gc += pressure;
        effect.gc_pause_ms = effect.gc_pause_ms.max(240.0);
    }
    full
}

fn end(body: &Body, full: Full, now: Timestamp) -> End {
    let after = body.facts.started.map_or(Duration::ZERO, |started| between(started, now));
    let (code, reason) = match full {
        Full::Limit => (137, "OOMKilled"),
        Full::Heap => (134, "Error"),
    };
    End { run: body.facts.run, exit: Exit { after, code, reason, message: String::new() } }
}

/// What its log will say of this moment.
fn sound(body: &mut Body, effect: &Effect, now: Timestamp) {
    let site = body.facts.site;
    let all = body.flow.requests();
    let broken = site.routes.iter().zip(effect.fails).map(|(route, share)| route.share * share).sum();
    let tone = Tone {
        broken,
        bug: effect.bug,
        calls: if all > 0.0 { ((body.flow.call_failures / all) * 100.0).round() / 100.0 } else { 0.0 },
        class: body.flow.class,
        dropped: effect.dropped,
        verbose: effect.verbose,
        waiting: effect.waiting,
    };
    if body.tones.last().is_none_or(|(_, last)| *last != tone) {
        body.tones.push((now, tone));
        if body.tones.len() > TONES {
            body.tones.remove(0);
        }
    }
}
