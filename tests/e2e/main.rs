//! qrh end to end: the real program on a terminal, a real service with a real fault, a real Prometheus; driven by keys, waiting for text,
//! and checked against what the service and the log say themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read clocks and files, and start processes, themselves")]

mod bad_deploy;
mod console;
mod down;
mod drill;
mod high_cpu;
mod log;
mod narrow;
mod pty;
mod resume;
mod terminal;
mod world;
