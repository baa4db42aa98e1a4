//! From the model to series: what a Prometheus would have scraped, with the labels its targets have.

use jiff::Timestamp;

use super::NAMESPACE;
use super::body::{Body, Scrape};
use super::facts::{Facts, Wanted};
use super::model::Model;
use crate::drill::world::clock::earlier;
use crate::drill::world::promql::{Labels, Place, Refused, STALE, Sample, Store};

/// A series that ended so long ago is dropped.
const KEPT: std::time::Duration = std::time::Duration::from_secs(3 * 3600);

pub fn all(model: &mut Model, wanted: &[Wanted], now: Timestamp) {
    let at = now.as_millisecond();
    for body in model.bodies.values_mut() {
        pod(&mut model.store, body, at);
    }
    for wanted in wanted {
        let name = wanted.site.name;
        for (metric, value) in [
            ("kube_deployment_spec_replicas", wanted.replicas),
            ("kube_deployment_status_replicas_ready", wanted.ready),
            ("kube_deployment_status_replicas_available", wanted.available),
        ] {
            let labels = Labels::of_metric(metric, &[("namespace", NAMESPACE), ("deployment", name), ("job", "kube-state-metrics")]);
            keep(model.store.push(&labels, Sample { at, value: f64::from(value) }));
        }
    }
    if at % 600_000 < 5_000 {
        model.store.forget(earlier(now, KEPT).as_millisecond());
    }
}

/// A sample that is not kept is lost, as where a scrape fails: the bound on series is what matters then.
fn keep(_pushed: Result<(), Refused>) {}

fn pod(store: &mut Store, body: &mut Body, at: i64) {
    if body.places.is_empty() {
        // Without an address nothing can be scraped.
        if body.facts.started.is_none() {
            return;
        }
        body.places = places(store, body);
    }
    let runs = body.facts.started.is_some();
    let silent = body.silent;
    let mut index = 0;
    let mut forgotten = false;
    let places = &body.places;
    body.each(&mut |scrape, _, _, value| {
        let place = places.get(index).copied().flatten();
        index += 1;
        let own = scrape != Scrape::KubeState;
        let value = match (own && !runs, silent) {
            (true, true) => return,
            (true, false) => STALE,
            (false, _) => value,
        };
        // No limit is no series.
        if !value.is_infinite()
            && let Some(place) = place
        {
            forgotten |= store.push_at(place, Sample { at, value }) == Err(Refused::Forgotten);
        }
    });
    if forgotten {
        // It was silent for hours: its series begin anew with the next scrape.
        body.places.clear();
    }
    body.silent = !runs;
}

/// The pod is gone, and all its series with it.
pub fn end(store: &mut Store, body: &Body, now: Timestamp) {
    for place in body.places.iter().flatten() {
        keep(store.push_at(*place, Sample { at: now.as_millisecond(), value: STALE }));
    }
}

fn places(store: &mut Store, body: &Body) -> Vec<Option<Place>> {
    let mut places = Vec::new();
    body.each(&mut |scrape, name, labels, _| places.push(store.place(&labelled(&body.facts, scrape, name, labels)).ok()));
    places
}

/// A series' labels: its own, and those of the target it is scraped from.
pub fn labelled(facts: &Facts, scrape: Scrape, name: &str, own: &[(&str, &str)]) -> Labels {
    let site = facts.site;
    let instance = format!("{}:{}", facts.address, site.port);
    let mut labels = own.to_vec();
    labels.extend([("namespace", NAMESPACE), ("pod", facts.id.name.as_str())]);
    match scrape {
        Scrape::Service => labels.extend([("service", site.name), ("instance", &instance), ("job", site.name)]),
        Scrape::Cadvisor => labels.extend([("container", site.name), ("node", &facts.node), ("job", "cadvisor")]),
        Scrape::KubeState => labels.extend([("container", site.name), ("node", &facts.node), ("job", "kube-state-metrics")]),
    }
    Labels::of_metric(name, &labels)
}
