//! How long answers take: a mixture of log-logistic distributions, each with a median of its own and a tail of about three times it
//! at the 99th percentile. Whoever waits longer than [`PATIENCE_MS`] has given up.

/// No answer takes longer, in ms.
pub const PATIENCE_MS: f64 = 10_000.0;

/// Upper bounds of the histogram's buckets, in ms, and as the label `le` has them. The last one holds all.
pub const BUCKETS: [(f64, &str); 12] = [
    (5.0, "0.005"),
    (10.0, "0.01"),
    (25.0, "0.025"),
    (50.0, "0.05"),
    (100.0, "0.1"),
    (250.0, "0.25"),
    (500.0, "0.5"),
    (1000.0, "1"),
    (2500.0, "2.5"),
    (5000.0, "5"),
    (10_000.0, "10"),
    (f64::INFINITY, "+Inf"),
];

/// Requests that take `median_ms` in the middle; `weight` is how many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub weight: f64,
    pub median_ms: f64,
}

/// The share of the requests of a median that were answered within `ms`.
fn within(median_ms: f64, ms: f64) -> f64 {
    if ms >= PATIENCE_MS {
        return 1.0;
    }
    let ratio = median_ms / ms.max(0.001);
    // Only products: the same on every machine.
    1.0 / (1.0 + ratio * ratio * ratio * ratio)
}

/// How many of the requests were answered within `ms`.
pub fn answered(parts: &[Part], ms: f64) -> f64 {
    parts.iter().map(|part| part.weight * within(part.median_ms, ms)).sum()
}

/// The time within which the share `q` was answered, in ms; 0 without requests.
pub fn quantile(parts: &[Part], q: f64) -> f64 {
    let all: f64 = parts.iter().map(|part| part.weight).sum();
    if all <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, PATIENCE_MS);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if answered(parts, middle) < q * all {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The sum of their times, in seconds. The mean of the distribution is 1.11 medians; a cut tail is shorter.
pub fn seconds(parts: &[Part]) -> f64 {
    parts.iter().map(|part| part.weight * (part.median_ms * 1.11).min(PATIENCE_MS)).sum::<f64>() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_about_three_medians() {
        let parts = [Part { weight: 10.0, median_ms: 50.0 }];
        let p99 = quantile(&parts, 0.99);
        assert!((150.0..170.0).contains(&p99), "{p99}");
        let p50 = quantile(&parts, 0.5);
        assert!((49.9..50.1).contains(&p50), "{p50}");
    }

    #[test]
    fn nobody_waits_longer_than_the_patience() {
        let parts = [Part { weight: 1.0, median_ms: 60_000.0 }];
        assert!(quantile(&parts, 0.99) <= PATIENCE_MS);
        assert!(seconds(&parts) <= 10.0);
        assert!((answered(&parts, PATIENCE_MS) - 1.0).abs() < 1e-9);
        assert!(quantile(&[], 0.99).abs() < 1e-9);
    }
}
