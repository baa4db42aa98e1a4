//! The Prometheus query API of the simulated world: PromQL over series that the world produces.
//!
//! What enters: the text of a request, the simulated time, and a [`Source`] of samples. What leaves: an [`http::Answer`] in Prometheus'
//! shapes. No clock, no socket, no thread: the world's server mounts [`http::answer`].
//!
//! A query is screened (`screen`: limits that hold before a parser sees it), parsed by `promql-parser`, lowered to our own [`plan`]
//! (what is not simulated is named and refused there, never answered with something else), and evaluated column by column: one column
//! of cells a series, one cell a step. An instant query is a range query of one step.
//!
//! Limits of one query: 16 KiB of text, 64 levels of brackets, 128 operators, 11,000 steps, [`MAX_CELLS`] cells and
//! [`MAX_TOUCHES`] samples looked at. `tests/promql` holds the answers against a real Prometheus.

mod aggregate;
mod call;
mod eval;
mod histogram;
pub mod http;
mod json;
mod labels;
mod lower;
mod matching;
mod parameter;
pub mod plan;
mod refusal;
mod screen;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod window;

pub use labels::{Labels, METRIC_NAME};
pub use promql_parser::label::{MatchOp, Matcher};
pub use refusal::Refusal;
pub use source::{Found, STALE, Sample, Source, Span, is_stale};
pub use store::{Place, Refused, Store};

/// Cells (series × steps, of every intermediate result) that one query may fill: 64 MiB at 16 bytes each.
pub const MAX_CELLS: u64 = 4_000_000;
/// Samples that one query may look at, each as often as a window holds it.
pub const MAX_TOUCHES: u64 = 50_000_000;
/// How far back an instant selector looks for a sample, in milliseconds: Prometheus' `--query.lookback-delta`.
pub const LOOKBACK: i64 = 300_000;

/// The Prometheus release whose behaviour is simulated, and that `buildinfo` names.
///
/// Two things changed that a result shows: 2.52 extrapolates a counter's start
/// [differently](https://github.com/prometheus/prometheus/pull/13725), and since 3.0 a window no longer holds a sample on its left edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    pub major: u32,
    pub minor: u32,
}

impl Release {
    /// A current one with long-term support.
    pub const CURRENT: Self = Self { major: 3, minor: 5 };

    /// Whether a window or the lookback leaves out a sample that lies exactly on its left edge.
    fn left_open(self) -> bool {
        self.major >= 3
    }

    /// Whether the zero point of a counter limits only an extrapolation that the threshold has already limited.
    fn threshold_first(self) -> bool {
        self >= Self { major: 2, minor: 52 }
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.0", self.major, self.minor)
    }
}
