//! What went wrong with a call, as one line a responder can act on: what was asked, what the server said, what to do next. Also what
//! it means for a change: whether it is known not to have happened.

use std::error::Error as StdError;
use std::time::Duration;

use hyper_util::client::legacy::Error as HttpClientError;
use serde_json::Value;

use super::hold::Held;
use super::wire::Ask;
use crate::action::Ending;
use crate::guard::ingest;

/// Characters of the server's own words that are shown.
const SAID: usize = 300;

/// A call that gave no usable answer.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// `get Deployment web`.
    what: String,
    /// For `kubectl auth can-i`: `get deployments.apps/web`.
    right: String,
    step: Step,
    pub cause: Cause,
}

/// What was being done. A change reads first; a fault there leaves everything as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Reading,
    Changing,
}

#[derive(Debug, Clone)]
pub(super) enum Cause {
    /// The server answered with an error status.
    Answer(Box<Answer>),
    /// No connection came about: nothing was sent.
    Connect { said: String, next: &'static str },
    /// There is no credential to send.
    Credential(String),
    /// No answer in time.
    Silent(Duration),
    /// The connection ended after the request was sent.
    Lost(String),
    /// The answer is not what the API gives.
    Garbled(String),
    /// qrh itself sends no such request; the text is the whole line.
    Refused(String),
    /// The object is not the one that was shown; the text is the whole line.
    Changed(String),
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub code: u16,
    pub message: String,
    pub reason: String,
    pub causes: Vec<String>,
    pub retry_after: Option<Duration>,
    pub author: Author,
}

/// Who wrote an error answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// The API server: a `Status` object. It knows what it did.
    ApiServer,
    /// Something in between, which does not.
    Gateway,
}

/// Where a fault is told: the parts of the next step.
pub(super) struct Whereabouts<'a> {
    pub context: &'a str,
    pub namespace: &'a str,
    pub server: &'a str,
    pub user: Option<&'a str>,
}

impl Fault {
    pub fn new(ask: &Ask, cause: Cause) -> Self {
        Self { what: ask.what.clone(), right: ask.right.clone(), step: Step::Reading, cause }
    }

    /// One that needs no words about rights.
    pub fn of(what: impl Into<String>, cause: Cause) -> Self {
        Self { what: what.into(), right: String::new(), step: Step::Reading, cause }
    }

    /// A request qrh does not make; `line` says all.
    pub fn refused(line: impl Into<String>) -> Self {
        Self { what: String::new(), right: String::new(), step: Step::Reading, cause: Cause::Refused(line.into()) }
    }

    pub fn changed(line: impl Into<String>) -> Self {
        Self { what: String::new(), right: String::new(), step: Step::Reading, cause: Cause::Changed(line.into()) }
    }

    /// It came from the change itself, not from a read before it.
    #[must_use]
    pub fn while_changing(mut self) -> Self {
        self.step = Step::Changing;
        self
    }

    fn answer(&self) -> Option<&Answer> {
        if let Cause::Answer(answer) = &self.cause { Some(answer) } else { None }
    }

    /// The HTTP status of an error answer.
    pub fn code(&self) -> Option<u16> {
        self.answer().map(|answer| answer.code)
    }

    /// How long a busy server asks to be left alone.
    pub fn asks_to_wait(&self) -> Option<Duration> {
        self.answer().filter(|answer| matches!(answer.code, 429 | 503)).and_then(|answer| answer.retry_after)
    }

    /// One line, cleaned.
    pub fn line(&self, at: &Whereabouts) -> String {
        let what = &self.what;
        let line = match &self.cause {
            Cause::Answer(answer) => format!("can't {what}: {}", told(answer, &self.right, at)),
            Cause::Connect { said, next } => format!("can't {what}: no connection to {}: {said}; {next}", at.server),
            Cause::Credential(said) => format!("can't {what}: {said}"),
            Cause::Silent(waited) => {
                format!(
                    "can't {what}: {} gave no answer in {} s; check the link (VPN, proxy) and the API server's load",
                    at.server,
                    waited.as_secs()
                )
            }
            Cause::Lost(said) => format!("can't {what}: the connection to {} ended in the middle: {said}; try again", at.server),
            Cause::Garbled(said) => format!("can't {what}: {said}; check that {} is an API server and not a login page", at.server),
            Cause::Refused(line) | Cause::Changed(line) => line.clone(),
        };
        ingest::text(&line).lines().map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }

    pub fn ending(&self, at: &Whereabouts) -> Ending {
        let line = self.line(at);
        let known = match (&self.cause, self.step) {
            (Cause::Changed(_), _) => return Ending::Voided(line),
            (Cause::Refused(_) | Cause::Connect { .. } | Cause::Credential(_), _) | (_, Step::Reading) => true,
            (Cause::Answer(answer), Step::Changing) => answer.is_definite(),
            (Cause::Silent(_) | Cause::Lost(_) | Cause::Garbled(_), Step::Changing) => false,
        };
        if !known {
            return Ending::Unknown(format!("{line}; it may have happened: verify before doing it again"));
        }
        match &self.cause {
            Cause::Answer(_) | Cause::Garbled(_) | Cause::Refused(_) | Cause::Changed(_) => Ending::Failed(line),
            Cause::Connect { .. } | Cause::Credential(_) | Cause::Silent(_) | Cause::Lost(_) => Ending::Unreachable(line),
        }
    }
}

