//! Reads a CPU profile as its viewers do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::wire::{Debugger, Patient};

/// The profile of so many seconds of the world's time.
pub async fn profiled(patient: &Patient, debugger: &mut Debugger, seconds: u64) -> Value {
    for (method, params) in
        [("Profiler.enable", json!({})), ("Profiler.setSamplingInterval", json!({ "interval": 1000 })), ("Profiler.start", json!({}))]
    {
        assert_eq!(debugger.ask(method, &params).await["result"], json!({}), "{method}");
    }
    patient.world.advance(Duration::from_secs(seconds));
    let mut answer = debugger.ask("Profiler.stop", &json!({})).await;
    assert_eq!(debugger.ask("Profiler.disable", &json!({})).await["result"], json!({}));
    answer["result"]["profile"].take()
}

/// Shares of the non-idle samples by what `of` makes of each stack, root first; a stack counts once for each of its names.
pub fn shares(profile: &Value, of: impl Fn(&[&Value]) -> Vec<String>) -> BTreeMap<String, f64> {
    let nodes: BTreeMap<u64, &Value> =
        profile["nodes"].as_array().unwrap().iter().map(|node| (node["id"].as_u64().unwrap(), node)).collect();
    let mut parents = BTreeMap::new();
    for (id, node) in &nodes {
        for child in node["children"].as_array().into_iter().flatten() {
            assert!(parents.insert(child.as_u64().unwrap(), *id).is_none(), "a node has one parent");
        }
    }
    let (mut busy, mut counted) = (0.0, BTreeMap::new());
    for sample in profile["samples"].as_array().unwrap() {
        let mut here = sample.as_u64().unwrap();
        let mut stack = vec![nodes[&here]];
        while let Some(parent) = parents.get(&here) {
            here = *parent;
            stack.insert(0, nodes[&here]);
        }
        if stack.last().unwrap()["callFrame"]["functionName"] == "(idle)" {
            continue;
        }
        busy += 1.0;
        let mut names = of(&stack);
        names.sort();
        names.dedup();
        for name in names {
            *counted.entry(name).or_insert(0.0) += 1.0;
        }
    }
    for count in counted.values_mut() {
        *count /= busy;
    }
    counted
}

pub fn own(profile: &Value) -> BTreeMap<String, f64> {
    shares(profile, |stack| vec![stack.last().unwrap()["callFrame"]["functionName"].as_str().unwrap().to_owned()])
}

pub fn by_url(profile: &Value) -> BTreeMap<String, f64> {
    shares(profile, |stack| stack.iter().map(|node| node["callFrame"]["url"].as_str().unwrap().to_owned()).collect())
}

/// V8's own rules of a profile, which its viewers rely on.
pub fn check(profile: &Value) {
    let all = |name: &str| profile[name].as_array().unwrap().iter().map(|value| value.as_u64().unwrap()).collect::<Vec<_>>();
    let (samples, deltas) = (all("samples"), all("timeDeltas"));
    assert_eq!(samples.len(), deltas.len());
    let span = profile["endTime"].as_u64().unwrap() - profile["startTime"].as_u64().unwrap();
    assert!(deltas.iter().sum::<u64>() <= span, "samples lie within the profile");
    let hits: u64 = profile["nodes"].as_array().unwrap().iter().map(|node| node["hitCount"].as_u64().unwrap()).sum();
    assert_eq!(hits, samples.len() as u64);
    for node in profile["nodes"].as_array().unwrap() {
        let ticks: u64 = node["positionTicks"].as_array().into_iter().flatten().map(|tick| tick["ticks"].as_u64().unwrap()).sum();
        assert!(node.get("positionTicks").is_none() || ticks == node["hitCount"].as_u64().unwrap(), "{node}");
    }
}
