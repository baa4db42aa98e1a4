//! create, update, patch, delete and deletecollection.

use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::check::{decode, unknown, valid};
use super::managed::{self, Force};
use super::read::{Scope, form};
use super::request::{Dry, Place, Request};
use super::{defaults, strategic};
use crate::drill::world::clock::stamp;
use crate::drill::world::control::{garbage, pod, status};
use crate::drill::world::json::{count, list, number, part, remove, set, text};
use crate::drill::world::kind::{ALL, Kind};
use crate::drill::world::object::Id;
use crate::drill::world::refusal::Refusal;
use crate::drill::world::state::{State, has_generation};

/// Which part of an object a write may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Whole,
    Status,
}

pub fn body(request: &Request) -> Result<Value, Refusal> {
    if request.content_type.starts_with("application/vnd.kubernetes.protobuf") {
        return super::protobuf::read(&request.body)
            .map_err(|what| Refusal::unsupported_media(format!("not simulated: {what}; send JSON or YAML")));
    }
    if request.content_type.contains("cbor") {
        return Err(Refusal::unsupported_media(format!("not simulated: {}; send JSON or YAML", request.content_type)));
    }
    if let Ok(value) = serde_json::from_slice(&request.body) {
        return Ok(value);
    }
    let text = std::str::from_utf8(&request.body).map_err(|_| Refusal::bad_request("the body is not UTF-8"))?;
    serde_yaml::from_str(text).map_err(|error| Refusal::bad_request(format!("the body is neither JSON nor YAML: {error}")))
}

fn reply(state: &State, (code, kind): (u16, Kind), (place, request): (&Place, &Request), value: Value, warnings: &[String]) -> Answer {
    let mut reply = answer::text(code, "application/json", form(place, request, state).value(kind, value));
    for warning in warnings {
        answer::warn(&mut reply, warning);
    }
    reply
}

pub fn create(state: &mut State, kind: Kind, place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let decoded = decode(kind, place, body(request)?)?;
    let warnings = unknown(kind, request, &decoded.unknown)?;
    let value = create_value(state, kind, place, (decoded.value, &request.manager(), request.query.dry_run()?))?;
    Ok(reply(state, (201, kind), (place, request), value, &warnings))
}

fn create_value(state: &mut State, kind: Kind, place: &Place, (mut value, manager, dry): (Value, &str, Dry)) -> Result<Value, Refusal> {
    let namespace = text(&value, "/metadata/namespace").to_owned();
    if kind.namespaced() {
        if !namespace.is_empty() && namespace != place.namespace {
            return Err(Refusal::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
        }
        if state.store.get(&Id::new(Kind::Namespace, "", &place.namespace)).is_none() {
            return Err(Refusal::not_found(Kind::Namespace.full(), &place.namespace));
        }
        set(&mut value, &["metadata", "namespace"], place.namespace.clone());
    }
    let prefix = text(&value, "/metadata/generateName").to_owned();
    if text(&value, "/metadata/name").is_empty() && !prefix.is_empty() {
        let name = format!("{prefix}{}", state.seed.suffix());
        set(&mut value, &["metadata", "name"], name);
    }
    let name = text(&value, "/metadata/name").to_owned();
    if name.is_empty() {
        return Err(Refusal::invalid(kind.info().kind, "", "metadata.name: Required value: name or generateName is required"));
    }
    if state.store.get(&Id::new(kind, &place.namespace, &name)).is_some() {
        return Err(Refusal::exists(kind.full(), &name));
    }
    for field in ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation", "managedFields", "selfLink"] {
        remove(&mut value, &["metadata", field]);
    }
    if kind != Kind::Node && kind != Kind::Namespace {
        remove(&mut value, &["status"]);
    }
    defaults::apply(kind, &mut value);
    born(state, kind, &mut value);
    valid(kind, None, &value)?;
    if managed::tracked(kind) {
        managed::written(None, &mut value, manager, &stamp(state.now));
    }
    state.identify(kind, &mut value);
    Ok(match dry {
        Dry::Run => value,
        Dry::Real => state.keep(kind, value).value(),
    })
}

