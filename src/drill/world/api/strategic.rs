//! Strategic merge patch: lists of objects are merged by a key that Kubernetes' types name; the directives of kubectl are understood.

use serde_json::{Map, Value};

use crate::drill::world::refusal::Refusal;

/// How the list at a field is merged: by a key, as a set of plain values, or not at all.
enum Merge {
    By(&'static str),
    Set,
    Whole,
}

fn merge_of(field: &str, patch: &[Value]) -> Merge {
    match field {
        "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets" => Merge::By("name"),
        "volumeMounts" => Merge::By("mountPath"),
        "volumeDevices" => Merge::By("devicePath"),
        // A container's ports and a Service's have the same name and different keys.
        "ports" if patch.iter().any(|port| port.get("containerPort").is_some()) => Merge::By("containerPort"),
        "ports" => Merge::By("port"),
        "conditions" | "addresses" => Merge::By("type"),
        "ownerReferences" => Merge::By("uid"),
        "topologySpreadConstraints" => Merge::By("topologyKey"),
        "hostAliases" => Merge::By("ip"),
        "finalizers" => Merge::Set,
        _ => Merge::Whole,
    }
}

pub fn apply(target: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return Ok(());
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else { return Ok(()) };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *map = patch.iter().filter(|(key, _)| *key != "$patch").map(|(key, value)| (key.clone(), value.clone())).collect();
            return Ok(());
        }
        Some("delete") => {
            map.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            return Err(Refusal::bad_request(format!("unknown patch directive \"{other}\": merge, replace and delete are known")));
        }
    }
    retain(map, patch);
    for (key, value) in patch {
        if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().cloned().unwrap_or_default();
            if let Some(list) = map.get_mut(field).and_then(Value::as_array_mut) {
                list.retain(|item| !gone.contains(item));
            }
        } else if !key.starts_with('$') {
            field(map, key, value)?;
        }
    }
    order(map, patch);
    Ok(())
}

fn field(map: &mut Map<String, Value>, key: &str, value: &Value) -> Result<(), Refusal> {
    if value.is_null() {
        map.shift_remove(key);
    } else if let Some(patch) = value.as_array() {
        merge_list(map.entry(key).or_insert_with(|| Value::Array(Vec::new())), key, patch)?;
    } else {
        apply(map.entry(key).or_insert(Value::Null), value)?;
    }
    Ok(())
}

/// `$retainKeys`: of a union, only these members stay.
fn retain(map: &mut Map<String, Value>, patch: &Map<String, Value>) {
    if let Some(keys) = patch.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| keys.iter().any(|kept| kept.as_str() == Some(key)));
    }
}

fn merge_list(target: &mut Value, name: &str, patch: &[Value]) -> Result<(), Refusal> {
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Some(list) = target.as_array_mut() else { return Ok(()) };
    let directive = |item: &Value, word: &str| item.get("$patch").and_then(Value::as_str) == Some(word);
    if patch.iter().any(|item| directive(item, "replace")) {
        *list = patch.iter().filter(|item| !directive(item, "replace")).cloned().collect();
        return Ok(());
    }
    match merge_of(name, patch) {
        Merge::Whole => *list = patch.to_vec(),
        Merge::Set => {
            for item in patch {
                if !list.contains(item) {
                    list.push(item.clone());
                }
            }
        }
        Merge::By(key) => {
            for item in patch {
                let Some(id) = item.get(key) else {
                    return Err(Refusal::bad_request(format!("map: {item} does not contain declared merge key: {key}")));
                };
                let place = list.iter().position(|old| old.get(key) == Some(id));
                match place {
                    Some(place) if directive(item, "delete") => {
                        list.remove(place);
                    }
                    Some(place) => {
                        if let Some(old) = list.get_mut(place) {
                            apply(old, item)?;
                        }
                    }
                    None if directive(item, "delete") => {}
                    None => {
                        let mut new = Value::Null;
                        apply(&mut new, item)?;
                        list.push(new);
                    }
                }
            }
        }
    }
    Ok(())
}

/// `$setElementOrder/field`: those named come in this order; others keep their places behind what they followed.
fn order(map: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, wanted) in patch {
        let (Some(field), Some(wanted)) = (key.strip_prefix("$setElementOrder/"), wanted.as_array()) else { continue };
        let Some(list) = map.get_mut(field).and_then(Value::as_array_mut) else { continue };
        let rank = |item: &Value| {
            wanted
                .iter()
                .position(|one| one.as_object().map_or(one == item, |keys| keys.iter().all(|(key, value)| item.get(key) == Some(value))))
        };
        let mut ranked: Vec<(usize, Value)> = Vec::new();
        let mut last = 0;
        for item in list.drain(..) {
            last = rank(&item).unwrap_or(last);
            ranked.push((last, item));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        list.extend(ranked.into_iter().map(|(_, item)| item));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(mut target: Value, patch: &Value) -> Value {
        apply(&mut target, patch).unwrap();
        target
    }

    #[test]
    fn lists_merge_by_their_key() {
        let before = json!({ "containers": [{ "name": "a", "image": "1", "env": [{ "name": "X", "value": "1" }, { "name": "Y", "value": "2" }] }, { "name": "b" }] });
        let patch = json!({ "containers": [{ "name": "a", "image": "2", "env": [{ "name": "X", "$patch": "delete" }, { "name": "Z", "value": "3" }] }] });
        let after = json!({ "containers": [{ "name": "a", "image": "2", "env": [{ "name": "Y", "value": "2" }, { "name": "Z", "value": "3" }] }, { "name": "b" }] });
        assert_eq!(patched(before, &patch), after);
    }

    #[test]
    fn null_takes_away_and_plain_lists_are_replaced() {
        let before = json!({ "a": 1, "args": ["x", "y"], "m": { "k": 1, "l": 2 } });
        assert_eq!(patched(before, &json!({ "a": null, "args": ["z"], "m": { "k": null } })), json!({ "args": ["z"], "m": { "l": 2 } }));
    }

    #[test]
    fn directives() {
        let before = json!({ "finalizers": ["a", "b"], "strategy": { "type": "RollingUpdate", "rollingUpdate": {} } });
        let patch = json!({ "$deleteFromPrimitiveList/finalizers": ["a"], "strategy": { "$retainKeys": ["type"], "type": "Recreate" } });
        assert_eq!(patched(before, &patch), json!({ "finalizers": ["b"], "strategy": { "type": "Recreate" } }));
        assert!(apply(&mut json!({}), &json!({ "$patch": "other" })).is_err());
        assert!(apply(&mut json!({}), &json!({ "containers": [{ "image": "x" }] })).is_err());
    }
}
