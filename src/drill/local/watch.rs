//! What is known of the running service: scraped as a Prometheus would, with the faults that were put into it and whether they are there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::fault::{Fault, What};
use super::files::{self, Home};
use super::history::{self, Seen};
use super::{SERVICE, ask, metrics};
use crate::drill::world::plant::{FaultState, Health};
use crate::drill::world::promql::http::{self as api, Parameters};
use crate::drill::world::promql::{Labels, METRIC_NAME, Release, Sample, Store};

const EVERY: Duration = Duration::from_secs(2);
/// Samples of a series: the hour before and two hours of scrapes; and series.
const SAMPLES: usize = 4000;
const SERIES: usize = 4000;
/// Of a service that is well.
const MOST_ERRORS: f64 = 0.01;
const SLOWEST_MS: f64 = 500.0;

/// Where a fault stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    /// It has not been seen in the service yet.
    Coming,
    /// Seen in the process that started at this time, in Unix seconds.
    There(f64),
    Cured,
}

struct Placed {
    id: String,
    fault: Fault,
    standing: Standing,
}

/// What a scrape told beside its samples.
#[derive(Debug, Clone, Default)]
struct Told {
    up: bool,
    version: String,
    started: f64,
    flags: BTreeMap<String, bool>,
}

struct Inner {
    store: Store,
    /// Of the last scrape.
    series: BTreeSet<Labels>,
    told: Told,
    faults: Vec<Placed>,
}

pub struct Watched {
    service: SocketAddr,
    pid_file: String,
    link: Link,
    inner: Mutex<Inner>,
}

/// Sets the link to the bad release.
type Link = Box<dyn Fn() -> std::io::Result<()> + Send + Sync>;

impl Watched {
    pub fn new(service: SocketAddr, home: &Home) -> Self {
        let inner = Inner { store: Store::new(SAMPLES, SERIES), series: BTreeSet::new(), told: Told::default(), faults: Vec::new() };
        Self { service, pid_file: home.path("state/service.pid"), link: Box::new(home.linker(files::BAD)), inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing here panics half-way: what the lock guards is whole between two lines.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the healthy service for a while, and begins the series with the hour before.
    pub async fn warm_up(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut seen = Seen::new();
        let mut tick = interval(EVERY);
        while Instant::now() < end {
            tick.tick().await;
            let Ok(text) = ask::get(self.service, "/metrics").await else { continue };
            let at = Timestamp::now().as_millisecond();
            for (labels, value) in metrics::read(&text, &self.service.to_string()) {
                let samples = seen.entry(labels).or_default();
                if samples.last().is_none_or(|last| last.at < at) {
                    samples.push(Sample { at, value });
                }
            }
        }
        // There is room for a hundred times as many series as the service has.
        let _ = history::begin(&mut self.lock().store, &seen);
    }

    /// Until it is dropped.
    pub async fn keep_looking(&self) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let scraped = ask::get(self.service, "/metrics").await;
            let due = self.take(scraped.as_deref().ok());
            for what in due {
                self.bring(what).await;
            }
        }
    }

    /// Takes a scrape in, and gives what is to be done to the service.
    fn take(&self, text: Option<&str>) -> Vec<What> {
        let (at, instance) = (Timestamp::now().as_millisecond(), self.service.to_string());
        let mut samples = metrics::read(text.unwrap_or_default(), &instance);
        let mut inner = self.lock();
        inner.told = told(text.is_some(), &samples, &inner.told);
        samples.push((metrics::own("up", &instance), f64::from(u8::from(text.is_some()))));
        let now: BTreeSet<Labels> = samples.iter().map(|(labels, _)| labels.clone()).collect();
        let gone: Vec<Labels> = inner.series.difference(&now).cloned().collect();
        for (labels, value) in samples {
            // A scrape in the same millisecond, or series without end: what is left out is not missed.
            let _ = inner.store.push(&labels, Sample { at, value });
        }
        for labels in gone {
            let _ = inner.store.end(&labels, at);
        }
        inner.series = now;
        let told = inner.told.clone();
        inner.faults.iter_mut().filter_map(|placed| placed.look(&told)).collect()
    }

