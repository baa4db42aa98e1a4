//! Reading values out of a checked map, and the one form an action's fields have after loading.

use std::time::Duration;

use crate::runbook::model::{Expression, Name};
use crate::runbook::source::{Node, SourceFile, Span, Spanned, Value};
use crate::runbook::vocabulary::shape::duration;
use crate::runbook::vocabulary::{Kind, Shape};

#[derive(Clone, Copy)]
pub struct Fields<'a> {
    pub file: &'a SourceFile,
    pub node: &'a Node,
}

impl<'a> Fields<'a> {
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.node.get(key)
    }

    pub fn maybe_text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(Node::text).map(str::to_owned)
    }

    pub fn text(&self, key: &str) -> String {
        self.maybe_text(key).unwrap_or_default()
    }

    pub fn spanned(&self, key: &str) -> Option<Spanned<String>> {
        self.get(key).and_then(|node| Some(Spanned::new(node.text()?.to_owned(), node.span)))
    }

    /// Stands for a text that is missing.
    pub fn nothing(&self) -> Spanned<String> {
        Spanned::new(String::new(), self.node.span)
    }

    pub fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key)?.value {
            Value::Int(number) => Some(number),
            Value::Null | Value::Bool(_) | Value::Float(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.get(key).and_then(Node::text).and_then(duration)
    }

    pub fn list(&self, key: &str) -> impl Iterator<Item = &'a Node> + use<'a> {
        self.get(key).map_or(&[][..], Node::items).iter()
    }

    pub fn entries(&self, key: &str) -> &'a [(Spanned<String>, Node)] {
        self.get(key).map_or(&[], Node::entries)
    }

    pub fn expressions(&self, key: &str) -> Vec<(Name, Expression)> {
        let read =
            |(name, node): &(Spanned<String>, Node)| Some((Name(name.value.clone()), Spanned::new(node.text()?.to_owned(), node.span)));
        self.entries(key).iter().filter_map(read).collect()
    }

    /// The place of a key's value, or of the map's first key.
    pub fn place(&self, key: &str) -> Span {
        let first = self.node.entries().first().map_or(self.node.span, |(key, _)| key.span);
        self.get(key).map_or(first, |node| node.span)
    }
}

/// A tree without its places.
pub fn plain(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Text(value) => value.as_str().into(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(entries) => entries.iter().map(|(key, value)| (key.value.clone(), plain(value))).collect(),
    }
}

pub(in crate::runbook) fn object(file: &SourceFile, node: &Node, shape: &Shape) -> Node {
    let entries = node.entries().iter().map(|(key, value)| match shape.key(&key.value) {
        Some(known) => (key.clone(), normal(file, value, &known.kind)),
        None => (key.clone(), value.clone()),
    });
    Node::new(Value::Map(entries.collect()), node.span)
}

pub(in crate::runbook) fn normal(file: &SourceFile, node: &Node, kind: &Kind) -> Node {
    match (kind, &node.value) {
        (Kind::Argument, Value::Bool(_) | Value::Int(_) | Value::Float(_)) => {
            Node::new(Value::Text(file.slice(node.span).to_owned()), node.span)
        }
        (Kind::Nullable(inner), value) if *value != Value::Null => normal(file, node, inner),
        (Kind::List { of, .. }, Value::List(items)) => {
            Node::new(Value::List(items.iter().map(|item| normal(file, item, of)).collect()), node.span)
        }
        (Kind::Map { of, .. }, Value::Map(entries)) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), normal(file, value, of))).collect();
            Node::new(Value::Map(entries), node.span)
        }
        (Kind::Object(shape) | Kind::Short { shape, .. }, Value::Map(_)) => object(file, node, shape),
        (Kind::Short { shape, key }, _) => {
            let value = shape.key(key).map_or_else(|| node.clone(), |main| normal(file, node, &main.kind));
            Node::new(Value::Map(vec![(Spanned::new((*key).to_owned(), node.span), value)]), node.span)
        }
        _ => node.clone(),
    }
}
