//! The text of `/metrics` as samples. What is not understood is left out: it is our own service.

use super::SERVICE;
use crate::drill::world::promql::{Labels, METRIC_NAME};

/// What the scraper adds to each series.
const JOB: &str = "shop";

/// Series and their values, in the order of the text.
pub fn read(text: &str, instance: &str) -> Vec<(Labels, f64)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| sample(line.trim(), instance)).collect()
}

/// A series that the scraper itself makes.
pub fn own(name: &str, instance: &str) -> Labels {
    Labels::of_metric(name, &[("instance", instance), ("job", JOB), ("service", SERVICE)])
}

fn sample(line: &str, instance: &str) -> Option<(Labels, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, self::labels(rest.strip_suffix('}')?)?),
        None => (series, Vec::new()),
    };
    let base = [(METRIC_NAME, name), ("instance", instance), ("job", JOB), ("service", SERVICE)];
    let all = base.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).chain(labels);
    Some((Labels::new(all), number(value)?))
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "Nan" | "NaN" => Some(f64::NAN),
        other => other.parse().ok(),
    }
}

/// `name="value",…` with backslashes before quotes, backslashes and `n`.
fn labels(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        found.push((name.trim_start_matches(',').to_owned(), value));
        text = rest.get(end + 1..)?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exposition_is_read_with_its_labels() {
        let text =
            "# HELP a b\n# TYPE up gauge\nup 1\nx_total{route=\"/a\",odd=\"a \\\"b\\\\,}\\n\"} 2.5\nle_bucket{le=\"+Inf\"} 3\nbroken{ 4\n";
        let read = read(text, "127.0.0.1:1");
        assert_eq!(read.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [1.0, 2.5, 3.0]);
        let labels = &read[1].0;
        assert_eq!((labels.get("route"), labels.get("odd"), labels.get("service")), ("/a", "a \"b\\,}\n", "shop"));
        assert_eq!(read[2].0.get("le"), "+Inf");
    }
}
