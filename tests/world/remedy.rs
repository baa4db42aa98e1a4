//! What is done about each fault: where its signs are, the cure that is none, the one that is, and what undoes it.

use qrh::drill::world::Kind;
use qrh::drill::world::Running;
use qrh::drill::world::object::Id;
use qrh::drill::world::plant::Fault;
use qrh::drill::world::service::{REGISTRY, digest};
use serde_json::{Map, Value, json};

use crate::ground::put_json;

pub fn id() -> Id {
    Id::new(Kind::Deployment, "shop", "checkout")
}

pub fn fault(kind: &str, with: &Value) -> Fault {
    let with: Map<String, Value> = with.as_object().cloned().unwrap_or_default();
    Fault::read(kind, "checkout", &with).unwrap()
}

fn edit(world: &Running, change: impl FnOnce(&mut Value)) {
    world.change(|state| state.edit(&id(), change)).unwrap();
}

fn container(deployment: &mut Value) -> &mut Value {
    &mut deployment["spec"]["template"]["spec"]["containers"][0]
}

/// What people do about it.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    Flag(&'static str, bool),
    Scale(i64),
    Restart,
    Release(&'static str),
    Limit(&'static str),
    Options(&'static str),
    Annotate(&'static str),
    /// Nothing but time.
    Wait,
}

pub async fn act(world: &Running, deed: Deed) {
    match deed {
        Deed::Flag(name, on) => {
            let url = format!("{}/flags/{name}", world.service_url("checkout").unwrap());
            let answer = put_json(&url, &json!({ "enabled": on })).await;
            assert_eq!(answer["enabled"], json!(on), "{answer}");
        }
        Deed::Scale(replicas) => edit(world, |value| value["spec"]["replicas"] = json!(replicas)),
        Deed::Restart => {
            let now = world.now().to_string();
            edit(world, |value| value["spec"]["template"]["metadata"]["annotations"] = json!({ "kubectl.kubernetes.io/restartedAt": now }));
        }
        Deed::Release(version) => edit(world, |value| {
            value["spec"]["template"]["metadata"]["labels"]["version"] = json!(version);
            container(value)["image"] = json!(format!("{REGISTRY}checkout@{}", digest("checkout", version)));
        }),
        Deed::Limit(memory) => edit(world, |value| container(value)["resources"]["limits"]["memory"] = json!(memory)),
        Deed::Options(options) => edit(world, |value| {
            let env = container(value)["env"].as_array_mut().unwrap();
            env.iter_mut().find(|entry| entry["name"] == "NODE_OPTIONS").unwrap()["value"] = json!(options);
        }),
        Deed::Annotate(value) => {
            edit(world, |object| object["metadata"]["annotations"]["argocd.argoproj.io/skip-reconcile"] = json!(value));
        }
        Deed::Wait => {}
    }
}

/// A query of a runbook's, and from which value on it is a sign.
pub type Sign = (&'static str, f64);

pub struct Case {
    pub kind: &'static str,
    pub with: Value,
    /// Minutes until its signs show.
    pub shows: u64,
    pub signs: &'static [Sign],
    pub wrong: Deed,
    pub right: &'static [Deed],
    /// None: it can't be undone by anybody in the world.
    pub undo: Option<Deed>,
    /// Users notice it.
    pub hurts: bool,
}

const CPU: &str = r#"max(rate(process_cpu_seconds_total{service="checkout"}[2m]))"#;
const COST: &str = r#"(sum(rate(process_cpu_seconds_total{service="checkout"}[2m])) / sum(rate(http_requests_total{service="checkout"}[2m]))) / (sum(rate(process_cpu_seconds_total{service="checkout"}[2m] offset 1h)) / sum(rate(http_requests_total{service="checkout"}[2m] offset 1h)))"#;
const LAG: &str = r#"max(max_over_time(nodejs_eventloop_lag_p99_seconds{service="checkout"}[2m])) - 0.01"#;
const THROTTLED: &str = r#"max(sum by (pod) (rate(container_cpu_cfs_throttled_periods_total{namespace="shop",pod=~"checkout-.*"}[2m])) / sum by (pod) (rate(container_cpu_cfs_periods_total{namespace="shop",pod=~"checkout-.*"}[2m])))"#;
const ERRORS: &str = r#"(sum(rate(http_requests_total{service="checkout",status=~"5.."}[2m])) or 0 * sum(rate(http_requests_total{service="checkout"}[2m]))) / sum(rate(http_requests_total{service="checkout"}[2m]))"#;
const P99_RATIO: &str = r#"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{service="checkout"}[2m]))) / histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{service="checkout"}[2m] offset 1h)))"#;
const ATTEMPTS: &str =
    r#"sum(rate(outbound_attempts_total{service="checkout"}[2m])) / sum(rate(outbound_requests_total{service="checkout"}[2m]))"#;
const CALL_FAILURES: &str = r#"60 * max(sum by (upstream) (rate(outbound_requests_total{service="checkout",outcome="failure"}[2m])))"#;
const RSS_GROWTH: &str = r#"max(min_over_time(process_resident_memory_bytes{service="checkout"}[5m]) - min_over_time(process_resident_memory_bytes{service="checkout"}[5m] offset 10m)) / 1048576"#;
const HEAP_GROWTH: &str = r#"max(min_over_time(nodejs_heap_size_used_bytes{service="checkout"}[5m]) - min_over_time(nodejs_heap_size_used_bytes{service="checkout"}[5m] offset 10m)) / 1048576"#;
const EXTERNAL_GROWTH: &str = r#"max(min_over_time(nodejs_external_memory_bytes{service="checkout"}[5m]) - min_over_time(nodejs_external_memory_bytes{service="checkout"}[5m] offset 10m)) / 1048576"#;
const KILLED: &str =
    r#"sum(kube_pod_container_status_last_terminated_reason{namespace="shop",pod=~"checkout-.*",reason="OOMKilled"}) or vector(0)"#;
const GC: &str = r#"max(sum by (pod) (rate(nodejs_gc_duration_seconds_sum{service="checkout"}[2m])))"#;

/// A fault behind a flag, that more replicas don't cure.
fn flagged(kind: &'static str, signs: &'static [Sign], right: &'static [Deed], undo: Deed) -> Case {
    Case { kind, with: json!({}), shows: 3, signs, wrong: Deed::Scale(8), right, undo: Some(undo), hurts: true }
}

/// A fault of release 1.5.0, that a restart doesn't cure.
fn released(kind: &'static str, signs: &'static [Sign]) -> Case {
    Case { wrong: Deed::Restart, ..flagged(kind, signs, &[Deed::Release("1.4.2")], Deed::Release("1.5.0")) }
}

/// A dependency that comes back after a quarter of an hour, whatever is done.
fn elsewhere(kind: &'static str, with: Value, signs: &'static [Sign]) -> Case {
    Case { with, wrong: Deed::Restart, undo: None, ..flagged(kind, signs, &[], Deed::Wait) }
}

pub fn cases() -> Vec<Case> {
    [busy(), full(), away(), shipped()].into_iter().flatten().collect()
}

fn busy() -> Vec<Case> {
    let retries = &[(CPU, 0.5), (ATTEMPTS, 2.0), (CALL_FAILURES, 20.0)];
    let on_again = |flag| Deed::Flag(flag, true);
    vec![
        flagged(
            "sync-json",
            &[(CPU, 0.9), (COST, 1.5), (LAG, 0.5), (P99_RATIO, 1.5)],
            &[Deed::Flag("report-details", false)],
            on_again("report-details"),
        ),
        flagged(
            "sync-regex",
            &[(CPU, 0.9), (LAG, 0.4), (P99_RATIO, 1.5)],
            &[Deed::Flag("search-by-address", false)],
            on_again("search-by-address"),
        ),
        Case { with: json!({ "version": "1.5.0", "flag": "" }), ..released("compression", &[(CPU, 0.9), (LAG, 0.5), (P99_RATIO, 1.5)]) },
        flagged("crypto-burst", &[(THROTTLED, 0.25), (COST, 1.5)], &[Deed::Flag("signed-orders", false)], on_again("signed-orders")),
        flagged("logger", &[(CPU, 0.9), (LAG, 0.1)], &[Deed::Flag("session-log", false)], on_again("session-log")),
        flagged("gc-churn", &[(GC, 0.25), (P99_RATIO, 1.5)], &[Deed::Flag("fresh-catalogue", false)], on_again("fresh-catalogue")),
        flagged("retry-loop", retries, &[Deed::Flag("eager-retries", false)], on_again("eager-retries")),
    ]
}

fn full() -> Vec<Case> {
    vec![
        Case {
            wrong: Deed::Restart,
            hurts: false,
            shows: 12,
            ..flagged(
                "heap-leak",
                &[(RSS_GROWTH, 100.0), (HEAP_GROWTH, 100.0)],
                &[Deed::Flag("search-cache", false), Deed::Restart],
                Deed::Flag("search-cache", true),
            )
        },
        Case {
            wrong: Deed::Restart,
            hurts: false,
            shows: 11,
            ..flagged(
                "buffer-leak",
                &[(RSS_GROWTH, 100.0), (EXTERNAL_GROWTH, 100.0)],
                &[Deed::Flag("export-buffers", false), Deed::Restart],
                Deed::Flag("export-buffers", true),
            )
        },
        Case { wrong: Deed::Restart, ..flagged("burst-oom", &[(KILLED, 1.0)], &[Deed::Limit("768Mi")], Deed::Limit("320Mi")) },
        Case {
            wrong: Deed::Limit("2Gi"),
            shows: 6,
            ..flagged(
                "old-space-near-cap",
                &[(GC, 0.1)],
                &[Deed::Options("--max-old-space-size=640")],
                Deed::Options("--max-old-space-size=320"),
            )
        },
    ]
}

fn away() -> Vec<Case> {
    let later = json!({ "recovers_after": 900 });
    vec![
        elsewhere("dependency-down", later.clone(), &[(ERRORS, 0.2), (CALL_FAILURES, 20.0), (ATTEMPTS, 2.0)]),
        elsewhere("dependency-slow", later, &[(ERRORS, 0.2), (CALL_FAILURES, 20.0), (P99_RATIO, 1.5)]),
        elsewhere(
            "dependency-refusing",
            json!({ "recovers_after": 900, "class": "quota", "share": 0.9 }),
            &[(ERRORS, 0.2), (CALL_FAILURES, 20.0)],
        ),
    ]
}

fn shipped() -> Vec<Case> {
    vec![
        released("bad-release", &[(ERRORS, 0.05)]),
        released("slow-release", &[(P99_RATIO, 1.5)]),
        released("never-ready-release", &[]),
        // The image has a tag that only the world knows: nobody brings it back by its digest.
        Case { undo: None, ..released("image-missing-release", &[]) },
        Case {
            wrong: Deed::Release("1.4.2"),
            ..flagged(
                "contracted-migration",
                &[(ERRORS, 0.05)],
                &[Deed::Release("1.5.0"), Deed::Flag("new-pricing", false)],
                Deed::Flag("new-pricing", true),
            )
        },
        Case { hurts: false, wrong: Deed::Restart, ..flagged("gitops", &[], &[Deed::Annotate("true")], Deed::Annotate("false")) },
        Case { shows: 5, ..released("sigterm", &[(ERRORS, 0.01)]) },
    ]
}
