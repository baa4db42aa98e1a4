//! `promql`: a question to the Prometheus HTTP API, at an instant or over a range.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Description, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promql {
    pub query: String,
    /// Base URL of Prometheus; the service's `prometheus` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Present: a range query over this far back, e.g. `30m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Range queries only; range/120 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// Points of one series that Prometheus gives at most.
pub const MAX_POINTS: u64 = 11_000;
/// Points of one series where the author names no step.
const POINTS: u64 = 120;

/// The time a range query looks over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub range: Duration,
    pub step: Duration,
    /// The author's step gave more than [`MAX_POINTS`] and was made longer.
    pub widened: bool,
}

impl Promql {
    /// `None` for an instant query. The error names the field and the form expected.
    pub fn window(&self) -> Result<Option<Window>, String> {
        let Some(range) = &self.range else { return Ok(None) };
        let read = |name: &str, text: &str| {
            duration(text).filter(|duration| *duration >= Duration::from_secs(1)).ok_or_else(|| {
                format!("`{name}` is `{}`: write a duration of a second or more, such as 15s, 30m, 1h30m or 2d", quote::visible(text))
            })
        };
        let range = read("range", range)?;
        let seconds = range.as_secs();
        let least = Duration::from_secs(seconds.div_ceil(MAX_POINTS - 1).max(1));
        let (step, widened) = match &self.step {
            None => (Duration::from_secs((seconds / POINTS).max(1)).max(least), false),
            Some(step) => {
                let step = read("step", step)?;
                (step.max(least), step < least)
            }
        };
        Ok(Some(Window { range, step, widened }))
    }

    /// The API endpoint it asks. A base URL may have a path of its own (`https://mimir/prometheus`).
    pub fn endpoint(&self) -> Option<String> {
        let path = if self.range.is_some() { "query_range" } else { "query" };
        self.server.as_ref().map(|server| format!("{}/api/v1/{path}", server.trim_end_matches('/')))
    }

    /// The API call and the query; `by_hand` is the curl command.
    pub fn describe(&self) -> Description {
        let endpoint = self.endpoint().map_or_else(|| "the service's Prometheus".to_owned(), |endpoint| quote::url(&endpoint));
        let mut curl = vec!["curl".to_owned(), "-G".to_owned(), quote::word(&endpoint)];
        let mut field = |text: String| curl.extend(["--data-urlencode".to_owned(), text]);
        field(quote::word(&format!("query={}", self.query)));
        let range = match self.window() {
            Ok(None) => String::new(),
            Ok(Some(window)) => {
                field(format!("\"start=$(($(date +%s) - {}))\"", window.range.as_secs()));
                field("\"end=$(date +%s)\"".to_owned());
                field(format!("step={}", window.step.as_secs_f64()));
                format!(" over the last {} s, step {} s", window.range.as_secs_f64(), window.step.as_secs_f64())
            }
            Err(why) => format!(" ({why})"),
        };
        let head = format!("GET {endpoint}{range}");
        let runs = std::iter::once(head).chain(self.query.lines().map(quote::visible)).collect();
        Description { runs, by_hand: self.server.is_some().then(|| curl.join(" ")) }
    }
}

/// Prometheus' way to write time: `1h30m`, `15s`, `500ms`, `2d`, `1w`, `1y`; units from long to short, each once. At most ten years.
pub fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] =
        [("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    const TEN_YEARS: u64 = 10 * 31_536_000_000;
    let (mut rest, mut units, mut total) = (text.trim(), UNITS.iter(), 0_u64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = tail;
    }
    (total <= TEN_YEARS).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(range: &str, step: Option<&str>) -> Promql {
        Promql { query: "up".into(), server: Some("http://prom:9090/".into()), range: Some(range.into()), step: step.map(Into::into) }
    }

    #[test]
    fn durations() {
        for (text, ms) in [("30m", 1_800_000), ("1h30m", 5_400_000), ("15s", 15_000), ("500ms", 500), ("2d", 172_800_000), ("0s", 0)] {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", " ", "5", "m", "5x", "30m1h", "1m1m", "-5m", "1.5h", "99999999999999999999s", "11y", "5 m"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn the_step_gives_120_points_and_never_more_than_11000() {
        let window = over("30m", None).window().unwrap().unwrap();
        assert_eq!(window, Window { range: Duration::from_secs(1800), step: Duration::from_secs(15), widened: false });
        assert_eq!(over("10s", None).window().unwrap().unwrap().step, Duration::from_secs(1));
        let widened = over("1d", Some("1s")).window().unwrap().unwrap();
        assert!(widened.widened);
        assert!(widened.range.as_secs() / widened.step.as_secs() < MAX_POINTS, "{widened:?}");
        assert!(over("soon", None).window().unwrap_err().contains("`range` is `soon`"));
        assert!(over("1h", Some("0s")).window().unwrap_err().contains("`step` is `0s`"));
    }

    #[test]
    fn shows_the_call_and_its_curl() {
        let instant = Promql { query: r#"up{job="api"}"#.into(), server: Some("http://u:pw@prom:9090".into()), range: None, step: None };
        let description = instant.describe();
        assert_eq!(description.runs, ["GET http://‹hidden›@prom:9090/api/v1/query", r#"up{job="api"}"#]);
        assert_eq!(
            description.by_hand.unwrap(),
            r#"curl -G 'http://‹hidden›@prom:9090/api/v1/query' --data-urlencode 'query=up{job="api"}'"#
        );
        let range = over("30m", None).describe();
        assert_eq!(range.runs.first().unwrap(), "GET http://prom:9090/api/v1/query_range over the last 1800 s, step 15 s");
        assert!(
            range
                .by_hand
                .unwrap()
                .ends_with(r#""start=$(($(date +%s) - 1800))" --data-urlencode "end=$(date +%s)" --data-urlencode step=15"#)
        );
    }
}
