//! Prometheus' JSON: written straight into text, because an answer may hold millions of points.

use std::fmt::Write as _;

use super::labels::Labels;
use super::source::Sample;

/// A scalar as Prometheus writes it: shortest form without an exponent, `NaN`, `+Inf`, `-Inf`.
fn plain(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{value}")
}

/// A sample's value: the same, but with an exponent below 1e-6 and from 1e21 on.
fn value(value: f64) -> String {
    let size = value.abs();
    if value.is_finite() && size > 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    plain(value)
}

/// Seconds with as many decimals as the milliseconds need.
pub(super) fn instant(at: i64, into: &mut String) {
    let (seconds, rest) = (at / 1000, (at % 1000).abs());
    let sign = if at < 0 && seconds == 0 { "-" } else { "" };
    // Writing into a String does not fail.
    let _ = if rest == 0 { write!(into, "{sign}{seconds}") } else { write!(into, "{sign}{seconds}.{rest:03}") };
    if rest != 0 {
        into.truncate(into.trim_end_matches('0').len());
    }
}

pub(super) fn point(sample: Sample, into: &mut String) {
    into.push('[');
    instant(sample.at, into);
    let _ = write!(into, ",\"{}\"]", value(sample.value));
}

/// A point of type scalar.
pub(super) fn scalar(sample: Sample) -> String {
    let mut text = String::from("[");
    instant(sample.at, &mut text);
    let _ = write!(text, ",\"{}\"]", plain(sample.value));
    text
}

pub(super) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(super) fn labels(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{}:{}", text(name), text(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// `parts` between `open` and `close`, with commas.
pub(super) fn list(parts: impl IntoIterator<Item = String>) -> String {
    let mut list = String::from("[");
    for part in parts {
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(&part);
    }
    list.push(']');
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_go_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (100_000_000_000_000_000_000.0, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e300, "1.25e+300"),
            (0.000_001, "0.000001"),
            (9.9e-7, "9.9e-07"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(value(number), text);
        }
    }

    #[test]
    fn instants_have_at_most_three_decimals() {
        for (at, text) in [
            (1_700_000_000_000, "1700000000"),
            (1_700_000_000_120, "1700000000.12"),
            (5, "0.005"),
            (-5, "-0.005"),
            (-1500, "-1.5"),
            (100_000, "100"),
        ] {
            let mut written = String::new();
            instant(at, &mut written);
            assert_eq!(written, text);
        }
    }
}
