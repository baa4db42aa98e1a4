//! The parameters of a request: the query string and the form, and how Prometheus reads times and durations.

use super::refusal::Refusal;
use super::screen;

/// Names and values, decoded. What a form says comes before what the query string says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// `form` is the body of a POST with `application/x-www-form-urlencoded`, else empty.
    pub fn read(query_string: &str, form: &str) -> Self {
        let parts = [form, query_string].into_iter().flat_map(|part| form_urlencoded::parse(part.as_bytes()));
        Self(parts.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value; empty is as good as none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Milliseconds since the Unix epoch, of a parameter that may be left out.
    pub(super) fn instant(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let said = |why| Refusal::BadData(format!("Invalid time value for '{name}': {why}")).of_parameter(name);
        self.get(name).map(|text| instant(text).map_err(said)).transpose()
    }

    /// The same, of a parameter that must be there.
    pub(super) fn needed_instant(&self, name: &str) -> Result<i64, Refusal> {
        instant(self.get(name).unwrap_or_default()).map_err(|why| why.of_parameter(name))
    }

    /// Milliseconds.
    pub(super) fn duration(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.get(name).map(|text| duration(text).map_err(|why| why.of_parameter(name))).transpose()
    }

    pub(super) fn needed_duration(&self, name: &str) -> Result<i64, Refusal> {
        duration(self.get(name).unwrap_or_default()).map_err(|why| why.of_parameter(name))
    }

    /// How many results at most.
    pub(super) fn limit(&self) -> Result<usize, Refusal> {
        let Some(text) = self.get("limit") else { return Ok(usize::MAX) };
        match text.parse::<usize>() {
            Ok(0) => Ok(usize::MAX),
            Ok(limit) => Ok(limit),
            Err(_) => Err(Refusal::BadData(format!("{text:?} is not a number of results")).of_parameter("limit")),
        }
    }
}

/// Either way from 1970: so far that no arithmetic on milliseconds overflows.
const FARTHEST_SECONDS: f64 = 1e12;

#[allow(clippy::cast_possible_truncation, reason = "checked to lie within 1e15 milliseconds")]
fn milliseconds(seconds: f64) -> Option<i64> {
    (seconds.abs() <= FARTHEST_SECONDS).then(|| (seconds.trunc() as i64) * 1000 + (seconds.fract() * 1000.0).round() as i64)
}

/// Unix seconds with a fraction, or RFC 3339.
fn instant(text: &str) -> Result<i64, Refusal> {
    let read = match text.parse::<f64>() {
        Ok(seconds) => milliseconds(seconds),
        Err(_) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
    };
    read.ok_or_else(|| Refusal::BadData(format!("cannot parse {text:?} to a valid timestamp")))
}

/// Seconds with a fraction, or `1m30s`.
fn duration(text: &str) -> Result<i64, Refusal> {
    let read = match text.parse::<f64>() {
        Ok(seconds) => milliseconds(seconds),
        Err(_) => screen::duration(text).ok(),
    };
    read.ok_or_else(|| Refusal::BadData(format!("cannot parse {text:?} to a valid duration")))
}
