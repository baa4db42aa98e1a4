//! One run's way to the API server: every request has a deadline, every answer a size limit, and it is known whether a change has left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use super::Cluster;
use super::fault::{Answer, Cause, Fault, Whereabouts, cause};
use super::hold::Allows;
use crate::action::identity::ObjectIdentity;
use crate::action::kube::call::{Call, Method};
use crate::action::kube::resource::{Resource, is_name};

/// One read: from the request's first byte to the answer's last.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest wait a server may ask a read for.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// One answer. A page of 500 large pods is about 10 MiB.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// An error's text.
const ERROR_BYTES: usize = 64 * 1024;

/// A call and the words for it.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub what: String,
    pub right: String,
    pub call: Call,
}

impl Ask {
    pub fn new(what: impl Into<String>, right: impl Into<String>, call: Call) -> Self {
        Self { what: what.into(), right: right.into(), call }
    }

    pub fn get(resource: &Resource, namespace: &str, name: &str) -> Self {
        let call = Call::get(resource.object(namespace, name));
        Self::new(format!("get {} {name}", resource.kind), format!("get {}/{name}", resource.full_name()), call)
    }
}

/// One run of one verb.
pub(super) struct Session<'a> {
    pub cluster: &'a Cluster,
    allows: Allows,
    /// A change has left and its answer is not known.
    in_flight: AtomicBool,
}

impl<'a> Session<'a> {
    pub fn new(cluster: &'a Cluster, allows: Allows) -> Self {
        Self { cluster, allows, in_flight: AtomicBool::new(false) }
    }

    pub fn namespace(&self) -> &str {
        self.cluster.namespace()
    }

    pub fn now(&self) -> jiff::Timestamp {
        self.cluster.now()
    }

    /// Whether time is that of a drill's world.
    pub fn is_in_story(&self) -> bool {
        self.cluster.is_in_story()
    }

    pub fn whereabouts(&self) -> Whereabouts<'_> {
        self.cluster.whereabouts()
    }

    pub fn is_in_flight(&self) -> bool {
        self.in_flight.load(Ordering::Acquire)
    }

    /// From here on an end without an answer leaves the outcome unknown (exec, which holds a connection open).
    pub fn leave(&self) {
        self.in_flight.store(true, Ordering::Release);
    }

    /// The outcome is known.
    pub fn settle(&self) {
        self.in_flight.store(false, Ordering::Release);
    }

    /// A read with its deadline. A server that asks to wait is obeyed once.
    pub async fn read(&self, ask: &Ask) -> Result<Value, Fault> {
        match self.read_once(ask).await {
            Err(fault) => match fault.asks_to_wait().filter(|wait| *wait <= RETRY_AFTER) {
                Some(wait) => {
                    tokio::time::sleep(wait).await;
                    self.read_once(ask).await
                }
                None => Err(fault),
            },
            answer => answer,
        }
    }

    async fn read_once(&self, ask: &Ask) -> Result<Value, Fault> {
        let client = self.ready(ask).await?;
        let answer = tokio::time::timeout(READ_TIMEOUT, async { self.whole(ask, self.send(ask, client).await?).await });
        answer.await.unwrap_or_else(|_| Err(Fault::new(ask, Cause::Silent(READ_TIMEOUT))))
    }

    /// A question in the form of a change (a dry run): asked once, since a refusal is its answer.
    pub async fn try_out(&self, ask: &Ask) -> Result<Value, Fault> {
        self.read_once(ask).await
    }

    /// A change, sent once. It waits as long as the run may last: giving up earlier would only make the outcome unknown sooner.
    pub async fn change(&self, ask: &Ask) -> Result<Value, Fault> {
        let client = self.ready(ask).await?;
        self.leave();
        let answer = async { self.whole(ask, self.send(ask, client).await?).await }.await;
        self.settle();
        answer.map_err(Fault::while_changing)
    }

    /// The client is built, and a credential asked for, before a deadline runs or anything counts as sent: a plugin has its own.
    async fn ready(&self, ask: &Ask) -> Result<Client, Fault> {
        self.cluster.client(self.allows).await.map_err(|cause| Fault::new(ask, cause))
    }

    /// The body of a successful answer as it comes, for streams without an end.
    pub async fn open(&self, ask: &Ask) -> Result<Response<Body>, Fault> {
        let client = self.ready(ask).await?;
        tokio::time::timeout(READ_TIMEOUT, self.send(ask, client))
            .await
            .unwrap_or_else(|_| Err(Fault::new(ask, Cause::Silent(READ_TIMEOUT))))
    }

    /// One object, where its name can be one.
    pub async fn object(&self, resource: &Resource, name: &str) -> Result<Value, Fault> {
        named(&resource.kind, name)?;
        self.read(&Ask::get(resource, self.namespace(), name)).await
    }

    /// Sends, and asks for a new credential once where the server doesn't take the present one.
    async fn send(&self, ask: &Ask, client: Client) -> Result<Response<Body>, Fault> {
        let answer = send_once(ask, &client).await?;
        let answer = if answer.status() == http::StatusCode::UNAUTHORIZED && self.cluster.forget_credential().await {
            send_once(ask, &self.ready(ask).await?).await?
        } else {
            answer
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let retry_after =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
        let body = collect(answer.into_body(), ERROR_BYTES).await.unwrap_or_default();
        Err(Fault::new(ask, Cause::Answer(Box::new(Answer::read(status.as_u16(), retry_after, &body)))))
    }

    async fn whole(&self, ask: &Ask, answer: Response<Body>) -> Result<Value, Fault> {
        let body = collect(answer.into_body(), ANSWER_BYTES).await.map_err(|cause| Fault::new(ask, cause))?;
        serde_json::from_slice(&body).map_err(|error| {
            let said = if error.is_eof() { "the answer ends in the middle".to_owned() } else { "the answer is not JSON".to_owned() };
            Fault::new(ask, Cause::Garbled(said))
        })
    }
}

