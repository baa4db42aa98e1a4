//! How the checker names what it wanted, and what it advises.

use crate::runbook::source::{Node, Value};
use crate::runbook::vocabulary::Kind;
use crate::runbook::vocabulary::shape::duration_text;

/// What a kind wants, as it stands after "wants".
pub(super) fn wanted(kind: &Kind) -> String {
    match kind {
        Kind::Text | Kind::Template | Kind::Argument | Kind::Schema(_) => "text".to_owned(),
        Kind::Script => "a script as text".to_owned(),
        Kind::Expression => "an expression as text".to_owned(),
        Kind::Integer { .. } => "a whole number".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Duration { .. } => "a duration such as 30s".to_owned(),
        Kind::Word(words) => format!("one of {}", list(words)),
        Kind::Id(_) => "a name".to_owned(),
        Kind::List { .. } => "a list".to_owned(),
        Kind::Map { .. } => "a map of names to values".to_owned(),
        Kind::Object(shape) => format!("a map: {} with {}", shape.name, list(&shape.all_keys().map(|key| key.name).collect::<Vec<_>>())),
        Kind::Short { shape, key } => {
            format!("{}, or a map with `{key}`", shape.key(key).map_or_else(String::new, |key| wanted(&key.kind)))
        }
        Kind::Either(first, second) => format!("{}, or {}", wanted(first), wanted(second)),
        Kind::Filled(kind) => wanted(kind),
        Kind::Nullable(kind) => format!("{} or null", wanted(kind)),
        Kind::Scalar => "text, a number, or true or false".to_owned(),
        Kind::Json => "a value".to_owned(),
        Kind::Action => "an action: a map with one action kind".to_owned(),
        Kind::Verb => "a map with one verb".to_owned(),
    }
}

pub(super) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// What to do about a value of the wrong type, where there is a usual slip.
pub(super) fn advice(kind: &Kind, node: &Node) -> Option<String> {
    let advice = match (kind, &node.value) {
        (_, Value::Null) => "give it a value, or leave the key out",
        (Kind::Bool, Value::Text(text)) if matches!(text.to_lowercase().as_str(), "yes" | "no" | "on" | "off" | "y" | "n") => {
            "YAML 1.2 has only true and false: yes, no, on and off are text"
        }
        (Kind::Bool, Value::Text(text)) if text.parse::<bool>().is_ok() => "leave the quotes out",
        (Kind::Integer { .. }, Value::Text(text)) if text.parse::<i64>().is_ok() => "leave the quotes out",
        (Kind::Integer { .. }, Value::Text(_)) => "write it in digits",
        (
            Kind::Text | Kind::Template | Kind::Id(_) | Kind::Word(_) | Kind::Expression,
            Value::Bool(_) | Value::Int(_) | Value::Float(_),
        ) => "put it in quotes",
        (Kind::List { .. }, Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_)) => "a list of one is written [value]",
        (Kind::List { .. }, Value::Map(_)) => "start each item with `- `",
        (Kind::Word(_) | Kind::Id(_), Value::List(_)) => "write one value, without brackets",
        (Kind::Object(_), Value::Text(_) | Value::Int(_)) => "write its keys and values, each on a line of its own",
        (Kind::Map { .. } | Kind::Object(_), Value::List(_)) => "write `key: value` lines, without `- `",
        (Kind::Duration { .. }, Value::Int(_) | Value::Float(_)) => "add the unit: ms, s, m or h",
        (Kind::Text | Kind::Template | Kind::Argument | Kind::Script | Kind::Expression, Value::Map(_)) => {
            "text with `: ` in it, or that starts with `{`, needs quotes"
        }
        (Kind::Text | Kind::Template | Kind::Argument | Kind::Script | Kind::Expression, Value::List(_)) => {
            "text that starts with `[` needs quotes"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

pub(super) fn limits(kind: &Kind) -> String {
    match kind {
        Kind::Integer { least, most: i64::MAX } => format!("at least {least}"),
        Kind::Integer { least, most } => format!("{least} to {most}"),
        Kind::Duration { least, most } => format!("{} to {}", duration_text(*least), duration_text(*most)),
        Kind::List { least: 0, most, .. } => format!("at most {most} items"),
        Kind::List { least, most, .. } => format!("{least} to {most} items"),
        Kind::Text
        | Kind::Template
        | Kind::Argument
        | Kind::Script
        | Kind::Expression
        | Kind::Bool
        | Kind::Word(_)
        | Kind::Id(_)
        | Kind::Schema(_)
        | Kind::Map { .. }
        | Kind::Object(_)
        | Kind::Short { .. }
        | Kind::Either(..)
        | Kind::Filled(_)
        | Kind::Nullable(_)
        | Kind::Scalar
        | Kind::Json
        | Kind::Action
        | Kind::Verb => String::new(),
    }
}
