//! Is it an object of that kind, and may it be so? In the words of the API server.

use serde_json::Value;

use super::convert;
use super::defaults::{bad_container, selector_misses_template};
use super::request::{Place, Request};
use crate::drill::world::json::{count, list, number, part, strings, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::refusal::Refusal;

/// An object as it is stored, and the fields nobody knows.
pub struct Decoded {
    pub value: Value,
    pub unknown: Vec<String>,
}

/// Reads what a client sent: right kind, right types, and its unknown fields named.
pub fn decode(kind: Kind, place: &Place, value: Value) -> Result<Decoded, Refusal> {
    let (api_version, said) = convert::said(&value);
    let wanted = (place.api_version(), kind.info().kind);
    if (api_version, said) != (wanted.0.as_str(), wanted.1) {
        let message =
            format!("the object provided is unrecognized (must be of type {} in {}): it says {said} in {api_version}", wanted.1, wanted.0);
        return Err(Refusal::bad_request(message));
    }
    let mut value = convert::inward(kind, &wanted.0, value);
    strip_null(&mut value);
    if value.get("metadata").is_none() {
        crate::drill::world::json::set(&mut value, &["metadata"], serde_json::json!({}));
    }
    let typed = (kind.info().typed)(&value).map_err(|error| {
        Refusal::bad_request(format!("{} in version \"{}\" cannot be handled as a {}: {error}", wanted.1, place.version, wanted.1))
    })?;
    let mut unknown = Vec::new();
    missing(&value, &typed, "", &mut unknown);
    let mut typed = typed;
    strip_null(&mut typed);
    Ok(Decoded { value: typed, unknown })
}

fn strip_null(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, child| !child.is_null());
        map.values_mut().for_each(strip_null);
    } else if let Some(list) = value.as_array_mut() {
        list.iter_mut().for_each(strip_null);
    }
}

fn missing(value: &Value, typed: &Value, path: &str, found: &mut Vec<String>) {
    for (key, child) in value.as_object().into_iter().flatten() {
        let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match typed.get(key) {
            None => found.push(here),
            Some(other) => missing(child, other, &here, found),
        }
    }
    for (index, child) in value.as_array().into_iter().flatten().enumerate() {
        missing(child, typed.get(index).unwrap_or(&Value::Null), &format!("{path}[{index}]"), found);
    }
}

/// Unknown fields are an error, a warning or nothing, as the client asked; a warning if it did not.
pub fn unknown(what: Kind, request: &Request, unknown: &[String]) -> Result<Vec<String>, Refusal> {
    let told: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    match request.query.get("fieldValidation") {
        "Strict" if !told.is_empty() => {
            let (kind, version) = (what.info().kind, what.info().version);
            let fields = told.join(", ");
            Err(Refusal::bad_request(format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {fields}"
            )))
        }
        "Ignore" => Ok(Vec::new()),
        "Strict" | "Warn" | "" => Ok(told),
        other => Err(Refusal::bad_request(format!("fieldValidation: Unsupported value: \"{other}\""))),
    }
}

/// A DNS subdomain: what most names must be.
fn bad_name(name: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-' || letter == '.';
    let edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    name.len() > 253 || !name.chars().all(allowed) || !edge(name.chars().next()) || !edge(name.chars().last())
}

fn bad_label(value: &str) -> bool {
    let edge = |letter: char| letter.is_ascii_alphanumeric();
    value.len() > 63
        || !value.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
        || value.chars().next().is_some_and(|letter| !edge(letter))
        || value.chars().last().is_some_and(|letter| !edge(letter))
}

/// May the object be so, by itself and after what it was before?
pub fn valid(kind: Kind, before: Option<&Value>, value: &Value) -> Result<(), Refusal> {
    let name = text(value, "/metadata/name");
    let no = |why: String| Err(Refusal::invalid(kind.info().kind, name, &why));
    if bad_name(name) && kind != Kind::Event {
        return no(format!(
            "metadata.name: Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
        ));
    }
    if let Some((key, label)) = strings(value, "/metadata/labels").into_iter().find(|(_, label)| bad_label(label)) {
        return no(format!(
            "metadata.labels: Invalid value: \"{label}\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.' (key {key})"
        ));
    }
    let why = match kind {
        Kind::Pod => bad_container(value, "/spec/containers").or_else(|| before.and_then(|before| pod_changed(before, value))),
        Kind::Deployment | Kind::ReplicaSet => workload(before, value),
        Kind::Hpa => {
            let (least, most) = (number(value, "/spec/minReplicas").unwrap_or(1), count(value, "/spec/maxReplicas"));
            (most < least.max(1))
                .then(|| format!("spec.maxReplicas: Invalid value: {most}: must be greater than or equal to `minReplicas`"))
        }
        Kind::Pdb => {
            let both = value.pointer("/spec/minAvailable").is_some() && value.pointer("/spec/maxUnavailable").is_some();
            both.then(|| "spec: Invalid value: minAvailable and maxUnavailable cannot be both set".to_owned())
        }
        // A name of elsewhere needs no ports.
        Kind::Service if text(value, "/spec/type") == "ExternalName" => None,
        Kind::Service => list(value, "/spec/ports").is_empty().then(|| "spec.ports: Required value".to_owned()),
        Kind::ConfigMap
        | Kind::Endpoints
        | Kind::Event
        | Kind::Namespace
        | Kind::Node
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::Lease
        | Kind::NetworkPolicy
        | Kind::EndpointSlice => None,
    };
    why.map_or(Ok(()), no)
}

fn workload(before: Option<&Value>, value: &Value) -> Option<String> {
    let replicas = number(value, "/spec/replicas").unwrap_or(0);
    if replicas < 0 {
        return Some(format!("spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0"));
    }
    if before.is_some_and(|before| part(before, "/spec/selector") != part(value, "/spec/selector")) {
        return Some("spec.selector: Invalid value: field is immutable".to_owned());
    }
    if selector_misses_template(value) {
        return Some("spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`".to_owned());
    }
    bad_container(value, "/spec/template/spec/containers")
}

/// Of a pod's spec only images, the grace of its end, and new tolerations may change.
fn pod_changed(before: &Value, after: &Value) -> Option<String> {
    let fixed = |pod: &Value| {
        let mut spec = part(pod, "/spec");
        for container in crate::drill::world::json::list_at(&mut spec, &["containers"]) {
            crate::drill::world::json::remove(container, &["image"]);
        }
        for field in ["tolerations", "terminationGracePeriodSeconds", "activeDeadlineSeconds"] {
            crate::drill::world::json::remove(&mut spec, &[field]);
        }
        spec
    };
    (fixed(before) != fixed(after)).then(|| {
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
         `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds`"
            .to_owned()
    })
}
