//! What a client may send. A read goes through a client that *can't* write: this layer sits below every verb and looks at the request
//! itself, so that a mistake above it is refused here. Some subresources change things with a GET (exec, attach, port-forward, proxy
//! are WebSocket GETs), so the method alone tells nothing.

use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use http::{Method, Request, Response};
use kube::client::Body;
use tower::{BoxError, Layer, Service};

/// What passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allows {
    /// GET and HEAD of objects, and questions about one's own rights.
    Reads,
    /// As [`Self::Reads`], and changes the server is asked not to store (`dryRun=All`).
    DryRuns,
    /// Everything the adapter builds.
    Changes,
}

impl Allows {
    pub const ALL: [Self; 3] = [Self::Reads, Self::DryRuns, Self::Changes];
}

/// Subresources that act, whatever the method.
const ACTING: [&str; 8] = ["exec", "attach", "portforward", "proxy", "eviction", "binding", "token", "ephemeralcontainers"];
/// Questions about the asker's own rights: sent with POST, and the server stores nothing.
const REVIEWS: [&str; 3] = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];
/// Where the API has objects and facts about itself.
const ROOTS: [&str; 4] = ["api", "apis", "version", "openapi"];
/// What the server says about its own health.
const HEALTH: [&str; 4] = ["livez", "readyz", "healthz", "metrics"];

/// Why a request does not pass; `None`: it passes.
pub(super) fn refusal<B>(allows: Allows, request: &Request<B>) -> Option<String> {
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    match allows {
        Allows::Changes => None,
        Allows::Reads | Allows::DryRuns if is_review(request) => None,
        Allows::DryRuns if !reading => (!is_dry_run(request)).then(|| format!("{} without dryRun=All", request.method())),
        Allows::Reads | Allows::DryRuns if !reading => Some(format!("the method {}", request.method())),
        Allows::Reads | Allows::DryRuns if request.headers().contains_key(http::header::UPGRADE) => Some("a change of protocol".to_owned()),
        Allows::Reads | Allows::DryRuns => acting(request.uri().path()),
    }
}

fn is_review<B>(request: &Request<B>) -> bool {
    let segments: Vec<&str> = request.uri().path().split('/').collect();
    let known = matches!(segments[..], ["", "apis", "authorization.k8s.io" | "authentication.k8s.io", _, kind] if REVIEWS.contains(&kind));
    known && *request.method() == Method::POST
}

fn is_dry_run<B>(request: &Request<B>) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "dryRun=All"))
}

/// Paths are judged in their plain form only: the server decodes `%2F` before it routes.
fn acting(path: &str) -> Option<String> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    if path.contains('%') || segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Some(format!("the path {path}, which is not plain"));
    }
    let root = segments.first().copied().unwrap_or_default();
    if HEALTH.contains(&root) {
        return None;
    }
    if !ROOTS.contains(&root) {
        return Some(format!("the path {path}, which is not the object API"));
    }
    let object = segments.get(if root == "api" { 2 } else { 3 }..).unwrap_or_default();
    let object = if object.len() > 2 && object[0] == "namespaces" { &object[2..] } else { object };
    // `proxy/…` at the head is the old form of the subresource.
    let head = object.first().filter(|resource| **resource == "proxy");
    head.or_else(|| object.iter().skip(2).find(|part| ACTING.contains(part))).map(|part| format!("the subresource {part}"))
}

#[derive(Debug, Clone, Copy)]
pub(super) struct HoldLayer(pub Allows);

impl<S> Layer<S> for HoldLayer {
    type Service = Hold<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Hold { allows: self.0, inner }
    }
}

pub(super) struct Hold<S> {
    allows: Allows,
    inner: S,
}

/// Found again in an error's chain by [`super::fault`].
#[derive(Debug, thiserror::Error)]
#[error("this client can't send {0}")]
pub(super) struct Held(pub String);