/// What a new object of some kinds gets from the server.
fn born(state: &mut State, kind: Kind, value: &mut Value) {
    if kind == Kind::Pod {
        let now = stamp(state.now);
        set(value, &["status"], json!({ "phase": "Pending" }));
        status::pending(value, &now);
        remove(value, &["status", "startTime"]);
    }
    if kind == Kind::Service && text(value, "/spec/clusterIP").is_empty() && text(value, "/spec/type") != "ExternalName" {
        state.addresses.1 += 1;
        let address = format!("10.43.{}.{}", state.addresses.1 / 250, state.addresses.1 % 250 + 1);
        set(value, &["spec", "clusterIP"], address.clone());
        set(value, &["spec", "clusterIPs"], json!([address]));
    }
}

pub fn update(state: &mut State, kind: Kind, place: &Place, (request, part): (&Request, Part)) -> Result<Answer, Refusal> {
    let decoded = decode(kind, place, body(request)?)?;
    let warnings = unknown(kind, request, &decoded.unknown)?;
    let name = text(&decoded.value, "/metadata/name");
    if name != place.name {
        return Err(Refusal::bad_request(format!("the name of the object ({name}) does not match the name on the URL ({})", place.name)));
    }
    let id = Id::new(kind, &place.namespace, &place.name);
    let before = state.store.get(&id).ok_or_else(|| Refusal::not_found(kind.full(), &place.name))?.value();
    let value = commit(
        state,
        &id,
        &before,
        Write { value: decoded.value, part, manager: Some(&request.manager()), dry: request.query.dry_run()? },
    )?;
    Ok(reply(state, (200, kind), (place, request), value, &warnings))
}

/// A new state of an object, on its way into the store.
struct Write<'a> {
    value: Value,
    part: Part,
    /// None: whoever manages what is already recorded.
    manager: Option<&'a str>,
    dry: Dry,
}

fn commit(state: &mut State, id: &Id, before: &Value, write: Write<'_>) -> Result<Value, Refusal> {
    let kind = id.kind;
    let mut after = write.value;
    for field in ["resourceVersion", "uid"] {
        let pointer = format!("/metadata/{field}");
        let asked = text(&after, &pointer);
        if !asked.is_empty() && asked != text(before, &pointer) {
            let why = if field == "uid" {
                format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {}", text(before, &pointer))
            } else {
                "the object has been modified; please apply your changes to the latest version and try again".to_owned()
            };
            return Err(Refusal::conflict(kind.full(), &id.name, &why));
        }
    }
    if write.part == Part::Status {
        let status = part(&after, "/status");
        after = before.clone();
        set(&mut after, &["status"], status);
    } else if kind != Kind::Event {
        match before.get("status") {
            Some(status) => set(&mut after, &["status"], status.clone()),
            None => {
                remove(&mut after, &["status"]);
            }
        }
    }
    keep_identity(before, &mut after);
    defaults::apply(kind, &mut after);
    valid(kind, Some(before), &after)?;
    let recorded = |value: &Value| {
        let mut value = value.clone();
        remove(&mut value, &["metadata", "managedFields"]);
        remove(&mut value, &["metadata", "resourceVersion"]);
        value
    };
    if has_generation(kind) && part(&after, "/spec") != part(before, "/spec") {
        set(&mut after, &["metadata", "generation"], count(before, "/metadata/generation") + 1);
    }
    if recorded(&after) == recorded(before) && part(&after, "/metadata/managedFields") == part(before, "/metadata/managedFields") {
        return Ok(before.clone());
    }
    if let (Some(manager), true, Part::Whole) = (write.manager, managed::tracked(kind), write.part) {
        managed::written(Some(before), &mut after, manager, &stamp(state.now));
    }
    Ok(match write.dry {
        Dry::Run => after,
        Dry::Real => state.keep(kind, after).value(),
    })
}

