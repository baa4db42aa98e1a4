//! Programs that misbehave: what a fault put over the healthy behaviour looks like from outside, and that it ends when it is undone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use qrh::drill::world::baseline::stepped;
use qrh::drill::world::behaviour::{Behaviour, Exit, Line, Pull, Ran, Run, Talk, Usage, View};
use qrh::drill::world::service::Healthy;
use qrh::drill::world::{self, Kind, Options, Running};
use serde_json::{Value, json};
use tokio::io::DuplexStream;

/// Checkout is killed for its memory a while after it starts, or never gets ready, while the fault is on.
struct Faulty {
    on: AtomicBool,
    killed_after: Option<Duration>,
}

impl Behaviour for Faulty {
    fn pull(&self, image: &str) -> Pull {
        Healthy.pull(image)
    }

    fn run(&self, view: &View<'_>) -> Run {
        let healthy = Healthy.run(view);
        if !self.on.load(Ordering::SeqCst) || view.container["name"] != "checkout" {
            return healthy;
        }
        match self.killed_after {
            Some(after) => Run { exit: Some(Exit { after, code: 137, reason: "OOMKilled", message: String::new() }), ..healthy },
            None => Run { ready_after: None, ..healthy },
        }
    }

    fn usage(&self, view: &View<'_>) -> Usage {
        Healthy.usage(view)
    }

    fn log(&self, view: &View<'_>, after: Timestamp, until: Timestamp, limit: usize) -> Vec<Line> {
        Healthy.log(view, after, until, limit)
    }

    fn next_line(&self, view: &View<'_>, after: Timestamp) -> Option<Timestamp> {
        Healthy.next_line(view, after)
    }

    fn exec(&self, view: &View<'_>, argv: &[String], stdin: &[u8]) -> Ran {
        Healthy.exec(view, argv, stdin)
    }

    fn connect(&self, view: &View<'_>, port: u16, stream: DuplexStream) -> Option<Talk> {
        Healthy.connect(view, port, stream)
    }
}

async fn start(killed_after: Option<Duration>) -> (Running, Arc<Faulty>) {
    let fault = Arc::new(Faulty { on: AtomicBool::new(false), killed_after });
    let world = world::start(Options { behaviour: Some(fault.clone()), ..stepped(7) }).await.unwrap();
    (world, fault)
}

fn turn(world: &Running, fault: &Faulty, on: bool) {
    fault.on.store(on, Ordering::SeqCst);
    world.change(world::state::State::reconsider);
}

fn pods(world: &Running) -> Vec<Value> {
    world.look(|state| {
        state.store.list(Kind::Pod, "shop").filter(|pod| pod.id.name.starts_with("checkout")).map(|pod| pod.value()).collect()
    })
}

fn deployment(world: &Running) -> Value {
    world.look(|state| state.get(Kind::Deployment, "shop", "checkout")).unwrap()
}

fn reasons(world: &Running) -> Vec<String> {
    world.look(|state| state.store.list(Kind::Event, "shop").map(|event| event.value()["reason"].as_str().unwrap().to_owned()).collect())
}

#[tokio::test]
async fn memory_kills_are_told_by_last_state_and_back_off_grows() {
    let (world, fault) = start(Some(Duration::from_secs(20))).await;
    turn(&world, &fault, true);
    // The pods ran for days: they are killed at once, and again twenty seconds after each restart.
    world.advance(Duration::from_secs(60));
    for pod in pods(&world) {
        let status = &pod["status"]["containerStatuses"][0];
        assert!(status["restartCount"].as_i64().unwrap() >= 2, "{status}");
        assert_eq!(status["lastState"]["terminated"]["reason"], "OOMKilled", "{status}");
        assert_eq!(status["lastState"]["terminated"]["exitCode"], 137);
    }
    world.advance(Duration::from_secs(1200));
    let waiting =
        pods(&world).iter().filter(|pod| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff").count();
    assert!(waiting >= 2, "after twenty minutes most of the time is back-off: {waiting}");
    let restarts = pods(&world)[0]["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap();
    assert!((6..=12).contains(&restarts), "the waits double up to five minutes: {restarts}");
    assert!(reasons(&world).iter().any(|reason| reason == "BackOff"));
    let endpoints = world.look(|state| state.get(Kind::Endpoints, "shop", "checkout")).unwrap();
    assert!(endpoints["subsets"][0]["notReadyAddresses"].is_array(), "{endpoints}");
    turn(&world, &fault, false);
    world.advance(Duration::from_secs(400));
    assert_eq!(deployment(&world)["status"]["readyReplicas"], 3, "the fault is gone: {}", deployment(&world)["status"]);
    world.stop().await;
}

#[tokio::test]
async fn a_release_that_never_gets_ready_meets_its_deadline_and_spares_the_old_pods() {
    let (world, fault) = start(None).await;
    fault.on.store(true, Ordering::SeqCst);
    let id = world::object::Id::new(Kind::Deployment, "shop", "checkout");
    world.change(|state| {
        state.edit(&id, |object| {
            object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example.com/checkout:1.5.0");
        });
    });
    world.advance(Duration::from_secs(300));
    assert_eq!(deployment(&world)["status"]["readyReplicas"], 3, "maxUnavailable is 0: the old ones serve on");
    assert_eq!(deployment(&world)["status"]["unavailableReplicas"], 1);
    world.advance(Duration::from_secs(400));
    let conditions = deployment(&world)["status"]["conditions"].clone();
    let progressing = conditions.as_array().unwrap().iter().find(|condition| condition["type"] == "Progressing").unwrap().clone();
    assert_eq!((&progressing["status"], &progressing["reason"]), (&json!("False"), &json!("ProgressDeadlineExceeded")), "{progressing}");
    world.stop().await;
}

#[tokio::test]
async fn an_image_that_does_not_exist_backs_off() {
    let (world, _) = start(None).await;
    let id = world::object::Id::new(Kind::Deployment, "shop", "checkout");
    world.change(|state| {
        state
            .edit(&id, |object| object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example.com/checkout:nope"));
    });
    world.advance(Duration::from_secs(120));
    let bad = pods(&world).into_iter().find(|pod| pod["status"]["phase"] == "Pending").expect("a pod that can't start");
    assert_eq!(bad["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "ImagePullBackOff");
    assert_eq!(pods(&world).len(), 4);
    world.stop().await;
}
