//! Who set which field: managedFields, for server-side apply. Kept for what people write; objects only controllers write have none.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::strategic;
use crate::drill::world::json::{list, part, remove, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::refusal::Refusal;

/// One field, from the top: `f:spec`, `f:containers`, `k:{"name":"a"}`, `f:image`.
type Path = Vec<String>;
type Fields = BTreeSet<Path>;

pub fn tracked(kind: Kind) -> bool {
    match kind {
        Kind::ConfigMap
        | Kind::Namespace
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::Service
        | Kind::Deployment
        | Kind::Hpa
        | Kind::NetworkPolicy
        | Kind::Pdb => true,
        Kind::Endpoints | Kind::Event | Kind::Node | Kind::Pod | Kind::ReplicaSet | Kind::Lease | Kind::EndpointSlice => false,
    }
}

fn key_of(field: &str, item: &Value) -> Option<String> {
    let keys: &[&str] = match field {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => &["name"],
        "volumeMounts" => &["mountPath"],
        "ports" if item.get("containerPort").is_some() => &["containerPort", "protocol"],
        "ports" => &["port", "protocol"],
        "conditions" => &["type"],
        _ => return None,
    };
    let mut map = Map::new();
    for key in keys {
        let value = item.get(*key).cloned().or_else(|| (*key == "protocol").then(|| Value::from("TCP")))?;
        map.insert((*key).to_owned(), value);
    }
    Some(format!("k:{}", Value::Object(map)))
}

/// The leaves of an object. What the server decides about is nobody's.
fn leaves(value: &Value) -> Fields {
    let mut found = Fields::new();
    for (key, child) in value.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "apiVersion" | "kind" | "status") {
            walk(child, key, &mut vec![format!("f:{key}")], &mut found);
        }
    }
    found.retain(|path| !served(path));
    found
}

fn served(path: &Path) -> bool {
    let name = |at: usize| path.get(at).map_or("", String::as_str);
    name(0) == "f:metadata"
        && matches!(
            name(1),
            "f:name"
                | "f:namespace"
                | "f:uid"
                | "f:resourceVersion"
                | "f:creationTimestamp"
                | "f:generation"
                | "f:managedFields"
                | "f:generateName"
        )
        || path.iter().any(|part| part.starts_with("f:deployment.kubernetes.io/"))
}

fn walk(value: &Value, field: &str, path: &mut Path, found: &mut Fields) {
    if let Some(map) = value.as_object().filter(|map| !map.is_empty()) {
        for (key, child) in map {
            path.push(format!("f:{key}"));
            walk(child, key, path, found);
            path.pop();
        }
        return;
    }
    let keyed = value.as_array().filter(|items| !items.is_empty() && items.iter().all(|item| key_of(field, item).is_some()));
    let Some(items) = keyed else {
        found.insert(path.clone());
        return;
    };
    for item in items {
        path.extend(key_of(field, item));
        walk(item, "", path, found);
        path.pop();
    }
}

fn at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |here, part| match part.split_once(':') {
        Some(("f", key)) => here.get(key),
        Some(("k", keys)) => {
            let keys: Value = serde_json::from_str(keys).ok()?;
            here.as_array()?.iter().find(|item| same_keys(item, &keys))
        }
        _ => None,
    })
}

fn same_keys(item: &Value, keys: &Value) -> bool {
    let wanted = |key: &str| item.get(key).cloned().or_else(|| (key == "protocol").then(|| Value::from("TCP")));
    keys.as_object().into_iter().flatten().all(|(key, value)| wanted(key).as_ref() == Some(value))
}

/// Takes the field at a path away; an item of a keyed list whose fields are all gone goes too.
fn take(value: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    match first.split_once(':') {
        Some(("f", key)) if rest.is_empty() => {
            remove(value, &[key]);
        }
        Some(("f", key)) => {
            if let Some(child) = value.get_mut(key) {
                take(child, rest);
                if child.as_object().is_some_and(Map::is_empty) || child.as_array().is_some_and(Vec::is_empty) {
                    remove(value, &[key]);
                }
            }
        }
        Some(("k", keys)) => {
            let (Ok(keys), Some(items)) = (serde_json::from_str::<Value>(keys), value.as_array_mut()) else { return };
            if let Some(item) = items.iter_mut().find(|item| same_keys(item, &keys)) {
                take(item, rest);
            }
            // Once the name of an item is taken, nothing holds it.
            let key = keys.as_object().and_then(|keys| keys.keys().next().cloned()).unwrap_or_default();
            items.retain(|item| item.get(&key).is_some());
        }
        _ => {}
    }
}

fn tree(fields: &Fields) -> Value {
    let mut root = json!({});
    for path in fields {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        set(&mut root, &parts, json!({}));
    }
    root
}

fn flat(tree: &Value, path: &mut Path, found: &mut Fields) {
    let children: Vec<(&String, &Value)> = tree.as_object().into_iter().flatten().filter(|(key, _)| *key != ".").collect();
    if children.is_empty() && !path.is_empty() {
        found.insert(path.clone());
    }
    for (key, child) in children {
        path.push(key.clone());
        flat(child, path, found);
        path.pop();
    }
}

struct Manager {
    entry: Value,
    fields: Fields,
}

impl Manager {
    fn is(&self, name: &str, operation: &str) -> bool {
        text(&self.entry, "/manager") == name
            && text(&self.entry, "/operation") == operation
            && text(&self.entry, "/subresource").is_empty()
    }
}

fn managers(value: &Value) -> Vec<Manager> {
    list(value, "/metadata/managedFields")
        .iter()
        .map(|entry| {
            let mut fields = Fields::new();
            flat(&part(entry, "/fieldsV1"), &mut Vec::new(), &mut fields);
            Manager { entry: entry.clone(), fields }
        })
        .collect()
}

