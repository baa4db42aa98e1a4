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
    #[error("the series is forgotten: look its place up again")]
    Forgotten,
}

/// Where a series is kept, so that it need not be looked up for each sample. Good until the series is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(usize);

/// Newest samples of one series. It grows to twice what it keeps before it drops the older half, so that what it holds lies in one slice.
#[derive(Debug)]
struct Ring {
    labels: Labels,
    samples: Vec<Sample>,
}

impl Ring {
    fn push(&mut self, sample: Sample, keep: usize) -> Result<(), Refused> {
        if let Some(last) = self.samples.last().map(|last| last.at).filter(|last| *last >= sample.at) {
            return Err(Refused::OutOfOrder { series: self.labels.clone(), at: sample.at, last });
        }
        if self.samples.len() >= keep.saturating_mul(2) {
            self.samples.drain(..self.samples.len() - keep);
        }
        self.samples.push(sample);
        Ok(())
    }

    fn kept(&self, keep: usize) -> &[Sample] {
        self.samples.get(self.samples.len().saturating_sub(keep)..).unwrap_or_default()
    }
}

#[derive(Debug)]
pub struct Store {
    /// By metric name, so that a selector with a name looks at that metric only.
    metrics: BTreeMap<Arc<str>, BTreeMap<Labels, usize>>,
    /// By place. None: forgotten, and not used again.
    rings: Vec<Option<Ring>>,
    count: usize,
    samples: usize,
    series: usize,
}

impl Store {
    /// Keeps at most `series` series, and of each its newest `samples` (at least one). A sample takes up to 32 bytes.
    pub fn new(samples: usize, series: usize) -> Self {
        Self { metrics: BTreeMap::new(), rings: Vec::new(), count: 0, samples: samples.max(1), series }
    }

    fn known(&self, labels: &Labels) -> Option<usize> {
        self.metrics.get(labels.get(METRIC_NAME))?.get(labels).copied()
    }

    /// Where a series is, which is new where it is not known.
    pub fn place(&mut self, labels: &Labels) -> Result<Place, Refused> {
        if let Some(known) = self.known(labels) {
            return Ok(Place(known));
        }
        if self.count >= self.series {
            return Err(Refused::TooManySeries { series: labels.clone(), limit: self.series });
        }
        let place = self.rings.len();
        self.rings.push(Some(Ring { labels: labels.clone(), samples: Vec::new() }));
        self.metrics.entry(Arc::from(labels.get(METRIC_NAME))).or_default().insert(labels.clone(), place);
        self.count += 1;
        Ok(Place(place))
    }

    /// Appends to the series, which is new where it is not known.
    pub fn push(&mut self, labels: &Labels, sample: Sample) -> Result<(), Refused> {
        let place = self.place(labels)?;
        self.push_at(place, sample)
    }

    /// Appends to the series of a place.
    pub fn push_at(&mut self, place: Place, sample: Sample) -> Result<(), Refused> {
        let ring = self.rings.get_mut(place.0).and_then(Option::as_mut).ok_or(Refused::Forgotten)?;
        ring.push(sample, self.samples)
    }

    /// Says that the series ended at `at`: from there on instant selectors do not see it. Nothing where it is not known.
    pub fn end(&mut self, labels: &Labels, at: i64) -> Result<(), Refused> {
        self.known(labels).map_or(Ok(()), |place| self.push_at(Place(place), Sample { at, value: STALE }))
    }

    /// Drops every series whose newest sample is older than `before`.
    pub fn forget(&mut self, before: i64) {
        for ring in &mut self.rings {
            if ring.as_ref().is_some_and(|ring| ring.samples.last().is_none_or(|last| last.at < before)) {
                *ring = None;
            }
        }
        let rings = &self.rings;
        for metric in self.metrics.values_mut() {
            metric.retain(|_, place| rings.get(*place).is_some_and(Option::is_some));
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
            .filter_map(|(labels, place)| {
                let ring = self.rings.get(*place)?.as_ref()?;
                Some(Found { labels: labels.clone(), samples: Cow::Borrowed(span.of(ring.kept(self.samples))) })
            })
            .filter(|found| !found.samples.is_empty())
            .collect()
    }
}
