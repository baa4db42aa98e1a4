//! kube-rs's watcher goes on over a 410 and a lost connection, and misses nothing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Config};
use qrh::drill::world::{self, Kind, Options, Running};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes connections on until it is told to cut them; then it takes new ones.
async fn cuttable(to: SocketAddr) -> (SocketAddr, watch::Sender<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cut, cuts) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut cuts = cuts.clone();
            cuts.borrow_and_update();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    _ = cuts.changed() => {}
                }
            });
        }
    });
    (address, cut)
}

async fn client(world: &Running, through: SocketAddr) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let text = world.kubeconfig().replace(&world.address().to_string(), &through.to_string());
    let mut config = Config::from_custom_kubeconfig(
        Kubeconfig::from_yaml(&text).unwrap(),
        &KubeConfigOptions { context: Some("world-admin".to_owned()), ..KubeConfigOptions::default() },
    )
    .await
    .unwrap();
    config.proxy_url = None;
    Client::try_from(config).unwrap()
}

fn add(world: &Running, name: &str) {
    let map = json!({ "metadata": { "name": name, "namespace": "shop", "labels": { "watched": "yes" } } });
    world.change(|state| state.add(Kind::ConfigMap, map));
}

async fn survives(config: watcher::Config) {
    let world = world::start(Options::default()).await.unwrap();
    let (address, cut) = cuttable(world.address()).await;
    let maps: Api<ConfigMap> = Api::namespaced(client(&world, address).await, "shop");
    let mut events = Box::pin(watcher::watcher(maps, config.labels("watched=yes")));
    let mut seen = BTreeSet::new();
    let mut rounds = 0;
    add(&world, "first");
    while !seen.contains("third") {
        let event = tokio::time::timeout(Duration::from_secs(60), events.next()).await.expect("an event").expect("the stream goes on");
        match event {
            Ok(Event::InitApply(map) | Event::Apply(map)) => {
                let name = map.metadata.name.unwrap();
                if name == "first" && seen.insert(name.clone()) {
                    // The line is lost, and what happened meanwhile is forgotten by the server: the watch from before is too old.
                    cut.send_modify(|cuts| *cuts += 1);
                    add(&world, "second");
                    world.compact();
                }
                if name == "second" && seen.insert(name.clone()) {
                    // Only the line is lost.
                    cut.send_modify(|cuts| *cuts += 1);
                    add(&world, "third");
                }
                seen.insert(name);
            }
            Ok(Event::Init) => rounds += 1,
            // What went wrong on the way; the watcher tries again by itself.
            Ok(Event::InitDone | Event::Delete(_)) | Err(_) => {}
        }
    }
    assert!(rounds >= 2, "a 410 makes it list again: {rounds}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_watcher_survives_410_and_a_lost_connection() {
    survives(watcher::Config::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streaming_watcher_survives_410_and_a_lost_connection() {
    survives(watcher::Config::default().streaming_lists()).await;
}
