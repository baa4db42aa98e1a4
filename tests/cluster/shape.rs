//! What the API's answers look like: fields and their types, without the values. The world's are held to the published types of Kubernetes,
//! and to a real cluster's answers where there is one.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ground::Ground;

/// Maps whose keys are data.
const DATA: &[&str] = &["labels", "annotations", "matchLabels", "selector", "data", "requests", "limits", "nodeSelector"];

/// Paths with `[]` for any item, and the types seen there.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

fn collect(value: &Value, path: &str, shape: &mut Shape) {
    let name = match value {
        // Some clients write what is not there as null.
        Value::Null => return,
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            for item in items {
                collect(item, &format!("{path}[]"), shape);
            }
            "list"
        }
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "managedFields") {
                let data = path.rsplit('.').next().is_some_and(|last| DATA.contains(&last) && last != "selector");
                collect(value, &format!("{path}.{}", if data { "*" } else { key }), shape);
            }
            "map"
        }
    };
    shape.entry(path.to_owned()).or_default().insert(name);
}

fn shape(value: &Value) -> Shape {
    let mut shape = Shape::new();
    collect(value, "", &mut shape);
    shape
}

/// The value as the published type has it: what the type does not know is gone.
fn typed<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
    let typed: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("not what the type says: {error}: {value:#}"));
    serde_json::to_value(typed).unwrap()
}

type Typed = fn(&Value) -> Value;

struct Asked {
    what: &'static str,
    path: String,
    typed: Typed,
}

fn asked(namespace: &str) -> Vec<Asked> {
    let of = |what, path: &str, typed| Asked { what, path: path.replace("NS", namespace), typed };
    vec![
        of("namespace", "/api/v1/namespaces/NS", typed::<Namespace>),
        of("deployment", "/apis/apps/v1/namespaces/NS/deployments/checkout", typed::<Deployment>),
        of("scale", "/apis/apps/v1/namespaces/NS/deployments/checkout/scale", typed::<Scale>),
        of("service", "/api/v1/namespaces/NS/services/checkout", typed::<Service>),
        of("configmap", "/api/v1/namespaces/NS/configmaps/settings", typed::<ConfigMap>),
        of("budget", "/apis/policy/v1/namespaces/NS/poddisruptionbudgets/checkout", typed::<PodDisruptionBudget>),
        of("replicasets", "/apis/apps/v1/namespaces/NS/replicasets", typed::<k8s_openapi::List<ReplicaSet>>),
        of("pods", "/api/v1/namespaces/NS/pods", typed::<k8s_openapi::List<Pod>>),
        of("events", "/api/v1/namespaces/NS/events", typed::<k8s_openapi::List<Event>>),
        of("endpointslices", "/apis/discovery.k8s.io/v1/namespaces/NS/endpointslices", typed::<k8s_openapi::List<EndpointSlice>>),
    ]
}

fn answers(ground: &Ground) -> BTreeMap<&'static str, (Value, Typed)> {
    let asked = asked(&ground.namespace).into_iter();
    asked.map(|one| (one.what, (ground.json(&["get", "--raw", &one.path]), one.typed))).collect()
}

#[test]
fn the_answers_have_the_published_types() {
    let ground = Ground::new();
    for (what, (answer, typed)) in answers(&ground) {
        let (own, published) = (shape(&answer), shape(&typed(&answer)));
        let unknown: Vec<&String> = own.iter().filter(|(path, types)| published.get(*path) != Some(*types)).map(|(path, _)| path).collect();
        assert!(unknown.is_empty(), "{what}: the published type does not know {unknown:?}");
    }
}

/// Only with a real cluster is there something to compare; without one this holds the world to itself, which must be the same twice.
#[test]
fn the_worlds_answers_look_like_those_of_the_cluster() {
    let (world, other) = (Ground::world(), Ground::new());
    world.set_up();
    let (world, other) = (answers(&world), answers(&other));
    let mut wrong = Vec::new();
    for (what, (answer, _)) in &world {
        let (simulated, real) = (shape(answer), shape(&other[what].0));
        for (path, types) in &simulated {
            match real.get(path) {
                Some(seen) if seen == types => {}
                Some(seen) => wrong.push(format!("{what}{path}: {types:?} in the world, {seen:?} in the cluster")),
                None => println!("{what}{path}: only in the world"),
            }
        }
        for path in real.keys().filter(|path| !simulated.contains_key(*path)) {
            println!("{what}{path}: not in the world");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
