//! Every cluster read of every runbook against the simulated world, over its real sockets: PromQL, Kubernetes, the service's endpoints,
//! and what is run in its containers.

use std::time::Duration;

use qrh::drill::world::baseline::stepped;
use qrh::drill::world::plant::Fault;
use qrh::drill::world::{self, Running};
use qrh::runbook::catalog::{self, Service};
use qrh::runbook::source::SourceFile;
use qrh::target::http::Client;
use qrh::target::kube::{Cluster, ConnectOptions, Source};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::reads::walk_all;
use crate::walk::{Hands, Kubes, Walk};

/// Where nothing fails, nothing is there to list, no share of it is anybody's, and no container has run before.
const EMPTY_IN_HEALTH: &[&str] = &["failures_by_class", "upstream_share", "crash_logs_kept", "logs_before_restart"];

/// After a rollout no pod is old enough for its growth in half an hour.
const EMPTY_AFTER_A_ROLLOUT: &[&str] = &["rss_growth", "heap_growth", "external_growth", "floor_growth", "memory_class"];

fn service(world: &Running, name: &str) -> Service {
    let text = world.catalog();
    let (catalog, diagnostics) = catalog::load(&SourceFile::new("services.yaml", text.clone().into_bytes()));
    assert!(diagnostics.is_empty(), "{diagnostics:?}\n{text}");
    catalog.unwrap().service(name).unwrap().clone()
}

async fn hands(world: &Running, empty: &'static [&'static str]) -> (Hands, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    std::fs::write(&file, world.kubeconfig()).unwrap();
    let service = service(world, "checkout");
    let source = Source::Kubeconfig(vec![file]);
    let options = ConnectOptions { source, context: Some("world".to_owned()), namespace: Some("shop".to_owned()) };
    let cluster = Cluster::connect(options).await.unwrap();
    let facts = cluster.facts("checkout", Some("checkout")).await;
    assert_eq!(facts["missing"], json!([]), "{facts}");
    let pod = world.objects().iter().find_map(|object| {
        (object["kind"] == "Pod" && object["metadata"]["labels"]["app"] == "checkout")
            .then(|| object["metadata"]["name"].as_str().unwrap().to_owned())
    });
    let pod = pod.unwrap();
    let said = vec![("which_flag", "report-details".to_owned()), ("pod_to_replace", pod.clone()), ("stuck_pod", pod)];
    (Hands { service, facts, cluster: Kubes::Running(Box::new(cluster)), http: Client::new(), said, empty }, dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_works_on_the_healthy_world() {
    let world = world::start(stepped(21)).await.unwrap();
    world.advance(Duration::from_secs(120));
    let (hands, _dir) = hands(&world, EMPTY_IN_HEALTH).await;
    walk_all(&hands).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_works_on_a_world_that_fails() {
    let world = world::start(stepped(22)).await.unwrap();
    let put = |id: &str, kind: &str, with: Value| {
        let with: Map<String, Value> = with.as_object().unwrap().clone();
        world.put(id, Fault::read(kind, "checkout", &with).unwrap());
    };
    put("slow", "dependency-refusing", json!({ "recovers_after": 0, "class": "quota", "share": 0.6 }));
    put("json", "sync-json", json!({}));
    put("release", "bad-release", json!({}));
    put("burst", "burst-oom", json!({ "every": 60 }));
    world.advance(Duration::from_secs(420));
    let (hands, _dir) = hands(&world, EMPTY_AFTER_A_ROLLOUT).await;
    walk_all(&hands).await;
    world.stop().await;
}

/// A fault, how long it has been there in minutes, and what its runbook must make of it.
type Lesson = (&'static str, u64, &'static str);

/// Each fault by itself leads its runbook to its cause: the evidence decides, not the person who answers.
async fn decided(book: &str, lessons: &[Lesson]) {
    for (kind, minutes, finding) in lessons {
        let epoch = jiff::Timestamp::now() - Duration::from_secs(60 * minutes);
        let world = world::start(world::Options { epoch: Some(epoch), ..stepped(22) }).await.unwrap();
        world.put("f", Fault::read(kind, "checkout", &Map::new()).unwrap());
        world.advance(Duration::from_secs(60 * minutes));
        let (hands, _dir) = hands(&world, EMPTY_IN_HEALTH).await;
        let runbook = crate::document::runbook(book);
        let mut walk = Walk::new(&runbook, &hands);
        walk.all().await;
        assert!(walk.found.iter().any(|found| found.contains(finding)), "{kind} in {book}: not {finding:?} but {:#?}", walk.found);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn high_cpu_tells_its_causes_apart() {
    decided(
        "high-cpu",
        &[
            ("sync-json", 5, "profile: The main thread ran in 1.0 of the samples"),
            ("crypto-burst", 5, "profile: The main thread waits while others work"),
            ("logger", 5, "causes: Log serialisation is likely"),
            ("retry-loop", 5, "causes: Retry loop"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_loop_latency_finds_the_blocking_call() {
    let lessons = [
        ("sync-json", 5, "search: 2 uses of JSON"),
        ("sync-regex", 5, "search: 2 uses of regular expressions"),
        ("compression", 5, "search: 1 calls compress"),
    ];
    decided("event-loop-latency", &lessons).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn high_memory_tells_its_signals_apart() {
    decided(
        "high-memory",
        &[
            ("heap-leak", 12, "identify: JavaScript objects are retained"),
            ("buffer-leak", 11, "identify: Buffers are held"),
            ("burst-oom", 36, "confirm: Killed although it mostly used less than 0.7"),
            ("gc-churn", 10, "signals: Garbage collection has doubled without more traffic"),
            ("old-space-near-cap", 10, "signals: The heap is near its cap of 320 MiB"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dependency_outage_names_the_class() {
    decided(
        "dependency-outage",
        &[("dependency-down", 5, "payments fails: class unreachable"), ("dependency-slow", 5, "payments fails: class slow")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_deploy_blames_the_release() {
    decided(
        "bad-deploy",
        &[
            ("bad-release", 5, "detect: Errors have at least doubled since a release"),
            ("slow-release", 5, "detect: Latency is"),
            ("image-missing-release", 5, "detect: 1 pods can't start"),
            ("sigterm", 5, "detect: Errors have at least doubled since a release"),
        ],
    )
    .await;
}
