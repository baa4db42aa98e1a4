//! What typical queries cost over an hour of samples, one a second, of fifty series. Printed, not asserted.

use std::time::Instant;

use qrh::drill::world::promql::{Labels, Release, Sample, Store};

use crate::sample::START;
use crate::values::{form, ours};

#[test]
fn an_hour_of_fifty_series() {
    let mut store = Store::new(3_600, 100);
    for series in 0..50 {
        let pod = format!("pod-{series}");
        let le = ["0.1", "0.5", "1", "5", "+Inf"][series % 5];
        let labels = Labels::of_metric("requests_total", &[("service", "shop"), ("pod", &pod), ("le", le)]);
        for second in 0..3_600_u32 {
            store.push(&labels, Sample { at: START + i64::from(second) * 1000, value: f64::from(second) * 1.5 }).unwrap();
        }
    }
    for query in [
        r#"sum(rate(requests_total{service="shop"}[2m]))"#,
        r#"sum by (pod) (rate(requests_total{service="shop"}[5m]))"#,
        "histogram_quantile(0.99, sum by (le) (rate(requests_total[2m])))",
        "max(quantile_over_time(0.95, requests_total[1h]))",
    ] {
        let instant = form(&[("query", query), ("time", "1700003590")]);
        let range = form(&[("query", query), ("start", "1700000000"), ("end", "1700003590"), ("step", "30")]);
        for (path, form) in [("/api/v1/query", instant), ("/api/v1/query_range", range)] {
            let began = Instant::now();
            let (status, answer) = ours(&store, Release::CURRENT, path, &form);
            println!("{:>10.3?} {status} {path:<20} {query}", began.elapsed());
            assert!(status == 200 || answer["errorType"] == "execution", "{answer}");
        }
    }
}