/// Before a name becomes part of a path.
pub(super) fn named(kind: &str, name: &str) -> Result<(), Fault> {
    if is_name(name) { Ok(()) } else { Err(Fault::refused(format!("`{name}` can't be the name of a {kind}; correct the command"))) }
}

async fn send_once(ask: &Ask, client: &Client) -> Result<Response<Body>, Fault> {
    let request = request(&ask.call).map_err(|error| Fault::refused(format!("can't {}: {error}", ask.what)))?;
    client.send(request).await.map_err(|error| Fault::new(ask, cause(&error)))
}

fn request(call: &Call) -> Result<Request<Body>, http::Error> {
    let builder = Request::builder().method(call.method.as_str()).uri(call.target()).header(header::ACCEPT, "application/json");
    match (&call.body, call.method) {
        (Some(body), Method::Get | Method::Post | Method::Put | Method::Patch(_) | Method::Delete) => {
            builder.header(header::CONTENT_TYPE, call.method.content_type()).body(Body::from(body.to_string().into_bytes()))
        }
        (None, _) => builder.body(Body::empty()),
    }
}

async fn collect(mut body: Body, limit: usize) -> Result<Vec<u8>, Cause> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| cause(&error))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > limit {
                return Err(Cause::Garbled(format!("the answer is larger than {} MiB", limit / (1024 * 1024))));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// Who a live object is.
pub(super) fn identity(kind: &str, object: &Value) -> ObjectIdentity {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    ObjectIdentity {
        kind: kind.to_owned(),
        name: text("name"),
        uid: text("uid"),
        generation: object["metadata"]["generation"].as_i64(),
        resource_version: text("resourceVersion"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::kube::{ConnectOptions, Source};
    use serde_json::json;

    /// A cluster at a port nobody listens on: what is refused here never got as far as a connection.
    async fn nowhere() -> (tempfile::TempDir, Cluster) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        let config = json!({
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c"}}], "current-context": "x",
        });
        std::fs::write(&file, config.to_string()).unwrap();
        let options = ConnectOptions { source: Source::Kubeconfig(vec![file]), context: None, namespace: None };
        (dir, Cluster::connect(options).await.unwrap())
    }

    #[tokio::test]
    async fn no_change_gets_through_the_clients_that_do_not_change() {
        let (_dir, cluster) = nowhere().await;
        let pods = Resource::pods().collection("default");
        let changes = [
            Call::post(format!("{pods}/p/eviction"), json!({})),
            Call::put(format!("{pods}/p"), json!({})),
            Call::patch(crate::action::kube::PatchKind::Merge, format!("{pods}/p"), json!({})),
            Call::delete(format!("{pods}/p"), json!({})),
            Call::get(format!("{pods}/p/exec")),
        ];
        for allows in [Allows::Reads, Allows::DryRuns] {
            let session = Session::new(&cluster, allows);
            for call in &changes {
                let ask = Ask::new("write", "write", call.clone());
                for fault in [session.change(&ask).await.unwrap_err(), session.read(&ask).await.unwrap_err()] {
                    assert!(matches!(fault.cause, Cause::Refused(_)), "{allows:?} {call}: {fault:?}");
                }
            }
            let read = session.read(&Ask::new("read", "read", Call::get(pods.clone()))).await.unwrap_err();
            assert!(matches!(read.cause, Cause::Connect { .. }), "{read:?}");
        }
    }
}
