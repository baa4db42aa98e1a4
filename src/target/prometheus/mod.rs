//! Questions to Prometheus and whatever speaks its HTTP API (Thanos, Mimir, VictoriaMetrics). It asks the two query endpoints and no
//! other, so it can't change anything.
//!
//! `out` is `{ "type", "value", "series": [{ "labels", "value" | "points" }], "count" }`; see [`answer`] for what each holds. A question
//! that matched nothing succeeded: `value` is null, `count` 0, and the tail says so.
//! Source: <https://prometheus.io/docs/prometheus/latest/querying/api/>

pub mod answer;
pub mod table;

use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use super::http::exchange::{Answer, Broken, Purpose, Request};
use super::http::{self, Client};
use super::stream::{Collector, Conduct, Origin};
use crate::action::promql::{Promql, Window};
use crate::action::{Ending, Report, quote};
use crate::guard::ingest;

/// Bytes of an answer that are read: a range of 11,000 points of some 40 series.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// A longer query is sent as a form, since servers and proxies limit an address to 8 KiB.
const LONGEST_ADDRESS: usize = 2_000;

pub async fn query(client: &Client, promql: &Promql, conduct: &Conduct) -> Report {
    let (request, window) = match request(promql, client.now().into(), conduct.timeout) {
        Ok(request) => request,
        Err(why) => return Report::ended(Ending::Failed(ingest::text(&why))),
    };
    let shown = request.shown.clone();
    let answer = match client.exchange(request, conduct).await {
        Ok(answer) => answer,
        Err(ending) => return Report::ended(ending),
    };
    let status = Some(i32::from(answer.status.as_u16()));
    let mut collector = Collector::new(conduct);
    if window.is_some_and(|window| window.widened) {
        collector.show(Origin::Stderr, "qrh: the step was made longer: Prometheus gives at most 11,000 points a series").await;
    }
    match understand(&answer, &shown) {
        Err(ending) => {
            collector.show(Origin::Stderr, &answer.summary()).await;
            collector.report_with(ending, status, serde_json::Value::Null).await
        }
        Ok(result) => {
            for line in table::lines(&result) {
                collector.show(Origin::Stdout, &line).await;
            }
            for note in &result.notes {
                collector.show(Origin::Stderr, note).await;
            }
            collector.report_with(Ending::Succeeded, status, ingest::json(result.into_json())).await
        }
    }
}

/// `now` ends a range; an instant query leaves the time to the server, whose clock wrote the samples.
fn request(promql: &Promql, now: SystemTime, timeout: Duration) -> Result<(Request, Option<Window>), String> {
    let endpoint = promql.endpoint().ok_or("no Prometheus is named: give `server` here or `prometheus` in the service's catalog entry")?;
    let mut url = http::address(&endpoint)?;
    let window = promql.window()?;
    let mut fields = vec![("query", promql.query.clone()), ("timeout", format!("{}ms", timeout.as_millis()))];
    if let Some(window) = &window {
        let end = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let start = end.saturating_sub(window.range);
        let seconds = |time: Duration| format!("{}.{:03}", time.as_secs(), time.subsec_millis());
        fields.extend([("start", seconds(start)), ("end", seconds(end)), ("step", seconds(window.step))]);
    }
    let shown = quote::url(url.as_str());
    let encoded = encode(&url, &fields);
    let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    let (method, body) = if encoded.len() <= LONGEST_ADDRESS {
        let own = url.query().map(|own| format!("{own}&")).unwrap_or_default();
        url.set_query(Some(&format!("{own}{encoded}")));
        (Method::GET, None)
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        (Method::POST, Some(encoded.into_bytes()))
    };
    Ok((Request { method, url, shown, headers, body, purpose: Purpose::Read, keep: ANSWER_BYTES }, window))
}

/// The form encoding, borrowed from an address.
fn encode(url: &Url, fields: &[(&str, String)]) -> String {
    let mut blank = url.clone();
    blank.set_query(None);
    blank.query_pairs_mut().extend_pairs(fields);
    blank.query().unwrap_or_default().to_owned()
}

