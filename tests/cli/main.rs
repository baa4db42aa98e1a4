//! The real program: every verb, and whole sessions on a terminal and through pipes, on a host that is this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken test ends at once")]
#![allow(clippy::disallowed_methods, reason = "these tests start programs and look at the files they leave")]

mod configuration;
mod disk;
mod document;
mod incident;
mod plan;
mod sandbox;
mod script;
mod session;
mod stop;
mod terminal;
mod verb;
mod world;
