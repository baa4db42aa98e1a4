//! Drills: a world that behaves, and what trains people in it.
//!
//! May use `runbook` and `timeline`; never a real target. The world is reached over loopback by the same clients a real cluster has.

pub mod exercise;
pub mod local;
pub mod scenario;
pub mod score;
pub mod world;
