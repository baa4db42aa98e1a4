//! The same queries to both, at several instants and over ranges: the same series, the same values.

use qrh::drill::world::promql::http::{Method, Parameters, Request, answer};
use qrh::drill::world::promql::{Release, Source};
use serde_json::Value;

use crate::compare::{Order, same};
use crate::prometheus::Prometheus;
use crate::queries;
use crate::sample::{RELEASE, START, Samples};

pub fn ours(source: &dyn Source, release: Release, path: &str, form: &str) -> (u16, Value) {
    let request = Request { method: Method::Post, path, parameters: Parameters::read("", form), now: START };
    let answer = answer(source, release, &request);
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|why| panic!("{why}: {}", answer.body)))
}

pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn second(after: f64) -> String {
    #[allow(clippy::cast_precision_loss)]
    let start = START as f64 / 1000.0;
    format!("{:.3}", start + after)
}

/// Instants on the grid of the samples and off it, before the first sample, around the release, and after the end of series.
fn instants() -> Vec<String> {
    #[allow(clippy::cast_precision_loss)]
    [0.0, 7.5, RELEASE as f64 + 70.0, 7_380.0, 7_415.0, 7_500.123, 8_999.999, 9_200.0].map(second).to_vec()
}

fn forms(query: &str) -> Vec<(&'static str, String)> {
    let mut forms: Vec<_> = instants().iter().map(|at| ("/api/v1/query", form(&[("query", query), ("time", at)]))).collect();
    for (from, to, step) in [(7_000.0, 7_900.0, "15"), (5_400.5, 9_100.0, "37s"), (-600.0, 600.0, "1m")] {
        let fields = [("query", query), ("start", &second(from)), ("end", &second(to)), ("step", step)];
        forms.push(("/api/v1/query_range", form(&fields)));
    }
    forms
}

#[test]
fn every_query_gives_what_prometheus_gives() {
    let samples = Samples::all();
    let store = samples.store();
    let prometheus = Prometheus::with(&samples.series());
    let release = prometheus.release();
    let edges = queries::of_edges();
    let ranked = queries::of_ranks();
    let runbooks = queries::of_runbooks();
    let asked = edges.iter().copied().chain(runbooks.iter().map(String::as_str)).map(|query| (query, Order::Free));
    let asked: Vec<_> = asked.chain(ranked.iter().map(|query| (*query, Order::Kept))).collect();
    let (mut failures, mut answers, mut empty) = (Vec::new(), 0, Vec::new());
    for (query, order) in &asked {
        let mut something = false;
        for (path, form) in forms(query) {
            let (status, theirs) = prometheus.post(path, &form);
            let theirs: Value = serde_json::from_str(&theirs).unwrap();
            let (our_status, ours) = ours(&store, release, path, &form);
            let order = if path.ends_with("range") { Order::Free } else { *order };
            something |= theirs["data"]["result"] != serde_json::json!([]);
            answers += 1;
            if let Err(why) = same(&ours, &theirs, order) {
                failures.push(format!("{query}\n  {path}?{form}\n  here {why}"));
            } else if status != our_status {
                failures.push(format!("{query}\n  {path}?{form}\n  status {our_status}, and there {status}"));
            }
        }
        if !something {
            empty.push(*query);
        }
    }
    println!("prometheus {release}: {} queries ({} of runbooks), {answers} answers compared", asked.len(), runbooks.len());
    println!("always empty: {empty:#?}");
    let of_runbooks: Vec<_> = empty.iter().filter(|query| runbooks.contains(**query)).collect();
    assert!(failures.is_empty(), "{} of {answers} answers differ:\n{}", failures.len(), failures.join("\n"));
    assert!(asked.len() >= 120, "{} queries only", asked.len());
    assert!(of_runbooks.is_empty(), "no sample for what these runbooks ask: {of_runbooks:#?}");
}
