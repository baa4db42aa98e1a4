//! An answer as a small table: the number first, since that is what is looked for, then the labels. Pure.

use serde_json::{Map, Value};

use super::answer::{Kind, Point, Result};

/// Rows shown; a report's tail holds 60 lines.
const ROWS: usize = 50;

pub fn lines(result: &Result) -> Vec<String> {
    if let Kind::Text(text) = &result.kind {
        return text.lines().map(str::to_owned).collect();
    }
    let numbers: Vec<String> = result
        .series
        .iter()
        .take(ROWS)
        .map(|series| match &result.kind {
            Kind::Matrix => run(&series.points),
            Kind::Vector | Kind::Scalar | Kind::Text(_) => number(series.points.first().and_then(|point| point.value)),
        })
        .collect();
    let width = numbers.iter().map(|number| number.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = numbers
        .iter()
        .zip(&result.series)
        .map(|(number, series)| format!("{number:>width$}  {}", labels(&series.labels)).trim_end().to_owned())
        .collect();
    if result.count > ROWS {
        lines.push(format!("… and {} more series", result.count - ROWS));
    }
    lines
}

/// `0.02 → 0.31 (0.01 … 0.35, 121 points)`: oldest, newest, least, most.
fn run(points: &[Point]) -> String {
    let values = || points.iter().filter_map(|point| point.value);
    let least = values().min_by(f64::total_cmp);
    let most = values().max_by(f64::total_cmp);
    let end = |point: Option<&Point>| number(point.and_then(|point| point.value));
    format!("{} → {} ({} … {}, {} points)", end(points.first()), end(points.last()), number(least), number(most), points.len())
}

/// Four significant digits where there is a fraction; a dash for no number.
fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let size = value.abs();
    let whole = value.fract() == 0.0;
    match size {
        _ if whole && size < 1e15 => format!("{value:.0}"),
        _ if !(1e-4..1e15).contains(&size) => format!("{value:.3e}"),
        _ if size >= 1000.0 => format!("{value:.1}"),
        _ if size >= 100.0 => format!("{value:.2}"),
        _ if size >= 1.0 => format!("{value:.3}"),
        _ => format!("{value:.5}"),
    }
}

/// As PromQL writes a selector: `http_requests_total{code="500", pod="a"}`.
fn labels(labels: &Map<String, Value>) -> String {
    let name = labels.get("__name__").and_then(Value::as_str).unwrap_or_default();
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(key, _)| *key != "__name__")
        .map(|(key, value)| format!("{key}={:?}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", pairs.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::super::answer::read;
    use super::*;
    use serde_json::json;

    fn shown(kind: &str, result: impl Into<Value>) -> Vec<String> {
        lines(&read(&json!({"status": "success", "data": {"resultType": kind, "result": result.into()}})).unwrap())
    }

    #[test]
    fn numbers_stand_under_each_other() {
        let vector = json!([
            {"metric": {"__name__": "up", "pod": "a"}, "value": [1, "0.0712345"]},
            {"metric": {"pod": "b\"x"}, "value": [1, "1234567"]},
            {"metric": {}, "value": [1, "NaN"]},
        ]);
        assert_eq!(shown("vector", vector), ["0.07123  up{pod=\"a\"}", "1234567  {pod=\"b\\\"x\"}", "      –"]);
    }

    #[test]
    fn a_matrix_is_a_line_a_series() {
        let matrix = json!([{"metric": {}, "values": [[1, "2"], [2, "0.5"], [3, "NaN"], [4, "130.25"]]}]);
        assert_eq!(shown("matrix", matrix), ["2 → 130.25 (0.50000 … 130.25, 4 points)"]);
        assert_eq!(shown("scalar", json!([1, "1e-9"])), ["1.000e-9"]);
    }

    #[test]
    fn many_series_end_with_a_count() {
        let vector: Vec<Value> = (0..70).map(|n| json!({"metric": {"n": n.to_string()}, "value": [1, "1"]})).collect();
        let lines = shown("vector", vector);
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (51, "… and 20 more series"));
    }
}
