//! Kinds that are answered and not stored: who am I, what may I do, what do the pods use.

use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::form::Shape;
use super::request::{Place, Request};
use super::write::body;
use crate::drill::world::clock::stamp;
use crate::drill::world::control::{pod, status};
use crate::drill::world::json::{list, part, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::{Id, Object};
use crate::drill::world::quantity;
use crate::drill::world::refusal::Refusal;
use crate::drill::world::rights::Wish;
use crate::drill::world::selector::LabelSelector;
use crate::drill::world::state::State;

pub fn create(place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let mut review = body(request)?;
    let person = &request.person;
    let status = match place.resource.as_str() {
        "selfsubjectreviews" => json!({ "userInfo": { "username": person.name, "groups": person.groups } }),
        "selfsubjectrulesreviews" => person.rules_review(text(&review, "/spec/namespace")),
        "selfsubjectaccessreviews" => access(request, &review),
        other => return Err(Refusal::not_simulated(&format!("creating {other}"))),
    };
    set(&mut review, &["metadata", "creationTimestamp"], Value::Null);
    set(&mut review, &["status"], status);
    Ok(answer::json(201, &review))
}

fn access(request: &Request, review: &Value) -> Value {
    let path = part(review, "/spec/nonResourceAttributes");
    if !path.is_null() {
        let open = super::open_path(text(&path, "/path")) && text(&path, "/verb") == "get";
        return json!({ "allowed": open || request.person.name == "admin" });
    }
    let wanted = part(review, "/spec/resourceAttributes");
    let wish = Wish {
        verb: text(&wanted, "/verb"),
        group: text(&wanted, "/group"),
        resource: text(&wanted, "/resource"),
        sub: text(&wanted, "/subresource"),
        namespace: if cluster_wide(&wanted) { "" } else { text(&wanted, "/namespace") },
        name: text(&wanted, "/name"),
    };
    let allowed = request.person.may(&wish);
    json!({ "allowed": allowed, "reason": if allowed { "RBAC: allowed by the scenario's rules" } else { "" } })
}

/// Nodes are in no namespace, whatever namespace a client says.
fn cluster_wide(wanted: &Value) -> bool {
    crate::drill::world::kind::ALL
        .iter()
        .any(|kind| *kind != Kind::Namespace && !kind.namespaced() && kind.full() == (text(wanted, "/group"), text(wanted, "/resource")))
}

/// metrics.k8s.io: what pods and nodes use now.
pub fn metrics(state: &State, place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let selector = LabelSelector::parse(request.query.get("labelSelector"))?;
    let pods = place.resource == "pods";
    let kind = if pods { Kind::Pod } else { Kind::Node };
    let one = |object: &Object| if pods { pod_metrics(state, object) } else { Some(node_metrics(state, object)) };
    let (single, plural) = if pods { ("PodMetrics", "PodMetricsList") } else { ("NodeMetrics", "NodeMetricsList") };
    if !place.name.is_empty() {
        let id = Id::new(kind, &place.namespace, &place.name);
        let found = state.store.get(&id).and_then(|object| one(object));
        let mut found = found.ok_or_else(|| Refusal::not_found(("metrics.k8s.io", &place.resource), &place.name))?;
        set(&mut found, &["kind"], single);
        set(&mut found, &["apiVersion"], "metrics.k8s.io/v1beta1");
        return Ok(answer::json(200, &found));
    }
    let items: Vec<Value> = state
        .store
        .list(kind, &place.namespace)
        .filter(|object| selector.matches(&object.labels))
        .filter_map(|object| one(object))
        .collect();
    let shape = Shape::of(&request.accept, "");
    if matches!(shape, Shape::Table(_)) {
        return Ok(answer::json(200, &table(&items)));
    }
    Ok(answer::json(200, &json!({ "kind": plural, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items })))
}

fn table(items: &[Value]) -> Value {
    let rows: Vec<Value> = items
        .iter()
        .map(|item| json!({ "cells": [text(item, "/metadata/name"), text(item, "/timestamp")], "object": { "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": part(item, "/metadata") } }))
        .collect();
    let column = |name: &str| json!({ "name": name, "type": "string", "format": if name == "Name" { "name" } else { "" }, "description": "", "priority": 0 });
    json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": [column("Name"), column("Sampled")], "rows": rows })
}

fn usages(state: &State, value: &Value) -> Vec<(String, f64, f64)> {
    list(value, "/spec/containers")
        .iter()
        .filter_map(|container| {
            let name = text(container, "/name");
            let current = status::of(value, name).filter(|current| current.pointer("/state/running").is_some())?;
            let usage = state.behaviour.usage(&pod::view(state.now, value, container, current));
            #[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
            let memory = usage.memory as f64;
            Some((name.to_owned(), usage.cpu, memory))
        })
        .collect()
}

fn pod_metrics(state: &State, object: &Object) -> Option<Value> {
    if !pod::running(object) {
        return None;
    }
    let usages = usages(state, &object.value());
    let containers: Vec<Value> = usages
        .iter()
        .map(|(name, cpu, memory)| json!({ "name": name, "usage": { "cpu": quantity::nano(*cpu), "memory": quantity::bytes(*memory) } }))
        .collect();
    let metadata =
        json!({ "name": object.id.name, "namespace": object.id.namespace, "creationTimestamp": stamp(state.now), "labels": object.labels });
    (!containers.is_empty())
        .then(|| json!({ "metadata": metadata, "timestamp": stamp(state.now), "window": "15s", "containers": containers }))
}

/// A node uses what its pods use, and a little itself.
fn node_metrics(state: &State, node: &Object) -> Value {
    let (mut cpu, mut memory) = (0.08, 600.0 * 1024.0 * 1024.0);
    for object in state.store.list(Kind::Pod, "").filter(|pod| pod.pod.node == node.id.name && pod::running(pod)) {
        for (_, cores, bytes) in usages(state, &object.value()) {
            cpu += cores;
            memory += bytes;
        }
    }
    let metadata = json!({ "name": node.id.name, "creationTimestamp": stamp(state.now), "labels": node.labels });
    json!({ "metadata": metadata, "timestamp": stamp(state.now), "window": "15s", "usage": { "cpu": quantity::nano(cpu), "memory": quantity::bytes(memory) } })
}