impl Answer {
    /// Reads the API's `Status`; anything else is a gateway's page, of which the first line is kept.
    pub fn read(code: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let status: Option<Value> = serde_json::from_slice(body).ok().filter(|value: &Value| value["kind"] == "Status");
        let Some(status) = status else {
            let text = String::from_utf8_lossy(body);
            let said = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no text");
            return Self { code, message: shorten(said), reason: String::new(), causes: Vec::new(), retry_after, author: Author::Gateway };
        };
        let text = |value: &Value| value.as_str().map(shorten).unwrap_or_default();
        let details = &status["details"];
        let causes =
            details["causes"].as_array().map(|all| all.iter().take(5).map(|cause| text(&cause["message"])).collect()).unwrap_or_default();
        let retry_after =
            retry_after.or_else(|| details["retryAfterSeconds"].as_u64().filter(|seconds| *seconds > 0).map(Duration::from_secs));
        Self { code, message: text(&status["message"]), reason: text(&status["reason"]), causes, retry_after, author: Author::ApiServer }
    }

    /// Whether the change is known not to have happened. The API server's own timeouts are not: etcd may have taken it.
    fn is_definite(&self) -> bool {
        let timed_out = self.reason == "Timeout" || self.message.contains("etcdserver") || self.message.contains("timed out");
        match (self.code, self.author) {
            (400..=499, _) => true,
            (500..=503, Author::ApiServer) => !timed_out,
            _ => false,
        }
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= SAID { text.to_owned() } else { text.chars().take(SAID).chain("…".chars()).collect() }
}

/// What the server said and what to do next.
fn told(answer: &Answer, right: &str, at: &Whereabouts) -> String {
    let Answer { code, message, .. } = answer;
    let context = at.context;
    let kubectl = format!("kubectl --context {context} -n {}", at.namespace);
    let by = match answer.author {
        Author::ApiServer => "the server",
        Author::Gateway => "what stands before the server",
    };
    let wait = answer.retry_after.map_or_else(String::new, |wait| format!(" and asks to wait {} s", wait.as_secs()));
    match code {
        400 => format!("{by} doesn't understand the request (400): {message}; correct the command"),
        401 => {
            let user = at.user.map_or_else(|| "without a user".to_owned(), |user| format!("of user `{user}`"));
            format!("{by} doesn't accept the credentials {user} (401): {message}; log in again, then check with: {kubectl} auth whoami")
        }
        403 => format!("{by} forbids it (403): {message}; ask for the right, check with: {kubectl} auth can-i {right}"),
        404 => format!("{by} doesn't find it (404): {message}; check the name, namespace `{}` and context `{context}`", at.namespace),
        409 => format!("it conflicts with the present state (409): {message}; read it again, then decide"),
        410 => format!("{by} has no such version any more (410): {message}; ask again from the start"),
        422 => format!("{by} finds it invalid (422): {message}; correct the values"),
        429 => format!("{by} has too many requests (429): {message}{wait}; wait, then try again"),
        500 => format!("{by} failed (500): {message}; look at the API server and its admission webhooks"),
        502 | 504 => format!("{by} got no answer behind it ({code}): {message}; check the API server"),
        503 => format!("{by} is not available (503): {message}{wait}; try again in a moment"),
        _ => format!("{by} answered {code}: {message}; check the command and the server"),
    }
}

/// Sorts what kube and the layers below it give.
pub(super) fn cause(error: &kube::Error) -> Cause {
    let chain = chain(error);
    if let Some(Held(what)) = chain.iter().find_map(|error| error.downcast_ref::<Held>()) {
        return Cause::Refused(format!("refused: the read-only client does not send {what}"));
    }
    let said = chain.last().map_or_else(|| error.to_string(), ToString::to_string);
    let connecting = chain.iter().any(|error| error.downcast_ref::<HttpClientError>().is_some_and(HttpClientError::is_connect));
    if let Some(tls) = chain.iter().find_map(|error| error.downcast_ref::<rustls::Error>()) {
        let next = "check certificate-authority in the kubeconfig, the proxy and the clock";
        return if connecting {
            Cause::Connect { said: format!("TLS failed: {tls}"), next }
        } else {
            Cause::Lost(format!("TLS failed: {tls}"))
        };
    }
    if !connecting {
        return Cause::Lost(said);
    }
    let kind = chain.iter().find_map(|error| error.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    match kind {
        Some(std::io::ErrorKind::ConnectionRefused) => {
            Cause::Connect { said: "it was refused".to_owned(), next: "check that the API server runs and the address is right" }
        }
        Some(std::io::ErrorKind::TimedOut) => Cause::Connect {
            said: format!("none in {} s", super::CONNECT_TIMEOUT.as_secs()),
            next: "check the link (VPN, proxy, firewall)",
        },
        _ => Cause::Connect { said, next: "check the address, the link (VPN, proxy) and the name service" },
    }
}

/// Every error from the outermost in. An `io::Error` hides the one it wraps from `source`, and that is where TLS errors are.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut all: Vec<&(dyn StdError + 'static)> = vec![error];
    // Deep enough for any stack of layers, and an end for one that turns in circles.
    while let Some(last) = all.last().copied().filter(|_| all.len() < 24) {
        let wrapped = last.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref).map(|inner| {
            let inner: &(dyn StdError + 'static) = inner;
            inner
        });
        match wrapped.or_else(|| last.source()) {
            Some(next) => all.push(next),
            None => break,
        }
    }
    all
}
