//! An authored action and what is known now give the JSON that `action::Action` is read from: templates filled in, and each field turned
//! into the type the vocabulary says. An expression is not a template: it passes through as written.

use serde_json::{Map, Value as Json, json};

use crate::runbook::form::plain;
use crate::runbook::model::ActionSpec;
use crate::runbook::source::{Node, Span, Value};
use crate::runbook::template;
use crate::runbook::vocabulary::action::shape_of;
use crate::runbook::vocabulary::shape::{duration, duration_text};
use crate::runbook::vocabulary::{Kind, Shape};

/// Why an action can't be rendered, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    pub message: String,
    pub span: Span,
}

/// `{"kube": {"scale": {…}}}`, `{"run": {…}}`.
pub fn render_action(spec: &ActionSpec, scope: &Json) -> Result<Json, RenderError> {
    let shape = shape_of(spec).ok_or_else(|| RenderError { message: "this action has no known verb".to_owned(), span: spec.span })?;
    let fields = object(&spec.fields, shape, scope)?;
    let body = match &spec.verb {
        Some(verb) => json!({ verb: fields }),
        None => fields,
    };
    Ok(json!({ spec.kind.as_str(): body }))
}

fn object(node: &Node, shape: &Shape, scope: &Json) -> Result<Json, RenderError> {
    let mut fields = Map::new();
    for (key, value) in node.entries() {
        let kind = shape.key(&key.value).map_or(&Kind::Json, |known| &known.kind);
        fields.insert(key.value.clone(), fill(value, kind, &key.value, scope)?);
    }
    Ok(Json::Object(fields))
}

fn fill(node: &Node, kind: &Kind, key: &str, scope: &Json) -> Result<Json, RenderError> {
    match (kind, &node.value) {
        (Kind::Template | Kind::Argument, Value::Text(text)) => rendered(text, node, scope).map(Json::String),
        (Kind::Script, Value::Text(text)) => {
            template::render_script(text, scope).map(Json::String).map_err(|error| RenderError { message: error.message, span: node.span })
        }
        (Kind::Filled(inner), Value::Text(text)) => {
            let text = rendered(text, node, scope)?;
            typed(text.trim(), inner)
                .map_err(|wanted| RenderError { message: format!("`{key}` became `{text}`, and wants {wanted}"), span: node.span })
        }
        (Kind::Nullable(inner), Value::Text(text)) => match alone(text, scope) {
            Some(Json::Null) => Ok(Json::Null),
            _ => fill(node, inner, key, scope),
        },
        (Kind::Json, Value::Text(text)) => match alone(text, scope) {
            Some(value) => Ok(value.clone()),
            None => rendered(text, node, scope).map(Json::String),
        },
        (Kind::Json, Value::List(items)) => items.iter().map(|item| fill(item, kind, key, scope)).collect(),
        (Kind::List { of, .. }, Value::List(items)) => items.iter().map(|item| fill(item, of, key, scope)).collect(),
        (Kind::Json, Value::Map(entries)) => {
            entries.iter().map(|(name, value)| Ok((name.value.clone(), fill(value, kind, &name.value, scope)?))).collect()
        }
        (Kind::Map { of, .. }, Value::Map(entries)) => {
            entries.iter().map(|(name, value)| Ok((name.value.clone(), fill(value, of, &name.value, scope)?))).collect()
        }
        (Kind::Object(shape), Value::Map(_)) => object(node, shape, scope),
        (Kind::Either(_, second), Value::Map(_)) => fill(node, second, key, scope),
        _ => Ok(plain(node)),
    }
}

fn rendered(text: &str, node: &Node, scope: &Json) -> Result<String, RenderError> {
    template::render(text, scope).map_err(|error| RenderError { message: error.message, span: node.span })
}

/// The value of a text that is one placeholder and nothing else: it keeps its type, and `null` stays `null`.
fn alone<'a>(text: &str, scope: &'a Json) -> Option<&'a Json> {
    let name = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let simple = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !name.split('.').all(simple) {
        return None;
    }
    name.split('.').try_fold(scope, |value, part| match value {
        Json::Array(items) => items.get(part.parse::<usize>().ok()?),
        Json::Object(fields) => fields.get(part),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    })
}

/// Rendered text as the type a field wants; otherwise what it wants, in words.
fn typed(text: &str, kind: &Kind) -> Result<Json, String> {
    if let Kind::Integer { least, most } = kind {
        let number = text.parse::<i64>().ok().filter(|number| (*least..=*most).contains(number));
        return number.map(Json::from).ok_or_else(|| format!("a whole number from {least} to {most}"));
    }
    if let Kind::Bool = kind {
        return text.parse::<bool>().map(Json::Bool).map_err(|_| "true or false".to_owned());
    }
    if let Kind::Duration { least, most } = kind {
        let fits = duration(text).is_some_and(|given| (*least..=*most).contains(&given));
        return fits.then(|| text.into()).ok_or_else(|| format!("a duration from {} to {}", duration_text(*least), duration_text(*most)));
    }
    if let Kind::Word(words) = kind {
        return words.contains(&text).then(|| text.into()).ok_or_else(|| format!("one of {}", words.join(", ")));
    }
    Ok(text.into())
}
