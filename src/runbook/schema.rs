//! The JSON Schema of a document, for editors: draft-07, which the YAML language server reads. It is made from the vocabulary, so
//! it can't know other keys than the loader does. What needs more than one place to judge (names, effects, flow) is left to lint.

use serde_json::{Map, Value, json};

use crate::runbook::model::ActionKind;
use crate::runbook::vocabulary::action::ENTRIES;
use crate::runbook::vocabulary::document::{self, RUNBOOK};
use crate::runbook::vocabulary::kube::VERBS;
use crate::runbook::vocabulary::{Case, Group, Kind, Need, Shape};

const DURATION: &str = "^[0-9]+(ms|s|m|h)$";
const PLACEHOLDER: &str = "\\{[{%]";

/// That of runbooks.
pub fn json_schema() -> Value {
    page(&RUNBOOK, document::SCHEMA)
}

/// That of any document with a table. `title` is the name and version of its format.
pub fn page(shape: &Shape, title: &str) -> Value {
    let mut pages = Pages { definitions: Map::new() };
    let mut root = pages.object(shape);
    if let Value::Object(fields) = &mut root {
        fields.insert("definitions".to_owned(), Value::Object(pages.definitions));
        let mut page = Map::new();
        page.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        page.insert("title".to_owned(), json!(title));
        page.append(fields);
        return Value::Object(page);
    }
    root
}

/// Shapes met so far, each under the name it is referred to by.
struct Pages {
    definitions: Map<String, Value>,
}

impl Pages {
    fn refer(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        let name = name.trim_start_matches("a ").trim_start_matches("an ").replace(' ', "-");
        if !self.definitions.contains_key(&name) {
            // Held first, so that a shape inside itself would end.
            self.definitions.insert(name.clone(), Value::Null);
            let page = make(self);
            self.definitions.insert(name.clone(), page);
        }
        json!({ "$ref": format!("#/definitions/{name}") })
    }

    fn object(&mut self, shape: &Shape) -> Value {
        let mut properties = Map::new();
        for key in shape.all_keys() {
            properties.insert(key.name.to_owned(), described(self.kind(&key.kind), key.doc));
        }
        let mut conditions: Vec<Value> = shape.groups.iter().map(group).collect();
        if shape.action {
            properties.extend(self.actions());
            let one: Vec<_> = ActionKind::ALL.iter().map(|kind| json!({ "required": [kind.as_str()] })).collect();
            conditions.push(json!({ "oneOf": one }));
        }
        let required: Vec<_> = shape.all_keys().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
        let mut page = Map::new();
        page.insert("type".to_owned(), json!("object"));
        page.insert("properties".to_owned(), Value::Object(properties));
        page.insert("additionalProperties".to_owned(), json!(false));
        if !required.is_empty() {
            page.insert("required".to_owned(), json!(required));
        }
        if !conditions.is_empty() {
            page.insert("allOf".to_owned(), json!(conditions));
        }
        Value::Object(page)
    }

    fn actions(&mut self) -> Map<String, Value> {
        ENTRIES.iter().map(|entry| (entry.kind.as_str().to_owned(), described(self.kind(&entry.body), entry.doc))).collect()
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Text | Kind::Template | Kind::Script => json!({ "type": "string", "minLength": 1 }),
            Kind::Expression => json!({ "type": "string", "minLength": 1, "maxLength": 1024 }),
            Kind::Argument | Kind::Scalar => json!({ "type": ["string", "number", "boolean"] }),
            Kind::Integer { least, most: i64::MAX } => json!({ "type": "integer", "minimum": least }),
            Kind::Integer { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Duration { .. } => json!({ "type": "string", "pattern": DURATION }),
            Kind::Word(words) => json!({ "enum": words }),
            Kind::Id(case) => json!({ "type": "string", "pattern": pattern(*case), "maxLength": 64 }),
            Kind::Schema(schema) => json!({ "const": schema }),
            Kind::List { of, least, most } => json!({ "type": "array", "items": self.kind(of), "minItems": least, "maxItems": most }),
            Kind::Map { keys, of } => {
                json!({ "type": "object", "propertyNames": { "pattern": pattern(*keys) }, "additionalProperties": self.kind(of) })
            }
            Kind::Object(shape) => self.refer(shape.name, |pages| pages.object(shape)),
            Kind::Short { shape, key } => {
                let short = shape.key(key).map_or(json!(true), |key| self.kind(&key.kind));
                json!({ "anyOf": [short, self.refer(shape.name, |pages| pages.object(shape))] })
            }
            Kind::Either(first, second) => json!({ "anyOf": [self.kind(first), self.kind(second)] }),
            Kind::Filled(inner) => json!({ "anyOf": [self.kind(inner), { "type": "string", "pattern": PLACEHOLDER }] }),
            Kind::Nullable(inner) => json!({ "anyOf": [self.kind(inner), { "type": "null" }] }),
            Kind::Json => json!(true),
            Kind::Action => self.refer("action", |pages| {
                let actions = pages.actions();
                json!({ "type": "object", "properties": actions, "additionalProperties": false, "minProperties": 1, "maxProperties": 1 })
            }),
            Kind::Verb => self.refer("kube", Self::verbs),
        }
    }

    fn verbs(&mut self) -> Value {
        let verbs = VERBS.iter().map(|verb| {
            let fields = self.refer(&format!("kube {}", verb.name), |pages| pages.object(&verb.shape));
            (verb.name.to_owned(), described(fields, verb.doc))
        });
        let verbs: Map<_, _> = verbs.collect();
        json!({ "type": "object", "properties": verbs, "additionalProperties": false, "minProperties": 1, "maxProperties": 1 })
    }
}

/// A reference takes no neighbours in draft-07, so its description wraps it.
fn described(page: Value, doc: &str) -> Value {
    if page == Value::Bool(true) {
        return json!({ "description": doc });
    }
    if page.get("$ref").is_some() {
        return json!({ "description": doc, "allOf": [page] });
    }
    let mut page = page;
    page["description"] = json!(doc);
    page
}

fn group(group: &Group) -> Value {
    let required = |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
    match group {
        Group::ExactlyOne(names) => json!({ "oneOf": required(names) }),
        Group::AtMostOne(names) => json!({ "not": { "required": names } }),
        Group::Together(names) => json!({ "anyOf": [{ "required": names }, { "not": { "anyOf": required(names) } }] }),
    }
}

fn pattern(case: Case) -> &'static str {
    match case {
        Case::Kebab => "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        Case::Snake => "^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
        Case::Any => ".",
    }
}
