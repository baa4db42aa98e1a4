//! The kubectl line that is shown beside a verb, run as it is written by the real kubectl against the same server: it makes the same
//! change. `QRH_TEST_KUBECTL` names the program; without it the PATH is searched.

use std::path::PathBuf;
use std::process::Stdio;

use qrh::action::Identity;
use serde_json::{Value, json};

use crate::bench::{Bench, POD, PODS, WEB, data, kind, kube, why};

fn kubectl() -> PathBuf {
    let named = std::env::var_os("QRH_TEST_KUBECTL").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = named.or_else(|| std::env::split_paths(&path).map(|dir| dir.join("kubectl")).find(|file| file.is_file()));
    found.filter(|file| file.is_file()).expect("kubectl is needed for this test: install it (kubernetes-client) or set QRH_TEST_KUBECTL")
}

/// Runs a line as a person would paste it.
async fn paste(bench: &Bench, line: &str) {
    let mut path = vec![kubectl().parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let run = tokio::process::Command::new("sh")
        .args(["-euc", line])
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("KUBECONFIG", bench.dir.path().join("config"))
        .env("HOME", bench.dir.path())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(run.status.success(), "{line}\n{}", String::from_utf8_lossy(&run.stderr));
}

/// kubectl says in which order a list's elements stand, also where it has one only.
fn without_order(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(key, _)| !key.starts_with("$setElementOrder"))
            .map(|(key, value)| (key, without_order(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_order).collect(),
        other => other,
    }
}

#[tokio::test]
async fn the_line_that_is_shown_does_the_same() {
    let cases = [
        (json!({"get": {"resource": "pods", "selector": "app in (web, api)"}}), format!("GET {PODS}")),
        (json!({"scale": {"deployment": "web", "replicas": 5}}), format!("PATCH {WEB}/scale")),
        (json!({"scale": {"deployment": "web", "replicas": 5, "current_replicas": 3}}), format!("PUT {WEB}/scale")),
        (json!({"cordon": {"node": "node-1"}}), "PATCH /api/v1/nodes/node-1".to_owned()),
        (json!({"evict": {"pod": "web-7c9d8b6f5-x2x9k"}}), format!("POST {POD}/eviction")),
        (json!({"rollout-pause": {"deployment": "web"}}), format!("PATCH {WEB}")),
        (json!({"set-image": {"deployment": "web", "container": "app", "image": "registry.example/web:2.4.1"}}), format!("PATCH {WEB}")),
    ];
    for (verb, line) in cases {
        let bench = Bench::new().await;
        for (path, body) in data("legacy_discovery.json").as_object().unwrap() {
            bench.server.json(&format!("GET {path}"), body.clone());
        }
        bench.server.json(&format!("GET {WEB}/scale"), data("scale.json"));
        bench.server.json(&format!("PATCH {WEB}/scale"), data("scale.json")).json(&format!("PUT {WEB}/scale"), data("scale.json"));
        bench.server.json(&format!("PATCH {WEB}"), data("deployment.json")).json("PATCH /api/v1/nodes/node-1", data("node.json"));
        bench.server.json(&format!("POST {POD}/eviction"), json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}));

        let verb_value: Value = verb.clone();
        let verb = kube(verb);
        let identity = Identity::Cluster(bench.cluster.identity(&verb).await.unwrap());
        let description = verb.describe(&identity);
        let report = if verb_value.get("get").is_some() { bench.read(verb_value).await } else { bench.apply(verb_value).await };
        assert_eq!(kind(&report), "succeeded", "{}", why(&report));
        let ours = bench.server.seen().pop().unwrap();
        assert_eq!(ours.line(), line);

        bench.server.forget();
        paste(&bench, &description.by_hand.unwrap()).await;
        let seen = bench.server.seen();
        let theirs: Vec<_> =
            seen.iter().filter(|seen| if ours.method == "GET" { seen.line() == line } else { seen.method != "GET" }).collect();
        assert_eq!(theirs.len(), 1, "{:?}", bench.server.lines());
        assert_eq!(theirs[0].line(), line);
        if ours.method == "GET" {
            let selector = |query: &str| query.split('&').find(|part| part.starts_with("labelSelector=")).unwrap().replace('+', "%20");
            assert_eq!(selector(&theirs[0].query), selector(&ours.query));
        } else {
            // kubectl's raw and scale clients name no media type.
            let media = theirs[0].content_type.split(';').next().unwrap();
            assert!(media == ours.content_type || (media.is_empty() && matches!(ours.method.as_str(), "PUT" | "POST")), "{media}");
            assert_eq!(without_order(theirs[0].body["spec"].clone()), ours.body["spec"], "the same change");
        }
    }
}
