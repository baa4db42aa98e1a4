//! What each reading verb asks and gives.

use std::time::Duration;

use qrh::target::stream::Origin;
use serde_json::{Value, json};

use crate::bench::{Bench, PODS, SETS, WEB, conduct, data, kind, kube, why};
use crate::server::{Answer, refusal};

#[tokio::test]
async fn get_lists_with_both_selectors_and_keeps_no_bookkeeping() {
    let bench = Bench::new().await;
    let report = bench.read(json!({"get": {"resource": "po", "selector": "app=web", "field_selector": "status.phase=Running"}})).await;
    assert_eq!(kind(&report), "succeeded", "{}", why(&report));
    let seen = bench.server.seen();
    assert_eq!(seen[0].line(), format!("GET {PODS}"));
    assert_eq!(seen[0].query, "labelSelector=app%3Dweb&fieldSelector=status.phase%3DRunning&limit=500");
    assert_eq!(seen[0].authorization, "Bearer t0ken");
    assert_eq!(report.out["items"].as_array().unwrap().len(), 3);
    assert!(!report.out.to_string().contains("managedFields"));
    assert_eq!(report.out.get("not_shown"), None);
    let heading: Vec<&str> = report.tail[0].split_whitespace().collect();
    assert_eq!(heading, ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]);
    assert!(report.tail[1].starts_with("web-6d9f7c5b8-q2w3e   0/1     CrashLoopBackOff   4"), "{}", report.tail[1]);
}

#[tokio::test]
async fn get_of_one_object_gives_the_object() {
    let bench = Bench::new().await;
    let report = bench.read(json!({"get": {"resource": "deployment", "name": "web"}})).await;
    assert_eq!(report.out["metadata"]["name"], "web");
    assert!(!report.out.to_string().contains("last-applied-configuration"));
    assert_eq!(bench.server.lines(), [format!("GET {WEB}")]);
    assert!(report.tail[1].starts_with("web    3/3     1"), "{:?}", report.tail);
}

#[tokio::test]
async fn a_list_comes_in_pages_and_starts_over_once_when_its_place_is_forgotten() {
    let bench = Bench::new().await;
    let page = |names: &[&str], next: &str| {
        let items: Vec<Value> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
        Answer::Json(
            200,
            json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": "1", "continue": next}, "items": items}),
        )
    };
    let gone = refusal(410, "Expired", "The provided continue parameter is too old to display a consistent list result.");
    let path = "GET /api/v1/namespaces/shop/configmaps";
    bench.server.on(path, [page(&["a", "b"], "t/1=="), gone.clone(), page(&["a", "c"], "t2"), page(&["d"], "")]);
    let report = bench.read(json!({"get": {"resource": "cm"}})).await;
    assert_eq!(report.tail, ["configmap/a", "configmap/c", "configmap/d"], "{}", why(&report));
    let queries: Vec<String> = bench.server.seen().into_iter().map(|seen| seen.query).collect();
    assert_eq!(queries, ["limit=500", "limit=500&continue=t%2F1%3D%3D", "limit=500", "limit=500&continue=t2"]);

    bench.server.on(path, [page(&["a"], "t"), gone.clone(), page(&["a"], "t"), gone]);
    let report = bench.read(json!({"get": {"resource": "cm"}})).await;
    assert_eq!(kind(&report), "failed");
    assert!(why(&report).contains("(410)"), "{}", why(&report));
}

#[tokio::test]
async fn a_list_without_an_end_is_bounded_and_what_is_cut_is_counted() {
    let bench = Bench::new().await;
    let items: Vec<Value> =
        (0..500).map(|index| json!({"metadata": {"name": format!("c-{index}")}, "data": {"x": "y".repeat(400)}})).collect();
    let page =
        json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"continue": "more", "remainingItemCount": 1234}, "items": items});
    bench.server.json("GET /api/v1/namespaces/shop/configmaps", page);
    let report = bench.read(json!({"get": {"resource": "configmaps"}})).await;
    assert_eq!(bench.server.seen().len(), 10);
    let kept = report.out["items"].as_array().unwrap().len() as u64;
    assert_eq!(report.out["not_shown"], 5000 - kept + 1234);
    assert!(report.cut_bytes > 0 && report.out.to_string().len() <= 1024 * 1024);
    assert!(report.tail.iter().any(|line| line.starts_with("1234 more were not read")), "{:?}", report.tail.last());
}

