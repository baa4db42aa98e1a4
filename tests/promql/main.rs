//! The simulated Prometheus API against a real Prometheus that holds the same samples: every answer, value by value. And alone: hostile
//! queries, limits, shapes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken test ends at once")]
#![allow(clippy::disallowed_methods, reason = "these tests start a server and read the runbooks")]
#![allow(clippy::print_stdout, reason = "the figures are printed")]

mod api;
mod bench;
mod compare;
mod hostile;
mod prometheus;
mod queries;
mod sample;
mod values;
