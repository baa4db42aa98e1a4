//! The samples: a service with a release in the middle, its dependencies, its pods; and series made to be awkward. Always the same.

use std::collections::BTreeMap;

use qrh::drill::world::promql::{Labels, STALE, Sample, Store};

/// The first sample, in milliseconds since the Unix epoch.
pub const START: i64 = 1_700_000_000_000;
/// Seconds that the samples cover.
pub const LENGTH: i64 = 9_000;
/// Seconds after the start at which the new version's pods begin, and the old ones end.
pub const RELEASE: i64 = 6_000;
/// Seconds between two samples of most series.
const SCRAPE: i64 = 15;

/// Numbers that look random, and are not: xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u32) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 33).unwrap() % limit)
    }
}

pub struct Samples {
    series: BTreeMap<Labels, Vec<Sample>>,
    dice: Dice,
}

/// When a pod lives, in seconds, and how far off the scrapes' grid its samples are, in milliseconds.
#[derive(Clone, Copy)]
struct Life {
    from: i64,
    to: i64,
    jitter: i64,
}

impl Life {
    fn instants(self) -> impl Iterator<Item = i64> {
        (self.from..self.to).step_by(usize::try_from(SCRAPE).unwrap()).map(move |second| START + second * 1000 + self.jitter)
    }
}

type Pairs<'a> = Vec<(&'a str, &'a str)>;

impl Samples {
    pub fn all() -> Self {
        let mut samples = Self { series: BTreeMap::new(), dice: Dice(0x9e37_79b9_7f4a_7c15) };
        for (pod, version, from, to, jitter) in [
            ("shop-6f7c-a", "v1", 0, RELEASE + 120, 137),
            ("shop-6f7c-b", "v1", 0, RELEASE, 4_519),
            ("shop-9d2e-a", "v2", RELEASE - 30, LENGTH, 9_001),
            ("shop-9d2e-b", "v2", RELEASE + 90, LENGTH, 0),
        ] {
            samples.pod(pod, version, Life { from, to, jitter });
        }
        samples.deployment();
        samples.awkward();
        samples.histograms();
        samples
    }

    pub fn series(&self) -> Vec<(Labels, Vec<Sample>)> {
        self.series.iter().map(|(labels, samples)| (labels.clone(), samples.clone())).collect()
    }

    pub fn store(&self) -> Store {
        let mut store = Store::new(2_000, 1_000);
        for (labels, samples) in &self.series {
            for sample in samples {
                store.push(labels, *sample).unwrap();
            }
        }
        store
    }

    fn add(&mut self, name: &str, labels: &[(&str, &str)], samples: Vec<Sample>) {
        assert!(self.series.insert(Labels::of_metric(name, labels), samples).is_none(), "{name} {labels:?} twice");
    }

    fn gauge(&mut self, name: &str, labels: &[(&str, &str)], life: Life, (base, spread): (f64, u32)) {
        let samples: Vec<Sample> = life.instants().map(|at| Sample { at, value: base + self.dice.below(spread) }).collect();
        self.add(name, labels, samples);
    }

    /// Grows by up to `most` a scrape, and begins anew every `restart` scrapes.
    fn counter(&mut self, name: &str, labels: &[(&str, &str)], life: Life, (most, restart): (u32, usize)) {
        let mut value = 0.0;
        let mut samples = Vec::new();
        for (index, at) in life.instants().enumerate() {
            value = if index > 0 && index % restart == 0 { 0.0 } else { value + self.dice.below(most) };
            samples.push(Sample { at, value });
        }
        // The old pods end with a marker, as when a scrape's target goes away.
        if life.to < LENGTH {
            samples.push(Sample { at: samples.last().unwrap().at + SCRAPE * 1000, value: STALE });
        }
        self.add(name, labels, samples);
    }

