//! Where samples come from. The world implements [`Source`]; times are simulated.

use std::borrow::Cow;

use promql_parser::label::Matcher;

use super::labels::Labels;

/// The value that says: the series ended here. A NaN of its own, as Prometheus' scraper writes it.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Any other NaN is a value.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since the Unix epoch, in simulated time.
    pub at: i64,
    pub value: f64,
}

/// Both ends belong to it, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: i64,
    pub to: i64,
}

impl Span {
    pub const ALL: Self = Self { from: i64::MIN, to: i64::MAX };

    /// The part of `samples`, which are sorted by time, that lies in it.
    pub fn of<'a>(&self, samples: &'a [Sample]) -> &'a [Sample] {
        let start = samples.partition_point(|sample| sample.at < self.from);
        let end = samples.partition_point(|sample| sample.at <= self.to).max(start);
        samples.get(start..end).unwrap_or_default()
    }
}

/// One series and its samples of the span that was asked for.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    pub labels: Labels,
    /// Oldest first, no time twice.
    pub samples: Cow<'a, [Sample]>,
}

pub trait Source {
    /// Every series that all `matchers` match and that has a sample in `span`. No series twice.
    fn select(&self, matchers: &[Matcher], span: Span) -> Vec<Found<'_>>;
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds of centuries and counts of samples are below 2^53")]
pub(super) fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[allow(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}
