//! The plant: what the shop's services do, pod by pod, in simulated time: load, CPU, event loop, latency, errors, memory, outbound calls.
//! A tick every [`TICK`] writes what a Prometheus would have scraped; faults bend it, and end when the right thing was done.
//!
//! What enters: pods as the cluster has them, flags, faults, and time. What leaves: series, usage, ends of processes, answers of endpoints.
//! No clock and no chance of its own: the same seed and script give the same series.

mod answer;
mod begin;
mod body;
mod code;
mod effect;
mod facts;
pub mod fault;
mod flag;
mod flow;
mod git;
mod health;
mod inside;
mod latency;
mod line;
mod memory;
mod model;
mod program;
mod sigterm;
mod site;
mod tick;
mod upstream;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use begin::{lift, put};
pub use fault::Fault;
pub use health::{FaultState, Health, of as health};
pub use inside::{Doing, Inside, Work};
pub use memory::{MIB, Memory};
pub use model::Model;
pub use program::{Sent, Shop, Whole, send};
pub use site::{SERVICES, Site};
pub use tick::{begin, due};

/// From one scrape to the next.
pub const TICK: Duration = Duration::from_secs(5);
/// Where the services are.
pub const NAMESPACE: &str = "shop";

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
