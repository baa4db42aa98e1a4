//! Every fault: its signs are where the runbooks look for them, the wrong cure leaves it, the right one ends it, and undoing that brings it
//! back. Signs are read as a responder reads them, through the Prometheus API; the truth is the world's own.

use std::time::Duration;

use qrh::drill::world::baseline::stepped;
use qrh::drill::world::object::Id;
use qrh::drill::world::plant::Fault;
use qrh::drill::world::plant::fault::KINDS;
use qrh::drill::world::service::{REGISTRY, digest};
use qrh::drill::world::{self, Kind, Running};
use serde_json::{Map, Value, json};

use crate::ground::{put_json, query};

const MINUTE: u64 = 60;

fn id() -> Id {
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
enum Deed {
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

async fn act(world: &Running, deed: Deed) {
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
            edit(world, |object| object["metadata"]["annotations"]["argocd.argoproj.io/skip-reconcile"] = json!(value))
        }
        Deed::Wait => {}
    }
}

/// A query of a runbook's, and from which value on it is a sign.
type Sign = (&'static str, f64);

struct Case {
    kind: &'static str,
    with: Value,
    /// Minutes until its signs show.
    shows: u64,
    signs: &'static [Sign],
    wrong: Deed,
    right: &'static [Deed],
    /// None: it can't be undone by anybody in the world.
    undo: Option<Deed>,
    /// Users notice it.
    hurts: bool,
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

fn cases() -> Vec<Case> {
    let plain = |kind, signs, right, undo| Case {
        kind,
        with: json!({}),
        shows: 3,
        signs,
        wrong: Deed::Scale(8),
        right,
        undo: Some(undo),
        hurts: true,
    };
    vec![
        plain(
            "sync-json",
            &[(CPU, 0.9), (COST, 1.5), (LAG, 0.5), (P99_RATIO, 1.5)],
            &[Deed::Flag("report-details", false)],
            Deed::Flag("report-details", true),
        ),
        plain(
            "sync-regex",
            &[(CPU, 0.9), (LAG, 0.4), (P99_RATIO, 1.5)],
            &[Deed::Flag("search-by-address", false)],
            Deed::Flag("search-by-address", true),
        ),
        Case {
            with: json!({ "version": "1.5.0", "flag": "" }),
            wrong: Deed::Restart,
            ..plain("compression", &[(CPU, 0.9), (LAG, 0.5), (P99_RATIO, 1.5)], &[Deed::Release("1.4.2")], Deed::Release("1.5.0"))
        },
        plain("crypto-burst", &[(THROTTLED, 0.25), (COST, 1.5)], &[Deed::Flag("signed-orders", false)], Deed::Flag("signed-orders", true)),
        plain("logger", &[(CPU, 0.9), (LAG, 0.1)], &[Deed::Flag("session-log", false)], Deed::Flag("session-log", true)),
        plain("retry-loop", &[(CPU, 0.5), (ATTEMPTS, 2.0), (CALL_FAILURES, 20.0)], &[Deed::Flag("upstream-retries", false)], Deed::Wait),
        Case {
            wrong: Deed::Restart,
            hurts: false,
            shows: 12,
            ..plain(
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
            ..plain(
                "buffer-leak",
                &[(EXTERNAL_GROWTH, 100.0), (RSS_GROWTH, 100.0)],
                &[Deed::Flag("export-buffers", false), Deed::Restart],
                Deed::Flag("export-buffers", true),
            )
        },
        Case { wrong: Deed::Restart, ..plain("burst-oom", &[(KILLED, 1.0)], &[Deed::Limit("768Mi")], Deed::Limit("320Mi")) },
        plain("gc-churn", &[(GC, 0.25), (P99_RATIO, 1.5)], &[Deed::Flag("fresh-catalogue", false)], Deed::Flag("fresh-catalogue", true)),
        Case {
            wrong: Deed::Limit("2Gi"),
            shows: 6,
            ..plain(
                "old-space-near-cap",
                &[(GC, 0.1)],
                &[Deed::Options("--max-old-space-size=640")],
                Deed::Options("--max-old-space-size=320"),
            )
        },
        Case {
            with: json!({ "recovers_after": 900 }),
            wrong: Deed::Restart,
            undo: None,
            ..plain("dependency-down", &[(ERRORS, 0.2), (CALL_FAILURES, 20.0), (ATTEMPTS, 2.0)], &[], Deed::Wait)
        },
        Case {
            with: json!({ "recovers_after": 900 }),
            undo: None,
            ..plain("dependency-slow", &[(ERRORS, 0.2), (CALL_FAILURES, 20.0), (P99_RATIO, 1.5)], &[], Deed::Wait)
        },
        Case {
            with: json!({ "recovers_after": 900, "class": "quota", "share": 0.9 }),
            undo: None,
            ..plain("dependency-refusing", &[(ERRORS, 0.2), (CALL_FAILURES, 20.0)], &[], Deed::Wait)
        },
        plain("bad-release", &[(ERRORS, 0.05)], &[Deed::Release("1.4.2")], Deed::Release("1.5.0")),
        plain("slow-release", &[(P99_RATIO, 1.5)], &[Deed::Release("1.4.2")], Deed::Release("1.5.0")),
        Case { wrong: Deed::Restart, ..plain("never-ready-release", &[], &[Deed::Release("1.4.2")], Deed::Release("1.5.0")) },
        Case { wrong: Deed::Restart, undo: None, ..plain("image-missing-release", &[], &[Deed::Release("1.4.2")], Deed::Wait) },
        Case {
            wrong: Deed::Release("1.4.2"),
            ..plain(
                "contracted-migration",
                &[(ERRORS, 0.05)],
                &[Deed::Release("1.5.0"), Deed::Flag("new-pricing", false)],
                Deed::Flag("new-pricing", true),
            )
        },
        Case { hurts: false, wrong: Deed::Restart, ..plain("gitops", &[], &[Deed::Annotate("true")], Deed::Annotate("false")) },
        Case { wrong: Deed::Restart, shows: 5, ..plain("sigterm", &[(ERRORS, 0.01)], &[Deed::Release("1.4.2")], Deed::Release("1.5.0")) },
    ]
}

async fn signs(world: &Running, case: &Case) -> Vec<bool> {
    let mut shown = Vec::new();
    for (text, least) in case.signs {
        let value = query(&world.prometheus_url(), text).await.unwrap_or_else(|| panic!("{}: {text} is empty", case.kind));
        shown.push(value >= *least);
    }
    shown
}

fn active(world: &Running) -> bool {
    let health = world.health("checkout");
    let fault = health.faults.iter().find(|fault| fault.id == "f").unwrap();
    assert_ne!(fault.active, fault.cured);
    fault.active
}

async fn play(case: Case) {
    let kind = case.kind;
    let world = world::start(stepped(11)).await.unwrap();
    let minutes = |minutes: u64| world.advance(Duration::from_secs(minutes * MINUTE));
    minutes(6);
    let before = world.health("checkout");
    assert!(before.healthy, "{kind}: {before:?}");
    assert!(signs(&world, &case).await.iter().all(|shown| !shown), "{kind}: a sign without the fault: {:?}", signs(&world, &case).await);
    world.put("f", fault(kind, &case.with));
    minutes(case.shows);
    assert!(active(&world), "{kind} does nothing");
    assert!(
        signs(&world, &case).await.iter().all(|shown| *shown),
        "{kind}: signs that don't show: {:?} {:?}",
        signs(&world, &case).await,
        world.health("checkout")
    );
    assert_eq!(!world.health("checkout").healthy, case.hurts, "{kind}: {:?}", world.health("checkout"));
    act(&world, case.wrong).await;
    minutes(4);
    assert!(active(&world), "{kind}: {:?} must not end it", case.wrong);
    if case.hurts {
        assert!(!world.health("checkout").healthy, "{kind}: {:?} must not heal it: {:?}", case.wrong, world.health("checkout"));
    }
    for deed in case.right {
        act(&world, *deed).await;
        minutes(2);
    }
    minutes(20);
    let after = world.health("checkout");
    assert!(!active(&world) && after.healthy, "{kind}: {:?} must end it: {after:?}", case.right);
    assert!(
        signs(&world, &case).await.iter().all(|shown| !shown) || kind == "burst-oom",
        "{kind}: signs stay: {:?}",
        signs(&world, &case).await
    );
    if let Some(undo) = case.undo {
        if kind == "retry-loop" {
            // Left alone the dependency is well, with retries or without: it takes another weakness to begin anew.
            act(&world, Deed::Flag("upstream-retries", true)).await;
        } else {
            act(&world, undo).await;
        }
        minutes(4);
        assert!(active(&world), "{kind}: it must come back");
    }
    world.stop().await;
}

macro_rules! played {
    ($($name:ident: $kind:literal,)*) => {
        $(#[tokio::test]
        async fn $name() {
            play(cases().into_iter().find(|case| case.kind == $kind).unwrap()).await;
        })*
        #[test]
        fn every_kind_is_played() {
            let played = [$($kind),*];
            assert_eq!(played.len(), KINDS.len());
            assert!(KINDS.iter().all(|kind| played.contains(&kind.name)));
        }
    };
}

played! {
    sync_json: "sync-json",
    sync_regex: "sync-regex",
    compression: "compression",
    crypto_burst: "crypto-burst",
    logger: "logger",
    retry_loop: "retry-loop",
    heap_leak: "heap-leak",
    buffer_leak: "buffer-leak",
    burst_oom: "burst-oom",
    gc_churn: "gc-churn",
    old_space_near_cap: "old-space-near-cap",
    dependency_down: "dependency-down",
    dependency_slow: "dependency-slow",
    dependency_refusing: "dependency-refusing",
    bad_release: "bad-release",
    slow_release: "slow-release",
    never_ready_release: "never-ready-release",
    image_missing_release: "image-missing-release",
    contracted_migration: "contracted-migration",
    gitops: "gitops",
    sigterm: "sigterm",
}

#[tokio::test]
async fn the_breaker_serves_users_while_the_dependency_is_down() {
    let world = world::start(stepped(5)).await.unwrap();
    world.put("f", fault("dependency-down", &json!({ "recovers_after": 0 })));
    world.advance(Duration::from_secs(180));
    assert!(world.health("checkout").error_share > 0.2);
    act(&world, Deed::Flag("payments-cache", true)).await;
    world.advance(Duration::from_secs(60));
    let health = world.health("checkout");
    assert!(health.healthy && health.faults[0].active, "{health:?}");
    world.advance(Duration::from_secs(3600));
    assert!(world.health("checkout").faults[0].active, "it was said not to recover");
    world.lift("f");
    assert!(world.health("checkout").faults.is_empty());
    world.stop().await;
}

#[test]
fn a_fault_that_is_not_one_says_why() {
    let read = |kind: &str, service: &str, with: Value| Fault::read(kind, service, with.as_object().unwrap()).unwrap_err();
    for (said, words) in [
        (read("sync-jsn", "checkout", json!({})), "there is no fault \"sync-jsn\"; there is: sync-json"),
        (read("sync-json", "check", json!({})), "there is no service \"check\"; there is: checkout, payments"),
        (read("sync-json", "checkout", json!({ "blockms": 1 })), "has no parameter \"blockms\"; it has: block_ms"),
        (read("sync-json", "checkout", json!({ "block_ms": -1 })), "must be a number from 1 to 5000, not -1"),
        (read("sync-json", "checkout", json!({ "flag": "a b" })), "must be a word"),
        (
            read("dependency-refusing", "checkout", json!({ "class": "dns" })),
            "must be one of down, quota, credentials, upstream, not \"dns\"",
        ),
    ] {
        assert!(said.contains(words), "{said}");
    }
    for kind in KINDS {
        assert!(Fault::read(kind.name, "checkout", &Map::new()).is_ok(), "{}: its defaults are allowed", kind.name);
        assert!(!kind.ends.is_empty() && !kind.about.is_empty());
    }
}
