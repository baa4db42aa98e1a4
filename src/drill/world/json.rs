//! Reading and writing JSON objects by path. Missing is "", 0 or empty: the API's own defaults for absent fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub type Labels = BTreeMap<String, String>;

/// The text at a JSON pointer, or "".
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a JSON pointer.
pub fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

pub fn count(value: &Value, pointer: &str) -> i64 {
    number(value, pointer).unwrap_or(0)
}

pub fn truth(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

pub fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A map of texts, as labels and annotations are.
pub fn strings(value: &Value, pointer: &str) -> Labels {
    let Some(map) = value.pointer(pointer).and_then(Value::as_object) else { return Labels::new() };
    map.iter().filter_map(|(key, text)| Some((key.clone(), text.as_str()?.to_owned()))).collect()
}

/// The map at `path`, made on the way where it is missing or something else.
pub fn map_at<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Map<String, Value> {
    let mut here = as_map(value);
    for key in path {
        here = as_map(here.entry(*key).or_insert_with(|| Value::Object(Map::new())));
    }
    here
}

/// The list at `path`, made on the way.
pub fn list_at<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Vec<Value> {
    let Some((last, parents)) = path.split_last() else { return as_list(value) };
    as_list(map_at(value, parents).entry(*last).or_insert_with(|| Value::Array(Vec::new())))
}

/// Sets one field, making the maps above it.
pub fn set(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    if let Some((last, parents)) = path.split_last() {
        map_at(value, parents).insert((*last).to_owned(), new.into());
    }
}

/// Sets one field where nothing is there yet.
pub fn default(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    if let Some((last, parents)) = path.split_last() {
        let slot = map_at(value, parents).entry(*last).or_insert(Value::Null);
        if slot.is_null() {
            *slot = new.into();
        }
    }
}

/// Takes one field away, if it is there.
pub fn remove(value: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let mut here = value;
    for key in parents {
        here = here.get_mut(*key)?;
    }
    here.as_object_mut()?.shift_remove(*last)
}

/// A part of an object, or null.
pub fn part(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or(Value::Null)
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => unreachable!("made a map just above"),
    }
}

fn as_list(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    match value {
        Value::Array(list) => list,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => unreachable!("made a list just above"),
    }
}
