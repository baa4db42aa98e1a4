//! The Kubernetes adapter against a scripted API server over real HTTP: what each verb sends, what each failure says, and that our
//! kubectl lines do the same when the real kubectl runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]
#![allow(clippy::needless_pass_by_value, reason = "test code reads better with values")]

mod bench;
mod changes;
mod connect;
mod facts;
mod failures;
mod kubectl;
mod reads;
mod server;
