//! The programs in the shop's pods: the healthy services, bent by what the plant says of them.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::io::DuplexStream;

use super::answer::{Answer, Asked};
use super::fault::What;
use super::memory::MIB;
use super::site::{Site, site};
use super::{Plant, code, line};
use crate::drill::world::Pace;
use crate::drill::world::behaviour::{Behaviour, Line, Pull, Ran, Run, Talk, Usage, View};
use crate::drill::world::clock::later;
use crate::drill::world::json::text;
use crate::drill::world::program;
use crate::drill::world::service::{Healthy, REGISTRY};

/// How long a release that can't stop well is still sent requests after SIGTERM.
const STOPPING: Duration = Duration::from_secs(6);
/// Bytes of a request's body.
const LARGEST: usize = 64 * 1024;

pub struct Shop {
    plant: Plant,
    pace: Pace,
}

impl Shop {
    pub fn new(plant: Plant, pace: Pace) -> Arc<Self> {
        Arc::new(Self { plant, pace })
    }

    /// Whether a fault of this kind sits in the release that a pod runs.
    fn carries(&self, view: &View<'_>, what: What) -> bool {
        let Some(site) = of(view) else { return false };
        let version = text(view.pod, "/metadata/labels/version");
        let model = self.plant.lock();
        model
            .faults
            .iter()
            .any(|placed| placed.fault.what() == what && placed.fault.service() == site.name && placed.fault.version() == Some(version))
    }
}

/// The service that a container is.
fn of(view: &View<'_>) -> Option<&'static Site> {
    let ours = text(view.container, "/image").starts_with(REGISTRY) && text(view.pod, "/metadata/namespace") == super::NAMESPACE;
    site(text(view.container, "/name")).filter(|_| ours)
}

fn uid<'a>(view: &View<'a>) -> &'a str {
    text(view.pod, "/metadata/uid")
}

impl Behaviour for Shop {
    fn pull(&self, image: &str) -> Pull {
        Healthy.pull(image)
    }

    fn run(&self, view: &View<'_>) -> Run {
        let mut run = Healthy.run(view);
        if of(view).is_none() {
            return run;
        }
        if self.carries(view, What::NeverReadyRelease) {
            run.ready_after = None;
        }
        if self.carries(view, What::Sigterm) {
            run.stop_after = STOPPING;
        }
        let model = self.plant.lock();
        let end = model.bodies.get(uid(view)).and_then(|body| body.ends.iter().find(|end| end.run == view.run));
        run.exit = end.map(|end| end.exit.clone());
        run
    }

    fn usage(&self, view: &View<'_>) -> Usage {
        let model = self.plant.lock();
        let body =
            of(view).and_then(|_| model.bodies.get(uid(view))).filter(|body| body.facts.started.is_some() && body.memory.working_set > 0.0);
        let Some(body) = body else { return Healthy.usage(view) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes, and positive")]
        let memory = (body.memory.working_set * MIB) as u64;
        Usage { cpu: body.cores(), memory }
    }

    fn log(&self, view: &View<'_>, after: Timestamp, until: Timestamp, limit: usize) -> Vec<Line> {
        let healthy = Healthy.log(view, after, until, limit);
        let model = self.plant.lock();
        match of(view).and_then(|_| model.bodies.get(uid(view))) {
            Some(body) => line::of(body, view, (after, until), healthy),
            None => healthy,
        }
    }

    fn next_line(&self, view: &View<'_>, after: Timestamp) -> Option<Timestamp> {
        Healthy.next_line(view, after)
    }

    fn exec(&self, view: &View<'_>, argv: &[String], stdin: &[u8]) -> Ran {
        let model = self.plant.lock();
        let Some(body) = of(view).and_then(|_| model.bodies.get(uid(view))) else { return program::exec((view, &[]), argv, stdin) };
        model.script(body, argv).unwrap_or_else(|| program::exec((view, &code::files(body)), argv, stdin))
    }

    fn connect(&self, view: &View<'_>, port: u16, stream: DuplexStream) -> Option<Talk> {
        let Some(site) = of(view) else { return Healthy.connect(view, port, stream) };
        let (plant, pace, uid) = (self.plant.clone(), self.pace, uid(view).to_owned());
        let now = view.now;
        (port == site.port).then(|| talk(stream, plant, (uid, now), pace).boxed())
    }
}

async fn talk(stream: DuplexStream, plant: Plant, (uid, opened): (String, Timestamp), pace: Pace) {
    let since = std::time::Instant::now();
    let service = service_fn(move |request| {
        let (plant, uid) = (plant.clone(), uid.clone());
        let now = later(opened, since.elapsed());
        async move {
            let answer = match Whole::read(request).await {
                Ok(whole) => plant.lock().answer(&uid, &whole.asked(now)),
                Err(too_long) => Some(too_long),
            };
            send(answer, pace).await
        }
    });
    // Whoever hung up does not want the answer.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A request that was read to its end.
pub struct Whole {
    method: String,
    path: String,
    body: Bytes,
}

impl Whole {
    /// What to answer where its body is too long, or broke off.
    pub async fn read(request: Request<Incoming>) -> Result<Self, Answer> {
        let (method, path) = (request.method().as_str().to_owned(), request.uri().path().to_owned());
        match Limited::new(request.into_body(), LARGEST).collect().await {
            Ok(body) => Ok(Self { method, path, body: body.to_bytes() }),
            Err(_) => Err(Answer {
                status: 413,
                content_type: "application/json",
                body: format!("{{\"error\":\"the body is longer than {LARGEST} bytes, or broke off\"}}\n"),
                after: Duration::ZERO,
            }),
        }
    }

    pub fn asked(&self, now: Timestamp) -> Asked<'_> {
        Asked { method: &self.method, path: &self.path, body: &self.body, now }
    }
}

pub type Sent = Result<Response<Full<Bytes>>, std::convert::Infallible>;

/// Sends an answer when it is due: as late as the event loop is. A stepped world has no time to wait in.
pub async fn send(answer: Option<Answer>, pace: Pace) -> Sent {
    let answer = answer.unwrap_or_else(|| Answer {
        status: 503,
        content_type: "text/plain; charset=utf-8",
        body: "no pod is there to answer\n".to_owned(),
        after: Duration::ZERO,
    });
    let wait = match pace {
        Pace::Real => answer.after,
        Pace::Scaled(factor) if factor > 0.0 => answer.after.div_f64(factor),
        Pace::Scaled(_) | Pace::Stepped => Duration::ZERO,
    };
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(answer.content_type));
    Ok(response)
}
