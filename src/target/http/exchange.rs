//! One request and its answer over the wire, inside a deadline and a cancel, with a bound on what is read.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode, Url};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::QUOTED;
use super::cause::{self, Reach};
use super::route::Routes;
use crate::action::Ending;
use crate::action::quote::{self, is_secret_name};
use crate::guard::ingest;
use crate::target::fence::Fence;
use crate::target::host::seconds;
use crate::target::stream::Conduct;

/// Redirects a read follows.
const REDIRECTS: usize = 5;
/// Bytes of a body that are read at all; what is beyond [`Request::keep`] is only counted.
const READ_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Change,
}

#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    /// The address as messages may name it.
    pub shown: String,
    pub headers: HeaderMap,
    pub body: Option<Vec<u8>>,
    pub purpose: Purpose,
    /// Bytes of the body that are kept.
    pub keep: usize,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// At most `keep` bytes.
    pub body: Vec<u8>,
    /// Bytes read and not kept.
    pub dropped: u64,
    /// The body did not come to its end.
    pub broken: Option<Broken>,
    pub took: Duration,
}

/// Why a body is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    Cancelled,
    TimedOut(Duration, u64),
    Lost(String, u64),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("it was stopped before the body was whole"),
            Self::TimedOut(limit, bytes) => write!(f, "the body was not whole after {} ({bytes} bytes came)", seconds(*limit)),
            Self::Lost(why, bytes) => write!(f, "the connection was lost before the body was whole ({bytes} bytes came): {why}"),
        }
    }
}

/// The responder's cancel and the time there is.
pub struct Demand {
    cancel: CancellationToken,
    limit: Duration,
    deadline: Instant,
}

/// Why the wait was cut short.
enum Cut {
    Cancelled,
    TimedOut,
}

impl Demand {
    pub fn new(conduct: &Conduct) -> Self {
        Self { cancel: conduct.cancel.clone(), limit: conduct.timeout, deadline: Instant::now() + conduct.timeout }
    }

    async fn hold<T>(&self, work: impl Future<Output = T>) -> Result<T, Cut> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Cut::Cancelled),
            value = work => Ok(value),
            () = tokio::time::sleep_until(self.deadline) => Err(Cut::TimedOut),
        }
    }
}

pub async fn exchange((routes, fence): (&Routes, &Fence), mut request: Request, demand: &Demand) -> Result<Answer, Ending> {
    if demand.cancel.is_cancelled() {
        return Err(Ending::Stopped);
    }
    let started = Instant::now();
    let mut hops = 0;
    loop {
        // At every hop: a redirect leads out as well as an address does.
        if let Some(why) = fence.refuses(&request.url) {
            return Err(Ending::Failed(why));
        }
        let response = head(routes, &request, demand).await?;
        match redirect(&request, &response).filter(|_| hops < REDIRECTS) {
            None => return Ok(read(response, request.keep, demand, started).await),
            Some(url) => {
                hops += 1;
                request.shown = quote::url(url.as_str());
                request.url = url;
            }
        }
    }
}

async fn head(routes: &Routes, request: &Request, demand: &Demand) -> Result<Response, Ending> {
    let shown = request.shown.as_str();
    let client = routes.client(&request.url).map_err(Ending::Unreachable)?;
    let mut builder = client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
    if let Some(body) = &request.body {
        builder = builder.body(body.clone());
    }
    let error = match demand.hold(builder.send()).await {
        Ok(Ok(response)) => return Ok(response),
        Ok(Err(error)) => error,
        Err(cut) => return Err(unanswered(&cut, request.purpose, shown, demand.limit)),
    };
    let (reach, why) = cause::explain(&error, shown);
    Err(match (request.purpose, reach) {
        (Purpose::Read, _) | (Purpose::Change, Reach::NotSent) => Ending::Unreachable(why),
        (Purpose::Change, Reach::MaybeSent) => Ending::Unknown(format!("{why}; it may have been done")),
    })
}

fn unanswered(cut: &Cut, purpose: Purpose, url: &str, limit: Duration) -> Ending {
    match (cut, purpose) {
        (Cut::Cancelled, Purpose::Read) => Ending::Stopped,
        (Cut::Cancelled, Purpose::Change) => Ending::Unknown(format!("stopped before {url} answered; it may have been done")),
        (Cut::TimedOut, Purpose::Read) => Ending::Unreachable(format!("no answer from {url} within {}", seconds(limit))),
        (Cut::TimedOut, Purpose::Change) => {
            Ending::Unknown(format!("no answer from {url} within {}; it may have been done", seconds(limit)))
        }
    }
}

