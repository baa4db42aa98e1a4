//! The plant: what the shop's services do, pod by pod, in simulated time: load, CPU, event loop, latency, errors, memory, outbound calls.
//! A tick every [`TICK`] writes what a Prometheus would have scraped; faults bend it, and end when the right thing was done.
//!
//! What enters: pods as the cluster has them, flags, faults, and time. What leaves: series, usage, ends of processes, answers of endpoints.
//! No clock and no chance of its own: the same seed and script give the same series.

pub mod fault;
pub mod health;
mod model;
mod site;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::state::State;
pub use fault::Fault;
pub use health::{FaultState, Health};
pub use model::Model;
pub use site::{SERVICES, Site};

/// From one scrape to the next.
pub const TICK: Duration = Duration::from_secs(5);

/// The model, shared by the world's state, its programs and its servers. Its lock is taken last and for no longer than a look.
#[derive(Clone)]
pub struct Plant(Arc<Mutex<Model>>);

impl Plant {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Model::new(seed))))
    }

    pub fn lock(&self) -> MutexGuard<'_, Model> {
        // A panic in one request leaves the model as it was between two ticks.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a fault; one with the same id is lifted first.
pub fn put(state: &mut State, id: &str, fault: Fault) {
    lift(state, id);
    let since = state.now;
    state.plant.lock().faults.push(model::Placed { id: id.to_owned(), fault, since });
}

/// Takes a fault away. What it left behind in the cluster stays.
pub fn lift(state: &mut State, id: &str) {
    state.plant.lock().faults.retain(|placed| placed.id != id);
}

/// How a service is now.
pub fn health(state: &State, service: &str) -> Health {
    state.plant.lock().health(service)
}