fn store(value: &mut Value, managers: Vec<Manager>) {
    let entries: Vec<Value> = managers
        .into_iter()
        .filter(|manager| !manager.fields.is_empty())
        .map(|mut manager| {
            set(&mut manager.entry, &["fieldsV1"], tree(&manager.fields));
            manager.entry
        })
        .collect();
    if entries.is_empty() {
        remove(value, &["metadata", "managedFields"]);
    } else {
        set(value, &["metadata", "managedFields"], entries);
    }
}

fn of<'a>(managers: &'a mut Vec<Manager>, name: &str, operation: &str, api_version: &str, now: &str) -> Option<&'a mut Manager> {
    let place = managers.iter().position(|manager| manager.is(name, operation)).unwrap_or_else(|| {
        let entry = json!({ "manager": name, "operation": operation, "apiVersion": api_version, "fieldsType": "FieldsV1" });
        managers.push(Manager { entry, fields: Fields::new() });
        managers.len() - 1
    });
    let manager = managers.get_mut(place)?;
    set(&mut manager.entry, &["time"], now);
    Some(manager)
}

/// Records an ordinary write: the writer has what it changed, and others no longer.
pub fn written(before: Option<&Value>, after: &mut Value, manager: &str, now: &str) {
    let mut managers = managers(after);
    let all = leaves(after);
    let changed: Fields = all.iter().filter(|path| before.and_then(|before| at(before, path)) != at(after, path)).cloned().collect();
    for manager in &mut managers {
        manager.fields.retain(|path| !changed.contains(path) && at(after, path).is_some());
    }
    if !changed.is_empty() {
        let api_version = text(after, "/apiVersion").to_owned();
        if let Some(own) = of(&mut managers, manager, "Update", &api_version, now) {
            own.fields.extend(changed);
        }
    }
    store(after, managers);
}

/// How an applier wants conflicts settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    Refuse,
    Take,
}

/// Server-side apply: `config` is all the manager has to say about the object.
pub fn apply(live: &Value, config: &Value, (manager, force): (&str, Force), now: &str) -> Result<Value, Refusal> {
    let mut managers = managers(live);
    let wanted = leaves(config);
    let mut conflicts = Vec::new();
    for other in managers.iter_mut().filter(|other| !other.is(manager, "Apply")) {
        let taken: Vec<Path> = wanted
            .iter()
            .filter(|path| other.fields.iter().any(|owned| owned.starts_with(path) || path.starts_with(owned)))
            .filter(|path| at(live, path) != at(config, path))
            .cloned()
            .collect();
        let name = text(&other.entry, "/manager").to_owned();
        match force {
            Force::Take => other.fields.retain(|owned| !taken.iter().any(|path| owned.starts_with(path))),
            Force::Refuse => conflicts.extend(taken.iter().map(|path| (name.clone(), shown(path)))),
        }
    }
    if !conflicts.is_empty() {
        return Err(Refusal::apply_conflict(&conflicts));
    }
    let mut after = live.clone();
    let before = managers.iter().find(|own| own.is(manager, "Apply")).map(|own| own.fields.clone()).unwrap_or_default();
    for path in before.difference(&wanted) {
        let others = managers.iter().filter(|other| !other.is(manager, "Apply")).any(|other| other.fields.contains(path));
        if !others && !wanted.iter().any(|kept| kept.starts_with(path)) {
            take(&mut after, path);
        }
    }
    strategic::apply(&mut after, config)?;
    let api_version = text(config, "/apiVersion").to_owned();
    if let Some(own) = of(&mut managers, manager, "Apply", &api_version, now)
        && own.fields != wanted
    {
        own.fields = wanted;
    }
    store(&mut after, managers);
    Ok(after)
}

/// A path as messages show it: `.spec.replicas`.
fn shown(path: &Path) -> String {
    let part = |part: &String| match part.split_once(':') {
        Some(("k", keys)) => {
            let keys: Value = serde_json::from_str(keys).unwrap_or_default();
            let keys: Vec<String> = keys.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        Some((_, name)) => format!(".{name}"),
        None => String::new(),
    };
    path.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn config(replicas: i64, image: &str) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a" },
            "spec": { "replicas": replicas, "template": { "spec": { "containers": [{ "name": "c", "image": image }] } } },
        })
    }

    #[test]
    fn another_ones_field_is_a_conflict_unless_taken() {
        let mut live = config(3, "one");
        written(None, &mut live, "kubectl-create", NOW);
        let refused = apply(&live, &config(5, "one"), ("me", Force::Refuse), NOW).unwrap_err();
        assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"kubectl-create\": .spec.replicas");
        let taken = apply(&live, &config(5, "one"), ("me", Force::Take), NOW).unwrap();
        assert_eq!(taken.pointer("/spec/replicas"), Some(&json!(5)));
        assert!(apply(&taken, &config(6, "one"), ("me", Force::Refuse), NOW).is_ok(), "it is mine now");
    }

    #[test]
    fn what_is_no_longer_applied_goes() {
        let first = apply(&json!({ "metadata": { "name": "a" } }), &config(3, "one"), ("me", Force::Refuse), NOW).unwrap();
        let mut less = config(3, "one");
        remove(&mut less, &["spec", "replicas"]);
        let second = apply(&first, &less, ("me", Force::Refuse), NOW).unwrap();
        assert!(second.pointer("/spec/replicas").is_none());
        assert_eq!(second.pointer("/spec/template/spec/containers/0/image"), Some(&json!("one")));
    }
}
