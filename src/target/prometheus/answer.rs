//! What Prometheus answered, as `out`. Pure.
//!
//! - `type`: `vector`, `scalar`, `matrix` or `string`.
//! - `value`: the number a condition asks for: of a vector its first series, of a matrix the newest point of its first series. Always a
//!   floating point number, so that `out.value * 100.0` does not depend on the sample. Null where there is none, or it is NaN or infinite.
//! - `series`: for a vector `{labels, value}`, for a matrix `{labels, points: [[seconds, value], …]}`. As many as fit in 1 MiB.
//! - `count`: how many series there were.
//! - `text`: of a `string` only.

use serde_json::{Map, Value, json};

use crate::target::stream::OUT_BYTES;

/// JSON bytes a point or a label takes at most in what `fits` counts, beside its text.
const POINT_BYTES: usize = 48;

#[derive(Debug, Clone, PartialEq)]
pub struct Result {
    pub kind: Kind,
    pub series: Vec<Series>,
    /// Series in the answer; `series` may hold fewer.
    pub count: usize,
    /// Lines a person should see: warnings, infos, numbers that are none.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Vector,
    Scalar,
    Matrix,
    Text(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub labels: Map<String, Value>,
    /// One of a vector or a scalar; oldest first of a matrix.
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Unix seconds.
    pub at: f64,
    /// `None` is NaN or infinite, or a native histogram.
    pub value: Option<f64>,
}

/// An error of the API itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub kind: String,
    pub says: String,
}

pub fn refusal(body: &Value) -> Option<Refusal> {
    let text = |key: &str, unless: &str| body.get(key).and_then(Value::as_str).unwrap_or(unless).to_owned();
    (body.get("status")?.as_str()? == "error")
        .then(|| Refusal { kind: text("errorType", "error"), says: text("error", "it does not say why") })
}

/// What can't be read as a number.
#[derive(Default)]
struct Odd {
    not_finite: usize,
    histograms: usize,
}

/// `None` where this is no answer of the API.
pub fn read(body: &Value) -> Option<Result> {
    if body.get("status")?.as_str()? != "success" {
        return None;
    }
    let mut notes = Vec::new();
    for key in ["warnings", "infos"] {
        let said = body.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        notes.extend(said.map(|said| format!("{}: {said}", key.trim_end_matches('s'))));
    }
    let data = body.get("data")?;
    let result = data.get("result")?;
    let mut odd = Odd::default();
    let (kind, count, series) = match data.get("resultType")?.as_str()? {
        "scalar" => (Kind::Scalar, 1, vec![Series { labels: Map::new(), points: vec![point(result, &mut odd)?] }]),
        "string" => (Kind::Text(result.get(1)?.as_str()?.to_owned()), 0, Vec::new()),
        "vector" => (Kind::Vector, result.as_array()?.len(), many(result, &mut odd)?),
        "matrix" => (Kind::Matrix, result.as_array()?.len(), many(result, &mut odd)?),
        _ => return None,
    };
    if count == 0 && !matches!(kind, Kind::Text(_)) {
        notes.push("no data: the query matched no series".to_owned());
    }
    if odd.not_finite > 0 {
        notes.push(format!("{} of the values are NaN or infinite, and null here (a division by zero?)", odd.not_finite));
    }
    if odd.histograms > 0 {
        notes.push("the answer holds native histograms, null here: ask for histogram_quantile(…) or histogram_avg(…)".to_owned());
    }
    if series.len() < count {
        notes.push(format!("the first {} of {count} series are kept: ask for fewer (sum, topk)", series.len()));
    }
    Some(Result { kind, series, count, notes })
}

/// As many series as fit; each may be a vector's or a matrix's.
fn many(result: &Value, odd: &mut Odd) -> Option<Vec<Series>> {
    let (mut all, mut room) = (Vec::new(), OUT_BYTES);
    for item in result.as_array()? {
        let labels = item.get("metric")?.as_object()?.clone();
        let points = if let Some(points) = item.get("values").or_else(|| item.get("histograms")) {
            points.as_array()?.iter().map(|pair| point(pair, odd)).collect::<Option<Vec<_>>>()?
        } else {
            vec![point(item.get("value").or_else(|| item.get("histogram"))?, odd)?]
        };
        let text: usize = labels.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len) + 6).sum();
        let Some(left) = room.checked_sub(text + POINT_BYTES * (points.len() + 1)) else { break };
        room = left;
        all.push(Series { labels, points });
    }
    Some(all)
}

/// `[seconds, "number"]`, or `[seconds, {histogram}]`.
fn point(pair: &Value, odd: &mut Odd) -> Option<Point> {
    let at = pair.get(0)?.as_f64()?;
    let sample = pair.get(1)?;
    if sample.is_object() {
        odd.histograms += 1;
        return Some(Point { at, value: None });
    }
    let number: f64 = sample.as_str()?.parse().ok()?;
    if !number.is_finite() {
        odd.not_finite += 1;
    }
    Some(Point { at, value: Some(number).filter(|number| number.is_finite()) })
}

impl Result {
    /// The newest value of the first series.
    pub fn value(&self) -> Option<f64> {
        self.series.first()?.points.last()?.value
    }

