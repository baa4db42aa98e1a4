//! `http`: one request from the responder's machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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

    pub fn describe(&self) -> Description {
        Description { runs: vec![self.url.clone()], by_hand: None }
    }
}
