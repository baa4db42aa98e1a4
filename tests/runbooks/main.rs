//! The shipped runbooks, held to what they promise: they lint clean, every read of them works on a real service under a real
//! Prometheus and over recorded Kubernetes answers, every expression is decided there, and the table of coverage names steps that exist.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]
#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "test code reads better with values")]

#[allow(dead_code, reason = "shared with the adapter's own tests, which use all of it")]
#[path = "../kube_adapter/bench.rs"]
mod bench;
mod change;
mod coverage;
mod document;
mod reads;
#[allow(dead_code, reason = "shared with the adapter's own tests, which use all of it")]
#[path = "../kube_adapter/server.rs"]
mod server;
mod simulated;
mod walk;
mod world;
