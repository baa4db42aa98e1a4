//! Why a request got no answer, in words an on-call engineer can act on.

use std::error::Error;
use std::io::ErrorKind;

use super::route::CONNECT;
use crate::guard::ingest;

/// Whether the request can have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// No connection came about: nothing was sent.
    NotSent,
    /// There was a connection: it may have been sent.
    MaybeSent,
}

/// `url` is the address as it may be shown.
pub fn explain(error: &reqwest::Error, url: &str) -> (Reach, String) {
    let reach = if error.is_connect() || error.is_builder() || error.is_dns() { Reach::NotSent } else { Reach::MaybeSent };
    let detail = chain(error);
    let text = if let Some(tls) = find::<rustls::Error>(error) {
        format!("no TLS connection to {url}: {}", certificate(tls))
    } else if error.is_dns() {
        format!("the host name of {url} can't be resolved: {detail}")
    } else {
        match (reach, find::<std::io::Error>(error).map(std::io::Error::kind)) {
            (Reach::NotSent, Some(ErrorKind::ConnectionRefused)) => format!("connection refused by {url}: nothing listens there"),
            (Reach::NotSent, _) if error.is_timeout() => format!("no connection to {url} within {} s", CONNECT.as_secs()),
            (Reach::NotSent, _) => format!("no connection to {url}: {detail}"),
            (Reach::MaybeSent, Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)) => {
                format!("{url} reset the connection before it answered")
            }
            (Reach::MaybeSent, _) => format!("no HTTP answer from {url}: {detail}"),
        }
    };
    (reach, ingest::text(&text))
}

fn certificate(error: &rustls::Error) -> String {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer};
    use rustls::Error::{InvalidCertificate, InvalidMessage};
    let known = [
        (matches!(error, InvalidCertificate(UnknownIssuer)), "its certificate is signed by nobody this machine trusts"),
        (matches!(error, InvalidCertificate(Expired | ExpiredContext { .. })), "its certificate has expired"),
        (matches!(error, InvalidCertificate(NotValidForName | NotValidForNameContext { .. })), "its certificate is for another host name"),
        (matches!(error, InvalidMessage(_)), "what answers there does not speak TLS (is it http, not https?)"),
    ];
    known.iter().find(|(holds, _)| *holds).map_or_else(|| error.to_string(), |(_, says)| (*says).to_owned())
}

/// Every level of an error once, without the address, which may hold a secret.
pub fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        let text = text.split(" (os error").next().unwrap_or(&text).to_owned();
        if !matches!(text.as_str(), "client error (Connect)" | "client error (SendRequest)" | "tcp connect error" | "dns error")
            && !parts.iter().any(|part| part.contains(&text))
        {
            parts.push(text);
        }
        next = source.source();
    }
    if parts.is_empty() {
        // The top level names the address: only its kind is said.
        parts.push(if error.is_timeout() { "timed out" } else { "the request failed" }.to_owned());
    }
    parts.join(": ")
}

/// The first error of this type in the chain.
fn find<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(source) = next {
        if let Some(found) = source.downcast_ref::<T>() {
            return Some(found);
        }
        // An IO error's source is that of the error it wraps, which would be passed over.
        let wrapped = source.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| source.source());
    }
    None
}
