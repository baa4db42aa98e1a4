//! `histogram_quantile` over classic buckets: counters with an upper bound in the label `le`.

use super::aggregate::groups;
use super::eval::{Column, Evaluation};
use super::refusal::Refusal;

const BOUND: &str = "le";

#[derive(Debug, Clone, Copy)]
struct Bucket {
    upper: f64,
    /// Of all observations up to the bound.
    count: f64,
}

/// One column for each set of labels but `le`.
pub(super) fn quantiles(evaluation: &Evaluation<'_>, quantile: &[f64], buckets: Vec<Column>) -> Result<Vec<Column>, Refusal> {
    evaluation.touch(buckets.len().saturating_mul(evaluation.steps.count))?;
    let bound = [BOUND.to_owned()];
    let groups = groups(buckets, |labels| labels.without(&bound).unnamed());
    groups
        .into_iter()
        .map(|(labels, members)| {
            let mut members: Vec<(f64, Column)> =
                members.into_iter().filter_map(|column| Some((column.labels.get(BOUND).parse::<f64>().ok()?, column))).collect();
            members.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            let mut found = Vec::with_capacity(members.len());
            evaluation.column(labels, |step| {
                found.clear();
                found.extend(
                    members
                        .iter()
                        .filter_map(|(upper, column)| Some(Bucket { upper: *upper, count: column.cells.get(step).copied().flatten()? })),
                );
                let wanted = quantile.get(step).copied().unwrap_or(f64::NAN);
                (!found.is_empty()).then(|| within(wanted, &mut found))
            })
        })
        .collect()
}

/// `buckets` are sorted by their bound. As Prometheus: linear inside a bucket, the first one from 0, and never beyond the last finite bound.
fn within(quantile: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&quantile) {
        return if quantile < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    if buckets.last().is_none_or(|last| last.upper < f64::INFINITY || last.upper.is_nan()) {
        return f64::NAN;
    }
    coalesce(buckets);
    // Scraped at different instants, a larger bucket may hold less.
    let mut most = f64::NEG_INFINITY;
    for bucket in buckets.iter_mut() {
        most = most.max(bucket.count);
        bucket.count = most;
    }
    let [rest @ .., last] = buckets.as_slice() else { return f64::NAN };
    let Some(highest) = rest.last() else { return f64::NAN };
    if last.count.abs() < f64::MIN_POSITIVE {
        return f64::NAN;
    }
    let rank = quantile * last.count;
    let place = rest.partition_point(|bucket| bucket.count < rank || bucket.count.is_nan());
    let Some(bucket) = rest.get(place) else { return highest.upper };
    let below = place.checked_sub(1).and_then(|below| rest.get(below)).copied();
    match below {
        None if bucket.upper <= 0.0 => bucket.upper,
        None => bucket.upper * (rank / bucket.count),
        Some(below) => below.upper + (bucket.upper - below.upper) * ((rank - below.count) / (bucket.count - below.count)),
    }
}

/// Buckets with the same bound, written differently (`1` and `1.0`), are one.
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let same = next.upper.total_cmp(&kept.upper).is_eq();
        if same {
            kept.count += next.count;
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(counts: &[(f64, f64)]) -> Vec<Bucket> {
        counts.iter().map(|(upper, count)| Bucket { upper: *upper, count: *count }).collect()
    }

    #[test]
    fn buckets_that_give_no_answer() {
        let infinite = f64::INFINITY;
        for (why, counts) in [
            ("no infinite bucket", vec![(1.0, 5.0), (2.0, 9.0)]),
            ("only the infinite bucket", vec![(infinite, 9.0)]),
            ("no observation", vec![(1.0, 0.0), (infinite, 0.0)]),
        ] {
            assert!(within(0.5, &mut buckets(&counts)).is_nan(), "{why}");
        }
        assert!(within(f64::NAN, &mut buckets(&[(1.0, 1.0), (infinite, 2.0)])).is_nan());
    }
}
