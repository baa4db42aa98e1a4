//! One pod's counters and gauges, and the series they become. A restart of the process begins them anew, as in reality.

use jiff::Timestamp;

use super::effect::{Bug, CLASSES, Class};
use super::facts::Facts;
use super::flow::{Flow, STATUSES};
use super::latency::{self, BUCKETS};
use super::memory::{MIB, Memory};
use super::site::ROUTES;
use crate::drill::world::behaviour::Exit;
use crate::drill::world::promql::Place;

/// Garbage collections, by kind: the share of their time, and one pause in seconds.
const COLLECTIONS: [(&str, f64, f64); 3] = [("minor", 0.6, 0.002), ("major", 0.35, 0.04), ("incremental", 0.05, 0.003)];

/// What a pod's log says at a time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tone {
    /// Share of the lines that tell of each trouble.
    pub broken: f64,
    pub bug: Option<Bug>,
    pub calls: f64,
    pub class: Option<Class>,
    pub dropped: f64,
    pub verbose: bool,
    /// It can't get ready.
    pub waiting: bool,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct End {
    pub run: i64,
    pub exit: Exit,
}

#[derive(Debug, Clone, Default)]
pub struct Counters {
    pub answered: [[f64; STATUSES.len()]; ROUTES],
    buckets: [[f64; BUCKETS.len()]; ROUTES],
    seconds: [f64; ROUTES],
    attempts: f64,
    attempt_failures: [f64; CLASSES.len()],
    calls: f64,
    call_failures: [f64; CLASSES.len()],
    cpu: f64,
    pub periods: f64,
    pub throttled: f64,
    pub throttled_seconds: f64,
    gc: [f64; COLLECTIONS.len()],
}

#[derive(Debug)]
pub struct Body {
    pub facts: Facts,
    pub memory: Memory,
    pub counters: Counters,
    /// Of the last moment.
    pub flow: Flow,
    /// Where its series are, in the order of [`Body::each`]; empty until they were first written.
    pub places: Vec<Option<Place>>,
    /// Its process' series have ended, and were not begun again.
    pub silent: bool,
    pub ends: Vec<End>,
    /// Since when it sounds how, newest last.
    pub tones: Vec<(Timestamp, Tone)>,
}

/// Whose series one is: it decides over the labels of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrape {
    /// The service's own `/metrics`.
    Service,
    Cadvisor,
    KubeState,
}

