//! What is asked: every query of the shipped runbooks, and the edges.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

/// Every `promql` of the shipped runbooks, rendered for the sample's service with two spans.
pub fn of_runbooks() -> BTreeSet<String> {
    let mut templates = BTreeSet::new();
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let document: Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            collect(&document, &mut templates);
        }
    }
    assert!(templates.len() >= 50, "the runbooks ask {} queries only", templates.len());
    let scopes = [("2m", "1h"), ("5m", "30m")].map(|(window, lookback)| {
        json!({ "window": window, "lookback": lookback,
            "service": { "name": "shop", "namespace": "prod", "workload": "shop", "container": "app" } })
    });
    let render = |template: &String, scope: &Value| {
        qrh::runbook::template::render(template, scope).unwrap_or_else(|why| panic!("{template}: {why:?}"))
    };
    templates.iter().flat_map(|template| scopes.iter().map(move |scope| render(template, scope))).collect()
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(members) => {
            match members.get("promql") {
                Some(Value::String(query)) => _ = into.insert(query.clone()),
                Some(Value::Object(fields)) => _ = into.insert(fields["query"].as_str().unwrap().to_owned()),
                Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) | None => {}
            }
            members.values().for_each(|member| collect(member, into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One a line; a line that begins with `#` says what the next ones try.
pub fn of_edges() -> Vec<&'static str> {
    include_str!("edges.promql").lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Of these an instant query's order is part of the answer.
pub fn of_ranks() -> Vec<&'static str> {
    include_str!("ranked.promql").lines().collect()
}
