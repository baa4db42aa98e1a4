//! One call to the Kubernetes API as data: what is shown before a change runs is what is sent. Pure; `target` sends it.

use std::fmt;

use serde_json::{Value, json};

use super::PatchKind;
use crate::action::identity::ObjectIdentity;

/// Who qrh says it is in `metadata.managedFields`.
pub const FIELD_MANAGER: &str = "qrh";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch(PatchKind),
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch(_) => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The body's media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Get | Self::Post | Self::Put | Self::Delete => "application/json",
            Self::Patch(kind) => kind.content_type(),
        }
    }
}

impl PatchKind {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Merge => "merge",
            Self::Strategic => "strategic",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: Method,
    pub path: String,
    /// Not yet percent-encoded.
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl Call {
    pub fn get(path: String) -> Self {
        Self { method: Method::Get, path, query: Vec::new(), body: None }
    }

    pub fn patch(kind: PatchKind, path: String, body: Value) -> Self {
        Self { method: Method::Patch(kind), path, query: managed(), body: Some(body) }
    }

    pub fn put(path: String, body: Value) -> Self {
        Self { method: Method::Put, path, query: managed(), body: Some(body) }
    }

    pub fn post(path: String, body: Value) -> Self {
        Self { method: Method::Post, path, query: managed(), body: Some(body) }
    }

    pub fn delete(path: String, body: Value) -> Self {
        Self { method: Method::Delete, path, query: Vec::new(), body: Some(body) }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        self.query.extend(value.map(|value| (name, value.into())));
        self
    }

    /// The same call as a question: the server validates and admits it, and stores nothing.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.query.push(("dryRun", "All".to_owned()));
        self
    }

    /// Path and query as they stand in the request line.
    pub fn target(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, query.join("&")) }
    }
}

/// `PATCH /apis/… (application/…): {body}`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.target())?;
        match (&self.body, self.method) {
            (None, _) => Ok(()),
            (Some(body), Method::Patch(kind)) => write!(f, " ({}): {body}", kind.content_type()),
            (Some(body), Method::Get | Method::Post | Method::Put | Method::Delete) => write!(f, ": {body}"),
        }
    }
}

fn managed() -> Vec<(&'static str, String)> {
    vec![("fieldManager", FIELD_MANAGER.to_owned())]
}

/// RFC 3986 query component: everything but the unreserved characters.
fn encode(text: &str) -> String {
    use fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Carries a precondition in the body of a merge-like patch or a PUT: the server answers 409 where the object is another one by now.
pub fn pin(body: &mut Value, expected: Option<&ObjectIdentity>) {
    let (Some(expected), Value::Object(fields)) = (expected, body) else { return };
    // A patch whose metadata is no object is the server's to refuse.
    if let Value::Object(metadata) = fields.entry("metadata").or_insert_with(|| json!({})) {
        metadata.insert("uid".to_owned(), json!(expected.uid));
        metadata.insert("resourceVersion".to_owned(), json!(expected.resource_version));
    }
}

/// The same as `test` operations at the head of a JSON patch.
pub fn tests(expected: Option<&ObjectIdentity>) -> Vec<Value> {
    expected.map_or_else(Vec::new, |expected| {
        vec![
            json!({"op": "test", "path": "/metadata/uid", "value": expected.uid}),
            json!({"op": "test", "path": "/metadata/resourceVersion", "value": expected.resource_version}),
        ]
    })
}

/// The same for deletions and evictions.
pub fn preconditions(expected: Option<&ObjectIdentity>) -> Value {
    expected.map_or(Value::Null, |expected| json!({"uid": expected.uid, "resourceVersion": expected.resource_version}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_value_can_not_add_a_parameter() {
        let call = Call::get("/api/v1/pods".to_owned()).with("labelSelector", Some("app in (a,b)&watch=true"));
        assert_eq!(call.target(), "/api/v1/pods?labelSelector=app%20in%20%28a%2Cb%29%26watch%3Dtrue");
    }
}
