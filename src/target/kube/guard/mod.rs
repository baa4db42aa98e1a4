//! The API guard: a door on loopback through which kubectl and helm read a cluster and can't change it. Such a program gets a kubeconfig
//! of its own that knows nothing but this door and a token made for it; the responder's credentials stay here. Reads go on through the
//! same client as qrh's own ([`super::hold`]); all else is answered with a refusal that is kept for the timeline.

mod pass;

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kube::client::Body;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_util::task::AbortOnDropHandle;

use self::pass::{headers, judge};
use super::Cluster;
use super::fault::{Cause, Fault, cause};
use super::hold::Allows;

pub use self::pass::Secrets;

/// Connections at a time; more wait to be accepted. kubectl opens a handful.
const CONNECTIONS: usize = 64;
/// Bytes of a question's body.
const QUESTION: usize = 64 * 1024;
/// Until the API server begins to answer. What then streams may last as long as the program does.
const PATIENCE: Duration = Duration::from_secs(60);
/// Until a connection has sent its request's head.
const HEAD: Duration = Duration::from_secs(30);
/// Refused calls that are kept in words; more are counted.
const KEPT: usize = 50;

/// Why there is no guard. The program it was for does not start.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    #[error("the API guard can't listen on this machine: {0}; look at `ulimit -n` and the firewall of the loopback interface")]
    Listen(std::io::Error),
    #[error("the API guard can't make its certificate: {0}; try again")]
    Certificate(String),
    #[error("the API guard can't write {}: {cause}; free space there or set TMPDIR", file.display())]
    Config { file: PathBuf, cause: std::io::Error },
}

/// What was refused so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// Method, path and why, in order; at most the first fifty.
    pub calls: Vec<String>,
    pub more: u64,
}

/// A guard that stands. Dropped, it is gone, with its kubeconfig.
pub struct ApiGuard {
    door: Arc<Door>,
    address: SocketAddr,
    config: PathBuf,
    _serves: AbortOnDropHandle<()>,
}

struct Door {
    cluster: Cluster,
    token: String,
    secrets: Secrets,
    refused: Mutex<Refused>,
}

impl Cluster {
    /// Opens a guard to this cluster for one program. Its kubeconfig is written into `directory`, which is the program's own.
    pub async fn guard(&self, directory: &Path, secrets: Secrets) -> Result<ApiGuard, GuardError> {
        let (acceptor, certificate) = tls()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(GuardError::Listen)?;
        let address = listener.local_addr().map_err(GuardError::Listen)?;
        let token = token()?;
        let config = directory.join("kubeconfig");
        let text = kubeconfig(self, address, &certificate, &token);
        write(&config, &text).map_err(|cause| GuardError::Config { file: config.clone(), cause })?;
        let door = Arc::new(Door { cluster: self.clone(), token, secrets, refused: Mutex::default() });
        let serves = AbortOnDropHandle::new(tokio::spawn(accept(door.clone(), listener, acceptor)));
        Ok(ApiGuard { door, address, config, _serves: serves })
    }
}

impl ApiGuard {
    /// The one port the program has to reach.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.config
    }

    pub fn refused(&self) -> Refused {
        self.door.refused().clone()
    }
}

impl Drop for ApiGuard {
    fn drop(&mut self) {
        // Its directory goes too, and the token opens nothing any more.
        let _ = fs::remove_file(&self.config);
    }
}

