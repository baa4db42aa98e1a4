//! HTTP requests from this machine: one request of a rendered action, and its answer as a report. `announce` and `prometheus` go through
//! the same [`Client`].
//!
//! - `exit` is the status code. `out` is the parsed body where it is JSON, its text otherwise; null where it is longer than 1 MiB.
//! - 2xx succeeded, everything else is `Failed("HTTP 503 from …: first line of the body")`. A change that was answered by 502 or 504, or by
//!   a redirect of the kind that follows a done POST, is `Unknown`: the gateway does not know either.
//! - No answer: a read is `Unreachable`; a change is `Unreachable` only where no connection came about, `Unknown` after that.
//! - A change is sent once: no retry, no redirect, no reused connection that might have died. A read follows up to 5 redirects on its
//!   own host and port (or from http to https there), never to another host, so that a header's secret stays where it was sent.
//! - Values of secret headers are in no message, and are blotted out of a body that echoes them.

pub mod cause;
pub mod exchange;
pub mod route;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use self::exchange::{Answer, Broken, Demand, Purpose, Request};
use self::route::Routes;
use super::stream::{Collector, Conduct, OUT_BYTES, Origin};
use super::{Clock, Fence};
use crate::action::http::{Http, Method};
use crate::action::quote::{self, HIDDEN, is_secret_name};
use crate::action::{Ending, Report, Verdict};
use crate::guard::ingest;

/// Characters of a body's first line that an ending quotes.
const QUOTED: usize = 200;
/// A shorter header value is too likely to stand in a body by chance.
const ECHOED: usize = 6;

/// Makes no connection and reads no certificate until it is asked for something.
#[derive(Debug, Default)]
pub struct Client {
    routes: Routes,
    fence: Fence,
    clock: Clock,
}

impl Client {
    pub fn new() -> Self {
        Self::default()
    }

