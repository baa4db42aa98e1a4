//! The Prometheus of a local world: the query API over what was scraped, on loopback.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::watch::Watched;
use crate::drill::world::promql::http as api;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 256;
/// Bytes of a request's body.
const LARGEST: usize = 256 * 1024;

/// Until it is dropped, and all its connections with it.
pub async fn accept(watched: Arc<Watched>, listener: TcpListener) {
    let mut talks = JoinSet::new();
    loop {
        while talks.len() >= CONNECTIONS {
            talks.join_next().await;
        }
        while talks.try_join_next().is_some() {}
        // A connection that was gone before it was taken is nobody's error.
        let Ok((connection, _)) = listener.accept().await else { continue };
        talks.spawn(talk(Arc::clone(&watched), connection));
    }
}

async fn talk(watched: Arc<Watched>, connection: TcpStream) {
    let _ = connection.set_nodelay(true);
    let service = service_fn(move |request| {
        let watched = Arc::clone(&watched);
        async move { Ok::<_, Infallible>(query(watched, request).await) }
    });
    // What the other side did to the connection is its own affair; the next request comes on a new one.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
}

type Answer = Response<Full<Bytes>>;

fn answer(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}

async fn query(watched: Arc<Watched>, request: Request<Incoming>) -> Answer {
    let plain = "text/plain; charset=utf-8";
    let method = match request.method().as_str() {
        "GET" => api::Method::Get,
        "POST" => api::Method::Post,
        _ => return answer(405, plain, "Method Not Allowed\n"),
    };
    let (path, words) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let Ok(form) = Limited::new(request.into_body(), LARGEST).collect().await.map(http_body_util::Collected::to_bytes) else {
        return answer(413, plain, format!("a form of at most {LARGEST} bytes\n"));
    };
    let parameters = api::Parameters::read(&words, &String::from_utf8_lossy(&form));
    // A query of all it may look at takes a while: not on a thread that serves others.
    let asked = tokio::task::spawn_blocking(move || watched.query(method, &path, parameters));
    match asked.await {
        Ok(answered) => answer(answered.status, answered.content_type, answered.body),
        Err(_) => answer(500, plain, "the query could not be finished\n"),
    }
}
