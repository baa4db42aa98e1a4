//! `http`: one request from the responder's machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::quote::{self, HIDDEN, is_secret_name};
use super::{Description, Hold, Verdict};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub url: String,
    #[serde(default)]
    pub method: Method,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Sent as JSON where it is not a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Get,
    Head,
    Options,
    Post,
    Put,
    Patch,
    Delete,
}

impl Http {
    pub fn classify(&self) -> Verdict {
        match self.method {
            Method::Get | Method::Head | Method::Options if self.body.is_none() => Verdict::Reads(Hold::HttpMethod),
            Method::Get | Method::Head | Method::Options => Verdict::Changes("a request with a body".to_owned()),
            Method::Post | Method::Put | Method::Patch | Method::Delete => Verdict::Changes("the HTTP method changes things".to_owned()),
        }
    }

    /// The request line, headers and body; `by_hand` is the curl command. Secret header values, passwords in the URL and secret fields of
    /// a JSON body are hidden in both.
    pub fn describe(&self) -> Description {
        let url = quote::url(&self.url);
        let mut runs = vec![format!("{} {url}", self.method.as_str())];
        let mut curl = vec!["curl".to_owned()];
        match self.method {
            Method::Get if self.body.is_none() => {}
            Method::Head => curl.push("--head".to_owned()),
            Method::Get | Method::Options | Method::Post | Method::Put | Method::Patch | Method::Delete => {
                curl.extend(["-X".to_owned(), self.method.as_str().to_owned()]);
            }
        }
        for (name, value) in &self.headers {
            let value = if is_secret_name(name) { HIDDEN } else { value };
            let header = format!("{name}: {value}");
            runs.push(quote::visible(&header).replace('\n', r"\n"));
            curl.extend(["-H".to_owned(), header]);
        }
        if let Some(body) = &self.body {
            if !body.is_string() && !self.names_its_type() {
                curl.extend(["-H".to_owned(), "content-type: application/json".to_owned()]);
            }
            let body = body.as_str().map_or_else(|| quote::json(body).to_string(), str::to_owned);
            runs.extend(body.lines().map(quote::visible));
            curl.extend(["--data-raw".to_owned(), body]);
        }
        curl.push(url);
        Description { runs, by_hand: Some(quote::words(curl.iter().map(String::as_str))) }
    }

    /// Whether the author gave a content type; without one a body that is not a string is sent as `application/json`.
    pub fn names_its_type(&self) -> bool {
        self.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"))
    }
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curl_command_is_whole_and_keeps_the_secret() {
        let http = Http {
            url: "https://me:pw@api.example.com/flags/x?token=t0".into(),
            method: Method::Patch,
            headers: [("Authorization".to_owned(), "Bearer hunter2".to_owned()), ("X-Reason".to_owned(), "it's on".to_owned())].into(),
            body: Some(serde_json::json!({"on": false, "password": "hunter2"})),
        };
        let Description { runs, by_hand } = http.describe();
        assert_eq!(
            runs,
            [
                "PATCH https://‹hidden›@api.example.com/flags/x?token=‹hidden›",
                "Authorization: ‹hidden›",
                "X-Reason: it's on",
                r#"{"on":false,"password":"‹hidden›"}"#
            ]
        );
        assert_eq!(
            by_hand.unwrap(),
            r#"curl -X PATCH -H 'Authorization: ‹hidden›' -H 'X-Reason: it'\''s on' -H 'content-type: application/json' --data-raw '{"on":false,"password":"‹hidden›"}' 'https://‹hidden›@api.example.com/flags/x?token=‹hidden›'"#
        );
    }

    #[test]
    fn only_bare_reads_are_held_reads() {
        let with = |method, body| Http { url: String::new(), method, headers: [].into(), body };
        for method in [Method::Get, Method::Head, Method::Options] {
            assert_eq!(with(method, None).classify(), Verdict::Reads(Hold::HttpMethod));
            assert!(matches!(with(method, Some("x".into())).classify(), Verdict::Changes(_)));
        }
        for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
            assert!(matches!(with(method, None).classify(), Verdict::Changes(_)));
        }
    }
}
