//! How a service is, in truth: for scores and success, never for the trainee.

use std::time::Duration;

use super::body::Body;
use super::effect::{reaches, recovered};
use super::facts::Wanted;
use super::fault::What;
use super::latency::{Part, quantile};
use super::memory::{MIB, peak_of};
use super::model::{Model, Placed};
use super::site::{Site, site};
use super::tick;
use crate::drill::world::clock::between;
use crate::drill::world::service::REGISTRY;
use crate::drill::world::state::State;

/// Of the last thirty seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// Of all requests, 0 to 1: answered with 5xx, given up on, or with no pod to go to.
    pub error_share: f64,
    pub p99_ms: f64,
    /// Pods that are ready, and pods that the Deployment wants.
    pub ready: u32,
    pub wanted: u32,
    /// Users are served as they should be, and nothing is about to end that.
    pub healthy: bool,
    /// The release that most of its ready pods run.
    pub version: String,
    /// In the order they came; those of this service only.
    pub faults: Vec<FaultState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultState {
    pub id: String,
    /// It does something now.
    pub active: bool,
    /// It does nothing any more, because of what was done.
    pub cured: bool,
}

/// More than this share of errors is not health.
const ERRORS: f64 = 0.01;
/// Nor is a p99 above so many times the usual.
const SLOW: f64 = 1.5;
/// Nor a working set above this share of its limit, or live objects above this share of the heap's cap.
const FULL: f64 = 0.9;
/// Nor a process that ended by itself so lately.
const LATELY: Duration = Duration::from_secs(120);
/// Nor a pod that is not ready after so long: a rollout hangs.
const STARTS: Duration = Duration::from_secs(120);
/// What a leak may have kept without mattering, in MiB.
const KEPT: f64 = 64.0;

/// How a service is now.
pub fn of(state: &State, service: &str) -> Health {
    let Some(site) = site(service) else { return Health::default() };
    let plant = state.plant.clone();
    let mut model = plant.lock();
    let (pods, wanted) = tick::gather(state, &mut model);
    let wanted = wanted.into_iter().find(|wanted| wanted.site == site);
    let ready: Vec<_> = pods.iter().filter(|pod| pod.site == site && pod.ready && !pod.deleting).collect();
    let mut health = Health {
        ready: u32::try_from(ready.len()).unwrap_or(u32::MAX),
        wanted: wanted.as_ref().map_or(0, |wanted| wanted.replicas),
        ..Health::default()
    };
    let count = |version: &str| ready.iter().filter(|pod| pod.version == version).count();
    health.version = ready.iter().map(|pod| &pod.version).max_by_key(|version| (count(version), *version)).cloned().unwrap_or_default();
    let Some(kept) = model.services.get(site.name) else { return health };
    let (requests, bad) = kept.moments.iter().fold((0.0, 0.0), |(all, bad), moment| (all + moment.requests, bad + moment.bad));
    health.error_share = if requests > 0.0 { bad / requests } else { 0.0 };
    let parts: Vec<Part> = kept.moments.iter().flat_map(|moment| moment.parts.iter().copied()).collect();
    health.p99_ms = quantile(&parts, 0.99);
    let ended = kept.ended.is_some_and(|ended| between(ended, state.now) < LATELY);
    let full = model
        .of(site.name)
        .any(|body| body.memory.working_set * MIB > FULL * body.facts.memory_limit || body.memory.live > FULL * body.facts.cap_mib);
    let hangs = pods.iter().any(|pod| {
        let old = pod.created.is_some_and(|created| between(created, state.now) > STARTS);
        pod.site == site && old && !pod.ready && !pod.deleting
    });
    let enough = health.ready > 0 && health.ready >= health.wanted && !hangs;
    health.healthy = health.error_share < ERRORS && health.p99_ms < SLOW * usual(site) && enough && !ended && !full;
    let faults = model.faults.iter().filter(|placed| placed.fault.service() == site.name);
    health.faults = faults
        .map(|placed| {
            let active = active(&model, placed, wanted.as_ref(), state.now);
            FaultState { id: placed.id.clone(), active, cured: !active }
        })
        .collect();
    health
}

/// p99 of a service that is well.
fn usual(site: &Site) -> f64 {
    let parts: Vec<Part> = site.routes.iter().map(|route| Part { weight: route.share, median_ms: route.median_ms + 1.0 }).collect();
    quantile(&parts, 0.99)
}

fn active(model: &Model, placed: &Placed, wanted: Option<&Wanted>, now: jiff::Timestamp) -> bool {
    let fault = &placed.fault;
    let Some(flags) = model.services.get(fault.service()).map(|service| &service.flags) else { return false };
    let any = |is: &dyn Fn(&Body) -> bool| model.of(fault.service()).any(|body| !body.facts.deleting && is(body));
    let here = |body: &Body| reaches(fault, &body.facts.version, flags);
    match fault.what() {
        What::SyncJson
        | What::SyncRegex
        | What::Compression
        | What::CryptoBurst
        | What::Logger
        | What::GcChurn
        | What::BadRelease
        | What::SlowRelease
        | What::Sigterm => any(&here),
        What::HeapLeak => any(&|body| here(body) || body.memory.kept_heap > KEPT),
        What::BufferLeak => any(&|body| here(body) || body.memory.kept_buffers > KEPT),
        What::RetryLoop => placed.weak > 0.02,
        What::BurstOom => any(&|body| here(body) && peak_of(&body.memory, fault.number("burst_mib")) * MIB >= body.facts.memory_limit),
        What::OldSpaceNearCap => any(&|body| body.facts.cap_mib < 1.25 * fault.number("needs_mib")),
        What::DependencyDown | What::DependencySlow | What::DependencyRefusing => !recovered(placed, now),
        What::NeverReadyRelease => wanted.is_some_and(|wanted| Some(wanted.version.as_str()) == fault.version()),
        What::ImageMissingRelease => {
            let image = format!("{REGISTRY}{}:{}", fault.service(), fault.version().unwrap_or_default());
            wanted.is_some_and(|wanted| wanted.image == image)
        }
        What::ContractedMigration => any(&|body| here(body) || fault.version() != Some(&body.facts.version)),
        What::Gitops => wanted.is_some_and(|wanted| !wanted.suspended),
    }
}