    /// A client that reaches no address outside the fence, and takes the time from this clock.
    pub fn within(fence: Fence, clock: Clock) -> Self {
        Self { routes: Routes::default(), fence, clock }
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    pub async fn send(&self, http: &Http, conduct: &Conduct) -> Report {
        let request = match request(http) {
            Ok(request) => request,
            Err(why) => return Report::ended(Ending::Failed(ingest::text(&why))),
        };
        let secrets = secrets(http);
        let (url, purpose) = (quote::url(&http.url), request.purpose);
        match self.exchange(request, conduct).await {
            Err(ending) => Report::ended(ending),
            Ok(mut answer) => {
                blot(&mut answer.body, &secrets);
                report(answer, &url, purpose, conduct).await
            }
        }
    }

    /// Sends and reads, under the conduct's timeout and cancel. An error is the ending of a run that has no answer.
    pub(super) async fn exchange(&self, request: Request, conduct: &Conduct) -> Result<Answer, Ending> {
        exchange::exchange((&self.routes, &self.fence), request, &Demand::new(conduct)).await
    }
}

/// Every mistake is found before anything is sent.
fn request(http: &Http) -> Result<Request, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &http.headers {
        let shown = quote::visible(name);
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{shown}` is no name of an HTTP header"))?;
        let mut value =
            HeaderValue::from_str(value).map_err(|_| format!("the value of header `{shown}` holds a character HTTP does not allow"))?;
        value.set_sensitive(is_secret_name(name));
        headers.insert(key, value);
    }
    if http.body.as_ref().is_some_and(|body| !body.is_string()) && !http.names_its_type() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let body = http.body.as_ref().map(|body| body.as_str().map_or_else(|| body.to_string(), str::to_owned).into_bytes());
    let purpose = match http.classify() {
        Verdict::Reads(_) => Purpose::Read,
        Verdict::Changes(_) | Verdict::Unknown(_) => Purpose::Change,
    };
    let (url, shown) = (address(&http.url)?, quote::url(&http.url));
    Ok(Request { method: method(http.method), url, shown, headers, body, purpose, keep: OUT_BYTES })
}

/// An `http` or `https` address with a host.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let shown = quote::url(text);
    let url =
        Url::parse(text.trim()).map_err(|error| format!("`{shown}` is not an address: {error}. Write it as http://host:port/path"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(format!("`{shown}` is not an HTTP address: `{}` is neither http nor https", quote::visible(other))),
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Options => reqwest::Method::OPTIONS,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// The values a server might echo: whole, and without the scheme (`Bearer`) before them.
fn secrets(http: &Http) -> Vec<String> {
    let values = http.headers.iter().filter(|(name, _)| is_secret_name(name)).map(|(_, value)| value.trim());
    let mut all: Vec<String> =
        values.flat_map(|value| [Some(value), value.split_once(' ').map(|(_, bare)| bare.trim())]).flatten().map(str::to_owned).collect();
    all.retain(|value| value.len() >= ECHOED);
    all.sort_by_key(|value| std::cmp::Reverse(value.len()));
    all
}

fn blot(body: &mut Vec<u8>, secrets: &[String]) {
    for secret in secrets {
        let held = body.windows(secret.len()).any(|window| window == secret.as_bytes());
        if held {
            *body = String::from_utf8_lossy(body).replace(secret.as_str(), HIDDEN).into_bytes();
        }
    }
}

async fn report(answer: Answer, url: &str, purpose: Purpose, conduct: &Conduct) -> Report {
    let ending = verdict(&answer, url, purpose);
    let status = i32::from(answer.status.as_u16());
    let last = answer.summary();
    let mut collector = Collector::new(conduct);
    collector.cut(answer.dropped);
    if answer.body.is_empty() {
        for line in answer.header_lines() {
            collector.show(Origin::Stdout, &line).await;
        }
    }
    let document = answer.document().map(|parsed| parsed.map(ingest::json));
    match &document {
        Some(Ok(value)) => {
            let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
            collector.show(Origin::Stdout, &pretty).await;
        }
        Some(Err(error)) => {
            collector.push(Origin::Stdout, &answer.body).await;
            collector.show(Origin::Stderr, &format!("qrh: the answer calls itself JSON and is not: {error}")).await;
        }
        None => collector.push(Origin::Stdout, &answer.body).await,
    }
    collector.show(Origin::Stderr, &last).await;
    match document {
        Some(Ok(value)) => collector.report_with(ending, Some(status), value).await,
        Some(Err(_)) | None if answer.dropped > 0 => collector.report_with(ending, Some(status), serde_json::Value::Null).await,
        Some(Err(_)) | None => collector.report(ending, Some(status)).await,
    }
}

/// What an answer means for a run that wanted a 2xx.
pub(super) fn verdict(answer: &Answer, url: &str, purpose: Purpose) -> Ending {
    let code = answer.status.as_u16();
    if let Some(broken) = answer.broken.as_ref().filter(|_| answer.status.is_success()) {
        return match (purpose, broken) {
            (Purpose::Read, Broken::Cancelled) => Ending::Stopped,
            (Purpose::Read, _) => Ending::Failed(format!("HTTP {code} came from {url}, but {broken}")),
            (Purpose::Change, _) => Ending::Unknown(format!("HTTP {code} came from {url}, but {broken}: it has probably been done")),
        };
    }
    if answer.status.is_success() {
        return Ending::Succeeded;
    }
    let mut says = format!("HTTP {code} from {url}");
    if let Some(line) = answer.first_line() {
        says = format!("{says}: {line}");
    }
    if let Some(wait) = answer.header("retry-after") {
        says = format!("{says} (retry after {wait}{})", if wait.bytes().all(|b| b.is_ascii_digit()) { " s" } else { "" });
    }
    if let Some(place) = answer.header("location").filter(|_| answer.status.is_redirection()) {
        says = format!("{says} (redirects to {}, not followed)", quote::url(&place));
    }
    match (purpose, code) {
        (Purpose::Change, 502 | 504) => Ending::Unknown(format!("{says}; it may have been done")),
        (Purpose::Change, 301..=303) => Ending::Unknown(format!("{says}; it may have been done, or want a login")),
        (Purpose::Change | Purpose::Read, _) => Ending::Failed(says),
    }
}
