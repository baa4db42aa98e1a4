//! OpenAPI, as far as kubectl asks for it: enough for validation by the server (v3 says that patches take `fieldValidation`), and for
//! `kubectl explain` of the kinds the world has, to the depth their own objects show.

use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::discovery;
use crate::drill::world::kind::{SERVED, api_version};

pub fn answer(path: &[&str], _accept: &str) -> Option<Answer> {
    match path {
        ["v2"] => Some(answer::text(200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", super::swagger::document())),
        ["v3"] => Some(answer::json(200, &index())),
        ["v3", "api", "v1"] => Some(answer::json(200, &document("", "v1"))),
        ["v3", "apis", group, version] if discovery::has(group, version) => Some(answer::json(200, &document(group, version))),
        _ => None,
    }
}

fn index() -> Value {
    let mut paths = json!({});
    for (group, version, _) in SERVED {
        let path = prefix(group, version);
        crate::drill::world::json::set(&mut paths, &[&path], json!({ "serverRelativeURL": format!("/openapi/v3/{path}?hash=world") }));
    }
    json!({ "paths": paths })
}

fn prefix(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn document(group: &str, version: &str) -> Value {
    let (mut paths, mut schemas) = (json!({}), json!({}));
    for (_, _, kind) in SERVED.iter().filter(|(g, v, _)| *g == group && *v == version) {
        let info = kind.info();
        let gvk = json!({ "group": group, "version": version, "kind": info.kind });
        let namespaces = if kind.namespaced() { "/namespaces/{namespace}" } else { "" };
        let path = format!("/{}{namespaces}/{}/{{name}}", prefix(group, version), info.resource);
        let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation", "force"]
            .iter()
            .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } }))
            .collect();
        let action = |verb: &str| json!({ "operationId": format!("{verb}{}", info.kind), "x-kubernetes-action": verb, "x-kubernetes-group-version-kind": gvk, "parameters": parameters, "responses": {} });
        crate::drill::world::json::set(
            &mut paths,
            &[&path],
            json!({ "get": action("get"), "patch": action("patch"), "put": action("put") }),
        );
        let name = format!("io.k8s.api.{}.{version}.{}", if group.is_empty() { "core" } else { group }, info.kind);
        crate::drill::world::json::set(&mut schemas, &[&name], schema(info.kind, &gvk));
    }
    let title = format!("Kubernetes {}, simulated", api_version(group, version));
    json!({ "openapi": "3.0.0", "info": { "title": title, "version": "v1.35.0" }, "paths": paths, "components": { "schemas": schemas } })
}

fn schema(kind: &str, gvk: &Value) -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let object = |description: &str| json!({ "type": "object", "description": description, "additionalProperties": true });
    let description =
        format!("{kind}, as Kubernetes has it. The simulated world checks its fields, and explains only the first level of them.");
    json!({
        "type": "object", "description": description, "x-kubernetes-group-version-kind": [gvk],
        "properties": {
            "apiVersion": text("The version of the schema this object is in."),
            "kind": text("What the object is."),
            "metadata": object("Name, namespace, labels, annotations, owners and versions of the object."),
            "spec": object("What is asked for."),
            "status": object("What there is."),
        },
    })
}
