//! Figures of the simulated cluster, printed beside what they should reach and never asserted: start, size, lists, watches. Run it on an
//! idle machine with `cargo bench --bench world`; each line says how it was measured.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use qrh::drill::world::kind::Kind;
use qrh::drill::world::object::Id;
use qrh::drill::world::{self, Options, Running};
use serde_json::{Value, json};

/// Pods of the large world, and of the server that lists them.
const PODS: usize = 10_000;
const WATCHES: usize = 1_000;
/// Each figure that is a median is one of so many.
const TIMES: usize = 11;
/// The large world has a process of its own, whose memory is all its.
const LARGE: &str = "QRH_BENCH_LARGE_WORLD";

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if std::env::var_os(LARGE).is_some() {
        runtime.block_on(large());
        return;
    }
    runtime.block_on(ready());
    Command::new(std::env::current_exe().unwrap()).env(LARGE, "1").status().unwrap();
    runtime.block_on(watches());
}

fn line(what: &str, found: &str, wanted: &str, how: &str) {
    println!("{what:<24}{found:>12}   (wanted {wanted}; {how})");
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn ready() {
    let mut times = Vec::new();
    for seed in 0..TIMES {
        let began = Instant::now();
        let world = world::start(Options { seed: seed as u64, ..Options::default() }).await.unwrap();
        times.push(began.elapsed());
        world.stop().await;
    }
    line("world ready", &ms(median(times)), "< 150 ms", "median of 11, from nothing to all its servers listening");
}

fn client() -> reqwest::Client {
    // Each watch has a connection of its own, as each client has.
    reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).http1_only().build().unwrap()
}

async fn ask(client: &reqwest::Client, world: &Running, path: &str) -> reqwest::Response {
    let response = client.get(format!("{}{path}", world.url())).bearer_auth(world.token("admin").unwrap()).send().await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    response
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

async fn large() {
    let before = resident_mib();
    let began = Instant::now();
    let world = world::start(Options { pods: PODS, ..Options::default() }).await.unwrap();
    line("world of 10,000 pods", &ms(began.elapsed()), "< 2 s", "one start");
    let now = resident_mib();
    line("  its memory", &format!("{now:.0} MiB"), "< 300 MiB", &format!("VmRSS of the whole process; {before:.0} before"));
    let client = client();
    for (what, path, accept) in [
        ("  list of 10,000 pods", "/api/v1/namespaces/fleet/pods", "application/json"),
        ("  the same as a table", "/api/v1/namespaces/fleet/pods", "application/json;as=Table;v=v1;g=meta.k8s.io"),
    ] {
        let (mut times, mut size) = (Vec::new(), 0);
        for _ in 0..TIMES {
            let began = Instant::now();
            let request = client.get(format!("{}{path}", world.url())).header("accept", accept);
            let body = request.bearer_auth(world.token("admin").unwrap()).send().await.unwrap().bytes().await.unwrap();
            times.push(began.elapsed());
            size = body.len();
        }
        let how = format!("median of 11, over TLS to its last byte, {:.1} MiB", size as f64 / 1_048_576.0);
        line(what, &ms(median(times)), "< 300 ms", &how);
    }
    line("  memory after lists", &format!("{:.0} MiB", resident_mib()), "< 300 MiB", "VmRSS, with the client that asked");
    world.stop().await;
}

/// All watch one object's kind; one change is made; all of them hear of it.
async fn watches() {
    let world = world::start(Options::default()).await.unwrap();
    let before = resident_mib();
    let client = client();
    let list: Value = ask(&client, &world, "/api/v1/namespaces/shop/configmaps").await.json().await.unwrap();
    let path =
        format!("/api/v1/namespaces/shop/configmaps?watch=1&resourceVersion={}", list["metadata"]["resourceVersion"].as_str().unwrap());
    let began = Instant::now();
    let mut open = Vec::new();
    for _ in 0..WATCHES {
        open.push(ask(&client, &world, &path).await.bytes_stream());
    }
    line("1,000 watches opened", &ms(began.elapsed()), "to be served", "one after the other, each over TLS of its own");
    let began = Instant::now();
    world.change(|state| state.edit(&Id::new(Kind::ConfigMap, "shop", "checkout-config"), |map| map["data"]["bench"] = json!("1")));
    let mut heard: FuturesUnordered<_> = open.iter_mut().map(futures::StreamExt::next).collect();
    let mut events = 0;
    while let Some(Some(Ok(_))) = heard.next().await {
        events += 1;
    }
    assert_eq!(events, WATCHES);
    drop(heard);
    line("  one event to all", &ms(began.elapsed()), "to be served", "from the change to the last of them");
    line("  their memory", &format!("{:.0} MiB", resident_mib() - before), "bounded", "VmRSS, server and clients in one process");
    drop(open);
    world.stop().await;
}
