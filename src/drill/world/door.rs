//! Plain HTTP on loopback: the Prometheus of the world, and its services as a responder's machine reaches them.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Shared;
use super::plant::{Sent, Whole, send};
use super::promql::{Release, http as api};

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 1024;
/// Bytes of a request's body.
const LARGEST: usize = 256 * 1024;

/// What answers behind a port.
#[derive(Debug, Clone, Copy)]
pub enum Inside {
    Prometheus,
    Service(&'static str),
}

pub async fn accept(shared: Arc<Shared>, listener: TcpListener, inside: Inside) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        // A connection that was gone before it was taken is nobody's error.
        let Ok((connection, _)) = accepted else { continue };
        let shared = shared.clone();
        shared.tasks.clone().spawn(async move {
            tokio::select! {
                () = talk(shared.clone(), connection, inside) => {}
                () = shared.stop.cancelled() => {}
            }
            drop(place);
        });
    }
}

async fn talk(shared: Arc<Shared>, connection: TcpStream, inside: Inside) {
    let _ = connection.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move {
            match inside {
                Inside::Prometheus => Ok(query(&shared, request).await),
                Inside::Service(name) => serve(&shared, name, request).await,
            }
        }
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

async fn query(shared: &Arc<Shared>, request: Request<Incoming>) -> Answer {
    let method = match request.method().as_str() {
        "GET" => api::Method::Get,
        "POST" => api::Method::Post,
        _ => return answer(405, "text/plain; charset=utf-8", "Method Not Allowed\n"),
    };
    let (path, words) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let Ok(form) = Limited::new(request.into_body(), LARGEST).collect().await.map(http_body_util::Collected::to_bytes) else {
        return answer(413, "text/plain; charset=utf-8", format!("a form of at most {LARGEST} bytes\n"));
    };
    let parameters = api::Parameters::read(&words, &String::from_utf8_lossy(&form));
    // A query of all it may look at takes a while: not on a thread that serves others.
    let shared = shared.clone();
    let asked = tokio::task::spawn_blocking(move || {
        shared.look(|state| {
            let (plant, now) = (state.plant.clone(), state.now.as_millisecond());
            let model = plant.lock();
            api::answer(&model.store, Release::CURRENT, &api::Request { method, path: &path, parameters, now })
        })
    });
    match asked.await {
        Ok(answered) => answer(answered.status, answered.content_type, answered.body),
        Err(_) => answer(500, "text/plain; charset=utf-8", "the query could not be finished\n"),
    }
}

async fn serve(shared: &Arc<Shared>, name: &'static str, request: Request<Incoming>) -> Sent {
    let answer = match Whole::read(request).await {
        Ok(whole) => {
            let (plant, now) = shared.look(|state| (state.plant.clone(), state.now));
            plant.lock().answer_of(name, &whole.asked(now))
        }
        Err(too_long) => Some(too_long),
    };
    send(answer, shared.pace).await
}