    fn pod(&mut self, pod: &str, version: &str, life: Life) {
        let instance = format!("{pod}:9464");
        let service: Pairs = vec![("service", "shop"), ("instance", &instance), ("pod", pod), ("version", version)];
        let with = |more: &[(&'static str, &'static str)]| -> Pairs { service.iter().copied().chain(more.iter().copied()).collect() };
        for (route, status, most, restart) in [
            ("/cart", "200", 40, 10_000),
            ("/cart", "500", 3, 10_000),
            ("/pay", "200", 25, 170),
            ("/pay", "503", 2, 170),
            ("/pay", "404", 4, 9),
        ] {
            self.counter("http_requests_total", &with(&[("route", route), ("status", status)]), life, (most, restart));
        }
        for (upstream, outcome, class, most) in [
            ("bank", "success", "", 20),
            ("bank", "failure", "slow", 9),
            ("bank", "failure", "reset", 2),
            ("mail", "failure", "down", 3),
            ("mail", "success", "", 5),
        ] {
            let labels = with(&[("upstream", upstream), ("outcome", outcome), ("error_class", class)]);
            self.counter("outbound_requests_total", &labels, life, (most, 10_000));
        }
        self.counter("outbound_attempts_total", &with(&[("upstream", "bank")]), life, (60, 10_000));
        self.counter("outbound_attempt_failures_total", &with(&[("upstream", "bank")]), life, (20, 10_000));
        self.counter("process_cpu_seconds_total", &service, life, (13, 200));
        for kind in ["major", "minor"] {
            self.counter(
                "nodejs_gc_duration_seconds_sum",
                &with(&[("kind", if kind == "major" { "major" } else { "minor" })]),
                life,
                (2, 300),
            );
        }
        for (name, base, spread) in [
            ("process_resident_memory_bytes", 180e6, 90_000_000),
            ("nodejs_heap_size_used_bytes", 90e6, 30_000_000),
            ("nodejs_heap_size_total_bytes", 130e6, 9_000_000),
            ("nodejs_external_memory_bytes", 4e6, 2_000_000),
        ] {
            self.gauge(name, &service, life, (base, spread));
        }
        let lag: Vec<Sample> = life.instants().map(|at| Sample { at, value: 0.008 + self.dice.below(500) / 1e4 }).collect();
        self.add("nodejs_eventloop_lag_p99_seconds", &service, lag);
        for space in ["old", "new", "large_object"] {
            let labels: Pairs = service.iter().copied().chain([("space", space)]).collect();
            self.gauge("nodejs_heap_space_size_used_bytes", &labels, life, (1e6, 20_000_000));
        }
        self.durations(&service, life);
        self.container(pod, life);
    }

    /// A histogram: each scrape adds to the buckets from some place on.
    fn durations(&mut self, service: &[(&str, &str)], life: Life) {
        const BOUNDS: [&str; 6] = ["0.05", "0.1", "0.25", "1", "2.5", "+Inf"];
        for (route, slow) in [("/cart", 30), ("/pay", 60)] {
            let labels: Pairs = service.iter().copied().chain([("route", route)]).collect();
            self.counter("http_request_duration_seconds_sum", &labels, life, (slow, 10_000));
            let mut counts = [0.0; BOUNDS.len()];
            let mut buckets: [Vec<Sample>; BOUNDS.len()] = Default::default();
            for at in life.instants() {
                let mut below = 0.0;
                for (place, count) in counts.iter_mut().enumerate() {
                    below += self.dice.below(slow >> place | 1);
                    *count += below;
                    buckets[place].push(Sample { at, value: *count });
                }
            }
            for (bound, samples) in BOUNDS.iter().zip(buckets) {
                let labels: Pairs = labels.iter().copied().chain([("le", *bound)]).collect();
                self.add("http_request_duration_seconds_bucket", &labels, samples);
            }
        }
    }

    fn container(&mut self, pod: &str, life: Life) {
        for container in ["app", "proxy"] {
            let labels: Pairs = vec![("namespace", "prod"), ("pod", pod), ("container", container)];
            let with = |more: &[(&'static str, &'static str)]| -> Pairs { labels.iter().copied().chain(more.iter().copied()).collect() };
            self.counter("container_cpu_usage_seconds_total", &labels, life, (11, 10_000));
            self.counter("container_cpu_cfs_periods_total", &labels, life, (150, 10_000));
            self.counter("container_cpu_cfs_throttled_periods_total", &labels, life, (60, 10_000));
            self.gauge("container_memory_working_set_bytes", &labels, life, (150e6, 200_000_000));
            self.gauge("kube_pod_container_resource_limits", &with(&[("resource", "memory")]), life, (536_870_912.0, 1));
            self.gauge("kube_pod_container_resource_limits", &with(&[("resource", "cpu")]), life, (1.5, 1));
            self.counter("kube_pod_container_status_restarts_total", &labels, life, (2, 10_000));
        }
        self.gauge(
            "kube_pod_container_status_last_terminated_reason",
            &[("namespace", "prod"), ("pod", pod), ("container", "app"), ("reason", "OOMKilled")],
            life,
            (1.0, 1),
        );
        self.gauge(
            "kube_pod_info",
            &[("namespace", "prod"), ("pod", pod), ("node", if pod.ends_with('a') { "n1" } else { "n2" })],
            life,
            (1.0, 1),
        );
    }

    fn deployment(&mut self) {
        let life = Life { from: 0, to: LENGTH, jitter: 733 };
        let labels = [("namespace", "prod"), ("deployment", "shop")];
        self.gauge("kube_deployment_spec_replicas", &labels, life, (2.0, 1));
        self.gauge("kube_deployment_status_replicas_ready", &labels, life, (0.0, 3));
    }

