//! Functions over the samples of a window: `rate` and its kin, `deriv`, and the `_over_time` family, as Prometheus computes them.

use super::plan::Over;
use super::source::{Sample, number, seconds};
use super::{Release, aggregate};

/// The samples of one window of one series, and where the window lies. No sample of it is a staleness marker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    pub samples: &'a [Sample],
    /// Milliseconds, as the samples are.
    pub from: i64,
    pub to: i64,
}

/// `None` where the window holds too little.
pub(super) fn over(function: Over, window: Window<'_>, parameter: f64, release: Release) -> Option<f64> {
    let values = || window.samples.iter().map(|sample| sample.value);
    let last = window.samples.last()?;
    match function {
        Over::Rate => extrapolated(window, Counts::Up, release).map(|increase| increase / seconds(window.to - window.from)),
        Over::Increase => extrapolated(window, Counts::Up, release),
        Over::Delta => extrapolated(window, Counts::BothWays, release),
        Over::InstantRate => instant_rate(window.samples),
        Over::Deriv => slope(window.samples),
        Over::Min => values().reduce(|least, value| if value < least || least.is_nan() { value } else { least }),
        Over::Max => values().reduce(|most, value| if value > most || most.is_nan() { value } else { most }),
        Over::Average => Some(average(values())),
        Over::Sum => Some(sum(values())),
        Over::Count => Some(number(window.samples.len())),
        Over::Last => Some(last.value),
        Over::Quantile => Some(aggregate::quantile(parameter, &mut values().collect::<Vec<_>>())),
    }
}

/// Whether a value that falls means that a counter began anew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Up,
    BothWays,
}

/// The change over the whole window, from the change between its first and last sample.
/// <https://github.com/prometheus/prometheus/pull/1295> says why and how far it extrapolates.
fn extrapolated(window: Window<'_>, counts: Counts, release: Release) -> Option<f64> {
    let [first, .., last] = window.samples else { return None };
    let mut change = last.value - first.value;
    if counts == Counts::Up {
        for pair in window.samples.windows(2) {
            if let [before, after] = pair
                && after.value < before.value
            {
                change += before.value;
            }
        }
    }
    let sampled = seconds(last.at - first.at);
    let between = sampled / number(window.samples.len() - 1);
    let threshold = between * 1.1;
    let limited = |gap: f64| if gap < threshold { gap } else { between / 2.0 };
    // A counter was never below zero: it began at the latest where the line through its samples meets zero.
    let not_below_zero = |gap: f64| {
        let to_zero = if change > 0.0 && first.value >= 0.0 { sampled * (first.value / change) } else { gap };
        if counts == Counts::Up && to_zero < gap { to_zero } else { gap }
    };
    let gap = seconds(first.at - window.from);
    let before = if release.threshold_first() { not_below_zero(limited(gap)) } else { limited(not_below_zero(gap)) };
    let after = limited(seconds(window.to - last.at));
    Some(change * ((sampled + before + after) / sampled))
}

fn instant_rate(samples: &[Sample]) -> Option<f64> {
    let [.., before, last] = samples else { return None };
    let change = if last.value < before.value { last.value } else { last.value - before.value };
    Some(change / seconds(last.at - before.at))
}

/// Least squares, in units a second.
fn slope(samples: &[Sample]) -> Option<f64> {
    let [first, _, ..] = samples else { return None };
    if samples.iter().all(|sample| same(sample.value, first.value)) {
        return Some(if first.value.is_infinite() { f64::NAN } else { 0.0 });
    }
    let x = |sample: &Sample| seconds(sample.at - first.at);
    let count = number(samples.len());
    let sum_x = sum(samples.iter().map(x));
    let sum_y = sum(samples.iter().map(|sample| sample.value));
    let sum_xy = sum(samples.iter().map(|sample| x(sample) * sample.value));
    let sum_xx = sum(samples.iter().map(|sample| x(sample) * x(sample)));
    Some((sum_xy - sum_x * sum_y / count) / (sum_xx - sum_x * sum_x / count))
}

#[allow(clippy::float_cmp, reason = "a series that never changed has the very same value")]
fn same(a: f64, b: f64) -> bool {
    a == b
}

/// A sum that carries what rounding lost (Kahan, in Neumaier's form).
#[derive(Default)]
struct Exact {
    sum: f64,
    lost: f64,
}

impl Exact {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        if sum.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - sum) + value;
        } else {
            self.lost += (value - sum) + self.sum;
        }
        self.sum = sum;
    }

    fn total(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut exact = Exact::default();
    values.for_each(|value| exact.add(value));
    exact.total()
}

/// The mean, moved a little by each value, so that large values do not overflow.
pub(super) fn average(values: impl Iterator<Item = f64>) -> f64 {
    let mut mean = Exact::default();
    for (index, value) in values.enumerate() {
        let count = number(index + 1);
        // An infinite mean stays, unless a value contradicts it.
        if mean.sum.is_infinite() && (value.is_finite() || (value.is_infinite() && (mean.sum > 0.0) == (value > 0.0))) {
            continue;
        }
        mean.add(value / count - mean.sum / count);
    }
    mean.total()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(samples: &[Sample], from: i64, to: i64) -> Window<'_> {
        Window { samples, from, to }
    }

    fn series(values: &[(i64, f64)]) -> Vec<Sample> {
        values.iter().map(|(at, value)| Sample { at: at * 1000, value: *value }).collect()
    }

    #[test]
    fn the_release_decides_how_far_a_new_counter_reaches_back() {
        // The first sample is 45 s into the window; its zero point lies 15 s before it.
        let samples = series(&[(45, 5.0), (60, 10.0), (75, 15.0)]);
        let increase = |release| over(Over::Increase, window(&samples, 0, 75_000), 0.0, release).unwrap();
        // Until 2.51 up to the zero point, since 2.52 half an interval.
        assert!((increase(Release { major: 2, minor: 42 }) - 15.0).abs() < 1e-12);
        assert!((increase(Release::CURRENT) - 12.5).abs() < 1e-12);
    }

    #[test]
    fn one_sample_is_no_rate_and_a_reset_counts_from_zero() {
        let samples = series(&[(0, 100.0), (10, 3.0)]);
        let rate = |samples: &[Sample]| over(Over::Rate, window(samples, 0, 10_000), 0.0, Release::CURRENT);
        assert_eq!(rate(&samples[..1]), None);
        assert!((rate(&samples).unwrap() - 0.3).abs() < 1e-12);
    }
}
