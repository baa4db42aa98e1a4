//! What the faults do to one pod at one moment. Each fault adds its part; where none reaches the pod, nothing is added.

use jiff::Timestamp;

use super::facts::Facts;
use super::fault::{Fault, What};
use super::flag::Flags;
use super::model::Placed;
use super::site::ROUTES;
use crate::drill::world::clock::later;

/// How a call to a dependency fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Down,
    Unreachable,
    Slow,
    Quota,
    Credentials,
    Upstream,
}

pub const CLASSES: [Class; 6] = [Class::Down, Class::Unreachable, Class::Slow, Class::Quota, Class::Credentials, Class::Upstream];

impl Class {
    /// As the label `error_class` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Unreachable => "unreachable",
            Self::Slow => "slow",
            Self::Quota => "quota",
            Self::Credentials => "credentials",
            Self::Upstream => "upstream",
        }
    }

    fn named(name: &str) -> Self {
        CLASSES.into_iter().find(|class| class.name() == name).unwrap_or(Self::Down)
    }

    /// How long an attempt takes to fail, in ms.
    pub fn fails_after_ms(self) -> f64 {
        match self {
            Self::Down => 3.0,
            Self::Quota | Self::Credentials | Self::Upstream => 25.0,
            Self::Unreachable | Self::Slow => 1000.0,
        }
    }

    pub fn index(self) -> usize {
        CLASSES.iter().position(|class| *class == self).unwrap_or(0)
    }
}

/// What a failing request of the service itself says in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A customer without an address.
    Null,
    /// A column that is gone.
    Schema,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effect {
    /// Main-thread time that each request of a route takes in one piece, in ms.
    pub block_ms: [f64; ROUTES],
    /// Thread-pool time of each request, in ms.
    pub pool_ms: [f64; ROUTES],
    /// Time that each request waits without using anything, in ms.
    pub extra_ms: [f64; ROUTES],
    /// Share of each route that is answered with 500.
    pub fails: [f64; ROUTES],
    pub bug: Option<Bug>,
    /// Share of all requests that is dropped.
    pub dropped: f64,
    /// Share of the time that garbage collection takes, and how long one of its pauses is, in ms.
    pub gc: f64,
    pub gc_pause_ms: f64,
    pub heap_mib_per_minute: f64,
    pub buffer_mib_per_minute: f64,
    /// What the service must hold in its heap, in MiB.
    pub needs_mib: f64,
    /// What one request needs for a moment, in MiB.
    pub burst: Option<f64>,
    /// Attempts for a call that keeps failing, and main-thread time of each in ms.
    pub storm: Option<(f64, f64)>,
    /// Share of the attempts at the dependency that fail, and how.
    pub unwell: Option<(f64, Class)>,
    /// Each request logs a line of many kilobytes.
    pub verbose: bool,
    /// It can't get ready.
    pub waiting: bool,
}

/// Whether a fault that hides in a release or behind a flag reaches a pod.
pub fn reaches(fault: &Fault, version: &str, flags: &Flags) -> bool {
    fault.flag().is_none_or(|flag| flags.is_on(flag)) && fault.version().is_none_or(|carrier| carrier == version)
}

/// Whether the dependency has come back by itself.
pub fn recovered(placed: &Placed, now: Timestamp) -> bool {
    let after = placed.fault.number("recovers_after");
    after > 0.0 && later(placed.since, std::time::Duration::from_secs_f64(after)) <= now
}

pub fn on(placed: &[Placed], facts: &Facts, flags: &Flags, now: Timestamp) -> Effect {
    let mut effect = Effect::default();
    for placed in placed.iter().filter(|placed| placed.fault.service() == facts.site.name) {
        add(&mut effect, placed, (facts, flags), now);
    }
    effect
}

/// The routes of a service, by what they do.
pub const CHECKOUT: usize = 0;
pub const SEARCH: usize = 1;
pub const REPORT: usize = 2;
pub const EXPORT: usize = 3;

fn add(effect: &mut Effect, placed: &Placed, (facts, flags): (&Facts, &Flags), now: Timestamp) {
    let fault = &placed.fault;
    let here = reaches(fault, &facts.version, flags);
    let number = |name: &str| fault.number(name);
    match fault.what() {
        What::SyncJson if here => effect.block_ms[REPORT] += number("block_ms"),
        What::SyncRegex if here => effect.block_ms[SEARCH] += number("block_ms"),
        What::Compression if here => effect.block_ms[EXPORT] += number("block_ms"),
        What::CryptoBurst if here => effect.pool_ms[CHECKOUT] += number("pool_ms"),
        What::Logger if here => {
            effect.block_ms.iter_mut().for_each(|block| *block += number("block_ms"));
            effect.verbose = true;
        }
        What::RetryLoop => {
            if here {
                effect.storm = Some((number("attempts"), number("cpu_ms")));
            }
            if placed.weak > 0.0 {
                fail_calls(effect, placed.weak, Class::Upstream);
            }
        }
        What::HeapLeak if here => effect.heap_mib_per_minute += number("mib_per_minute"),
        What::BufferLeak if here => effect.buffer_mib_per_minute += number("mib_per_minute"),
        What::BurstOom if here => effect.burst = Some(number("burst_mib")),
        What::GcChurn if here => {
            effect.gc += number("gc_share");
            effect.gc_pause_ms = effect.gc_pause_ms.max(220.0);
        }
        What::OldSpaceNearCap => effect.needs_mib = effect.needs_mib.max(number("needs_mib")),
        What::DependencyDown if !recovered(placed, now) => fail_calls(effect, number("share"), Class::Unreachable),
        What::DependencySlow if !recovered(placed, now) => fail_calls(effect, number("share"), Class::Slow),
        What::DependencyRefusing if !recovered(placed, now) => fail_calls(effect, number("share"), Class::named(fault.text("class"))),
        What::BadRelease if here => fail(effect, number("share"), Bug::Null),
        What::SlowRelease if here => effect.extra_ms[CHECKOUT] += number("extra_ms"),
        What::ContractedMigration if here => fail(effect, number("share"), Bug::Schema),
        What::ContractedMigration if fault.version() != Some(&facts.version) => {
            effect.fails = effect.fails.map(|share| share.max(0.97));
            effect.bug = Some(Bug::Schema);
        }
        What::NeverReadyRelease if here => effect.waiting = true,
        What::Sigterm if here && facts.deleting => effect.dropped = number("share"),
        What::SyncJson
        | What::SyncRegex
        | What::Compression
        | What::CryptoBurst
        | What::Logger
        | What::HeapLeak
        | What::BufferLeak
        | What::BurstOom
        | What::GcChurn
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

fn fail(effect: &mut Effect, share: f64, bug: Bug) {
    effect.fails[CHECKOUT] = effect.fails[CHECKOUT].max(share);
    effect.bug = Some(bug);
}

pub(super) fn fail_calls(effect: &mut Effect, share: f64, class: Class) {
    if effect.unwell.is_none_or(|(known, _)| known < share) {
        effect.unwell = Some((share, class));
    }
}
