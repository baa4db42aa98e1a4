//! Endpoints and EndpointSlices of Services that have a selector.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::drill::world::json::{list, number, part, strings, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::{Id, Object};
use crate::drill::world::selector::LabelSelector;
use crate::drill::world::state::{State, controlled_by};

pub fn reconcile(state: &mut State, namespace: &str) {
    let services: Vec<Arc<Object>> = state.store.list(Kind::Service, namespace).cloned().collect();
    for service in &services {
        let value = service.value();
        let selector = LabelSelector::from_map(&strings(&value, "/spec/selector"));
        if selector.is_empty() {
            continue;
        }
        let pods: Vec<Arc<Object>> = state
            .store
            .list(Kind::Pod, namespace)
            .filter(|pod| selector.matches(&pod.labels) && pod.pod.phase == "Running")
            .cloned()
            .collect();
        let pods: Vec<(Arc<Object>, Value)> = pods.into_iter().map(|pod| (pod.clone(), pod.value())).collect();
        endpoints(state, service, &value, &pods);
        slice(state, service, &value, &pods);
    }
    let orphans: Vec<Id> = state
        .store
        .list(Kind::Endpoints, namespace)
        .filter(|endpoints| !services.iter().any(|service| service.id.name == endpoints.id.name))
        .filter(|endpoints| endpoints.labels.contains_key("endpoints.kubernetes.io/managed-by"))
        .map(|endpoints| endpoints.id.clone())
        .collect();
    for orphan in orphans {
        state.remove(&orphan);
    }
}

/// A service's port, resolved against a pod: named target ports are looked up.
fn target(port: &Value, pod: Option<&Value>) -> i64 {
    let wanted = part(port, "/targetPort");
    let named = wanted.as_str().and_then(|name| {
        list(pod?, "/spec/containers")
            .iter()
            .flat_map(|container| list(container, "/ports"))
            .find(|candidate| text(candidate, "/name") == name)
            .and_then(|found| number(found, "/containerPort"))
    });
    named.or(wanted.as_i64()).or(number(port, "/port")).unwrap_or(0)
}

fn ports(service: &Value, pod: Option<&Value>) -> Vec<Value> {
    let one = |port: &Value| {
        let mut resolved = json!({ "port": target(port, pod), "protocol": text(port, "/protocol") });
        if !text(port, "/name").is_empty() {
            resolved = json!({ "name": text(port, "/name"), "port": target(port, pod), "protocol": text(port, "/protocol") });
        }
        resolved
    };
    list(service, "/spec/ports").iter().map(one).collect()
}

fn reference(pod: &Object) -> Value {
    json!({ "kind": "Pod", "namespace": pod.id.namespace, "name": pod.id.name, "uid": pod.uid })
}

fn endpoints(state: &mut State, service: &Object, value: &Value, pods: &[(Arc<Object>, Value)]) {
    let address = |(pod, value): &(Arc<Object>, Value)| json!({ "ip": text(value, "/status/podIP"), "nodeName": pod.pod.node, "targetRef": reference(pod) });
    let serving = |pod: &Object| pod.pod.ready && !pod.deleting;
    let ready: Vec<Value> = pods.iter().filter(|(pod, _)| serving(pod)).map(address).collect();
    let not_ready: Vec<Value> = pods.iter().filter(|(pod, _)| !serving(pod) && !pod.deleting).map(address).collect();
    let mut subset = json!({ "ports": ports(value, pods.first().map(|(_, value)| value)) });
    if let Some(map) = subset.as_object_mut() {
        if !ready.is_empty() {
            map.insert("addresses".to_owned(), ready.clone().into());
        }
        if !not_ready.is_empty() {
            map.insert("notReadyAddresses".to_owned(), not_ready.clone().into());
        }
    }
    let subsets = if ready.is_empty() && not_ready.is_empty() { json!([]) } else { json!([subset]) };
    let id = Id::new(Kind::Endpoints, &service.id.namespace, &service.id.name);
    if state.store.get(&id).is_none() {
        let mut labels = service.labels.clone();
        labels.insert("endpoints.kubernetes.io/managed-by".to_owned(), "endpoint-controller".to_owned());
        state.add(Kind::Endpoints, json!({ "metadata": { "name": id.name, "namespace": id.namespace, "labels": labels } }));
    }
    state.edit(&id, |endpoints| super::super::json::set(endpoints, &["subsets"], subsets));
}

fn slice(state: &mut State, service: &Object, value: &Value, pods: &[(Arc<Object>, Value)]) {
    let existing = state.store.owned(&service.uid, Kind::EndpointSlice).into_iter().next().map(|slice| slice.id.clone());
    let id = existing.unwrap_or_else(|| {
        let name = format!("{}-{}", service.id.name, state.seed.suffix());
        let id = Id::new(Kind::EndpointSlice, &service.id.namespace, &name);
        let labels = json!({
            "kubernetes.io/service-name": service.id.name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        });
        let metadata = json!({ "name": id.name, "namespace": id.namespace, "labels": labels, "ownerReferences": [controlled_by(service)] });
        state.add(Kind::EndpointSlice, json!({ "metadata": metadata, "addressType": "IPv4", "endpoints": [], "ports": [] }));
        id
    });
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|(pod, value)| {
            json!({
                "addresses": [text(value, "/status/podIP")],
                "conditions": { "ready": pod.pod.ready && !pod.deleting, "serving": pod.pod.ready, "terminating": pod.deleting },
                "nodeName": pod.pod.node, "targetRef": reference(pod),
            })
        })
        .collect();
    let ports = ports(value, pods.first().map(|(_, value)| value));
    state.edit(&id, |slice| {
        super::super::json::set(slice, &["endpoints"], endpoints);
        super::super::json::set(slice, &["ports"], ports);
    });
}
