//! Every read of every runbook, on both kinds of target.

use std::path::Path;
use std::time::Duration;

use qrh::action::kube::Kube;
use qrh::action::run::Run;
use qrh::action::{Ending, Report};
use qrh::target::host;
use qrh::target::http::Client;
use qrh::target::stream::Conduct;
use serde_json::{Value, json};

use crate::bench::{Bench, PODS, conduct, data};
use crate::document::{IDS, runbook};
use crate::server::Answer;
use crate::walk::{Hands, Kubes, Walk};
use crate::world::World;

/// The world is old enough when a rate some seconds ago is known, and something has failed.
async fn ready(world: &World, http: &Client) {
    let query = "sum(rate(outbound_requests_total{outcome=\"failure\"}[4s] offset 5s)) > 0";
    let ask = qrh::action::promql::Promql { query: query.to_owned(), server: Some(world.prometheus.clone()), range: None, step: None };
    for _ in 0..300 {
        let (conduct, _lines) = conduct(Duration::from_secs(5));
        if qrh::target::prometheus::query(http, &ask, &conduct).await.out["count"] == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("Prometheus has no data of the service after a minute");
}

pub async fn walk_all(hands: &Hands) {
    let books: Vec<_> = IDS.into_iter().map(runbook).collect();
    let walks = books.iter().map(|book| async {
        let mut walk = Walk::new(book, hands);
        walk.all().await;
        assert!(walk.ran >= 20, "{}: only {} reads ran", book.id, walk.ran);
        walk.problems
    });
    let problems: Vec<String> = futures::future::join_all(walks).await.concat();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn every_read_works_on_a_real_host_service_and_every_expression_over_it_is_decided() {
    let world = World::start();
    let http = Client::new();
    ready(&world, &http).await;
    let hands = Hands { service: world.on_host(), facts: world.facts().await, cluster: Kubes::None, http, said: Vec::new(), empty: &[] };
    walk_all(&hands).await;
}

#[tokio::test]
async fn every_read_works_over_recorded_kubernetes_answers_and_every_expression_over_them_is_decided() {
    let world = World::start();
    let http = Client::new();
    ready(&world, &http).await;
    let bench = shop().await;
    let facts = bench.cluster.facts("web", Some("app")).await;
    let hands = Hands { service: world.in_cluster(), facts, cluster: Kubes::Recorded(Box::new(bench)), http, said: Vec::new(), empty: &[] };
    walk_all(&hands).await;
}

/// The recorded shop, with what the runbooks ask for beyond it.
async fn shop() -> Bench {
    let bench = Bench::new().await;
    let pods = data("pods.json");
    for pod in pods["items"].as_array().unwrap() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let line = "{\"level\":\"error\",\"err\":{\"code\":\"ECONNREFUSED\"}}\n";
        bench.server.on(&format!("GET {PODS}/{name}/log"), [Answer::Parts(vec![line], false)]);
        bench.server.json(&format!("GET {PODS}/{name}"), pod.clone());
    }
    let list = |kind: &str, items: Value| json!({"kind": kind, "apiVersion": "v1", "metadata": {}, "items": items});
    let service = json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}});
    bench.server.json("GET /api/v1/namespaces/shop/services", list("ServiceList", json!([service])));
    bench.server.json("GET /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies", list("NetworkPolicyList", json!([])));
    let autoscalers = data("hpas.json");
    bench.server.json("GET /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web", autoscalers["items"][0].clone());
    bench.server.json("GET /apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", data("pod_metrics.json"));
    bench
}

/// Reads go through the adapter. What is run inside a container is run here instead: its script is what is tested.
pub async fn kube(bench: &Bench, kube: &Kube, conduct: &Conduct) -> Report {
    let Kube::Exec(exec) = kube else { return bench.cluster.read(kube, conduct).await };
    if exec.argv.iter().any(|argument| argument.ends_with("cpu.stat")) {
        let text = "usage_usec 1\nnr_periods 100\nnr_throttled 30\nthrottled_usec 5\n50000 100000\n";
        return Report { out: json!(text), exit: Some(0), ..Report::ended(Ending::Succeeded) };
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/service").display().to_string();
    host::run(&Run { argv: exec.argv.clone(), env: std::collections::BTreeMap::new(), dir: Some(dir) }, conduct).await
}