    async fn bring(&self, what: What) {
        match what {
            // A service that does not answer now is asked again after the next look.
            What::Flag(flag) => drop(ask::put(self.service, &format!("/flags/{flag}"), "{\"enabled\":true}").await),
            What::Release => {
                let deployed = (self.link)();
                let pid = std::fs::read_to_string(&self.pid_file).ok().and_then(|text| text.trim().parse().ok()).and_then(Pid::from_raw);
                if let (Ok(()), Some(pid)) = (deployed, pid) {
                    // Gone by itself: its supervisor starts it where the link leads now.
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
        }
    }

    pub fn put(&self, id: &str, fault: Fault) {
        let mut inner = self.lock();
        inner.faults.retain(|placed| placed.id != id);
        inner.faults.push(Placed { id: id.to_owned(), fault, standing: Standing::Coming });
    }

    /// Answers a request to the Prometheus.
    pub fn query(&self, method: api::Method, path: &str, parameters: Parameters) -> api::Answer {
        let now = Timestamp::now().as_millisecond();
        api::answer(&self.lock().store, Release::CURRENT, &api::Request { method, path, parameters, now })
    }

    fn value(&self, promql: &str) -> Option<f64> {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("query", promql).finish();
        let answer = self.query(api::Method::Get, "/api/v1/query", Parameters::read(&query, ""));
        let answer: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
        answer.pointer("/data/result/0/value/1")?.as_str()?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// Of the last thirty seconds.
    pub fn health(&self) -> Health {
        let all = format!("http_requests_total{{service=\"{SERVICE}\"");
        let answered = self.value(&format!("sum(rate({all}}}[30s]))")).unwrap_or(0.0);
        let failed = self.value(&format!("sum(rate({all},status=~\"5..\"}}[30s]))")).unwrap_or(0.0);
        let p99 = self.value("histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[30s])))");
        let (error_share, p99_ms) = (if answered > 0.0 { failed / answered } else { 1.0 }, p99.unwrap_or(10.0) * 1000.0);
        let inner = self.lock();
        let faults = inner.faults.iter().map(Placed::state).collect();
        let healthy = inner.told.up && error_share < MOST_ERRORS && p99_ms < SLOWEST_MS;
        let version = inner.told.version.clone();
        Health { error_share, p99_ms, ready: u32::from(inner.told.up), wanted: 1, healthy, version, faults }
    }
}

fn told(up: bool, samples: &[(Labels, f64)], before: &Told) -> Told {
    let mut told = Told { up, ..before.clone() };
    for (labels, value) in samples {
        match labels.get(METRIC_NAME) {
            "build_info" => labels.get("version").clone_into(&mut told.version),
            "process_start_time_seconds" => told.started = *value,
            "feature_flag" => {
                told.flags.insert(labels.get("flag").to_owned(), *value > 0.0);
            }
            _ => {}
        }
    }
    told
}

impl Placed {
    /// What the service tells about it; what it takes to bring it, or to bring it back.
    fn look(&mut self, told: &Told) -> Option<What> {
        if !told.up {
            return None;
        }
        let there = match self.fault.what() {
            What::Flag(flag) => told.flags.get(flag).copied().unwrap_or(false),
            What::Release => told.version == files::BAD,
        };
        match (there, self.standing) {
            (true, _) => {
                self.standing = Standing::There(told.started);
                None
            }
            (false, Standing::Coming) => Some(self.fault.what()),
            // Switches are kept beside the process: a restart takes them up again, and is no cure.
            (false, Standing::There(started)) if self.fault.flag().is_some() && told.started > started => Some(self.fault.what()),
            (false, Standing::There(_) | Standing::Cured) => {
                self.standing = Standing::Cured;
                None
            }
        }
    }

    fn state(&self) -> FaultState {
        let cured = self.standing == Standing::Cured;
        FaultState { id: self.id.clone(), active: !cured, cured }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn told(started: f64, on: bool, version: &str) -> Told {
        Told { up: true, version: version.to_owned(), started, flags: BTreeMap::from([("sync-json".to_owned(), on)]) }
    }

    fn placed(kind: &str) -> Placed {
        Placed { id: "it".to_owned(), fault: Fault::read(kind, SERVICE, &Map::new()).unwrap(), standing: Standing::Coming }
    }

    #[test]
    fn a_switch_ends_a_fault_and_a_restart_does_not() {
        let mut fault = placed("sync-json");
        assert_eq!(fault.look(&told(1.0, false, "1.4.1")), Some(What::Flag("sync-json")), "it comes");
        assert_eq!(fault.look(&told(1.0, true, "1.4.1")), None);
        assert_eq!(fault.look(&told(9.0, false, "1.4.1")), Some(What::Flag("sync-json")), "another process: back again");
        assert!(!fault.state().cured);
        assert_eq!(fault.look(&told(9.0, true, "1.4.1")), None);
        assert_eq!(fault.look(&Told { up: false, ..told(9.0, false, "1.4.1") }), None, "silence tells nothing");
        assert_eq!(fault.look(&told(9.0, false, "1.4.1")), None);
        assert!(fault.state().cured);
        assert_eq!(fault.look(&told(9.0, true, "1.4.1")), None);
        assert!(fault.state().active, "switched on again, it is back");
    }

    #[test]
    fn another_release_ends_a_bad_one() {
        let mut fault = placed("bad-release");
        assert_eq!(fault.look(&told(1.0, false, files::GOOD)), Some(What::Release));
        assert_eq!((fault.look(&told(5.0, false, files::BAD)), fault.state().active), (None, true));
        assert_eq!((fault.look(&told(8.0, false, files::GOOD)), fault.state().cured), (None, true));
    }
}