    /// Values and gaps that few services show and every evaluator meets.
    fn awkward(&mut self) {
        let every = |seconds: i64, from: i64, to: i64, value: &dyn Fn(i64) -> f64| -> Vec<Sample> {
            let step = usize::try_from(seconds).unwrap();
            (from..to).step_by(step).map(|second| Sample { at: START + second * 1000, value: value(second) }).collect()
        };
        #[allow(clippy::cast_precision_loss)]
        let float = |second: i64| second as f64;
        // On the grid of whole minutes, so that a window's edges hit samples.
        self.add("edge_on_grid", &[("kind", "gauge")], every(15, 0, LENGTH, &|second| (float(second + 1) / 100.0).sin()));
        self.add("edge_counter_total", &[("kind", "on_grid")], every(15, 0, LENGTH, &|second| float(second % 1_000)));
        self.add("edge_counter_total", &[("kind", "sparse")], every(240, 0, LENGTH, &|second| float(second) / 7.0));
        self.add("edge_counter_total", &[("kind", "late")], every(15, 7_380, LENGTH, &|second| float(second - 7_300)));
        self.add("edge_counter_total", &[("kind", "constant")], every(15, 0, LENGTH, &|_| 42.0));
        self.add("edge_counter_total", &[("kind", "negative")], every(15, 0, LENGTH, &|second| float(second) - 20_000.0));
        let mut gap = every(15, 0, 3_000, &float);
        gap.extend(every(15, 7_000, LENGTH, &float));
        self.add("edge_counter_total", &[("kind", "gap")], gap);
        let mut ended = every(15, 0, 7_200, &float);
        ended.push(Sample { at: START + 7_215_000, value: STALE });
        ended.extend(every(15, 7_800, LENGTH, &|second| float(second - 7_800)));
        self.add("edge_counter_total", &[("kind", "stale")], ended);
        self.add("edge_single", &[("kind", "once")], vec![Sample { at: START + 7_400_000, value: 5.0 }]);
        self.add(
            "edge_values",
            &[("kind", "nan")],
            every(15, 0, LENGTH, &|second| if second % 45 == 0 { f64::NAN } else { float(second) }),
        );
        self.add("edge_values", &[("kind", "all_nan")], every(15, 0, LENGTH, &|_| f64::NAN));
        self.add("edge_values", &[("kind", "inf")], every(15, 0, LENGTH, &|second| if second % 60 == 0 { f64::INFINITY } else { 1.0 }));
        self.add(
            "edge_values",
            &[("kind", "down")],
            every(15, 0, LENGTH, &|second| if second % 75 == 0 { f64::NEG_INFINITY } else { -1.0 }),
        );
        self.add("edge_values", &[("kind", "huge")], every(15, 0, LENGTH, &|second| float(second + 1) * 1e300));
        self.add("edge_values", &[("kind", "tiny")], every(15, 0, LENGTH, &|second| float(second + 1) * 1e-9));
        self.add("edge_values", &[("kind", "zero"), ("text", "a\"b\\c\n√")], every(15, 0, LENGTH, &|_| -0.0));
        // Never equal: which of two equal series `topk` keeps is not specified.
        for (left, right, base) in [("a", "x", 1.0), ("a", "y", 1.2), ("b", "x", 1.4), ("c", "z", 1.6)] {
            self.gauge("edge_many", &[("left", left), ("right", right)], Life { from: 0, to: LENGTH, jitter: 0 }, (base, 50));
        }
        for (left, team) in [("a", "red"), ("b", "blue"), ("d", "green")] {
            self.gauge("edge_one", &[("left", left), ("team", team)], Life { from: 0, to: LENGTH, jitter: 250 }, (2.0, 50));
        }
    }

    /// Classic buckets that are not as they should be.
    fn histograms(&mut self) {
        let life = Life { from: 0, to: LENGTH, jitter: 0 };
        for (kind, buckets) in [
            ("no_inf", vec![("1", 5.0), ("2", 9.0)]),
            ("only_inf", vec![("+Inf", 9.0)]),
            ("zero", vec![("1", 0.0), ("+Inf", 0.0)]),
            ("falling", vec![("1", 10.0), ("2", 8.0), ("3", 12.0), ("+Inf", 11.0)]),
            ("below_zero", vec![("-2", 4.0), ("-1", 6.0), ("0", 7.0), ("+Inf", 10.0)]),
            ("twice", vec![("1", 2.0), ("1.0", 3.0), ("2", 9.0), ("+Inf", 10.0)]),
            ("words", vec![("one", 2.0), ("2", 4.0), ("Inf", 8.0)]),
            ("last", vec![("0.5", 1.0), ("1", 2.0), ("+Inf", 100.0)]),
            ("flat", vec![("1", 0.0), ("2", 0.0), ("4", 8.0), ("8", 8.0), ("+Inf", 8.0)]),
        ] {
            for (le, count) in buckets {
                self.gauge("edge_bucket", &[("kind", kind), ("le", le)], life, (count, 1));
            }
        }
    }
}
