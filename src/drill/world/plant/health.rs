//! How a service is, in truth: for scores and success, never for the trainee.

/// Of the last thirty seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// Of all requests, 0 to 1: answered with 5xx, given up on, or with no pod to go to.
    pub error_share: f64,
    pub p99_ms: f64,
    /// Pods that are ready, and pods that the Deployment wants.
    pub ready: u32,
    pub wanted: u32,
    /// Users are served as they should be, and nothing is about to end that.
    pub healthy: bool,
    /// The release that most of its ready pods run.
    pub version: String,
    /// In the order they came; those of this service only.
    pub faults: Vec<FaultState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultState {
    pub id: String,
    /// It does something now.
    pub active: bool,
    /// It does nothing any more, because of what was done.
    pub cured: bool,
}
