//! The only hands: everything that leaves qrh leaves from here, and every answer comes in through [`crate::guard::ingest`].
//! No decisions: what may run was decided before it came here.
#![allow(clippy::disallowed_methods, reason = "this room touches the world: processes, sockets and clocks")]

pub mod announce;
pub mod clock;
pub mod facts;
pub mod fence;
pub mod hands;
pub mod host;
pub mod http;
pub mod kube;
pub mod procfs;
pub mod prometheus;
pub mod stream;

pub use clock::Clock;
pub use fence::Fence;
pub use hands::Hands;