/// What a client can't change, whatever it sends.
fn keep_identity(before: &Value, after: &mut Value) {
    for field in ["name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        match before.pointer(&format!("/metadata/{field}")) {
            Some(value) => set(after, &["metadata", field], value.clone()),
            None => {
                remove(after, &["metadata", field]);
            }
        }
    }
    if after.pointer("/metadata/managedFields").is_none()
        && let Some(managed) = before.pointer("/metadata/managedFields")
    {
        set(after, &["metadata", "managedFields"], managed.clone());
    }
}

pub fn patch(state: &mut State, kind: Kind, place: &Place, (request, part): (&Request, Part)) -> Result<Answer, Refusal> {
    let id = Id::new(kind, &place.namespace, &place.name);
    let dry = request.query.dry_run()?;
    let content_type = request.content_type.split(';').next().unwrap_or_default().trim().to_owned();
    if content_type == "application/apply-patch+yaml" {
        return server_side_apply(state, &id, place, (request, dry));
    }
    let before = state.store.get(&id).ok_or_else(|| Refusal::not_found(kind.full(), &place.name))?.value();
    // The client patches what it sees: the asked version of the object.
    let mut after = super::convert::outward(kind, &place.api_version(), before.clone());
    apply_patch(&mut after, &content_type, &body(request)?, (kind, &place.name))?;
    let decoded = decode(kind, place, after)?;
    let warnings = unknown(kind, request, &decoded.unknown)?;
    let value = commit(state, &id, &before, Write { value: decoded.value, part, manager: Some(&request.manager()), dry })?;
    Ok(reply(state, (200, kind), (place, request), value, &warnings))
}

/// Applies a patch of one of the three kinds.
pub fn apply_patch(target: &mut Value, content_type: &str, patch: &Value, (kind, name): (Kind, &str)) -> Result<(), Refusal> {
    match content_type {
        "application/json-patch+json" => {
            let patch: json_patch::Patch =
                serde_json::from_value(patch.clone()).map_err(|error| Refusal::bad_request(format!("error decoding patch: {error}")))?;
            json_patch::patch(target, &patch)
                .map_err(|error| Refusal::invalid(kind.info().kind, name, &format!("patch: it does not apply: {error}")))
        }
        "application/merge-patch+json" => {
            json_patch::merge(target, patch);
            Ok(())
        }
        "application/strategic-merge-patch+json" => strategic::apply(target, patch),
        other => Err(Refusal::unsupported_media(format!(
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, \
             application/merge-patch+json, application/apply-patch+yaml, application/strategic-merge-patch+json; got {other}"
        ))),
    }
}