/// Everything that is not an answer of the API becomes one line that says what it is instead.
fn understand(answer: &Answer, url: &str) -> Result<answer::Result, Ending> {
    if answer.broken == Some(Broken::Cancelled) {
        return Err(Ending::Stopped);
    }
    if let Some(broken) = &answer.broken {
        return Err(Ending::Failed(format!("the answer of {url} is not whole: {broken}")));
    }
    if answer.dropped > 0 {
        return Err(Ending::Failed(format!(
            "the answer of {url} is longer than 16 MiB: ask for fewer series (sum, topk) or a longer step"
        )));
    }
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(&answer.body) else { return Err(foreign(answer, url)) };
    if let Some(refusal) = answer::refusal(&body) {
        return Err(Ending::Failed(format!(
            "Prometheus refused the query ({}): {}",
            ingest::text(&refusal.kind),
            ingest::text(&refusal.says)
        )));
    }
    if !answer.status.is_success() {
        return Err(foreign(answer, url));
    }
    answer::read(&body).ok_or_else(|| {
        Ending::Failed(format!("what {url} answered is JSON, but not of the Prometheus API: check the service's `prometheus` address"))
    })
}

/// No JSON: a proxy's error, a login page, another program.
fn foreign(answer: &Answer, url: &str) -> Ending {
    let code = answer.status.as_u16();
    let html = answer.header("content-type").is_some_and(|kind| kind.contains("html")) || answer.body.trim_ascii_start().starts_with(b"<");
    if answer.status.is_redirection() {
        let place = answer.header("location").map(|place| quote::url(&place)).unwrap_or_default();
        return Ending::Failed(format!(
            "HTTP {code} from {url}: it sends to {place}, probably a login; give an address that needs none, or a password"
        ));
    }
    let hint = match code {
        401 | 403 => "it wants a login; check the user and password in the service's `prometheus` address",
        404 => "no Prometheus API there; check the path of the service's `prometheus` address",
        _ if html => "a web page, not the API: a login page, or the wrong address",
        200..=299 => "not JSON; is this a Prometheus server?",
        _ => "",
    };
    let said = if html { None } else { answer.first_line() };
    let parts = [Some(hint.to_owned()), said].into_iter().flatten().filter(|part| !part.is_empty());
    let head = std::iter::once(format!("HTTP {code} from {url}"));
    Ending::Failed(head.chain(parts).collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str, range: Option<&str>) -> Promql {
        Promql { query: query.into(), server: Some("http://u:pw@prom:9090/x".into()), range: range.map(Into::into), step: None }
    }

    #[test]
    fn an_instant_query_is_a_get_and_leaves_the_time_to_the_server() {
        let (request, window) = request(&ask(r#"up{job="a b"} > 0"#, None), SystemTime::UNIX_EPOCH, Duration::from_secs(30)).unwrap();
        assert_eq!(window, None);
        assert_eq!(request.url.as_str(), "http://u:pw@prom:9090/x/api/v1/query?query=up%7Bjob%3D%22a+b%22%7D+%3E+0&timeout=30000ms");
        assert_eq!(request.shown, "http://‹hidden›@prom:9090/x/api/v1/query");
    }

    #[test]
    fn a_range_ends_now() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
        let (request, _) = request(&ask("up", Some("30m")), now, Duration::from_secs(1)).unwrap();
        assert!(request.url.as_str().ends_with("start=1699998200.250&end=1700000000.250&step=15.000"), "{}", request.url);
    }

    #[test]
    fn a_long_query_goes_as_a_form() {
        let (request, _) = request(&ask(&"a".repeat(5_000), None), SystemTime::UNIX_EPOCH, Duration::from_secs(1)).unwrap();
        assert_eq!((request.method, request.url.query()), (Method::POST, None));
        assert!(request.body.unwrap().starts_with(b"query=aaaa"));
    }

    #[test]
    fn a_missing_server_says_where_to_name_it() {
        let nowhere = Promql { server: None, ..ask("up", None) };
        assert!(request(&nowhere, SystemTime::UNIX_EPOCH, Duration::from_secs(1)).unwrap_err().contains("catalog"));
    }
}
