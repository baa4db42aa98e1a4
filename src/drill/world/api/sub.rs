//! Subresources that read or change: status, scale, eviction.

use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::request::{Dry, Place, Request};
use super::write::{self, Part, body};
use crate::drill::world::control::{pdb, pod};
use crate::drill::world::json::{count, number, part, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Id;
use crate::drill::world::refusal::Refusal;
use crate::drill::world::selector::LabelSelector;
use crate::drill::world::state::State;

pub fn status(state: &mut State, kind: Kind, (place, request): (&Place, &Request), verb: &str) -> Result<Answer, Refusal> {
    match verb {
        "get" => super::read::get(state, kind, place, request),
        "update" => write::update(state, kind, place, (request, Part::Status)),
        "patch" => write::patch(state, kind, place, (request, Part::Status)),
        other => Err(Refusal::method_not_allowed(&format!("{other} of {}/status", kind.info().resource))),
    }
}

fn scale_of(value: &Value) -> Value {
    let metadata = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
    let metadata: serde_json::Map<String, Value> =
        metadata.iter().map(|field| ((*field).to_owned(), part(value, &format!("/metadata/{field}")))).collect();
    let selector = LabelSelector::from_object(&part(value, "/spec/selector")).to_string();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": { "replicas": number(value, "/spec/replicas").unwrap_or(1) },
        "status": { "replicas": count(value, "/status/replicas"), "selector": selector },
    })
}

pub fn scale(state: &mut State, kind: Kind, (place, request): (&Place, &Request), verb: &str) -> Result<Answer, Refusal> {
    let id = Id::new(kind, &place.namespace, &place.name);
    let object = state.store.get(&id).cloned().ok_or_else(|| Refusal::not_found(kind.full(), &place.name))?;
    let before = scale_of(&object.value());
    let mut after = before.clone();
    match verb {
        "get" => return Ok(answer::json(200, &before)),
        "update" => after = body(request)?,
        "patch" => {
            let content_type = request.content_type.split(';').next().unwrap_or_default().trim();
            write::apply_patch(&mut after, content_type, &body(request)?, (kind, &place.name))?;
        }
        other => return Err(Refusal::method_not_allowed(&format!("{other} of {}/scale", kind.info().resource))),
    }
    for (field, what) in [
        ("resourceVersion", "the object has been modified; please apply your changes to the latest version and try again"),
        ("uid", "uid differs"),
    ] {
        let (asked, has) = (text(&after, &format!("/metadata/{field}")), text(&before, &format!("/metadata/{field}")));
        if !asked.is_empty() && asked != has {
            return Err(Refusal::conflict(kind.full(), &place.name, what));
        }
    }
    let replicas = number(&after, "/spec/replicas").unwrap_or(0);
    if replicas < 0 {
        let why = format!("spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0");
        return Err(Refusal::invalid("Scale", &place.name, &why));
    }
    if request.query.dry_run()? == Dry::Run {
        let mut dry = before;
        set(&mut dry, &["spec", "replicas"], replicas);
        return Ok(answer::json(200, &dry));
    }
    let manager = request.manager();
    let now = crate::drill::world::clock::stamp(state.now);
    let object = state.edit(&id, |value| {
        let before = value.clone();
        set(value, &["spec", "replicas"], replicas);
        if super::managed::tracked(kind) {
            super::managed::written(Some(&before), value, &manager, &now);
        }
    });
    Ok(answer::json(200, &object.map(|object| scale_of(&object.value())).unwrap_or_default()))
}

pub fn evict(state: &mut State, place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let eviction = body(request)?;
    let id = Id::new(Kind::Pod, &place.namespace, &place.name);
    let pod = state.store.get(&id).cloned().ok_or_else(|| Refusal::not_found(Kind::Pod.full(), &place.name))?;
    let uid = text(&eviction, "/deleteOptions/preconditions/uid");
    if !uid.is_empty() && uid != pod.uid {
        return Err(Refusal::conflict(
            Kind::Pod.full(),
            &place.name,
            &format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", pod.uid),
        ));
    }
    pdb::spend(state, &pod).map_err(|why| Refusal::disruption(&why))?;
    let tried = crate::drill::world::json::list(&eviction, "/deleteOptions/dryRun").iter().any(|word| word == "All");
    if request.query.dry_run()? == Dry::Real && !tried {
        pod::terminate(state, &id, number(&eviction, "/deleteOptions/gracePeriodSeconds"));
    }
    Ok(answer::json(201, &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 })))
}
