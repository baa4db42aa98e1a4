//! The timeline on a disk: sealed lines, crashes at every point, real files, the documented check, and the export.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken test ends at once")]
#![allow(clippy::disallowed_methods, reason = "these tests look at real files and run the documented check")]

mod chain;
mod crash;
mod document;
mod export;
mod fake;
mod files;
mod hotwash;
mod metrics;
mod sample;
