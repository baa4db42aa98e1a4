//! What goes back: an object, a text, a stream, or another protocol on the same connection.

use std::convert::Infallible;

use futures::stream::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::{Response, StatusCode, header};
use serde_json::Value;

use crate::drill::world::refusal::Refusal;

pub type Body = UnsyncBoxBody<Bytes, Infallible>;
pub type Answer = Response<Body>;

fn answer(code: u16, content_type: &str, body: Body) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = header::HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

pub fn json(code: u16, value: &Value) -> Answer {
    text(code, "application/json", value.to_string())
}

pub fn text(code: u16, content_type: &str, text: impl Into<Bytes>) -> Answer {
    answer(code, content_type, Full::new(text.into()).boxed_unsync())
}

pub fn stream(content_type: &str, parts: impl Stream<Item = Bytes> + Send + 'static) -> Answer {
    use futures::StreamExt as _;
    answer(200, content_type, StreamBody::new(parts.map(|part| Ok(Frame::data(part)))).boxed_unsync())
}

pub fn empty(code: u16) -> Answer {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

pub fn refusal(refusal: &Refusal) -> Answer {
    json(refusal.code, &refusal.status())
}

/// A warning header, as the API server adds for what it let pass.
pub fn warn(response: &mut Answer, warning: &str) {
    let clean: String = warning.chars().filter(|letter| !letter.is_control() && *letter != '"' && letter.is_ascii()).collect();
    if let Ok(value) = header::HeaderValue::from_str(&format!("299 - \"{clean}\"")) {
        response.headers_mut().append(header::WARNING, value);
    }
}
