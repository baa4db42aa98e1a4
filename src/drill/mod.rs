//! Drills: a simulated world behind real protocols, and the scenarios that train people on it.
//!
//! Nothing here reaches outside of the machine.

pub mod world;
