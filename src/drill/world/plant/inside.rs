//! What the inside of one process looks like at a moment: what a profiler in it would see. Numbers only; the names are the inspector's.

use std::time::Duration;

use jiff::Timestamp;

use super::body::Body;
use super::effect::reaches;
use super::fault::What;
use super::flow::{ATTEMPT_MS, IDLE};
use super::memory::Memory;
use super::model::Model;
use super::site::Site;
use crate::drill::world::clock::between;

/// What a main thread is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// A route's usual work, by its number.
    Route(usize),
    /// What a fault makes it do.
    Fault(What),
    /// Calls to the dependency.
    Calls,
    /// Collecting garbage.
    Collection,
    /// Node itself.
    Node,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    pub doing: Doing,
    /// Of the time, 0 to 1. All work of a process together is how busy its main thread is.
    pub share: f64,
    /// How long one piece of it lasts, in ms.
    pub piece_ms: f64,
}

/// A process at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Inside {
    pub site: &'static Site,
    pub run: i64,
    pub started: Timestamp,
    pub memory: Memory,
    /// `--max-old-space-size`, in MiB.
    pub cap_mib: f64,
    /// Of the container, in bytes; infinite where there is none.
    pub memory_limit: f64,
    /// p99 of the event loop's delay, in ms, without its own resolution.
    pub delay_ms: f64,
    /// Seconds of CPU, of all threads.
    pub cpu: f64,
    /// Seconds of the event loop: in all, and busy.
    pub seconds: f64,
    pub busy: f64,
    pub work: Vec<Work>,
}

impl Model {
    /// The process of a pod. None: none runs.
    pub fn inside(&self, uid: &str, now: Timestamp) -> Option<Inside> {
        let body = self.bodies.get(uid)?;
        let started = body.facts.started?;
        let flow = &body.flow;
        // The counters are those of the last tick.
        let since = self.ticked.map_or(Duration::ZERO, |ticked| between(ticked, now)).min(super::TICK * 2).as_secs_f64();
        Some(Inside {
            site: body.facts.site,
            run: body.facts.run,
            started,
            memory: body.memory,
            cap_mib: body.facts.cap_mib,
            memory_limit: body.facts.memory_limit,
            delay_ms: flow.delay_ms,
            cpu: body.counters.cpu() + since * (flow.main + flow.others),
            seconds: body.counters.seconds_counted + since,
            busy: body.counters.busy + since * flow.main,
            work: self.work_of(body),
        })
    }

    /// What its main thread does, as shares of the time.
    fn work_of(&self, body: &Body) -> Vec<Work> {
        let flow = &body.flow;
        let site = body.facts.site;
        let coming = flow.answered.map(|row| row.iter().sum::<f64>());
        let mut work: Vec<Work> = Vec::new();
        let mut add = |doing: Doing, cores: f64, piece_ms: f64| work.push(Work { doing, share: cores, piece_ms });
        add(Doing::Node, IDLE, 1.0);
        add(Doing::Collection, flow.gc, 8.0);
        for (index, route) in site.routes.iter().enumerate() {
            add(Doing::Route(index), coming[index] * route.cpu_ms / 1000.0, route.cpu_ms);
        }
        let flags = self.flags(site);
        let mut attempt_ms = ATTEMPT_MS;
        let here = |fault: &super::Fault| fault.service() == site.name && reaches(fault, &body.facts.version, &flags);
        for fault in self.faults.iter().map(|placed| &placed.fault).filter(|fault| here(fault)) {
            let what = fault.what();
            let requests = route_of(what).map_or_else(|| coming.iter().sum(), |route| coming[route]);
            match what {
                What::SyncJson | What::SyncRegex | What::Compression | What::Logger => {
                    let block_ms = fault.number("block_ms");
                    add(Doing::Fault(what), requests * block_ms / 1000.0, block_ms);
                }
                What::RetryLoop => {
                    attempt_ms = 0.0;
                    add(Doing::Fault(what), flow.attempts * fault.number("cpu_ms") / 1000.0, fault.number("cpu_ms"));
                }
                // The pool does the work; the main thread hands it over. What is thrown away must first be made.
                What::CryptoBurst => add(Doing::Fault(what), requests * 0.05 / 1000.0, 1.0),
                What::GcChurn => add(Doing::Fault(what), fault.number("gc_share") * 0.3, 12.0),
                What::HeapLeak
                | What::BufferLeak
                | What::BurstOom
                | What::OldSpaceNearCap
                | What::DependencyDown
                | What::DependencySlow
                | What::DependencyRefusing
                | What::BadRelease
                | What::SlowRelease
                | What::NeverReadyRelease
                | What::ImageMissingRelease
                | What::ContractedMigration
                | What::Gitops
                | What::Sigterm => {}
            }
        }
        add(Doing::Calls, flow.attempts * attempt_ms / 1000.0, 1.0);
        // What it wants to do, within what it gets done.
        let all: f64 = work.iter().map(|one| one.share).sum();
        for one in &mut work {
            one.share *= if all > 0.0 { flow.main / all } else { 0.0 };
        }
        work.retain(|one| one.share > 0.0);
        work
    }
}

/// The route that a fault sits in; None: in all of them.
fn route_of(what: What) -> Option<usize> {
    match what {
        What::SyncRegex | What::HeapLeak => Some(super::effect::SEARCH),
        What::SyncJson => Some(super::effect::REPORT),
        What::Compression | What::BufferLeak | What::BurstOom => Some(super::effect::EXPORT),
        What::CryptoBurst | What::BadRelease | What::SlowRelease => Some(super::effect::CHECKOUT),
        What::Logger
        | What::RetryLoop
        | What::GcChurn
        | What::OldSpaceNearCap
        | What::DependencyDown
        | What::DependencySlow
        | What::DependencyRefusing
        | What::NeverReadyRelease
        | What::ImageMissingRelease
        | What::ContractedMigration
        | What::Gitops
        | What::Sigterm => None,
    }
}
