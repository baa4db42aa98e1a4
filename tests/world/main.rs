//! The simulated world against clients nobody here wrote: two versions of kubectl, helm, and kube-rs's watcher; and against itself, for
//! the promise that a seed and a script always lead to the same objects.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]
#![allow(clippy::needless_pass_by_value, reason = "test code reads better with values")]

mod cases;
mod conformance;
mod document;
mod fault;
mod ground;
mod helm;
mod plant;
mod remedy;
mod seed;
mod service;
mod watcher;
