//! Same seed, same script, same objects; another seed, another cluster.

use std::time::Duration;

use proptest::prelude::*;
use qrh::drill::world::baseline::stepped;
use qrh::drill::world::object::Id;
use qrh::drill::world::{self, Kind, Running};
use serde_json::{Value, json};

#[derive(Debug, Clone)]
enum Deed {
    Wait(u64),
    Scale(i64),
    Image(bool),
    Pause(bool),
    DeletePod(usize),
    Cordon(usize, bool),
    Relabel(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        (1..900_u64).prop_map(Deed::Wait),
        (0..7_i64).prop_map(Deed::Scale),
        any::<bool>().prop_map(Deed::Image),
        any::<bool>().prop_map(Deed::Pause),
        (0..4_usize).prop_map(Deed::DeletePod),
        (1..3_usize, any::<bool>()).prop_map(|(node, on)| Deed::Cordon(node, on)),
        (0..4_usize).prop_map(Deed::Relabel),
    ]
}

fn pod(world: &Running, index: usize) -> Option<Id> {
    world.look(|state| state.store.list(Kind::Pod, "shop").nth(index).map(|pod| pod.id.clone()))
}

fn play(world: &Running, deed: &Deed) {
    let checkout = Id::new(Kind::Deployment, "shop", "checkout");
    let edit = |id: &Id, pointer: &'static str, value: Value| {
        world.change(|state| {
            state.edit(id, |object| {
                let path: Vec<&str> = pointer.split('/').collect();
                world::json::set(object, &path, value);
            });
        });
    };
    match deed {
        Deed::Wait(seconds) => world.advance(Duration::from_secs(*seconds)),
        Deed::Scale(replicas) => edit(&checkout, "spec/replicas", json!(replicas)),
        // A release that does not exist never gets ready, and meets its deadline.
        Deed::Image(exists) => world.change(|state| {
            let image = if *exists { "registry.example.com/checkout:1.5.0" } else { "registry.example.com/checkout:nope" };
            state.edit(&checkout, |object| object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image));
        }),
        Deed::Pause(paused) => edit(&checkout, "spec/paused", json!(paused)),
        Deed::DeletePod(index) => {
            if let Some(id) = pod(world, *index) {
                world.change(|state| world::control::pod::terminate(state, &id, None));
            }
        }
        Deed::Cordon(node, on) => edit(&Id::new(Kind::Node, "", &format!("node-{node}")), "spec/unschedulable", json!(on)),
        Deed::Relabel(index) => {
            if let Some(id) = pod(world, *index) {
                edit(&id, "metadata/labels/app", json!("quarantine"));
            }
        }
    }
}

fn story(seed: u64, script: &[Deed]) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = world::start(stepped(seed)).await.unwrap();
        for deed in script {
            play(&world, deed);
        }
        let objects = world.objects();
        world.stop().await;
        objects
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn a_seed_and_a_script_lead_to_one_world(seed in any::<u64>(), script in proptest::collection::vec(deed(), 0..12)) {
        prop_assert_eq!(story(seed, &script), story(seed, &script));
    }

    #[test]
    fn a_rollout_left_alone_settles(seed in any::<u64>(), script in proptest::collection::vec(deed(), 0..8)) {
        let mut script = script;
        script.extend([Deed::Pause(false), Deed::Cordon(1, false), Deed::Cordon(2, false), Deed::Scale(3), Deed::Image(true), Deed::Wait(900)]);
        let objects = story(seed, &script);
        let checkout = objects.iter().find(|object| object["kind"] == "Deployment" && object["metadata"]["name"] == "checkout").unwrap();
        for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
            prop_assert_eq!(&checkout["status"][field], &json!(3), "{}: {}", field, checkout["status"]);
        }
    }
}

#[test]
fn another_seed_is_another_cluster() {
    let uids = |seed| story(seed, &[]).iter().map(|object| object["metadata"]["uid"].clone()).collect::<Vec<_>>();
    assert_ne!(uids(1), uids(2));
}