fn server_side_apply(state: &mut State, id: &Id, place: &Place, (request, dry): (&Request, Dry)) -> Result<Answer, Refusal> {
    if request.query.get("fieldManager").is_empty() {
        return Err(Refusal::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let kind = id.kind;
    if !place.sub.is_empty() || !managed::tracked(kind) {
        return Err(Refusal::not_simulated(&format!("server-side apply of {} {}", kind.info().resource, place.sub)));
    }
    let decoded = decode(kind, place, body(request)?)?;
    let warnings = unknown(kind, request, &decoded.unknown)?;
    if decoded.value.pointer("/metadata/managedFields").is_some() {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    let force = if request.query.truth("force") { Force::Take } else { Force::Refuse };
    let now = stamp(state.now);
    let manager = request.manager();
    let Some(before) = state.store.get(id).map(|object| object.value()) else {
        let managed = managed::apply(&json!({}), &decoded.value, (&manager, force), &now)?;
        let entries = part(&managed, "/metadata/managedFields");
        let value = create_value(state, kind, place, (decoded.value, &manager, Dry::Run))?;
        let mut value = value;
        set(&mut value, &["metadata", "managedFields"], entries);
        let value = if dry == Dry::Run { value } else { state.keep(kind, value).value() };
        return Ok(reply(state, (201, kind), (place, request), value, &warnings));
    };
    let after = managed::apply(&before, &decoded.value, (&manager, force), &now)?;
    let value = commit(state, id, &before, Write { value: after, part: Part::Whole, manager: None, dry })?;
    Ok(reply(state, (200, kind), (place, request), value, &warnings))
}

/// How something is to be deleted.
struct Deletion {
    dry: Dry,
    grace: Option<i64>,
    orphan: bool,
    options: Value,
}

impl Deletion {
    fn of(request: &Request) -> Result<Self, Refusal> {
        let options = if request.body.is_empty() { Value::Null } else { body(request)? };
        let dry = if list(&options, "/dryRun").iter().any(|word| word == "All") { Dry::Run } else { request.query.dry_run()? };
        let grace = number(&options, "/gracePeriodSeconds")
            .or(request.query.number("gracePeriodSeconds")?.and_then(|seconds| i64::try_from(seconds).ok()));
        let policy = [text(&options, "/propagationPolicy"), request.query.get("propagationPolicy")].concat();
        let orphan = policy == "Orphan" || options.pointer("/orphanDependents") == Some(&Value::Bool(true));
        Ok(Self { dry, grace, orphan, options })
    }
}

pub fn delete(state: &mut State, kind: Kind, place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let deletion = Deletion::of(request)?;
    let id = Id::new(kind, &place.namespace, &place.name);
    let before = state.store.get(&id).ok_or_else(|| Refusal::not_found(kind.full(), &place.name))?.value();
    for field in ["uid", "resourceVersion"] {
        let asked = text(&deletion.options, &format!("/preconditions/{field}"));
        let has = text(&before, &format!("/metadata/{field}"));
        if !asked.is_empty() && asked != has {
            let why = format!("Precondition failed: {field} in precondition: {asked}, {field} in object meta: {has}");
            return Err(Refusal::conflict(kind.full(), &place.name, &why));
        }
    }
    if deletion.dry == Dry::Real {
        delete_one(state, &id, &deletion);
    }
    if kind == Kind::Pod {
        let value = state.store.get(&id).map_or(before, |object| object.value());
        return Ok(reply(state, (200, kind), (place, request), value, &[]));
    }
    let (group, resource) = kind.full();
    let details = json!({ "name": place.name, "group": group, "kind": resource, "uid": text(&before, "/metadata/uid") });
    Ok(answer::json(200, &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })))
}

fn delete_one(state: &mut State, id: &Id, deletion: &Deletion) {
    match id.kind {
        Kind::Pod => pod::terminate(state, id, deletion.grace),
        Kind::Namespace => garbage::raze(state, &id.name),
        Kind::Node => {
            let pods: Vec<Id> = state.store.list(Kind::Pod, "").filter(|pod| pod.pod.node == id.name).map(|pod| pod.id.clone()).collect();
            state.remove(id);
            for pod in pods {
                state.remove(&pod);
            }
        }
        Kind::ConfigMap
        | Kind::Endpoints
        | Kind::Event
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::Service
        | Kind::Deployment
        | Kind::ReplicaSet
        | Kind::Hpa
        | Kind::Lease
        | Kind::NetworkPolicy
        | Kind::EndpointSlice
        | Kind::Pdb => {
            if deletion.orphan {
                orphan(state, id);
            }
            state.remove(id);
        }
    }
}

/// Dependents lose their owner, and stay.
fn orphan(state: &mut State, id: &Id) {
    let Some(uid) = state.store.get(id).map(|object| object.uid.clone()) else { return };
    for kind in ALL {
        for dependent in state.store.owned(&uid, *kind) {
            state.edit(&dependent.id, |value| {
                crate::drill::world::json::list_at(value, &["metadata", "ownerReferences"]).retain(|owner| text(owner, "/uid") != uid);
            });
        }
    }
}

pub fn delete_collection(state: &mut State, kind: Kind, place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let deletion = Deletion::of(request)?;
    let scope = Scope::of(kind, place, request)?;
    let page = super::read::list(state, kind, place, request)?;
    let ids: Vec<Id> =
        state.store.list(kind, &place.namespace).filter(|object| scope.holds(object)).map(|object| object.id.clone()).collect();
    if deletion.dry == Dry::Real {
        for id in ids {
            delete_one(state, &id, &deletion);
        }
    }
    Ok(page.answer())
}
