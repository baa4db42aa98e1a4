//! The machine's lifecycles, each step of them, with a log, a target and a clock that are the test's own.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks the one effect it asks for")]

mod changes;
pub(crate) mod fixture;
mod log;
mod property;
mod reads;
mod steps;
