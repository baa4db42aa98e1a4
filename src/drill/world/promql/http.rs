//! The HTTP API as plain functions: a request that is already read, and the answer to write. The world's server mounts [`answer`].

use std::collections::BTreeSet;

use promql_parser::label::Matcher;

use super::eval::{Evaluation, Steps, Value};
use super::labels::{Labels, METRIC_NAME};
pub use super::parameter::Parameters;
use super::plan::{Expr, Range, Selector};
use super::refusal::Refusal;
use super::source::{Sample, Source, Span};
use super::{Release, json, lower};

/// Steps between start and end of a range query.
const MOST_STEPS: i64 = 11_000;
const QUERY: &str = "query";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub method: Method,
    /// Without the query string.
    pub path: &'a str,
    pub parameters: Parameters,
    /// Simulated time, in milliseconds since the Unix epoch: the instant of a query that names none.
    pub now: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

impl Answer {
    fn text(status: u16, body: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.to_owned() }
    }

    fn json(status: u16, body: String) -> Self {
        Self { status, content_type: "application/json", body }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let error = json::text(&refusal.to_string());
        Self::json(refusal.status(), format!("{{\"status\":\"error\",\"errorType\":\"{}\",\"error\":{error}}}", refusal.kind()))
    }
}

/// Answers any request; a path that is not simulated gets a 404 that says so.
pub fn answer(source: &dyn Source, release: Release, request: &Request<'_>) -> Answer {
    let asked = Asked { source, release, parameters: &request.parameters, now: request.now };
    let values_of = request.path.strip_prefix("/api/v1/label/").and_then(|rest| rest.strip_suffix("/values"));
    let data = match (request.path, request.method, values_of) {
        ("/-/ready", Method::Get, _) => return Answer::text(200, "Prometheus Server is Ready.\n"),
        ("/-/healthy", Method::Get, _) => return Answer::text(200, "Prometheus Server is Healthy.\n"),
        ("/api/v1/query", _, _) => asked.query(),
        ("/api/v1/query_range", _, _) => asked.query_range(),
        ("/api/v1/labels", _, _) => asked.labels(),
        ("/api/v1/series", _, _) => asked.series(),
        ("/api/v1/status/buildinfo", Method::Get, _) => Ok(asked.build()),
        (_, Method::Get, Some(name)) => asked.label_values(name),
        ("/-/ready" | "/-/healthy" | "/api/v1/status/buildinfo", Method::Post, _) | (_, Method::Post, Some(_)) => {
            return Answer::text(405, "Method Not Allowed\n");
        }
        (path, _, None) => Err(Refusal::NotFound(format!("{path} is not simulated"))),
    };
    data.map_or_else(Answer::from, |data| Answer::json(200, format!("{{\"status\":\"success\",{data}}}")))
}

struct Asked<'a> {
    source: &'a dyn Source,
    release: Release,
    parameters: &'a Parameters,
    now: i64,
}

/// The members of an answer beside `status`.
type Data = Result<String, Refusal>;

