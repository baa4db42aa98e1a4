//! The store: what it keeps, what it refuses; and what a release changes.

use promql_parser::label::{MatchOp, Matcher};

use super::*;

fn push(store: &mut Store, series: &Labels, at: i64) -> Result<(), Refused> {
    store.push(series, Sample { at, value: 1.0 })
}

fn times(store: &Store, name: &str) -> Vec<i64> {
    let found = store.select(&[Matcher::new(MatchOp::Equal, METRIC_NAME, name)], Span::ALL);
    found.iter().flat_map(|found| found.samples.iter().map(|sample| sample.at)).collect()
}

#[test]
fn a_series_keeps_its_newest_samples() {
    let mut store = Store::new(3, 10);
    let series = Labels::of_metric("up", &[]);
    for at in 0..100 {
        push(&mut store, &series, at).unwrap();
        let expected: Vec<i64> = ((at - 2).max(0)..=at).collect();
        assert_eq!(times(&store, "up"), expected);
    }
}

#[test]
fn too_many_series_and_old_samples_are_refused_by_name() {
    let mut store = Store::new(3, 1);
    let (a, b) = (Labels::of_metric("a", &[]), Labels::of_metric("b", &[]));
    push(&mut store, &a, 5).unwrap();
    assert!(push(&mut store, &a, 5).unwrap_err().to_string().contains("__name__=\"a\""));
    assert!(push(&mut store, &b, 6).unwrap_err().to_string().contains("series number 2"));
    assert_eq!(store.end(&b, 6), Ok(()), "what never was has no end");
    store.forget(6);
    assert!(store.is_empty());
    push(&mut store, &b, 6).unwrap();
    assert_eq!(store.len(), 1);
}

#[test]
fn labels_are_sorted_and_an_empty_value_is_none() {
    let labels = Labels::new([("b", "2"), ("a", ""), ("c", "3"), ("b", "4")]);
    assert_eq!(labels.to_string(), r#"{b="4", c="3"}"#);
    assert_eq!((labels.get("a"), labels.get("b")), ("", "4"));
}

/// Twelve samples, one each 5 s; a window of 20 s ends on a sample and begins on one.
#[test]
fn since_3_0_a_window_leaves_out_its_left_edge() {
    let mut store = Store::new(100, 1);
    for index in 0..12 {
        push(&mut store, &Labels::of_metric("up", &[]), index * 5_000).unwrap();
    }
    let count = |release, query: &str, time: &str| {
        let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs([("query", query), ("time", time)]).finish();
        let parameters = http::Parameters::read(&fields, "");
        let request = http::Request { method: http::Method::Get, path: "/api/v1/query", parameters, now: 0 };
        let body: serde_json::Value = serde_json::from_str(&http::answer(&store, release, &request).body).unwrap();
        body["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    };
    let old = Release { major: 2, minor: 53 };
    assert_eq!(count(old, "count_over_time(up[20s])", "40").as_deref(), Some("5"));
    assert_eq!(count(Release::CURRENT, "count_over_time(up[20s])", "40").as_deref(), Some("4"));
    assert_eq!(count(old, "up", "355").as_deref(), Some("1"), "the lookback too");
    assert_eq!(count(Release::CURRENT, "up", "355"), None);
}

#[test]
fn a_place_is_good_until_its_series_is_forgotten() {
    let mut store = Store::new(10, 10);
    let (kept, old) = (Labels::of_metric("kept", &[]), Labels::of_metric("old", &[]));
    let (place, gone) = (store.place(&kept).unwrap(), store.place(&old).unwrap());
    assert_eq!(store.place(&kept), Ok(place), "one series, one place");
    store.push_at(place, Sample { at: 100, value: 1.0 }).unwrap();
    store.push_at(gone, Sample { at: 10, value: 1.0 }).unwrap();
    store.forget(50);
    assert_eq!((store.len(), store.push_at(gone, Sample { at: 200, value: 1.0 })), (1, Err(Refused::Forgotten)));
    push(&mut store, &old, 200).unwrap();
    assert_eq!((times(&store, "old"), times(&store, "kept")), (vec![200], vec![100]), "it is a new one");
}
