//! The labels that name a series: sorted, never with an empty value, cheap to clone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use promql_parser::label::Matcher;

/// The label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

impl Labels {
    /// An empty value is the same as no label; of two with one name the later counts.
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(labels: impl IntoIterator<Item = (N, V)>) -> Self {
        let sorted: BTreeMap<Arc<str>, Arc<str>> = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self(sorted.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// `name` and labels, as an exposition writes them.
    pub fn of_metric(name: &str, labels: &[(&str, &str)]) -> Self {
        Self::new(std::iter::once((METRIC_NAME, name)).chain(labels.iter().copied()))
    }

    pub(super) fn none() -> Self {
        Self(Arc::new([]))
    }

    /// The value, or nothing where there is no such label.
    pub fn get(&self, name: &str) -> &str {
        self.shared(name).map_or("", |value| value)
    }

    fn shared(&self, name: &str) -> Option<&Arc<str>> {
        let index = self.0.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
        self.0.get(index).map(|(_, value)| value)
    }

    /// In the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().all(|(name, _)| keep(name)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }

    pub(super) fn only(&self, names: &[String]) -> Self {
        self.filtered(|name| names.iter().any(|kept| kept == name))
    }

    pub(super) fn without(&self, names: &[String]) -> Self {
        self.filtered(|name| !names.iter().any(|dropped| dropped == name))
    }

    /// What a function leaves: the series no longer is what the metric's name says.
    pub(super) fn unnamed(&self) -> Self {
        self.filtered(|name| name != METRIC_NAME)
    }

    /// With the labels `names` as `other` has them, or without them where it has none.
    pub(super) fn with_those_of(&self, other: &Self, names: &[String]) -> Self {
        if names.is_empty() {
            return self.clone();
        }
        let kept = self.without(names);
        let taken = names.iter().filter_map(|name| Some((Arc::from(name.as_str()), other.shared(name)?.clone())));
        Self::new(kept.0.iter().cloned().chain(taken))
    }

    /// Whether every matcher matches; a label that is not there matches as the empty value.
    pub fn matched_by(&self, matchers: &[Matcher]) -> bool {
        matchers.iter().all(|matcher| matcher.is_match(self.get(&matcher.name)))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}