    pub fn into_json(self) -> Value {
        let (value, count) = (self.value(), self.count);
        let series = self.series.into_iter().map(|series| {
            let labels = Value::Object(series.labels);
            match (&self.kind, series.points.first()) {
                (Kind::Vector | Kind::Scalar, first) => json!({ "labels": labels, "value": first.and_then(|point| point.value) }),
                (Kind::Matrix | Kind::Text(_), _) => {
                    let points: Vec<Value> = series.points.iter().map(|point| json!([point.at, point.value])).collect();
                    json!({ "labels": labels, "points": points })
                }
            }
        });
        let series: Vec<Value> = series.collect();
        let mut out = json!({ "type": self.kind.as_str(), "value": value, "series": series, "count": count });
        if let (Kind::Text(text), Some(fields)) = (self.kind, out.as_object_mut()) {
            fields.insert("text".to_owned(), text.into());
        }
        out
    }
}

impl Kind {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Vector => "vector",
            Self::Scalar => "scalar",
            Self::Matrix => "matrix",
            Self::Text(_) => "string",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn success(kind: &str, result: impl Into<Value>) -> Value {
        json!({ "status": "success", "data": { "resultType": kind, "result": result.into() } })
    }

    #[test]
    fn a_vector() {
        let body = success("vector", json!([{"metric": {"pod": "a"}, "value": [1.5, "0.07"]}, {"metric": {}, "value": [1.5, "3"]}]));
        let out = read(&body).unwrap().into_json();
        assert_eq!(
            out,
            json!({"type": "vector", "value": 0.07, "series": [{"labels": {"pod": "a"}, "value": 0.07}, {"labels": {}, "value": 3.0}], "count": 2})
        );
        assert!(out.pointer("/series/1/value").unwrap().is_f64(), "a whole number stays a floating point number");
    }

    #[test]
    fn a_scalar_and_a_string() {
        assert_eq!(
            read(&success("scalar", json!([1, "42"]))).unwrap().into_json(),
            json!({"type": "scalar", "value": 42.0, "series": [{"labels": {}, "value": 42.0}], "count": 1})
        );
        assert_eq!(
            read(&success("string", json!([1, "hi"]))).unwrap().into_json(),
            json!({"type": "string", "value": null, "series": [], "count": 0, "text": "hi"})
        );
    }

    #[test]
    fn a_matrix_gives_its_newest_value() {
        let body = success("matrix", json!([{"metric": {}, "values": [[1, "1"], [2.5, "NaN"], [4, "9"]]}]));
        let result = read(&body).unwrap();
        assert_eq!(result.notes.len(), 1);
        assert_eq!(
            result.into_json(),
            json!({"type": "matrix", "value": 9.0, "series": [{"labels": {}, "points": [[1.0, 1.0], [2.5, null], [4.0, 9.0]]}], "count": 1})
        );
    }

    #[test]
    fn nothing_matched_is_said() {
        for kind in ["vector", "matrix"] {
            let result = read(&success(kind, json!([]))).unwrap();
            assert_eq!(result.notes, ["no data: the query matched no series"]);
            assert_eq!(result.into_json(), json!({"type": kind, "value": null, "series": [], "count": 0}));
        }
    }

    #[test]
    fn numbers_that_are_none_are_null_and_said() {
        for odd in ["NaN", "+Inf", "-Inf"] {
            let result = read(&success("vector", json!([{"metric": {}, "value": [1, odd]}]))).unwrap();
            assert_eq!(result.value(), None);
            assert!(result.notes.first().unwrap().contains("NaN or infinite"));
        }
        let histogram = json!([{"metric": {}, "histogram": [1, {"count": "3", "sum": "4", "buckets": []}]}]);
        assert!(read(&success("vector", histogram)).unwrap().notes.first().unwrap().contains("histogram_quantile"));
    }

    #[test]
    fn warnings_and_infos_are_lines() {
        let mut body = success("vector", json!([]));
        body["warnings"] = json!(["partial answer: store x"]);
        body["infos"] = json!(["metric might not be a counter"]);
        assert_eq!(read(&body).unwrap().notes[..2], ["warning: partial answer: store x", "info: metric might not be a counter"]);
    }

    #[test]
    fn more_than_fits_is_counted() {
        let series: Vec<Value> = (0..60_000).map(|n| json!({"metric": {"pod": format!("pod-{n}")}, "value": [1, "1"]})).collect();
        let result = read(&success("vector", series)).unwrap();
        assert!(result.series.len() < 60_000 && result.count == 60_000);
        assert!(result.notes.last().unwrap().contains("of 60000 series are kept"));
        assert!(result.into_json().to_string().len() <= OUT_BYTES);
    }

    #[test]
    fn what_is_no_answer_is_nothing() {
        for body in [
            json!(null),
            json!([]),
            json!({"status": "ok"}),
            json!({"status": "success"}),
            json!({"status": "success", "data": {"resultType": "vector"}}),
            json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}}),
            json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}}),
            json!({"status": "success", "data": {"resultType": "streams", "result": []}}),
        ] {
            assert_eq!(read(&body), None, "{body}");
        }
    }
}
