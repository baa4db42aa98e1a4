//! The hands on real things: processes, loopback servers, `/proc`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests start tasks and processes, and read files, themselves")]

mod facts;
mod host;
mod http;
mod loopback;
mod prometheus;
