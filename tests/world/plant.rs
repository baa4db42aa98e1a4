//! Every fault: its signs are where the runbooks look for them, the wrong cure leaves it, the right one ends it, and undoing that brings it
//! back. Signs are read as a responder reads them, through the Prometheus API; the truth is the world's own.

use std::time::Duration;

use qrh::drill::world::baseline::stepped;
use qrh::drill::world::plant::Fault;
use qrh::drill::world::plant::fault::KINDS;
use qrh::drill::world::{self, Kind, Options, Running};
use serde_json::{Map, Value, json};

use crate::ground::query;
use crate::remedy::{Case, Deed, act, cases, fault, id};

const MINUTE: u64 = 60;

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
        act(&world, undo).await;
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

#[tokio::test]
async fn what_git_says_comes_back_until_it_is_told_not_to() {
    let faults = [("release", "bad-release"), ("git", "gitops")].map(|(id, kind)| (id.to_owned(), fault(kind, &json!({}))));
    let world = world::start(Options { faults: faults.to_vec(), ..stepped(6) }).await.unwrap();
    let version = |world: &Running| {
        let object = world.look(|state| state.store.get(&id()).map(|object| object.value())).unwrap();
        object["spec"]["template"]["metadata"]["labels"]["version"].as_str().unwrap().to_owned()
    };
    world.advance(Duration::from_secs(120));
    act(&world, Deed::Release("1.4.2")).await;
    world.advance(Duration::from_secs(30));
    assert_eq!(version(&world), "1.5.0", "git still says the bad release");
    let object = world.look(|state| state.get(Kind::Deployment, "shop", "checkout")).unwrap();
    let managers: Vec<&str> =
        object["metadata"]["managedFields"].as_array().unwrap().iter().map(|entry| entry["manager"].as_str().unwrap()).collect();
    assert!(managers.contains(&"argocd-controller"), "{managers:?}");
    assert!(object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"].is_string());
    act(&world, Deed::Annotate("true")).await;
    act(&world, Deed::Release("1.4.2")).await;
    world.advance(Duration::from_secs(300));
    assert_eq!(version(&world), "1.4.2");
    let health = world.health("checkout");
    assert!(health.healthy && health.faults.iter().all(|fault| fault.cured), "{health:?}");
    assert_eq!(health.version, "1.4.2");
    world.stop().await;
}
