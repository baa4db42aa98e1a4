//! The services as one reaches them: their endpoints from outside and through a port-forward, their containers, their logs, their usage,
//! and the Prometheus that scrapes them.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{AttachParams, LogParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use qrh::drill::world::baseline::stepped;
use qrh::drill::world::{self, Kind, Options, Pace, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ground::{get, put_json, query, series};
use crate::remedy::fault;

async fn client(world: &Running) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = KubeConfigOptions { context: Some("world".to_owned()), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(Kubeconfig::from_yaml(world.kubeconfig()).unwrap(), &options).await.unwrap();
    config.proxy_url = None;
    Client::try_from(config).unwrap()
}

fn pods(world: &Running) -> Vec<Value> {
    world.look(|state| state.store.list(Kind::Pod, "shop").map(|pod| pod.value()).collect::<Vec<_>>())
}

fn checkout(world: &Running) -> String {
    let pods = pods(world);
    let pod = pods.iter().find(|pod| pod["metadata"]["labels"]["app"] == "checkout").unwrap();
    pod["metadata"]["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn endpoints_answer_in_the_shapes_of_the_real_service() {
    let world = world::start(stepped(1)).await.unwrap();
    let url = world.service_url("checkout").unwrap();
    let (status, text) = get(&format!("{url}/livez")).await;
    assert_eq!((status, text.lines().next()), (200, Some("ok")), "{text}");
    assert!(text.contains("event_loop_delay_p99_ms "), "{text}");
    let (status, text) = get(&format!("{url}/readyz")).await;
    assert_eq!((status, text.as_str()), (200, "{\"ready\":true,\"reasons\":[]}\n"));
    let (_, text) = get(&format!("{url}/healthz")).await;
    let health: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&health["service"], &health["version"]), (&json!("checkout"), &json!("1.4.2")));
    let (_, text) = get(&format!("{url}/metrics")).await;
    for metric in
        ["process_cpu_seconds_total ", "nodejs_eventloop_lag_p99_seconds ", "http_requests_total{", "nodejs_heap_size_used_bytes "]
    {
        assert!(text.lines().any(|line| line.starts_with(metric)), "{metric} is missing: {text}");
    }
    assert_eq!(get(&format!("{url}/checkout")).await.0, 200);
    assert_eq!(get(&format!("{url}/nowhere")).await.0, 404);
    let (status, text) = get(&format!("{url}/flags/no-such")).await;
    assert_eq!(status, 404);
    assert!(text.contains("payments-cache"), "it names those there are: {text}");
    let changed = put_json(&format!("{url}/flags/payments-cache"), &json!({ "enabled": true })).await;
    assert_eq!(changed, json!({ "name": "payments-cache", "enabled": true, "previous": false }));
    let (_, text) = get(&format!("{url}/flags")).await;
    let flags: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(flags["payments-cache"]["enabled"], true);
    assert_eq!(flags["upstream-retries"]["enabled"], true);
    let wrong = put_json(&format!("{url}/flags/payments-cache"), &json!({ "enabled": "yes" })).await;
    assert!(wrong["error"].as_str().unwrap().contains("enabled"), "{wrong}");
    let (_, other) = get(&format!("{}/flags/payments-cache", world.service_url("payments").unwrap())).await;
    assert!(other.contains("\"enabled\":false"), "each service has its own: {other}");
    assert!(world.service_url("web").is_none());
    world.stop().await;
}

