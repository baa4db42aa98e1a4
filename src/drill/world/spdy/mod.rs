//! SPDY/3.1 as Kubernetes still speaks it: many streams on one upgraded connection, for exec and port-forward of every kubectl.
//!
//! What enters: bytes of whoever connected, of any kind. What leaves: streams with headers, data and an end, all bounded; garbage ends the
//! connection with GOAWAY and never more. The client opens all streams here; this side pushes none. Windows are announced and not obeyed:
//! no Kubernetes client announces its own, so whoever waited for that would wait for ever.

mod dictionary;
mod frame;
mod header;
mod session;
#[cfg(test)]
mod tests;

pub use session::{Inlet, Outlet, Stream, Streams, open};

/// Bytes of a control frame. Larger ones are an error of the connection.
const CONTROL: usize = 64 * 1024;
/// Data is handed on in pieces of at most so many bytes, whatever the frame's length.
const PIECE: usize = 32 * 1024;
/// Streams open at a time; more are refused.
const STREAMS: usize = 256;

/// What the other side may not send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("a control frame of SPDY version {0}")]
    Version(u16),
    #[error("a control frame of {0} bytes")]
    Long(usize),
    #[error("a control frame that is too short for its type")]
    Short,
    #[error("a header block that can't be read")]
    Headers,
}

/// Names in lower case, and their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The value of a name, or "".
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}