#[tokio::test]
async fn an_unknown_resource_is_looked_up_and_a_secret_is_not() {
    let bench = Bench::new().await;
    bench.server.json("GET /apis", data("discovery.json"));
    bench
        .server
        .json("GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts", json!({"kind": "RolloutList", "metadata": {}, "items": []}));
    for word in ["rollout", "ro", "rollouts.argoproj.io", "Rollout"] {
        bench.server.forget();
        let report = bench.read(json!({"get": {"resource": word}})).await;
        assert_eq!(kind(&report), "succeeded", "{word}: {}", why(&report));
        assert_eq!(bench.server.lines(), ["GET /apis", "GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts"]);
    }
    let report = bench.read(json!({"get": {"resource": "widgets"}})).await;
    assert_eq!(why(&report), "the server has no resource `widgets`; see: kubectl --context prod api-resources");
    bench.server.forget();
    for verb in [json!({"get": {"resource": "secrets"}}), json!({"describe": {"resource": "secret", "name": "db"}})] {
        assert!(why(&bench.read(verb).await).starts_with("refused: qrh doesn't read or patch secrets"));
    }
    assert_eq!(bench.server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_would_leave_its_path_is_refused_before_anything_is_sent() {
    let bench = Bench::new().await;
    for name in ["web/exec", "../nodes", "a%2Fb", "web?x", "-n"] {
        let report = bench.read(json!({"get": {"resource": "pods", "name": name}})).await;
        assert!(why(&report).contains("can't be the name"), "{name}: {}", why(&report));
    }
    assert_eq!(bench.server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn describe_gives_the_object_and_its_own_events_and_survives_without_them() {
    let bench = Bench::new().await;
    let report = bench.read(json!({"describe": {"resource": "deploy", "name": "web"}})).await;
    assert_eq!(bench.server.seen()[1].query, "fieldSelector=involvedObject.name%3Dweb&limit=500");
    assert_eq!(report.out["object"]["metadata"]["name"], "web");
    assert_eq!(report.out["events"].as_array().unwrap().len(), 1, "events of a pod with that name are another's");
    assert!(report.tail.iter().any(|line| line == "Events:"));

    bench.server.on("GET /api/v1/namespaces/shop/events", [refusal(403, "Forbidden", "events is forbidden")]);
    let report = bench.read(json!({"describe": {"resource": "deploy", "name": "web"}})).await;
    assert_eq!((kind(&report), &report.out["events"]), ("succeeded", &Value::Null));
    assert!(report.tail.last().unwrap().starts_with("Events: can't list events in shop"), "{:?}", report.tail.last());
}

#[tokio::test]
async fn events_come_in_the_order_of_time_whichever_field_has_it() {
    let bench = Bench::new().await;
    let report = bench.read(json!({"events": {"about": "web", "kind": "Warning"}})).await;
    assert_eq!(bench.server.seen()[0].query, "fieldSelector=involvedObject.name%3Dweb%2Ctype%3DWarning&limit=500");
    let names: Vec<&Value> = report.out["items"].as_array().unwrap().iter().map(|event| &event["metadata"]["name"]).collect();
    assert_eq!(names, ["b.early", "c.middle", "a.late"]);
}

#[tokio::test]
async fn logs_of_a_pod_carry_every_option() {
    let bench = Bench::new().await;
    let path = format!("GET {PODS}/web-7c9d8b6f5-x2x9k/log");
    bench.server.on(&path, [Answer::Parts(vec!["one\ntw", "o\nlast"], false)]);
    let verb = json!({"logs": {"pod": "web-7c9d8b6f5-x2x9k", "container": "app", "previous": true, "since": "10m", "tail": 50}});
    let report = bench.read(verb).await;
    assert_eq!(report.tail, ["one", "two", "last"], "{}", why(&report));
    assert_eq!(bench.server.seen()[1].query, "container=app&previous=true&sinceSeconds=600&tailLines=50&limitBytes=10485760");
}

#[tokio::test]
async fn logs_of_a_selector_name_the_pod_and_one_failing_pod_stops_no_other() {
    let bench = Bench::new().await;
    let log = |pod: &str| format!("GET {PODS}/{pod}/log");
    bench.server.on(
        &log("web-6d9f7c5b8-q2w3e"),
        [refusal(400, "BadRequest", "container \"app\" in pod \"web-6d9f7c5b8-q2w3e\" is waiting to start")],
    );
    bench.server.on(&log("web-7c9d8b6f5-x2x9k"), [Answer::Parts(vec!["x\n"], false)]);
    bench.server.on(&log("web-7c9d8b6f5-z8p4m"), [Answer::Parts(vec!["z\n"], false)]);
    let (conduct, mut receiver) = conduct(Duration::from_secs(20));
    let report = bench.cluster.read(&kube(json!({"logs": {"selector": "app=web"}})), &conduct).await;
    drop(conduct);
    assert_eq!(kind(&report), "succeeded", "{}", why(&report));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(line) = receiver.recv().await {
        if line.origin == Origin::Stdout { out.push(line.text) } else { err.push(line.text) }
    }
    out.sort();
    assert_eq!(out, ["[web-7c9d8b6f5-x2x9k] x", "[web-7c9d8b6f5-z8p4m] z"]);
    assert_eq!(err.len(), 1);
    assert!(err[0].starts_with("web-6d9f7c5b8-q2w3e/app: can't read the log") && err[0].contains("waiting to start"), "{err:?}");
}

#[tokio::test]
async fn previous_logs_are_asked_only_of_containers_that_died() {
    let bench = Bench::new().await;
    bench.server.on(&format!("GET {PODS}/web-6d9f7c5b8-q2w3e/log"), [Answer::Parts(vec!["boom\n"], false)]);
    let report = bench.read(json!({"logs": {"selector": "app=web", "previous": true}})).await;
    assert_eq!(report.tail, ["[web-6d9f7c5b8-q2w3e] boom"]);
    assert_eq!(bench.server.seen().len(), 2, "the two healthy pods were not asked");
}

#[tokio::test]
async fn a_followed_log_streams_and_ends_with_its_time_or_its_cancel() {
    let bench = Bench::new().await;
    bench.server.on(&format!("GET {PODS}/web-7c9d8b6f5-x2x9k/log"), [Answer::Parts(vec!["first\n", "second\n"], true)]);
    let verb = kube(json!({"logs": {"pod": "web-7c9d8b6f5-x2x9k", "follow": true}}));
    let (conduct, mut receiver) = conduct(Duration::from_secs(60));
    let (cluster, running, cancel) = (bench.cluster.clone(), conduct.clone(), conduct.cancel.clone());
    let task = tokio::spawn(async move { cluster.read(&verb, &running).await });
    assert_eq!(receiver.recv().await.unwrap().text, "first");
    assert_eq!(receiver.recv().await.unwrap().text, "second");
    cancel.cancel();
    let report = task.await.unwrap();
    assert_eq!((kind(&report), report.lines), ("stopped", 2));
    assert!(!bench.server.seen()[1].query.contains("limitBytes"));

    let verb = json!({"logs": {"pod": "web-7c9d8b6f5-x2x9k", "follow": true}});
    let (conduct, _receiver) = super::bench::conduct(Duration::from_millis(300));
    assert_eq!(kind(&bench.cluster.read(&kube(verb), &conduct).await), "succeeded");
}

#[tokio::test]
async fn top_gives_numbers_and_says_when_nobody_measures() {
    let bench = Bench::new().await;
    let pods = "GET /apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";
    bench.server.json(pods, data("pod_metrics.json")).json("GET /apis/metrics.k8s.io/v1beta1/nodes", data("node_metrics.json"));
    let report = bench.read(json!({"top": {"resource": "pods", "selector": "app=web"}})).await;
    let first = &report.out["items"][0];
    assert_eq!((&first["pod"], &first["container"]), (&json!("web-7c9d8b6f5-x2x9k"), &json!("app")));
    assert!((first["cpu_cores"].as_f64().unwrap() - 0.412_345_678).abs() < 1e-9);
    assert_eq!(first["memory_bytes"], 318_976 * 1024);
    assert_eq!(bench.server.seen()[0].query, "labelSelector=app%3Dweb&limit=500");
    let report = bench.read(json!({"top": {"resource": "nodes"}})).await;
    assert_eq!((&report.out["items"][0]["node"], &report.out["items"][0]["memory_bytes"]), (&json!("node-1"), &json!(6_442_450_944_i64)));

    bench.server.on(pods, [Answer::Plain(404, vec![("content-type", "text/plain".to_owned())], "404 page not found\n".to_owned())]);
    assert!(why(&bench.read(json!({"top": {"resource": "pods"}})).await).starts_with("metrics-server isn't installed"));
}

#[tokio::test]
async fn rollout_status_and_history_tell_the_state_in_numbers() {
    let bench = Bench::new().await;
    let report = bench.read(json!({"rollout-status": {"deployment": "web"}})).await;
    let expected = json!({
        "desired": 3, "updated": 1, "ready": 3, "available": 3, "unavailable": 1, "total": 4, "generation": 7, "observed_generation": 7,
        "paused": false, "progressing_reason": "ReplicaSetUpdated", "complete": false, "message": "1 of 3 new replicas have been updated",
    });
    assert_eq!(report.out, expected);

    let report = bench.read(json!({"rollout-history": {"deployment": "web"}})).await;
    let revisions: Vec<&Value> = report.out["revisions"].as_array().unwrap().iter().map(|entry| &entry["revision"]).collect();
    assert_eq!(revisions, [4, 6, 7], "the ReplicaSet of another owner is not one of its revisions");
    assert_eq!(report.out["current"]["change_cause"], "release 2.4.0");
    assert_eq!((&report.out["previous"]["revision"], &report.out["previous"]["ready"]), (&json!(6), &json!(3)));
    assert_eq!(bench.server.seen().last().unwrap().line(), format!("GET {SETS}"));
    assert_eq!(bench.server.seen().last().unwrap().query, "labelSelector=app%3Dweb&limit=500");
}

#[tokio::test]
async fn a_read_entry_never_performs_a_change() {
    let bench = Bench::new().await;
    for verb in crate::changes::every_change() {
        let report = bench.read(verb.clone()).await;
        assert!(why(&report).starts_with("refused:") && kind(&report) == "failed", "{verb}: {}", why(&report));
    }
    assert_eq!(bench.server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_described_is_what_is_asked() {
    let bench = Bench::new().await;
    bench.server.json("GET /apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", data("pod_metrics.json"));
    for verb in [
        json!({"get": {"resource": "pods", "selector": "app in (a, b)"}}),
        json!({"describe": {"resource": "deploy", "name": "web"}}),
        json!({"events": {"about": "web"}}),
        json!({"top": {"resource": "pods"}}),
        json!({"rollout-status": {"deployment": "web"}}),
    ] {
        bench.server.forget();
        let verb = kube(verb);
        let identity = qrh::action::Identity::Cluster(bench.cluster.identity(&verb).await.unwrap());
        let (conduct, _lines) = conduct(Duration::from_secs(20));
        bench.cluster.read(&verb, &conduct).await;
        let sent: Vec<String> = bench
            .server
            .seen()
            .iter()
            .map(|seen| {
                let query: Vec<&str> = seen.query.split('&').filter(|part| !part.starts_with("limit=") && !part.is_empty()).collect();
                if query.is_empty() { seen.line() } else { format!("{}?{}", seen.line(), query.join("&")) }
            })
            .collect();
        assert_eq!(verb.describe(&identity).runs, sent);
    }
}
