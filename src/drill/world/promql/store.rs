//! Series in memory with bounded retention: each keeps its newest samples, and there are only so many series.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use promql_parser::label::{MatchOp, Matcher};

use super::labels::{Labels, METRIC_NAME};
use super::source::{Found, STALE, Sample, Source, Span};

/// Why a sample was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the sample of {series} at {at} ms is not newer than its last one, at {last} ms: push samples in the order of time")]
    OutOfOrder { series: Labels, at: i64, last: i64 },
    #[error("{series} would be series number {}: forget those that ended, or keep more", limit + 1)]
    TooManySeries { series: Labels, limit: usize },
}

/// Newest samples of one series. It grows to twice what it keeps before it drops the older half, so that what it holds lies in one slice.
#[derive(Debug, Default)]
struct Ring(Vec<Sample>);

impl Ring {
    fn push(&mut self, sample: Sample, keep: usize) {
        if self.0.len() >= keep.saturating_mul(2) {
            self.0.drain(..self.0.len() - keep);
        }
        self.0.push(sample);
    }

    fn kept(&self, keep: usize) -> &[Sample] {
        self.0.get(self.0.len().saturating_sub(keep)..).unwrap_or_default()
    }
}

#[derive(Debug)]
pub struct Store {
    /// By metric name, so that a selector with a name looks at that metric only.
    metrics: BTreeMap<Arc<str>, BTreeMap<Labels, Ring>>,
    count: usize,
    samples: usize,
    series: usize,
}

impl Store {
    /// Keeps at most `series` series, and of each its newest `samples` (at least one). A sample takes up to 32 bytes.
    pub fn new(samples: usize, series: usize) -> Self {
        Self { metrics: BTreeMap::new(), count: 0, samples: samples.max(1), series }
    }

    /// Appends to the series, which is new where it is not known.
    pub fn push(&mut self, labels: &Labels, sample: Sample) -> Result<(), Refused> {
        let name = labels.get(METRIC_NAME);
        let known = self.metrics.get(name).is_some_and(|metric| metric.contains_key(labels));
        if !known && self.count >= self.series {
            return Err(Refused::TooManySeries { series: labels.clone(), limit: self.series });
        }
        let ring = self.metrics.entry(Arc::from(name)).or_default().entry(labels.clone()).or_default();
        if let Some(last) = ring.0.last().map(|last| last.at).filter(|last| *last >= sample.at) {
            return Err(Refused::OutOfOrder { series: labels.clone(), at: sample.at, last });
        }
        ring.push(sample, self.samples);
        self.count += usize::from(!known);
        Ok(())
    }

    /// Says that the series ended at `at`: from there on instant selectors do not see it. Nothing where it is not known.
    pub fn end(&mut self, labels: &Labels, at: i64) -> Result<(), Refused> {
        let known = self.metrics.get(labels.get(METRIC_NAME)).is_some_and(|metric| metric.contains_key(labels));
        if known { self.push(labels, Sample { at, value: STALE }) } else { Ok(()) }
    }

    /// Drops every series whose newest sample is older than `before`.
    pub fn forget(&mut self, before: i64) {
        for metric in self.metrics.values_mut() {
            metric.retain(|_, ring| ring.0.last().is_some_and(|last| last.at >= before));
        }
        self.metrics.retain(|_, metric| !metric.is_empty());
        self.count = self.metrics.values().map(BTreeMap::len).sum();
    }

    /// Series it holds.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Source for Store {
    fn select(&self, matchers: &[Matcher], span: Span) -> Vec<Found<'_>> {
        let named = matchers.iter().find(|matcher| matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal);
        let metrics: Vec<_> = match named {
            Some(matcher) => self.metrics.get(matcher.value.as_str()).into_iter().collect(),
            None => self.metrics.values().collect(),
        };
        let series = metrics.into_iter().flatten().filter(|(labels, _)| labels.matched_by(matchers));
        series
            .map(|(labels, ring)| Found { labels: labels.clone(), samples: Cow::Borrowed(span.of(ring.kept(self.samples))) })
            .filter(|found| !found.samples.is_empty())
            .collect()
    }
}
