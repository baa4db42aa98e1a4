//! Secrets that JSON shows by its shape: a key that names one, an environment variable with its value beside it, a Kubernetes Secret.

use serde_json::{Map, Value};

use super::{is_no_secret, mark};

/// What names a secret, at the end of a key without its `_`, `-` and `.`, in lower case.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "accountkey",
    "signingkey",
    "encryptionkey",
    "clientkeydata",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "secretaccesskey",
];

/// Hides the secrets of a value whose strings are cleaned already.
pub fn json(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(json).collect()),
        Value::Object(fields) => Value::Object(object(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn object(mut fields: Map<String, Value>) -> Map<String, Value> {
    match fields.get("kind").and_then(Value::as_str) {
        Some("Secret") => secret(&mut fields),
        Some("SecretList") => {
            for item in fields.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
                item.as_object_mut().into_iter().for_each(secret);
            }
        }
        _ => {}
    }
    // `{"name": "DB_PASSWORD", "value": "…"}`: an environment variable or a header.
    let named = ["name", "key", "header"].iter().any(|key| fields.get(*key).and_then(Value::as_str).is_some_and(names_secret));
    if named && let Some(value) = fields.get_mut("value") {
        hide(value, "named-value");
    }
    fields
        .into_iter()
        .map(|(key, mut value)| {
            if names_secret(&key) {
                let number = value.is_number() && key.to_ascii_lowercase().contains("pass");
                if number {
                    value = Value::String(mark("named-value"));
                }
                hide(&mut value, "named-value");
            }
            (key, json(value))
        })
        .collect()
}

/// `data` and `stringData`, and the copy of both that `kubectl apply` leaves.
fn secret(fields: &mut Map<String, Value>) {
    for part in ["data", "stringData"] {
        for (_, value) in fields.get_mut(part).and_then(Value::as_object_mut).into_iter().flatten() {
            hide(value, "kube-secret");
        }
    }
    let annotations = fields.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")).and_then(Value::as_object_mut);
    for (_, value) in annotations.into_iter().flatten().filter(|(key, _)| key.ends_with("last-applied-configuration")) {
        hide(value, "kube-secret");
    }
}

fn names_secret(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| !matches!(c, '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect();
    // `PWD` and `OLDPWD` are directories.
    NAMES.iter().any(|name| plain.ends_with(name)) || (plain.ends_with("pwd") && plain != "pwd" && plain != "oldpwd")
}

/// A text, or each text of a list.
fn hide(value: &mut Value, rule: &str) {
    match value {
        Value::String(text) if !text.is_empty() && !is_no_secret(text) => *text = mark(rule),
        Value::Array(items) => items.iter_mut().filter(|item| item.is_string()).for_each(|item| hide(item, rule)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {}
    }
}