/// Takes a series: whose it is, its name, its labels, its value.
pub type Visit<'a> = &'a mut dyn FnMut(Scrape, &'static str, &[(&str, &str)], f64);

impl Counters {
    /// Seconds of CPU since the process started.
    pub fn cpu(&self) -> f64 {
        self.cpu
    }
}

impl Body {
    pub fn new(facts: Facts) -> Self {
        Self {
            facts,
            memory: Memory::default(),
            counters: Counters::default(),
            flow: Flow::default(),
            places: Vec::new(),
            silent: false,
            ends: Vec::new(),
            tones: Vec::new(),
        }
    }

    /// A new process: nothing of the old one is left.
    pub fn restart(&mut self) {
        self.memory = Memory::default();
        self.counters = Counters::default();
        self.flow = Flow::default();
    }

    /// Cores, as usage is reported.
    pub fn cores(&self) -> f64 {
        self.flow.main + self.flow.others
    }

    pub fn count(&mut self, seconds: f64) {
        let (flow, counters) = (&self.flow, &mut self.counters);
        for route in 0..ROUTES {
            for status in 0..STATUSES.len() {
                counters.answered[route][status] += flow.answered[route][status] * seconds;
            }
            for (bucket, (bound, _)) in BUCKETS.iter().enumerate() {
                counters.buckets[route][bucket] += latency::answered(&flow.parts[route], *bound) * seconds;
            }
            counters.seconds[route] += latency::seconds(&flow.parts[route]) * seconds;
        }
        counters.attempts += flow.attempts * seconds;
        counters.calls += (flow.calls - flow.call_failures) * seconds;
        if let Some(class) = flow.class {
            counters.attempt_failures[class.index()] += flow.attempt_failures * seconds;
            counters.call_failures[class.index()] += flow.call_failures * seconds;
        }
        counters.cpu += (flow.main + flow.others) * seconds;
        counters.periods += 10.0 * seconds;
        counters.throttled += 10.0 * seconds * flow.throttled;
        counters.throttled_seconds += seconds * flow.throttled * 0.4;
        for (index, (_, share, _)) in COLLECTIONS.iter().enumerate() {
            counters.gc[index] += flow.gc * share * seconds;
        }
    }

    /// Every series of the pod, always in the same order.
    pub fn each(&self, visit: Visit<'_>) {
        self.requests(visit);
        self.outbound(visit);
        self.process(visit);
        self.container(visit);
        self.state(visit);
    }

    fn requests(&self, visit: Visit<'_>) {
        let service = self.facts.site.name;
        for (route, counted) in self.facts.site.routes.iter().zip(self.counters.answered) {
            for (status, value) in STATUSES.iter().zip(counted) {
                let labels =
                    [("service", service), ("route", route.path), ("method", "GET"), ("status", *status), ("version", &self.facts.version)];
                visit(Scrape::Service, "http_requests_total", &labels, value);
            }
        }
        for (index, route) in self.facts.site.routes.iter().enumerate() {
            for ((_, bound), value) in BUCKETS.iter().zip(self.counters.buckets[index]) {
                visit(Scrape::Service, "http_request_duration_seconds_bucket", &[("route", route.path), ("le", bound)], value);
            }
            let labels = [("route", route.path)];
            visit(Scrape::Service, "http_request_duration_seconds_sum", &labels, self.counters.seconds[index]);
            let all = self.counters.buckets[index].last().copied().unwrap_or(0.0);
            visit(Scrape::Service, "http_request_duration_seconds_count", &labels, all);
        }
    }

    fn outbound(&self, visit: Visit<'_>) {
        let upstream = ("upstream", self.facts.site.upstream);
        let counters = &self.counters;
        visit(Scrape::Service, "outbound_attempts_total", &[upstream], counters.attempts);
        visit(Scrape::Service, "outbound_requests_total", &[upstream, ("outcome", "success"), ("error_class", "none")], counters.calls);
        for class in CLASSES {
            let error = ("error_class", class.name());
            visit(
                Scrape::Service,
                "outbound_requests_total",
                &[upstream, ("outcome", "failure"), error],
                counters.call_failures[class.index()],
            );
            visit(Scrape::Service, "outbound_attempt_failures_total", &[upstream, error], counters.attempt_failures[class.index()]);
        }
    }

    fn process(&self, visit: Visit<'_>) {
        let (memory, counters) = (&self.memory, &self.counters);
        let delay = 0.0102 + self.flow.delay_ms / 1000.0;
        let usual = 0.0101 + self.flow.delay_ms / 12_000.0;
        #[expect(clippy::cast_precision_loss, reason = "seconds of centuries are below 2^53")]
        let started = self.facts.started.map_or(0.0, |started| started.as_second() as f64);
        let user = counters.cpu * 0.88;
        let plain = [
            ("up", 1.0),
            ("process_cpu_user_seconds_total", user),
            ("process_cpu_system_seconds_total", counters.cpu - user),
            ("process_cpu_seconds_total", counters.cpu),
            ("process_start_time_seconds", started),
            ("process_resident_memory_bytes", memory.rss * MIB),
            ("process_open_fds", 31.0),
            ("nodejs_eventloop_lag_p50_seconds", usual),
            ("nodejs_eventloop_lag_p99_seconds", delay),
            ("nodejs_eventloop_lag_max_seconds", delay * 1.2),
            ("nodejs_heap_size_total_bytes", memory.heap_total * MIB),
            ("nodejs_heap_size_used_bytes", memory.heap_used * MIB),
            ("nodejs_external_memory_bytes", memory.external * MIB),
        ];
        for (name, value) in plain {
            visit(Scrape::Service, name, &[], value);
        }
        let old = (memory.live - 14.0).max(1.0);
        for (space, mib) in
            [("old", old), ("new", (memory.heap_used - memory.live).max(0.0)), ("code", 4.0), ("large_object", 6.0), ("read_only", 0.5)]
        {
            visit(Scrape::Service, "nodejs_heap_space_size_used_bytes", &[("space", space)], mib * MIB);
        }
        for ((kind, _, pause), seconds) in COLLECTIONS.iter().zip(counters.gc) {
            visit(Scrape::Service, "nodejs_gc_duration_seconds_sum", &[("kind", kind)], seconds);
            visit(Scrape::Service, "nodejs_gc_duration_seconds_count", &[("kind", kind)], (seconds / pause).floor());
        }
        visit(Scrape::Service, "nodejs_version_info", &[("version", "v24.11.0"), ("major", "24")], 1.0);
        visit(Scrape::Service, "build_info", &[("version", &self.facts.version)], 1.0);
    }

    fn container(&self, visit: Visit<'_>) {
        let (memory, counters) = (&self.memory, &self.counters);
        let values = [
            ("container_cpu_usage_seconds_total", counters.cpu),
            ("container_cpu_cfs_periods_total", counters.periods.floor()),
            ("container_cpu_cfs_throttled_periods_total", counters.throttled.floor()),
            ("container_cpu_cfs_throttled_seconds_total", counters.throttled_seconds),
            ("container_memory_working_set_bytes", memory.working_set * MIB),
            ("container_memory_rss", memory.rss * MIB),
        ];
        for (name, value) in values {
            visit(Scrape::Cadvisor, name, &[], value);
        }
    }

    fn state(&self, visit: Visit<'_>) {
        let facts = &self.facts;
        for (name, resource, unit, value) in [
            ("kube_pod_container_resource_limits", "cpu", "core", facts.cpu_limit),
            ("kube_pod_container_resource_limits", "memory", "byte", facts.memory_limit),
            ("kube_pod_container_resource_requests", "cpu", "core", facts.cpu_request),
            ("kube_pod_container_resource_requests", "memory", "byte", facts.memory_request),
        ] {
            visit(Scrape::KubeState, name, &[("resource", resource), ("unit", unit)], value);
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of restarts")]
        let restarts = facts.run as f64;
        visit(Scrape::KubeState, "kube_pod_container_status_restarts_total", &[], restarts);
        visit(Scrape::KubeState, "kube_pod_container_status_ready", &[], if facts.ready { 1.0 } else { 0.0 });
        for reason in ["OOMKilled", "Error", "Completed"] {
            let is = if facts.last_end == reason { 1.0 } else { 0.0 };
            visit(Scrape::KubeState, "kube_pod_container_status_last_terminated_reason", &[("reason", reason)], is);
        }
    }
}
