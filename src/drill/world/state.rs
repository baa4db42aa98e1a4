//! The world as data, and the few ways to change it. Every change goes through `add`, `edit` or `remove` here: they give versions and
//! times, and tell the controllers. What the API allows is decided in `api`, what follows from a change in `control`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::clock::{Clock, later, stamp};
use super::control::{self, Work};
use super::json::{self, count, set, text};
use super::kind::Kind;
use super::object::{Id, Object};
use super::plant::Plant;
use super::seed::Seed;
use super::store::{HISTORY, Store};
use super::timer::{Due, Timers};

pub struct State {
    pub store: Store,
    pub clock: Clock,
    /// The moment being played; what happens now is stamped with it.
    pub now: Timestamp,
    pub seed: Seed,
    pub timers: Timers,
    pub dirty: BTreeSet<Work>,
    pub behaviour: Arc<dyn Behaviour>,
    pub plant: Plant,
    /// Lives of pods that something is still to happen to, by uid.
    pub lives: BTreeMap<String, control::pod::Life>,
    /// Images present on nodes, as (node, image).
    pub images: BTreeSet<(String, String)>,
    pub scaler: control::hpa::Memory,
    pub past: Past,
    /// Addresses given out so far, of pods and of services.
    pub addresses: (u32, u32),
}

/// Is the world's past being written? Then nothing takes time and nothing scales by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    Writing,
    Done,
}

impl State {
    pub fn new(seed: u64, clock: Clock, behaviour: Arc<dyn Behaviour>, plant: Plant) -> Self {
        let now = clock.now();
        let mut chance = Seed::new(seed);
        let version = 10_000 + chance.next() % 90_000;
        Self {
            store: Store::new(version, HISTORY),
            clock,
            now,
            seed: chance,
            timers: Timers::default(),
            dirty: BTreeSet::new(),
            behaviour,
            plant,
            lives: BTreeMap::new(),
            images: BTreeSet::new(),
            scaler: control::hpa::Memory::default(),
            past: Past::Writing,
            addresses: (0, 0),
        }
    }

    /// Plays everything that is due by the clock.
    pub fn catch_up(&mut self) {
        let until = self.clock.now();
        self.play(until);
    }

    /// Plays everything due up to a moment, in order, and stays there.
    pub fn play(&mut self, until: Timestamp) {
        self.settle();
        while let Some((time, due)) = self.timers.pop(until) {
            self.now = self.now.max(time);
            control::due(self, due);
            self.settle();
        }
        self.now = self.now.max(until);
    }

    /// Lets the controllers answer to what changed until nothing is left to answer.
    pub fn settle(&mut self) {
        while let Some(work) = self.dirty.pop_first() {
            control::work(self, work);
        }
    }

    pub fn after(&mut self, delay: Duration, due: Due) {
        self.timers.at(later(self.now, delay), due);
    }

    /// Fills in what the server decides about a new object: identity, times, generation.
    pub fn identify(&mut self, kind: Kind, value: &mut Value) {
        let uid = self.seed.uid();
        let now = stamp(self.now);
        let metadata = json::map_at(value, &["metadata"]);
        metadata.insert("uid".to_owned(), uid.into());
        metadata.insert("creationTimestamp".to_owned(), now.into());
        if has_generation(kind) {
            metadata.insert("generation".to_owned(), 1.into());
        }
        json::default(value, &["apiVersion"], kind.api_version());
        json::default(value, &["kind"], kind.info().kind);
    }

    /// Keeps a new object that has its identity.
    pub fn keep(&mut self, kind: Kind, mut value: Value) -> Arc<Object> {
        let version = self.store.next_version();
        set(&mut value, &["metadata", "resourceVersion"], version.to_string());
        let namespace = if kind.namespaced() { text(&value, "/metadata/namespace") } else { "" };
        let id = Id::new(kind, namespace, text(&value, "/metadata/name"));
        let before = self.store.get(&id).cloned();
        let object = self.store.put(Object::new(id, version, &value));
        control::notice(self, before.as_deref(), Some(&object));
        object
    }

    /// Makes an object; for controllers and scenarios.
    pub fn add(&mut self, kind: Kind, mut value: Value) -> Arc<Object> {
        self.identify(kind, &mut value);
        self.keep(kind, value)
    }

    /// Changes an object, if it is there and the change changes anything. A changed spec is a new generation.
    pub fn edit(&mut self, id: &Id, change: impl FnOnce(&mut Value)) -> Option<Arc<Object>> {
        let before = self.store.get(id)?.value();
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return self.store.get(id).cloned();
        }
        if has_generation(id.kind) && after.get("spec") != before.get("spec") {
            set(&mut after, &["metadata", "generation"], count(&before, "/metadata/generation") + 1);
        }
        Some(self.keep(id.kind, after))
    }

    /// Takes an object away for good, and what it owns with it.
    pub fn remove(&mut self, id: &Id) -> Option<Value> {
        let object = self.store.get(id)?.clone();
        let mut last = object.value();
        let version = self.store.next_version();
        set(&mut last, &["metadata", "resourceVersion"], version.to_string());
        self.store.take(Object::new(id.clone(), version, &last));
        control::notice(self, Some(&object), None);
        Some(last)
    }

    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        self.store.get(&Id::new(kind, namespace, name)).map(|object| object.value())
    }

    /// Asks every running container again how it goes on: a fault came or went.
    pub fn reconsider(&mut self) {
        let pods: Vec<Id> = self.store.list(Kind::Pod, "").filter(|pod| !pod.deleting).map(|pod| pod.id.clone()).collect();
        for pod in pods {
            control::pod::reconsider(self, &pod);
        }
        self.settle();
    }
}

/// Kinds that count the changes of their spec.
pub fn has_generation(kind: Kind) -> bool {
    match kind {
        Kind::Pod | Kind::Deployment | Kind::ReplicaSet | Kind::Pdb | Kind::EndpointSlice | Kind::NetworkPolicy => true,
        Kind::ConfigMap
        | Kind::Endpoints
        | Kind::Event
        | Kind::Namespace
        | Kind::Node
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::Service
        | Kind::Hpa
        | Kind::Lease => false,
    }
}

/// The reference a controller puts on what it makes.
pub fn controlled_by(owner: &Object) -> Value {
    let info = owner.id.kind.info();
    json!({
        "apiVersion": owner.id.kind.api_version(), "kind": info.kind, "name": owner.id.name, "uid": owner.uid,
        "controller": true, "blockOwnerDeletion": true,
    })
}