#[tokio::test]
async fn no_ready_pod_means_503_and_users_who_get_nothing() {
    let world = world::start(stepped(1)).await.unwrap();
    let id = world::object::Id::new(Kind::Deployment, "shop", "payments");
    world.change(|state| state.edit(&id, |object| object["spec"]["replicas"] = json!(0)));
    world.advance(Duration::from_secs(60));
    assert_eq!(get(&format!("{}/livez", world.service_url("payments").unwrap())).await.0, 503);
    let health = world.health("payments");
    assert!((health.error_share - 1.0).abs() < 1e-9 && !health.healthy && health.ready == 0, "{health:?}");
    assert_eq!(query(&world.prometheus_url(), r#"count(up{service="payments"})"#).await, None, "its series have ended");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_event_loop_answers_late_and_says_so() {
    let world = world::start(Options { pace: Pace::Scaled(200.0), ..Options::default() }).await.unwrap();
    world.put("f", fault("sync-json", &json!({ "block_ms": 4000 })));
    // Until a tick has played the fault.
    let url = format!("{}/livez", world.service_url("checkout").unwrap());
    let answer = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let began = std::time::Instant::now();
            let (status, text) = get(&url).await;
            if status == 503 {
                return (began.elapsed(), text);
            }
        }
    });
    let (took, text) = answer.await.expect("a pod that is blocked");
    assert!(text.starts_with("slow\n"), "{text}");
    let delay: f64 = text.lines().find_map(|line| line.strip_prefix("event_loop_delay_p99_ms ")).unwrap().parse().unwrap();
    assert!(delay >= 4000.0, "{text}");
    assert!(took.as_secs_f64() * 200.0 >= delay / 1000.0, "it took {took:?} at 200 times the pace");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_forward_reaches_the_same_endpoints() {
    let world = world::start(stepped(1)).await.unwrap();
    let api: Api<Pod> = Api::namespaced(client(&world).await, "shop");
    let mut forward = api.portforward(&checkout(&world), &[3000]).await.unwrap();
    let mut stream = forward.take_stream(3000).unwrap();
    stream.write_all(b"GET /flags/upstream-retries HTTP/1.1\r\nhost: pod\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"enabled\":true"), "{answer}");
    world.stop().await;
}

