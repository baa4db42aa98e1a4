//! The hour before a local drill: the service has only just been started, and runbooks compare with an hour ago. So what was seen of it in
//! good health is laid out backwards, at the same rates. It is the one thing of a local world that did not happen; docs/DRILLS.md says so.

use std::collections::BTreeMap;

use crate::drill::world::promql::{Labels, METRIC_NAME, Refused, Sample, Store};

/// How far back, and how densely, in ms.
const BACK: i64 = 75 * 60 * 1000;
const EVERY: i64 = 15_000;

/// Samples of each series, by time.
pub type Seen = BTreeMap<Labels, Vec<Sample>>;

/// Puts the hour before and what was seen into the store.
pub fn begin(store: &mut Store, seen: &Seen) -> Result<(), Refused> {
    for (labels, samples) in seen {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { continue };
        let per_ms = if counts(labels.get(METRIC_NAME)) { rate(*first, *last) } else { 0.0 };
        let place = store.place(labels)?;
        let mut at = first.at - BACK;
        while at < first.at {
            // A counter is one of a process before this one: it begins anew with what was really seen.
            let value = if counts(labels.get(METRIC_NAME)) { per_ms * milliseconds(at - first.at + BACK) } else { last.value };
            store.push_at(place, Sample { at, value })?;
            at += EVERY;
        }
        for sample in samples {
            store.push_at(place, *sample)?;
        }
    }
    Ok(())
}

fn rate(first: Sample, last: Sample) -> f64 {
    let passed = milliseconds(last.at - first.at);
    if passed > 0.0 { ((last.value - first.value) / passed).max(0.0) } else { 0.0 }
}

fn counts(name: &str) -> bool {
    ["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end))
}

#[expect(clippy::cast_precision_loss, reason = "hours in milliseconds are below 2^53")]
fn milliseconds(time: i64) -> f64 {
    time as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::world::promql::{Source as _, Span};

    #[test]
    fn the_hour_before_goes_at_the_same_rate() {
        let counter = Labels::of_metric("x_total", &[]);
        let gauge = Labels::of_metric("level", &[]);
        let sample = |at, value| Sample { at, value };
        let seen = Seen::from([
            (counter.clone(), vec![sample(10_000, 4.0), sample(20_000, 24.0)]),
            (gauge.clone(), vec![sample(10_000, 7.0), sample(20_000, 9.0)]),
        ]);
        let mut store = Store::new(4000, 10);
        begin(&mut store, &seen).unwrap();
        let found = store.select(&[], Span::ALL);
        let of = |labels: &Labels| found.iter().find(|found| found.labels == *labels).unwrap().samples.to_vec();
        let counted = of(&counter);
        let minute: f64 = counted[5].value - counted[1].value;
        assert!((minute - 120.0).abs() < 1e-6, "two a second: {minute}");
        assert_eq!(counted[counted.len() - 2..], [sample(10_000, 4.0), sample(20_000, 24.0)]);
        assert!(of(&gauge)[..300].iter().all(|sample| (sample.value - 9.0).abs() < 1e-9));
    }
}
