//! What is read about a Deployment before a change.

use serde_json::{Value, json};

use crate::bench::{Bench, PODS, SETS, WEB, data};
use crate::server::refusal;

#[tokio::test]
async fn facts_tell_what_runs_what_ran_and_who_will_fight_a_change() {
    let bench = Bench::new().await;
    let mut facts = bench.cluster.facts("web", Some("app")).await;
    for release in ["current", "previous"] {
        let age = facts[release].as_object_mut().unwrap().remove("age_s").unwrap();
        assert!(age.is_i64(), "{age}");
    }
    let expected = json!({
        "workload": {"name": "web", "uid": "8f1c2a50-3c1d-4e6b-9f7a-1f0b6d2f9a01", "replicas": 3, "ready": 3, "paused": false, "selector": "app=web"},
        "current": {"revision": 7, "image": "registry.example/web:2.4.0", "digest": format!("sha256:{}", "b2".repeat(32)), "created": "2026-11-23T10:00:00Z", "replica_set": "web-6d9f7c5b8"},
        "previous": {"revision": 6, "image": format!("registry.example/web@sha256:{}", "a1".repeat(32)), "digest": format!("sha256:{}", "a1".repeat(32)), "created": "2026-11-20T10:00:00Z", "replica_set": "web-7c9d8b6f5"},
        "hpa": {"name": "web", "min": 3, "max": 12, "current": 3},
        "pdb": {"name": "web", "min_available": 2, "max_unavailable": null, "disruptions_allowed": 0},
        "gitops": {"managed": true, "tool": "Argo CD", "reverts": true, "evidence": "argocd.argoproj.io/tracking-id: web:apps/Deployment:shop/web"},
        "limits": {"cpu": 0.5, "memory": 536_870_912},
        "requests": {"cpu": 0.25, "memory": 268_435_456},
        "env_names": ["NODE_ENV", "NODE_OPTIONS", "DB_URL"],
        "node_options": "--max-old-space-size=384",
        "missing": [],
    });
    assert_eq!(facts, expected);
}

#[tokio::test]
async fn what_can_not_be_read_is_missing_and_not_none() {
    let bench = Bench::new().await;
    bench.server.on(
        "GET /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
        [refusal(403, "Forbidden", "horizontalpodautoscalers.autoscaling is forbidden")],
    );
    bench.server.on(&format!("GET {PODS}"), [refusal(500, "InternalError", "etcd")]);
    let facts = bench.cluster.facts("web", None).await;
    assert_eq!(facts.get("hpa"), None, "absent, so that an expression over it is not decided");
    let missing: Vec<&Value> = facts["missing"].as_array().unwrap().iter().map(|entry| &entry["what"]).collect();
    assert_eq!(missing, ["pods", "hpa"]);
    assert!(facts["missing"][1]["why"].as_str().unwrap().contains("auth can-i list horizontalpodautoscalers.autoscaling"));
    assert_eq!((&facts["current"]["revision"], &facts["current"]["digest"]), (&json!(7), &Value::Null));

    bench.server.on(&format!("GET {WEB}"), [refusal(404, "NotFound", "deployments.apps \"web\" not found")]);
    let facts = bench.cluster.facts("web", None).await;
    assert_eq!(facts["missing"][0]["what"], "workload");
}

#[tokio::test]
async fn each_owner_is_told_by_its_own_mark() {
    let marks = [
        (json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}), "Flux", true),
        (json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}), "Helm", false),
        (json!({"annotations": {"meta.helm.sh/release-name": "web"}}), "Helm", false),
        (json!({"annotations": {"meta.helm.sh/release-name": "web"}, "managedFields": [{"manager": "helm-controller"}]}), "Flux", true),
        (json!({"managedFields": [{"manager": "argocd-controller"}]}), "Argo CD", true),
    ];
    let bench = Bench::new().await;
    bench.server.json(&format!("GET {SETS}"), json!({"kind": "ReplicaSetList", "metadata": {}, "items": []}));
    let with = |mark: &Value| {
        let mut deployment = data("deployment.json");
        let metadata = deployment["metadata"].as_object_mut().unwrap();
        for key in ["labels", "annotations", "managedFields"] {
            metadata.remove(key);
        }
        metadata.extend(mark.as_object().unwrap().clone());
        deployment
    };
    for (mark, tool, reverts) in marks {
        bench.server.json(&format!("GET {WEB}"), with(&mark));
        let gitops = bench.cluster.facts("web", None).await["gitops"].clone();
        assert_eq!((&gitops["tool"], &gitops["reverts"]), (&json!(tool), &json!(reverts)), "{mark}");
    }
    bench.server.json(&format!("GET {WEB}"), with(&json!({"labels": {"app": "web"}})));
    let facts = bench.cluster.facts("web", None).await;
    assert_eq!(facts["gitops"], json!({"managed": false, "tool": null, "reverts": false, "evidence": null}));
    assert_eq!((&facts["current"], &facts["previous"]), (&Value::Null, &Value::Null));
}