/// Where a read goes on to: only on the host and port it was sent to, or from http to https on that host.
fn redirect(request: &Request, response: &Response) -> Option<Url> {
    if request.purpose == Purpose::Change || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let place = response.headers().get("location")?.to_str().ok()?;
    let mut next = request.url.join(place).ok()?;
    let same_port = next.port_or_known_default() == request.url.port_or_known_default() && next.scheme() == request.url.scheme();
    let upgrade = request.url.scheme() == "http" && next.scheme() == "https";
    if next.host_str() != request.url.host_str() || !(same_port || upgrade) {
        return None;
    }
    // The name and password of the address go along; what the server put there does not.
    next.set_username(request.url.username()).ok()?;
    next.set_password(request.url.password()).ok()?;
    Some(next)
}

async fn read(mut response: Response, keep: usize, demand: &Demand, started: Instant) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let (mut body, mut seen, mut broken) = (Vec::new(), 0_u64, None);
    while seen < READ_BYTES {
        match demand.hold(response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                seen += chunk.len() as u64;
                let room = keep.saturating_sub(body.len()).min(chunk.len());
                body.extend_from_slice(chunk.get(..room).unwrap_or_default());
            }
            Ok(Ok(None)) => break,
            Ok(Err(error)) => {
                broken = Some(Broken::Lost(ingest::text(&cause::chain(&error)), seen));
                break;
            }
            Err(Cut::Cancelled) => {
                broken = Some(Broken::Cancelled);
                break;
            }
            Err(Cut::TimedOut) => {
                broken = Some(Broken::TimedOut(demand.limit, seen));
                break;
            }
        }
    }
    let dropped = seen - body.len() as u64;
    Answer { status, headers, body, dropped, broken, took: started.elapsed() }
}

impl Answer {
    /// A header as text that may be shown.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| ingest::text(&String::from_utf8_lossy(value.as_bytes())))
    }

    /// For an answer without a body the headers are the answer. Secret ones are named without their value.
    pub fn header_lines(&self) -> Vec<String> {
        let shown = |name: &str, value: &[u8]| {
            if is_secret_name(name) { quote::HIDDEN.to_owned() } else { String::from_utf8_lossy(value).into_owned() }
        };
        self.headers.iter().map(|(name, value)| format!("{name}: {}", shown(name.as_str(), value.as_bytes()))).collect()
    }

    /// The body as JSON where it says so or looks so. An error only where it says so.
    pub fn document(&self) -> Option<Result<serde_json::Value, serde_json::Error>> {
        let says = self.headers.get("content-type").and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            kind == "application/json" || kind.ends_with("+json")
        });
        let looks = matches!(self.body.trim_ascii_start().first(), Some(b'{' | b'['));
        if self.dropped > 0 || self.body.trim_ascii().is_empty() || !(says || looks) {
            return None;
        }
        match serde_json::from_slice(&self.body) {
            Err(_) if !says => None,
            parsed => Some(parsed),
        }
    }

    /// The first line of the body that is not empty, cut to a readable length.
    pub fn first_line(&self) -> Option<String> {
        let start = self.body.get(..self.body.len().min(4 * QUOTED)).unwrap_or_default();
        let text = ingest::text(&String::from_utf8_lossy(start));
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        let mut cut: String = line.chars().take(QUOTED).collect();
        if cut.len() < line.len() {
            cut.push('…');
        }
        Some(cut)
    }

    /// `HTTP 200 OK, application/json, 512 bytes in 12 ms`.
    pub fn summary(&self) -> String {
        let mut parts = vec![format!("HTTP {}", self.status)];
        parts.extend(self.header("content-type"));
        parts.extend(self.header("retry-after").map(|value| format!("retry-after: {value}")));
        parts.push(format!("{} bytes in {} ms", self.body.len() as u64 + self.dropped, self.took.as_millis()));
        if self.dropped > 0 {
            parts.push(format!("{} of them not kept", self.dropped));
        }
        parts.join(", ")
    }
}
