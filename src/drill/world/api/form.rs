//! The form an answer was asked in: whole objects, a Table, or metadata only.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::convert::{outward, same_text};
use super::table;
use crate::drill::world::json::{part, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Object;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Whole,
    Table(Include),
    Metadata,
}

/// What a Table's rows carry besides their cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include {
    Nothing,
    Metadata,
    Object,
}

/// Shape, and the version objects are wanted in.
#[derive(Debug, Clone)]
pub struct Form {
    pub shape: Shape,
    pub api_version: String,
    pub now: Timestamp,
}

impl Shape {
    /// The first form of the Accept header that the world has.
    pub fn of(accept: &str, include: &str) -> Self {
        for range in accept.split(',') {
            let wanted = |what: &str| range.split(';').any(|part| part.trim() == what);
            if wanted("as=Table") && wanted("g=meta.k8s.io") {
                return Self::Table(match include {
                    "None" => Include::Nothing,
                    "Object" => Include::Object,
                    _ => Include::Metadata,
                });
            }
            if wanted("as=PartialObjectMetadata") || wanted("as=PartialObjectMetadataList") {
                return Self::Metadata;
            }
            if range.trim().starts_with("application/json") {
                return Self::Whole;
            }
        }
        Self::Whole
    }
}

fn partial(value: &Value, kind: &str) -> Value {
    json!({ "kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": part(value, "/metadata") })
}

impl Form {
    /// One object as text.
    pub fn object(&self, object: &Object) -> String {
        match self.shape {
            Shape::Whole if same_text(object.id.kind, &self.api_version) => object.text.to_string(),
            Shape::Whole => self.converted(object).to_string(),
            Shape::Metadata => partial(&object.value(), "PartialObjectMetadata").to_string(),
            Shape::Table(_) => {
                let metadata = json!({ "resourceVersion": object.version.to_string() });
                self.table(object.id.kind, &metadata, [self.row(object)])
            }
        }
    }

    fn converted(&self, object: &Object) -> Value {
        outward(object.id.kind, &self.api_version, object.value())
    }

    /// One object that is not stored: what a dry run gave, or what was just deleted.
    pub fn value(&self, kind: Kind, value: Value) -> String {
        match self.shape {
            Shape::Whole => outward(kind, &self.api_version, value).to_string(),
            Shape::Metadata => partial(&value, "PartialObjectMetadata").to_string(),
            Shape::Table(_) => {
                let id = crate::drill::world::object::Id::new(kind, text(&value, "/metadata/namespace"), text(&value, "/metadata/name"));
                self.object(&Object::new(id, 0, &value))
            }
        }
    }

    /// A list as text. `metadata` holds its resourceVersion and, in part lists, where to go on.
    pub fn list(&self, kind: Kind, metadata: &Value, objects: &[Arc<Object>]) -> String {
        match self.shape {
            Shape::Table(_) => self.table(kind, metadata, objects.iter().map(|object| self.row(object))),
            Shape::Whole | Shape::Metadata => {
                let (api_version, name) = match self.shape {
                    Shape::Metadata => ("meta.k8s.io/v1", "PartialObjectMetadataList".to_owned()),
                    Shape::Whole | Shape::Table(_) => (self.api_version.as_str(), format!("{}List", kind.info().kind)),
                };
                let size: usize = objects.iter().map(|object| object.text.len() + 1).sum();
                let mut text = String::with_capacity(size + 256);
                let _ = write!(text, "{{\"kind\":\"{name}\",\"apiVersion\":\"{api_version}\",\"metadata\":{metadata},\"items\":[");
                for (index, object) in objects.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    if self.shape == Shape::Whole && same_text(kind, &self.api_version) {
                        text.push_str(&object.text);
                    } else {
                        text.push_str(&self.object(object));
                    }
                }
                text.push_str("]}");
                text
            }
        }
    }

    fn table(&self, kind: Kind, metadata: &Value, rows: impl IntoIterator<Item = Value>) -> String {
        let rows: Vec<Value> = rows.into_iter().collect();
        json!({
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": table::columns(kind, &self.api_version),
            "rows": rows,
        })
        .to_string()
    }

    fn row(&self, object: &Object) -> Value {
        let value = object.value();
        let mut row = json!({ "cells": table::cells(object, &value, &self.api_version, self.now) });
        let with = match self.shape {
            Shape::Table(Include::Nothing) => return row,
            Shape::Table(Include::Object) => outward(object.id.kind, &self.api_version, value),
            Shape::Table(Include::Metadata) | Shape::Whole | Shape::Metadata => partial(&value, "PartialObjectMetadata"),
        };
        crate::drill::world::json::set(&mut row, &["object"], with);
        row
    }
}
