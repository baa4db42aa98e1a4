//! What the API guard costs: a GET through it beside the same GET without it, and how fast a watch streams. Printed, never asserted:
//! `cargo bench --bench guard`. The API server behind it is a stand-in that answers at once, so that the guard is what is measured.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::convert::Infallible;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use qrh::target::kube::{Cluster, ConnectOptions, Secrets, Source};
use reqwest::{Certificate, Client};
use tokio::net::TcpListener;

const ROUNDS: usize = 400;
/// An event of a watch: a pod of ordinary size.
const EVENT: usize = 6 * 1024;
const EVENTS: usize = 32 * 1024;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let upstream = upstream().await;
        let directory = tempfile::tempdir().unwrap();
        let options = ConnectOptions { source: Source::Text(kubeconfig(&upstream)), context: None, namespace: None };
        let guard = Cluster::connect(options).await.unwrap().guard(directory.path(), Secrets::Releases).await.unwrap();
        let config: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(guard.kubeconfig()).unwrap()).unwrap();
        let (door, client) = through(&config);
        let bare = Client::builder().no_proxy().build().unwrap();
        get(&bare, &upstream, &client, &door).await;
        println!("watch without the guard {:.0} MB/s", watch(&bare, &upstream).await);
        println!("watch through the guard {:.0} MB/s [50]", watch(&client, &door).await);
    });
}

async fn get(bare: &Client, upstream: &str, guarded: &Client, door: &str) {
    let path = "/api/v1/namespaces/shop/pods/web";
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(once(bare, &format!("{upstream}{path}")).await);
        with.push(once(guarded, &format!("{door}{path}")).await);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    let (without, with) = (median(&mut without), median(&mut with));
    println!("GET without the guard   {without:.3} ms, through it {with:.3} ms: {:.3} ms more [1] (medians of {ROUNDS})", with - without);
}

async fn once(client: &Client, url: &str) -> Duration {
    let began = Instant::now();
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    began.elapsed()
}

async fn watch(client: &Client, server: &str) -> f64 {
    let answer = client.get(format!("{server}/api/v1/pods?watch=true")).send().await.unwrap();
    let (began, mut bytes) = (Instant::now(), 0);
    let mut body = answer.bytes_stream();
    while let Some(chunk) = body.next().await {
        bytes += chunk.unwrap().len();
    }
    assert_eq!(bytes, EVENT * EVENTS);
    bytes as f64 / 1e6 / began.elapsed().as_secs_f64()
}

/// The guard's address, and a client with its certificate and token.
fn through(config: &serde_json::Value) -> (String, Client) {
    let cluster = &config["clusters"][0]["cluster"];
    let authority: k8s_openapi::ByteString = serde_json::from_value(cluster["certificate-authority-data"].clone()).unwrap();
    let mut headers = reqwest::header::HeaderMap::new();
    let token = config["users"][0]["user"]["token"].as_str().unwrap();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let client = Client::builder().no_proxy().tls_certs_only([Certificate::from_pem(&authority.0).unwrap()]).default_headers(headers);
    (cluster["server"].as_str().unwrap().to_owned(), client.build().unwrap())
}

fn kubeconfig(server: &str) -> String {
    serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bench",
        "clusters": [{ "name": "bench", "cluster": { "server": server } }],
        "users": [{ "name": "bench", "user": { "token": "t" } }],
        "contexts": [{ "name": "bench", "context": { "cluster": "bench", "user": "bench" } }],
    })
    .to_string()
}

/// A stand-in for an API server, over plain HTTP.
async fn upstream() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let _ = connection.set_nodelay(true);
            let server = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service_fn(answer));
            tokio::spawn(async move { drop(server.await) });
        }
    });
    format!("http://{address}")
}

async fn answer(
    request: Request<hyper::body::Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let events = if request.uri().query().is_some() { EVENTS } else { 1 };
    let frame = "{\"type\":\"MODIFIED\",\"pad\":\"\"}\n".len();
    let event = Bytes::from(format!("{{\"type\":\"MODIFIED\",\"pad\":\"{}\"}}\n", "x".repeat(EVENT - frame)));
    let frames = futures::stream::iter((0..events).map(move |_| Ok::<_, Infallible>(Frame::data(event.clone()))));
    Ok(Response::new(StreamBody::new(frames)))
}
