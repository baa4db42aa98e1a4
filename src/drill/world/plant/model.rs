//! The state of the plant.

use jiff::Timestamp;

use super::fault::Fault;
use super::health::Health;
use crate::drill::world::promql::Store;

/// Series kept, at most; a pod has about 130.
const SERIES: usize = 60_000;
/// Samples kept of each: three hours at one every five seconds.
const SAMPLES: usize = 2_200;

/// A fault that was put.
pub struct Placed {
    pub id: String,
    pub fault: Fault,
    pub since: Timestamp,
}

pub struct Model {
    pub seed: u64,
    pub faults: Vec<Placed>,
    pub store: Store,
}

impl Model {
    pub fn new(seed: u64) -> Self {
        Self { seed, faults: Vec::new(), store: Store::new(SAMPLES, SERIES) }
    }

    pub fn health(&self, _service: &str) -> Health {
        Health::default()
    }
}