impl Asked<'_> {
    fn plan(&self) -> Result<Expr, Refusal> {
        let text = self.parameters.get(QUERY).unwrap_or_default();
        lower::plan(text).map_err(|why| why.of_parameter(QUERY))
    }

    /// Parameters that change a result, and that are not simulated.
    fn nothing_unknown(&self) -> Result<(), Refusal> {
        self.parameters.duration("timeout")?;
        if self.parameters.get("lookback_delta").is_some() {
            return Err(Refusal::not_simulated("the parameter lookback_delta"));
        }
        Ok(())
    }

    fn query(&self) -> Data {
        let at = self.parameters.instant("time")?.unwrap_or(self.now);
        self.nothing_unknown()?;
        let plan = self.plan()?;
        let evaluation = Evaluation::new(self.source, Steps::once(at), self.release);
        let one = |value: f64| {
            let mut text = String::new();
            json::point(Sample { at, value }, &mut text);
            text
        };
        let (kind, result) = match &plan {
            Expr::Text(text) => {
                let mut instant = String::new();
                json::instant(at, &mut instant);
                ("string", format!("[{instant},{}]", json::text(text)))
            }
            Expr::Range(selector, range) => ("matrix", Self::window(&evaluation, selector, *range)?),
            Expr::Number(_)
            | Expr::Time
            | Expr::Instant(_)
            | Expr::Over(..)
            | Expr::Negated(_)
            | Expr::Aggregate(_)
            | Expr::Binary(_)
            | Expr::Call(_) => match evaluation.value(&plan)? {
                Value::Scalar(values) => ("scalar", json::scalar(Sample { at, value: values.first().copied().unwrap_or(f64::NAN) })),
                Value::Vector(columns) => {
                    let found = columns.iter().filter_map(|column| Some((&column.labels, column.cells.first().copied().flatten()?)));
                    let parts = found.map(|(labels, value)| format!("{{\"metric\":{},\"value\":{}}}", json::labels(labels), one(value)));
                    ("vector", json::list(parts.take(self.parameters.limit()?)))
                }
            },
        };
        Ok(format!("\"data\":{{\"resultType\":\"{kind}\",\"result\":{result}}}"))
    }

    fn window(evaluation: &Evaluation<'_>, selector: &Selector, range: Range) -> Data {
        let mut found = evaluation.range(selector, range)?;
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(json::list(found.into_iter().map(|(labels, samples)| points(&labels, samples.into_iter()))))
    }

    fn query_range(&self) -> Data {
        let steps = self.steps()?;
        self.nothing_unknown()?;
        let plan = self.plan()?;
        let kind = match &plan {
            Expr::Text(_) => Some("string"),
            Expr::Range(..) => Some("range vector"),
            Expr::Number(_)
            | Expr::Time
            | Expr::Instant(_)
            | Expr::Over(..)
            | Expr::Negated(_)
            | Expr::Aggregate(_)
            | Expr::Binary(_)
            | Expr::Call(_) => None,
        };
        if let Some(kind) = kind {
            let why = format!("invalid expression type {kind:?} for range query, must be Scalar or instant Vector");
            return Err(Refusal::BadData(why).of_parameter(QUERY));
        }
        let sample = |(at, value)| Sample { at, value };
        let result = match Evaluation::new(self.source, steps, self.release).value(&plan)? {
            Value::Scalar(values) => format!("[{}]", points(&Labels::none(), steps.iter().zip(values).map(sample))),
            Value::Vector(mut columns) => {
                columns.retain(|column| column.cells.iter().any(Option::is_some));
                columns.sort_by(|a, b| a.labels.cmp(&b.labels));
                let parts = columns.into_iter().map(|column| {
                    let cells = steps.iter().zip(column.cells).filter_map(|(at, cell)| Some((at, cell?)));
                    points(&column.labels, cells.map(sample))
                });
                json::list(parts.take(self.parameters.limit()?))
            }
        };
        Ok(format!("\"data\":{{\"resultType\":\"matrix\",\"result\":{result}}}"))
    }

    fn steps(&self) -> Result<Steps, Refusal> {
        let from = self.parameters.needed_instant("start")?;
        let to = self.parameters.needed_instant("end")?;
        if to < from {
            return Err(Refusal::BadData("end timestamp must not be before start time".to_owned()).of_parameter("end"));
        }
        let every = self.parameters.needed_duration("step")?;
        if every <= 0 {
            let why = "zero or negative query resolution step widths are not accepted. Try a positive integer";
            return Err(Refusal::BadData(why.to_owned()).of_parameter("step"));
        }
        let between = (to - from) / every;
        if between > MOST_STEPS {
            let why = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
            return Err(Refusal::BadData(why.to_owned()));
        }
        Ok(Steps { from, every, count: usize::try_from(between).unwrap_or(0) + 1 })
    }

    /// The labels of all series that `match[]` and the time range leave.
    fn found(&self, unless_said: Vec<Vec<Matcher>>) -> Result<BTreeSet<Labels>, Refusal> {
        let said: Result<Vec<_>, _> =
            self.parameters.all("match[]").map(|text| lower::matchers(text).map_err(|why| why.of_parameter("match[]"))).collect();
        let said = said?;
        let from = self.parameters.instant("start")?.unwrap_or(Span::ALL.from);
        let to = self.parameters.instant("end")?.unwrap_or(Span::ALL.to);
        let each = if said.is_empty() { unless_said } else { said };
        let span = Span { from, to };
        Ok(each.iter().flat_map(|matchers| self.source.select(matchers, span)).map(|found| found.labels).collect())
    }

    /// As many as the parameter `limit` allows, and a warning where that is not all.
    fn limited(&self, parts: Vec<String>) -> Data {
        let limit = self.parameters.limit()?;
        let warning = if parts.len() > limit { ",\"warnings\":[\"results truncated due to limit\"]" } else { "" };
        Ok(format!("\"data\":{}{warning}", json::list(parts.into_iter().take(limit))))
    }

    fn labels(&self) -> Data {
        let series = self.found(vec![Vec::new()])?;
        let names: BTreeSet<&str> = series.iter().flat_map(Labels::iter).map(|(name, _)| name).collect();
        self.limited(names.into_iter().map(json::text).collect())
    }

    fn label_values(&self, name: &str) -> Data {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(inner) {
            return Err(Refusal::BadData(format!("invalid label name: {name:?}")));
        }
        let series = self.found(vec![Vec::new()])?;
        let values: BTreeSet<&str> = series.iter().map(|labels| labels.get(name)).filter(|value| !value.is_empty()).collect();
        self.limited(values.into_iter().map(json::text).collect())
    }

    fn series(&self) -> Data {
        if self.parameters.all("match[]").next().is_none() {
            return Err(Refusal::BadData("no match[] parameter provided".to_owned()));
        }
        let series = self.found(Vec::new())?;
        self.limited(series.iter().filter(|labels| !labels.get(METRIC_NAME).is_empty()).map(json::labels).collect())
    }

    fn build(&self) -> String {
        let release = json::text(&self.release.to_string());
        format!(
            "\"data\":{{\"version\":{release},\"revision\":\"simulated by qrh\",\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\",\"goVersion\":\"\"}}"
        )
    }
}

/// One series of a matrix.
fn points(labels: &Labels, samples: impl Iterator<Item = Sample>) -> String {
    let mut text = format!("{{\"metric\":{},\"values\":[", json::labels(labels));
    for (index, sample) in samples.enumerate() {
        if index > 0 {
            text.push(',');
        }
        json::point(sample, &mut text);
    }
    text.push_str("]}");
    text
}