async fn exec(world: &Running, argv: &[&str]) -> String {
    let api: Api<Pod> = Api::namespaced(client(world).await, "shop");
    let mut process = api.exec(&checkout(world), argv.to_vec(), &AttachParams::default()).await.unwrap();
    let mut out = String::new();
    process.stdout().unwrap().read_to_string(&mut out).await.unwrap();
    let mut error = String::new();
    process.stderr().unwrap().read_to_string(&mut error).await.unwrap();
    out + &error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_shows_what_the_model_knows() {
    let world = world::start(stepped(1)).await.unwrap();
    world.put("f", fault("crypto-burst", &json!({})));
    world.advance(Duration::from_secs(120));
    let text = exec(&world, &["cat", "/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu.max"]).await;
    let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().parse::<f64>().unwrap();
    assert!(of("nr_throttled") > 0.0 && of("nr_periods") > of("nr_throttled"), "{text}");
    assert!(text.ends_with("100000 100000\n"), "{text}");
    let memory: f64 = exec(&world, &["cat", "/sys/fs/cgroup/memory.current"]).await.trim().parse().unwrap();
    let sets = series(&world.prometheus_url(), r#"container_memory_working_set_bytes{pod=~"checkout-.*"}"#).await;
    let same = sets.iter().any(|(labels, value)| labels["pod"] == checkout(&world).as_str() && (value - memory).abs() < 2.0);
    assert!(same, "one truth: {memory} and {sets:?}");
    let text = exec(&world, &["strace", "-p", "1"]).await;
    assert!(text.contains("not simulated: strace"), "{text}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_runs_into_the_limit_or_the_cap_and_the_evidence_stays() {
    let world = world::start(stepped(1)).await.unwrap();
    world.put("f", fault("buffer-leak", &json!({ "mib_per_minute": 400 })));
    world.advance(Duration::from_secs(200));
    let ended = |pod: &Value| pod["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
    let killed: Vec<Value> = pods(&world).iter().filter(|pod| pod["metadata"]["labels"]["app"] == "checkout").map(ended).collect();
    assert!(killed.iter().all(|end| end["reason"] == "OOMKilled" && end["exitCode"] == 137), "{killed:?}");
    let restarts = r#"sum(increase(kube_pod_container_status_restarts_total{namespace="shop",pod=~"checkout-.*"}[30m]))"#;
    assert!(query(&world.prometheus_url(), restarts).await.unwrap() >= 2.5);
    assert!(
        query(&world.prometheus_url(), r#"sum(kube_pod_container_status_last_terminated_reason{reason="OOMKilled"})"#).await.unwrap()
            >= 3.0
    );
    world.lift("f");
    world.advance(Duration::from_secs(900));
    world.put("f", fault("heap-leak", &json!({ "mib_per_minute": 400 })));
    world.advance(Duration::from_secs(180));
    let ends: Vec<Value> = pods(&world).iter().filter(|pod| pod["metadata"]["labels"]["app"] == "checkout").map(ended).collect();
    assert!(ends.iter().any(|end| end["reason"] == "Error" && end["exitCode"] == 134), "{ends:?}");
    let of_heap = pods(&world).into_iter().find(|pod| ended(pod)["exitCode"] == 134).unwrap();
    let api: Api<Pod> = Api::namespaced(client(&world).await, "shop");
    let name = of_heap["metadata"]["name"].as_str().unwrap();
    let log = api.logs(name, &LogParams { previous: true, tail_lines: Some(20), ..LogParams::default() }).await.unwrap();
    assert!(log.contains("FATAL ERROR: Ineffective mark-compacts near heap limit"), "{log}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_tell_the_class_of_an_error_in_its_cause() {
    let world = world::start(stepped(1)).await.unwrap();
    world.put("f", fault("dependency-down", &json!({})));
    world.advance(Duration::from_secs(300));
    let api: Api<Pod> = Api::namespaced(client(&world).await, "shop");
    let params = LogParams { since_seconds: Some(240), ..LogParams::default() };
    let log = api.logs(&checkout(&world), &params).await.unwrap();
    let again = api.logs(&checkout(&world), &params).await.unwrap();
    assert_eq!(log, again, "a line that was read stays what it was");
    let failed: Vec<Value> =
        log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|line| line["level"] == "error").collect();
    assert!(failed.len() > 40, "{}", failed.len());
    assert!(failed.iter().all(|line| line["err"]["cause"]["code"] == "EHOSTUNREACH" && line["err"]["message"] == "fetch failed"));
    world.stop().await;
}

#[tokio::test]
async fn usage_feeds_the_autoscaler_and_the_metrics_api() {
    let world = world::start(stepped(1)).await.unwrap();
    world.advance(Duration::from_secs(600));
    let replicas = |world: &Running| {
        let id = world::object::Id::new(Kind::Deployment, "shop", "checkout");
        world.look(|state| state.store.get(&id).map(|object| object.value()["spec"]["replicas"].as_i64().unwrap())).unwrap()
    };
    assert_eq!(replicas(&world), 3, "health needs no more");
    world.put("f", fault("sync-json", &json!({})));
    world.advance(Duration::from_secs(120));
    assert_eq!(replicas(&world), 6, "the autoscaler does what it can");
    world.lift("f");
    world.advance(Duration::from_secs(900));
    assert_eq!(replicas(&world), 3, "and goes back");
    world.stop().await;
}

#[tokio::test]
async fn a_seed_and_a_script_give_the_same_series() {
    async fn played(seed: u64) -> (Vec<Value>, Vec<(Value, f64)>) {
        let world = world::start(stepped(seed)).await.unwrap();
        world.put("release", fault("bad-release", &json!({})));
        world.advance(Duration::from_secs(180));
        world.put("leak", fault("buffer-leak", &json!({ "mib_per_minute": 300 })));
        for seconds in [7, 30, 111, 240] {
            world.advance(Duration::from_secs(seconds));
        }
        world.lift("release");
        world.advance(Duration::from_secs(60));
        let all = series(&world.prometheus_url(), r#"{__name__=~".+"}"#).await;
        let objects = world.objects();
        world.stop().await;
        (objects, all)
    }
    let (first, second, other) = (played(3).await, played(3).await, played(4).await);
    assert!(first.1.len() > 500, "{}", first.1.len());
    assert!(first == second, "the same seed, the same story");
    assert!(first.1 != other.1, "another seed, another story");
}

#[tokio::test]
async fn an_hour_before_the_story_is_known() {
    let world = world::start(stepped(1)).await.unwrap();
    for text in [
        r#"sum(rate(http_requests_total{service="checkout"}[2m] offset 1h))"#,
        r#"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{service="payments"}[5m] offset 1h)))"#,
        r#"sum(kube_deployment_status_replicas_ready{deployment="checkout"} offset 1h)"#,
        r#"max(max_over_time(nodejs_eventloop_lag_p99_seconds{service="checkout"}[2m] offset 1h))"#,
    ] {
        let value = query(&world.prometheus_url(), text).await.unwrap_or_else(|| panic!("{text} is empty"));
        assert!(value > 0.0, "{text}: {value}");
    }
    let rate = query(&world.prometheus_url(), r#"sum(rate(http_requests_total{service="checkout"}[2m]))"#).await.unwrap();
    assert!((110.0..130.0).contains(&rate), "{rate}");
    world.stop().await;
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let world = world::start(stepped(1)).await.unwrap();
    let url = format!("{}/flags/payments-cache", world.service_url("checkout").unwrap());
    let answer = put_json(&url, &json!({ "enabled": "x".repeat(100_000) })).await;
    assert!(answer["error"].as_str().unwrap().contains("65536"), "{answer}");
    world.stop().await;
}