impl Door {
    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, call: String) {
        let mut refused = self.refused();
        if refused.calls.len() < KEPT {
            refused.calls.push(call);
        } else {
            refused.more += 1;
        }
    }

    fn knows(&self, request: &Request<Incoming>) -> bool {
        let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        given == Some(self.token.as_str())
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if !self.knows(&request) {
            return status(StatusCode::UNAUTHORIZED, "Unauthorized", "this door is for the program qrh started");
        }
        if let Err(why) = judge(&request, self.secrets) {
            let call = format!("{} {}", request.method(), request.uri().path());
            let said = format!("read-only: qrh refused {call}: {why}");
            self.keep(crate::guard::ingest::text(&format!("{call}: {why}")));
            return status(StatusCode::FORBIDDEN, "Forbidden", &said);
        }
        match tokio::time::timeout(PATIENCE, self.forward(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(why)) => status(StatusCode::BAD_GATEWAY, "InternalError", &why),
            Err(_) => {
                let why = format!("the API server gave no answer in {} s", PATIENCE.as_secs());
                status(StatusCode::GATEWAY_TIMEOUT, "Timeout", &why)
            }
        }
    }

    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, String> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, QUESTION).collect().await;
        let body = body.map_err(|error| format!("the question can't be read: {error}"))?.to_bytes();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        for again in [true, false] {
            let client = self.cluster.client(Allows::Reads).await.map_err(|cause| self.said(cause))?;
            let mut onward = Request::builder().method(parts.method.clone()).uri(target);
            if let Some(onward) = onward.headers_mut() {
                *onward = headers(&parts.headers);
            }
            let onward = onward.body(Body::from(body.to_vec())).map_err(|error| error.to_string())?;
            let answer = client.send(onward).await.map_err(|error| self.said(cause(&error)))?;
            if !(again && answer.status() == StatusCode::UNAUTHORIZED && self.cluster.forget_credential().await) {
                return Ok(returned(answer));
            }
        }
        Err("the API server does not take the credential of this context".to_owned())
    }

    fn said(&self, cause: Cause) -> String {
        Fault::of("reach the cluster", cause).line(&self.cluster.whereabouts())
    }
}

/// Known to nobody but the program it is made for.
fn token() -> Result<String, GuardError> {
    let mut bytes = [0; 32];
    let filled = ring::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| GuardError::Certificate("this machine gives no random numbers".to_owned()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}

/// The answer as it came, but for headers of the connection it came on.
fn returned(answer: Response<Body>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::SET_COOKIE, header::WWW_AUTHENTICATE] {
        parts.headers.remove(name);
    }
    parts.version = http::Version::HTTP_11;
    Response::from_parts(parts, body)
}

/// What kubectl and helm print as `Error from server (Forbidden): …`.
fn status(code: StatusCode, reason: &str, message: &str) -> Response<Body> {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    let mut response = Response::new(Body::from(body.to_string().into_bytes()));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// A TLS server for 127.0.0.1 and its certificate as PEM: kubectl sends no token without TLS.
fn tls() -> Result<(TlsAcceptor, String), GuardError> {
    let unmade = |error: &dyn std::fmt::Display| GuardError::Certificate(error.to_string());
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).map_err(|error| unmade(&error))?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unmade(&error))?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .map_err(|error| unmade(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), made.cert.pem()))
}

/// The context keeps its name, so that `--context` in a command means what it says.
fn kubeconfig(cluster: &Cluster, address: SocketAddr, certificate: &str, token: &str) -> String {
    let authority = serde_json::to_value(k8s_openapi::ByteString(certificate.as_bytes().to_vec())).unwrap_or_default();
    let context = json!({ "cluster": "guard", "user": "guard", "namespace": cluster.namespace() });
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": cluster.context(),
        "clusters": [{ "name": "guard", "cluster": { "server": format!("https://{address}"), "certificate-authority-data": authority } }],
        "users": [{ "name": "guard", "user": { "token": token } }],
        "contexts": [{ "name": cluster.context(), "context": context }],
    });
    // JSON is YAML, and every client reads it.
    config.to_string()
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?.write_all(text.as_bytes())
}

async fn accept(door: Arc<Door>, listener: TcpListener, acceptor: TlsAcceptor) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        // A connection that was gone before it was taken is nobody's error.
        let Ok((connection, _)) = listener.accept().await else { continue };
        let (door, acceptor) = (door.clone(), acceptor.clone());
        connections.spawn(async move {
            talk(door, connection, acceptor).await;
            drop(place);
        });
    }
}

async fn talk(door: Arc<Door>, connection: TcpStream, acceptor: TlsAcceptor) {
    let _ = connection.set_nodelay(true);
    let Ok(Ok(secured)) = tokio::time::timeout(HEAD, acceptor.accept(connection)).await else { return };
    let service = service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, std::convert::Infallible>(door.answer(request).await) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD);
    // What the other side did to the connection is its own affair; the next request comes on a new one.
    let _ = server.serve_connection(TokioIo::new(secured), service).await;
}
