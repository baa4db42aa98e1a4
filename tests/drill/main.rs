//! Drills as they are played: each by its autopilot, twice alike, with nothing outside its world in reach, and with a facilitator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read clocks and files, and start processes, themselves")]

mod facilitate;
mod home;
mod isolation;
mod local;
mod overture;
mod play;
mod same;
mod world;