impl<S, B> Service<Request<Body>> for Hold<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Either<S::Future, Ready<Result<Response<B>, BoxError>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match refusal(self.allows, &request) {
            Some(what) => Either::Right(ready(Err(Held(what).into()))),
            None => Either::Left(self.inner.call(request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(allows: Allows, method: &str, target: &str) -> bool {
        refusal(allows, &Request::builder().method(method).uri(target).body(()).unwrap()).is_some()
    }

    #[test]
    fn the_read_client_passes_reads_of_objects_only() {
        for path in [
            "/api/v1/namespaces/shop/pods?limit=500",
            "/api/v1/namespaces/shop/pods/proxy",
            "/api/v1/namespaces/shop/pods/exec/log",
            "/apis/apps/v1/namespaces/token/deployments/web/scale",
            "/api/v1/nodes/n1",
            "/version",
            "/apis",
            "/readyz/etcd?verbose",
            "/metrics",
        ] {
            assert!(!held(Allows::Reads, "GET", path), "{path}");
        }
        for path in [
            "/api/v1/namespaces/shop/pods/web/exec?command=ls",
            "/api/v1/namespaces/shop/pods/web/attach",
            "/api/v1/namespaces/shop/pods/web/portforward",
            "/api/v1/namespaces/shop/pods/web/proxy/metrics",
            "/api/v1/namespaces/shop/services/web/proxy",
            "/api/v1/nodes/n1/proxy/exec/shop/web",
            "/api/v1/proxy/nodes/n1",
            "/api/v1/namespaces/shop/pods/web%2Fexec",
            "/api/v1/namespaces/shop/pods/web/./exec",
            "/api/v1/namespaces/shop//pods/web",
            "/logs/kube-apiserver.log",
            "/debug/pprof/heap",
            "/livezz",
            "/livez/../api/v1/nodes/n1/proxy",
            "/metrics/%2e%2e/logs",
        ] {
            assert!(held(Allows::Reads, "GET", path), "{path}");
        }
    }

    #[test]
    fn no_method_but_get_and_head_reads() {
        for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "get", "PROPFIND"] {
            assert!(held(Allows::Reads, method, "/api/v1/namespaces/shop/pods/web"), "{method}");
        }
    }

    #[test]
    fn the_dry_run_client_passes_no_change_the_server_would_store() {
        let path = "/apis/apps/v1/namespaces/shop/deployments/web";
        assert!(!held(Allows::DryRuns, "PATCH", &format!("{path}?fieldManager=qrh&dryRun=All")));
        for query in ["", "?dryRun=", "?dryRun=all", "?xdryRun=All", "?fieldManager=dryRun=All"] {
            assert!(held(Allows::DryRuns, "PATCH", &format!("{path}{query}")), "{query}");
        }
        assert!(held(Allows::DryRuns, "GET", "/api/v1/namespaces/shop/pods/web/exec"));
    }

    #[test]
    fn questions_about_oneself_pass_and_about_others_do_not() {
        for (kind, passes) in [
            ("authorization.k8s.io/v1/selfsubjectaccessreviews", true),
            ("authorization.k8s.io/v1/selfsubjectrulesreviews", true),
            ("authentication.k8s.io/v1/selfsubjectreviews", true),
            ("authorization.k8s.io/v1/subjectaccessreviews", false),
            ("authorization.k8s.io/v1/selfsubjectaccessreviews/x", false),
            ("authorization.k8s.io/v1/namespaces/shop/selfsubjectaccessreviews", false),
            ("authentication.k8s.io/v1/tokenreviews", false),
            ("apps/v1/selfsubjectaccessreviews", false),
        ] {
            assert_eq!(!held(Allows::Reads, "POST", &format!("/apis/{kind}")), passes, "{kind}");
            assert!(held(Allows::Reads, "PUT", &format!("/apis/{kind}")), "{kind}");
        }
    }

    #[test]
    fn an_upgrade_is_no_read() {
        let request = Request::get("/api/v1/namespaces/shop/pods/web").header("upgrade", "websocket").body(()).unwrap();
        assert!(refusal(Allows::Reads, &request).is_some());
    }
}
