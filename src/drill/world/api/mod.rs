//! The Kubernetes API of the world: a request comes in, is told whose it is, and is answered or refused. What is not simulated says so.

pub mod answer;
mod check;
pub mod convert;
pub mod defaults;
mod discovery;
mod form;
mod log;
pub mod managed;
mod openapi;
mod protobuf;
mod read;
pub mod request;
mod review;
mod strategic;
mod stream;
mod sub;
mod swagger;
mod table;
mod watch;
mod write;

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, header};

use self::answer::Answer;
use self::read::Scope;
use self::request::{Place, Query, Request};
use self::write::Part;
use super::Shared;
use super::kind::Kind;
use super::refusal::Refusal;
use super::rights::{Person, Wish};
use super::state::State;

/// As the API server: no body is larger.
const LARGEST: usize = 3 * 1024 * 1024;

/// Paths everybody may read.
pub fn open_path(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "api" | "apis" | "openapi" | "version" | "healthz" | "livez" | "readyz") && Place::parse(path).is_none()
}

pub async fn serve(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Answer, Infallible> {
    Ok(match take(&shared, request).await {
        Ok(answer) => answer,
        Err(refusal) => answer::refusal(&refusal),
    })
}

fn header_of(request: &hyper::Request<Incoming>, name: header::HeaderName) -> String {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

async fn take(shared: &Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Answer, Refusal> {
    let path = request.uri().path().to_owned();
    if matches!(path.as_str(), "/version" | "/healthz" | "/livez" | "/readyz") {
        return meta(shared, &path, "");
    }
    let person = who(shared, &header_of(&request, header::AUTHORIZATION))?;
    let accept = header_of(&request, header::ACCEPT);
    let Some(place) = Place::parse(&path).filter(|place| !place.resource.is_empty()) else {
        return meta(shared, &path, &accept);
    };
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let upgrades = header_of(&request, header::CONNECTION).to_ascii_lowercase().contains("upgrade");
    let mut taken = Request {
        method: request.method().clone(),
        path,
        query,
        accept,
        content_type: header_of(&request, header::CONTENT_TYPE),
        user_agent: header_of(&request, header::USER_AGENT),
        body: hyper::body::Bytes::new(),
        person,
    };
    if matches!(place.sub.as_str(), "attach" | "exec" | "portforward") && place.kind() == Some(Kind::Pod) {
        let verb = if taken.method == Method::GET { "get" } else { "create" };
        taken.person.check(&wish(&place, verb))?;
        if !upgrades {
            return Err(Refusal::bad_request("you must specify at least 1 of stdin, stdout, stderr, and ask to upgrade the connection"));
        }
        return stream::open(shared, &place, &taken, request);
    }
    let read = Limited::new(request.into_body(), LARGEST).collect().await;
    taken.body = read.map_err(|_| Refusal::too_large(LARGEST))?.to_bytes();
    answer(shared, &place, &taken)
}

fn who(shared: &Shared, authorization: &str) -> Result<Person, Refusal> {
    let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
    shared.people.iter().find(|person| person.token == token).cloned().ok_or_else(Refusal::unauthorized)
}

/// What is not about objects.
fn meta(shared: &Shared, path: &str, accept: &str) -> Result<Answer, Refusal> {
    let aggregated = accept.split(',').next().is_some_and(|first| first.contains("as=APIGroupDiscoveryList") && first.contains("v=v2"));
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let json = |value: &serde_json::Value| Ok(answer::json(200, value));
    let listed = |core: bool| {
        let text = discovery::aggregated(core).to_string();
        Ok(answer::text(200, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", text))
    };
    match parts.as_slice() {
        ["version"] => json(&discovery::version()),
        ["healthz" | "livez" | "readyz"] => Ok(answer::text(200, "text/plain", "ok")),
        ["api"] if aggregated => listed(true),
        ["apis"] if aggregated => listed(false),
        ["api"] => json(&discovery::core_versions(&shared.address.to_string())),
        ["apis"] => json(&discovery::group_list()),
        ["api", "v1"] => json(&discovery::resource_list("", "v1")),
        ["apis", group] => discovery::one_group(group).map_or_else(|| Err(Refusal::no_such_path(path)), |group| json(&group)),
        ["apis", group, version] if discovery::has(group, version) => json(&discovery::resource_list(group, version)),
        ["openapi", rest @ ..] => openapi::answer(rest, accept).ok_or_else(|| Refusal::no_such_path(path)),
        _ => Err(Refusal::no_such_path(path)),
    }
}

fn wish<'a>(place: &'a Place, verb: &'a str) -> Wish<'a> {
    let namespace = if place.resource == "namespaces" { place.name.as_str() } else { place.namespace.as_str() };
    Wish { verb, group: &place.group, resource: &place.resource, sub: &place.sub, namespace, name: &place.name }
}

fn verb(request: &Request, place: &Place) -> &'static str {
    let named = !place.name.is_empty();
    let watch = request.query.truth("watch");
    match request.method.as_str() {
        "GET" | "HEAD" if watch => "watch",
        "GET" | "HEAD" if named => "get",
        "GET" | "HEAD" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if named => "delete",
        "DELETE" => "deletecollection",
        _ => "",
    }
}

fn answer(shared: &Arc<Shared>, place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let verb = verb(request, place);
    if verb.is_empty() {
        return Err(Refusal::method_not_allowed(&format!("{} of {}", request.method, request.path)));
    }
    let answered = discovery::ANSWERED.iter().find(|(group, version, resource, ..)| {
        (*group, *version, *resource) == (place.group.as_str(), place.version.as_str(), place.resource.as_str())
    });
    if let Some((.., verbs)) = answered {
        if !verbs.contains(&verb) || !place.sub.is_empty() {
            return Err(Refusal::method_not_allowed(&format!("{verb} of {}", place.resource)));
        }
        request.person.check(&wish(place, verb))?;
        return if verb == "create" { review::create(place, request) } else { shared.look(|state| review::metrics(state, place, request)) };
    }
    let Some(kind) = place.kind() else { return Err(Refusal::no_such_path(&request.path)) };
    if !place.sub.is_empty() && !kind.info().subresources.iter().any(|sub| sub.name() == place.sub) {
        return Err(Refusal::no_such_path(&request.path));
    }
    request.person.check(&wish(place, verb))?;
    if kind.namespaced() && place.namespace.is_empty() && !matches!(verb, "list" | "watch") {
        return Err(Refusal::method_not_allowed(&format!("{verb} of {} without a namespace", place.resource)));
    }
    if !kind.namespaced() && !place.namespace.is_empty() {
        return Err(Refusal::no_such_path(&request.path));
    }
    match (place.sub.as_str(), verb) {
        ("", "list") => shared.look(|state| read::list(state, kind, place, request)).map(read::Page::answer),
        ("", "watch") => {
            let scope = Scope::of(kind, place, request)?;
            shared.look(|state| watch::watch(shared, state, scope, (place, request)))
        }
        ("", "get") => shared.look(|state| read::get(state, kind, place, request)),
        ("log", "get") => shared.look(|state| log::log(shared, state, place, request)),
        _ => shared.change(|state| write_verb(state, kind, (place, request), verb)),
    }
}

fn write_verb(state: &mut State, kind: Kind, (place, request): (&Place, &Request), verb: &str) -> Result<Answer, Refusal> {
    match (place.sub.as_str(), verb) {
        ("", "create") if place.name.is_empty() => write::create(state, kind, place, request),
        ("", "update") => write::update(state, kind, place, (request, Part::Whole)),
        ("", "patch") => write::patch(state, kind, place, (request, Part::Whole)),
        ("", "delete") => write::delete(state, kind, place, request),
        ("", "deletecollection") => write::delete_collection(state, kind, place, request),
        ("status", verb) => sub::status(state, kind, (place, request), verb),
        ("scale", verb) => sub::scale(state, kind, (place, request), verb),
        ("eviction", "create") => sub::evict(state, place, request),
        (sub, verb) => Err(Refusal::method_not_allowed(&format!("{verb} of {}/{sub}", place.resource))),
    }
}
