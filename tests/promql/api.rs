//! The endpoints beside the values: shapes, error texts and status codes as the real one has them, and what is refused by name.

use qrh::drill::world::promql::http::{Answer, Method, Parameters, Request, answer};
use qrh::drill::world::promql::{Release, Source};
use serde_json::{Value, json};

use crate::prometheus::Prometheus;
use crate::sample::{START, Samples};
use crate::values::{form, ours};

fn get(source: &dyn Source, address: &str) -> Answer {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    answer(source, Release::CURRENT, &Request { method: Method::Get, path, parameters: Parameters::read(query, ""), now: START })
}

/// `start` and `end` of the metadata queries: the real one keeps whole blocks, so the span is all samples.
fn over_all(more: &[(&str, &str)]) -> String {
    let span = [("start", "1700000000"), ("end", "1700010000")];
    form(&span.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn metadata_and_errors_are_what_prometheus_answers() {
    let samples = Samples::all();
    let store = samples.store();
    let prometheus = Prometheus::with(&samples.series());
    let release = prometheus.release();
    let same = |path: &str, theirs: (u16, String)| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request { method: Method::Get, path, parameters: Parameters::read(query, ""), now: START };
        let ours = answer(&store, release, &request);
        // Whether a refused type of expression names the parameter changed between releases.
        let body = |text: &str| parsed(&text.replace(r#"invalid parameter \"query\": "#, ""));
        assert_eq!((ours.status, body(&ours.body)), (theirs.0, body(&theirs.1)), "{path}?{query}");
    };
    for address in [
        format!("/api/v1/labels?{}", over_all(&[])),
        format!("/api/v1/labels?{}", over_all(&[("match[]", "edge_many"), ("match[]", r#"{kind="nan"}"#)])),
        format!("/api/v1/label/kind/values?{}", over_all(&[])),
        format!("/api/v1/label/__name__/values?{}", over_all(&[])),
        format!("/api/v1/label/left/values?{}", over_all(&[("match[]", r#"edge_many{right="x"}"#)])),
        format!("/api/v1/label/nothing/values?{}", over_all(&[])),
        format!("/api/v1/series?{}", over_all(&[("match[]", "edge_many"), ("match[]", r#"edge_one{team!="red"}"#)])),
        format!("/api/v1/series?{}", over_all(&[("match[]", "nothing_like_it")])),
        "/api/v1/series".to_owned(),
        "/api/v1/query?query=up&time=never".to_owned(),
        "/api/v1/query_range?query=up&end=5&step=1".to_owned(),
        "/api/v1/query_range?query=up&start=1&step=1".to_owned(),
        "/api/v1/query_range?query=up&start=1&end=5".to_owned(),
        "/api/v1/query_range?query=up&start=1&end=5&step=x".to_owned(),
        "/api/v1/query_range?query=up&start=1&end=5&step=0".to_owned(),
        "/api/v1/query_range?query=up&start=1&end=5&step=-3".to_owned(),
        "/api/v1/query_range?query=up&start=5&end=1&step=1".to_owned(),
        "/api/v1/query_range?query=up&start=1&end=20000&step=1".to_owned(),
        "/api/v1/query_range?query=time()&start=1&end=11001&step=1".to_owned(),
        "/api/v1/query_range?query=up%5B5m%5D&start=1&end=5&step=1".to_owned(),
        "/api/v1/query_range?query=%22text%22&start=1&end=5&step=1".to_owned(),
        "/api/v1/query_range?query=time()&start=2023-11-14T22:13:20Z&end=2023-11-14T22:13:22.500Z&step=500ms".to_owned(),
        "/api/v1/query?query=edge_many[1m]&time=1700007500".to_owned(),
        "/api/v1/query?query=edge_counter_total%7Bkind%3D%22stale%22%7D[20m]%20offset%201m&time=1700007500.5".to_owned(),
        "/api/v1/query?query=%22text%22&time=1700007500.125".to_owned(),
        "/api/v1/query?query=1e-7&time=1.005".to_owned(),
        "/api/v1/query?query=2%5E70&time=1".to_owned(),
        "/api/v1/query?query=vector(1e-7)&time=1.005".to_owned(),
        "/api/v1/query?query=vector(2%5E70)&time=1".to_owned(),
        "/api/v1/query?query=vector(-0.000001)&time=-1".to_owned(),
        "/api/v1/query?query=-Inf&time=0".to_owned(),
        "/api/v1/query?query=1%2F3*1e-5&time=1".to_owned(),
    ] {
        same(&address, prometheus.get(&address));
    }
    // An execution error with the same words.
    for query in ["edge_many * on () group_left edge_one", "edge_many + on (left) edge_one", "topk(NaN, edge_many)"] {
        let asked = form(&[("query", query), ("time", "1700007500")]);
        let (status, theirs) = prometheus.post("/api/v1/query", &asked);
        let (our_status, ours) = ours(&store, release, "/api/v1/query", &asked);
        let head = |answer: &Value| answer["error"].as_str().unwrap().split([':', '{']).next().unwrap().to_owned();
        assert_eq!(
            (our_status, &ours["errorType"], head(&ours)),
            (status, &parsed(&theirs)["errorType"], head(&parsed(&theirs))),
            "{query}"
        );
    }
    for path in ["/-/ready", "/-/healthy"] {
        assert_eq!((get(&store, path).status, get(&store, path).body), prometheus.get(path));
    }
}

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|why| panic!("{why}: {body}"))
}

#[test]
fn what_is_not_simulated_is_named() {
    let store = Samples::all().store();
    for (query, names) in [
        ("stddev_over_time(edge_many[5m])", "the function stddev_over_time is not simulated"),
        ("label_replace(edge_many, \"a\", \"$1\", \"left\", \"(.*)\")", "the function label_replace is not simulated"),
        ("stddev(edge_many)", "the aggregation stddev is not simulated"),
        ("count_values(\"v\", edge_many)", "the aggregation count_values is not simulated"),
        ("max_over_time(rate(edge_counter_total[5m])[1h:1m])", "a subquery, such as [5m:1m], is not simulated"),
        ("edge_many @ 1700000000", "the @ modifier is not simulated"),
        ("edge_many atan2 edge_many", "the operator atan2 is not simulated"),
        ("edge_many[1e300]", "the duration \"1e300\", a number without a unit, is not simulated"),
        ("edge_many offset Inf", "the duration \"inf\", a number without a unit, is not simulated"),
        ("edge_many offset -NaN", "the duration \"nan\", a number without a unit, is not simulated"),
        ("edge_many offset 1e300", "the duration \"1e300\", a number without a unit, is not simulated"),
        ("edge_many[20y]", "the duration \"20y\", more than ten years, is not simulated"),
        ("{left=\"a\" or left=\"b\"}", "`or` between label matchers is not simulated"),
        ("edge_many + fill(0) edge_many", "a fill modifier is not simulated"),
        ("{a=`\\d`}", "a backslash in a raw string is not simulated"),
    ] {
        let (status, answer) = ours(&store, Release::CURRENT, "/api/v1/query", &form(&[("query", query)]));
        let expected = json!({ "status": "error", "errorType": "bad_data", "error": format!("invalid parameter \"query\": {names}") });
        assert_eq!((status, answer), (400, expected), "{query}");
    }
    let (status, answer) = ours(&store, Release::CURRENT, "/api/v1/rules", "");
    assert_eq!((status, answer), (404, json!({ "status": "error", "errorType": "not_found", "error": "/api/v1/rules is not simulated" })));
}

#[test]
fn a_limit_cuts_and_says_so() {
    let store = Samples::all().store();
    let answer = get(&store, "/api/v1/label/kind/values?limit=2");
    assert_eq!(
        parsed(&answer.body),
        json!({ "status": "success", "data": ["all_nan", "below_zero"], "warnings": ["results truncated due to limit"] })
    );
    let build = get(&store, "/api/v1/status/buildinfo");
    assert_eq!(parsed(&build.body)["data"]["version"], Release::CURRENT.to_string());
    let posted = answer_to_post(&store, "/-/ready");
    assert_eq!(posted.status, 405);
}

fn answer_to_post(source: &dyn Source, path: &str) -> Answer {
    answer(source, Release::CURRENT, &Request { method: Method::Post, path, parameters: Parameters::default(), now: START })
}
