//! The vocabulary against what it speaks of: each kind and verb of the tables is an action that deserialises, with all its fields and
//! with only the required ones, and is classified alike; the JSON Schema is the one in `docs/`, and fits the documents that load.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::panic)]

use std::fs;
use std::path::Path;

use qrh::action::{Action, Verdict};
use qrh::runbook::model::{ActionKind, ActionSpec};
use qrh::runbook::render::render_action;
use qrh::runbook::schema::json_schema;
use qrh::runbook::source::{Node, SourceFile, Value};
use qrh::runbook::vocabulary::action::{ENTRIES, verb_names};
use qrh::runbook::vocabulary::kube::VERBS;
use qrh::runbook::vocabulary::{Classed, Group, Kind, Need, Shape, classify};
use qrh::runbook::{load, yaml};
use serde_json::{Map, Value as Json, json};

fn sample(kind: &Kind) -> Json {
    match kind {
        Kind::Text | Kind::Template | Kind::Argument | Kind::Script | Kind::Expression => json!("x"),
        Kind::Integer { least, .. } => json!(least),
        Kind::Bool => json!(true),
        Kind::Duration { .. } => json!("10s"),
        Kind::Word(words) => json!(words[0]),
        Kind::List { of, .. } => json!([sample(of), sample(of)]),
        Kind::Map { of, .. } => json!({ "a": sample(of) }),
        Kind::Object(shape) => object(shape, &|_| true),
        Kind::Either(_, second) => sample(second),
        Kind::Filled(inner) => sample(inner),
        Kind::Nullable(_) => Json::Null,
        Kind::Json => json!({ "a": [1, "x"] }),
        other @ (Kind::Id(_) | Kind::Schema(_) | Kind::Short { .. } | Kind::Scalar | Kind::Action | Kind::Verb) => {
            panic!("no field of an action is {other:?}")
        }
    }
}

fn object(shape: &Shape, wanted: &dyn Fn(&str) -> bool) -> Json {
    let keys = shape.all_keys().filter(|key| key.need == Need::Required || wanted(key.name));
    Json::Object(keys.map(|key| (key.name.to_owned(), sample(&key.kind))).collect::<Map<_, _>>())
}

/// The fields of a shape in full, minus what excludes another; and with nothing optional but one of each needed group.
fn samples(shape: &Shape) -> Vec<Json> {
    let excluded = |name: &str| {
        shape.groups.iter().any(|group| matches!(group, Group::ExactlyOne(names) | Group::AtMostOne(names) if names[1..].contains(&name)))
    };
    let needed = |name: &str| shape.groups.iter().any(|group| matches!(group, Group::ExactlyOne(names) if names[0] == name));
    vec![object(shape, &|name| !excluded(name)), object(shape, &needed)]
}

fn all() -> Vec<(ActionKind, Option<&'static str>, Json, &'static Shape)> {
    let mut all = Vec::new();
    for entry in &ENTRIES {
        if let Kind::Short { shape, .. } = &entry.body {
            all.extend(samples(shape).into_iter().map(|fields| (entry.kind, None, fields, *shape)));
        }
    }
    for verb in VERBS {
        all.extend(samples(&verb.shape).into_iter().map(|fields| (ActionKind::Kube, Some(verb.name), fields, &verb.shape)));
    }
    all
}

fn yaml_of(kind: ActionKind, verb: Option<&str>, fields: &Json) -> Json {
    let body = verb.map_or_else(|| fields.clone(), |verb| json!({ verb: fields }));
    json!({ kind.as_str(): body })
}

#[test]
fn every_kind_and_verb_of_the_table_is_an_action_and_no_action_has_more() {
    for (kind, verb, fields, shape) in all() {
        let authored = yaml_of(kind, verb, &fields);
        let action: Action = serde_json::from_value(authored.clone()).unwrap_or_else(|error| panic!("{authored}: {error}"));
        assert_eq!(action.kind(), kind);
        // What the action writes back are keys of the table, so that it has no field the table lacks.
        let back = serde_json::to_value(&action).unwrap();
        let back = verb.map_or(&back[kind.as_str()], |verb| &back[kind.as_str()][verb]);
        for key in back.as_object().unwrap().keys() {
            assert!(shape.key(key).is_some(), "{kind:?} {verb:?} has `{key}`, which the vocabulary lacks");
        }
        for key in fields.as_object().unwrap().keys() {
            assert_eq!(back.get(key), fields.get(key), "{kind:?} {verb:?} `{key}` does not come back");
        }
    }
}

#[test]
fn a_required_field_of_the_table_is_required_by_the_action() {
    for (kind, verb, fields, shape) in all() {
        for key in shape.all_keys() {
            let mut less = fields.clone();
            if less.as_object_mut().unwrap().remove(key.name).is_none() {
                continue;
            }
            let accepted = serde_json::from_value::<Action>(yaml_of(kind, verb, &less)).is_ok();
            assert_eq!(accepted, key.need == Need::Optional, "{kind:?} {verb:?} without `{}`", key.name);
        }
    }
}

#[test]
fn no_verb_of_the_action_is_missing_in_the_table() {
    let error = serde_json::from_value::<Action>(json!({ "kube": { "no-such-verb": {} } })).unwrap_err().to_string();
    let listed: Vec<_> = error.split("expected one of").nth(1).unwrap().split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(listed, verb_names().collect::<Vec<_>>());
}

/// A command's action as the loader gives it.
fn spec(action: &Json) -> ActionSpec {
    let mutating = "schema: qrh.runbook/v1\nid: x\ntitle: x\nsummary: x\ntargets: [cluster]\ninputs: { n: { type: number, help: x } }\nsteps:\n  - id: x\n    phase: diagnosis\n    title: x\n    why: x\n    commands:\n";
    for effect in ["effect: read-only", "effect: mutating, irreversible: x, verify: y"] {
        let body = action.as_object().unwrap().iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ");
        let on = if action.get("run").or(action.get("shell")).is_some() { "on: here, " } else { "" };
        let y = "      - { id: y, title: x, effect: read-only, ask: x }\n";
        let text = format!("{mutating}{y}      - {{ id: x, title: x, {on}{effect}, {body} }}\n");
        let file = SourceFile::new("x.yaml", text.into_bytes());
        if let Some(runbook) = load(&file, false).runbook {
            return runbook.command(&"x".into()).unwrap().1.action.clone();
        }
    }
    panic!("{action} does not load")
}

#[test]
fn table_and_action_classify_alike() {
    let mut more: Vec<Json> = all().into_iter().map(|(kind, verb, fields, _)| yaml_of(kind, verb, &fields)).collect();
    more.extend(
        ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].map(|method| json!({ "http": { "url": "x", "method": method } })),
    );
    for authored in more {
        let action: Action = serde_json::from_value(authored.clone()).unwrap();
        let fits = matches!(
            (classify(&spec(&authored)), action.classify()),
            (Classed::Reads, Verdict::Reads(_)) | (Classed::Changes(_), Verdict::Changes(_)) | (Classed::Unexamined, Verdict::Unknown(_))
        );
        assert!(fits, "{authored}: {:?} and {:?}", classify(&spec(&authored)), action.classify());
    }
}

fn rendered(action: &Json, scope: &Json) -> Result<Json, String> {
    let rendered = render_action(&spec(action), scope).map_err(|error| error.message)?;
    serde_json::from_value::<Action>(rendered.clone()).unwrap_or_else(|error| panic!("{rendered}: {error}"));
    Ok(rendered)
}

#[test]
fn templates_become_the_type_their_field_wants() {
    let scope = json!({ "service": { "workload": "checkout", "url": "http://x" }, "facts": { "n": 3, "none": null, "template": { "spec": [1] } }, "n": 4 });
    let cases = [
        (
            json!({ "kube": { "scale": { "deployment": "{{ service.workload }}", "replicas": "{{ facts.n }}" } } }),
            json!({ "kube": { "scale": { "deployment": "checkout", "replicas": 3 } } }),
        ),
        (json!({ "run": ["echo", "{{ n }}", 5, true, "a b"] }), json!({ "run": { "argv": ["echo", "4", "5", "true", "a b"] } })),
        (json!({ "http": "{{ service.url }}/livez" }), json!({ "http": { "url": "http://x/livez" } })),
        (json!({ "shell": "echo {{ service.workload }}" }), json!({ "shell": { "script": "echo 'checkout'" } })),
        (json!({ "compute": "n + 1" }), json!({ "compute": { "expression": "n + 1" } })),
        (
            json!({ "kube": { "set-env": { "deployment": "d", "env": { "A": "{{ facts.none }}", "B": null, "C": "{{ n }}" } } } }),
            json!({ "kube": { "set-env": { "deployment": "d", "env": { "A": null, "B": null, "C": "4" } } } }),
        ),
        (
            json!({ "kube": { "patch": { "resource": "deployment", "name": "d", "type": "json", "patch": [{ "op": "replace", "value": "{{ facts.template }}", "n": "{{ n }}", "t": "n={{ n }}" }] } } }),
            json!({ "kube": { "patch": { "resource": "deployment", "name": "d", "type": "json", "patch": [{ "op": "replace", "value": { "spec": [1] }, "n": 4, "t": "n=4" }] } } }),
        ),
        (
            json!({ "ask": { "question": "Which?", "answer": { "choice": ["a", "b"] } } }),
            json!({ "ask": { "question": "Which?", "answer": { "choice": ["a", "b"] } } }),
        ),
    ];
    for (authored, expected) in cases {
        assert_eq!(rendered(&authored, &scope).unwrap(), expected);
    }
}

#[test]
fn what_does_not_fit_its_field_is_said() {
    let scope = json!({ "facts": { "n": "three", "many": 99_999 } });
    let scale = |replicas: &str| json!({ "kube": { "scale": { "deployment": "d", "replicas": replicas } } });
    let message = rendered(&scale("{{ facts.n }}"), &scope).unwrap_err();
    assert!(message.contains("replicas") && message.contains("three") && message.contains("whole number"), "{message}");
    assert!(rendered(&scale("{{ facts.many }}"), &scope).unwrap_err().contains("10000"));
    assert!(rendered(&scale("{{ facts.gone }}"), &scope).unwrap_err().contains("gone"));
}

#[test]
fn a_shell_word_stays_one_word_whatever_it_holds() {
    let scope = json!({ "service": { "name": "a'; rm -rf / #" } });
    let script = rendered(&json!({ "shell": "echo {{ service.name }}" }), &scope).unwrap()["shell"]["script"].clone();
    assert_eq!(script, r"echo 'a'\''; rm -rf / #'");
}

fn plain(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Text(value) => json!(value),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(entries) => entries.iter().map(|(key, value)| (key.value.clone(), plain(value))).collect(),
    }
}

/// As much of draft-07 as the schema uses.
fn fits(value: &Json, page: &Json, root: &Json) -> Result<(), String> {
    let Some(page) = page.as_object() else { return Ok(()) };
    let no = |why: String| Err(why);
    for (word, wants) in page {
        let list = || wants.as_array().unwrap().iter();
        let good = |page: &&Json| fits(value, page, root).is_ok();
        let number = || value.as_i64().zip(wants.as_i64());
        let length = value.as_array().map_or(value.as_object().map_or(0, Map::len), Vec::len) as u64;
        let held = match word.as_str() {
            "$ref" => return fits(value, root.pointer(&wants.as_str().unwrap()[1..]).unwrap(), root),
            "type" => list_or_one(wants).iter().any(|name| is(value, name)),
            "enum" => list().any(|word| word == value),
            "const" => wants == value,
            "required" => value.as_object().is_none_or(|fields| list().all(|name| fields.contains_key(name.as_str().unwrap()))),
            "minimum" => number().is_none_or(|(given, least)| given >= least),
            "maximum" => number().is_none_or(|(given, most)| given <= most),
            "minItems" => !value.is_array() || length >= wants.as_u64().unwrap(),
            "maxItems" => !value.is_array() || length <= wants.as_u64().unwrap(),
            "minProperties" => length >= wants.as_u64().unwrap(),
            "maxProperties" => length <= wants.as_u64().unwrap(),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= wants.as_u64().unwrap()),
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 <= wants.as_u64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| regex::Regex::new(wants.as_str().unwrap()).unwrap().is_match(text)),
            "oneOf" => list().filter(good).count() == 1,
            "anyOf" => list().any(|page| good(&page)),
            "allOf" => {
                for page in list() {
                    fits(value, page, root)?;
                }
                true
            }
            "not" => !good(&wants),
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    fits(item, wants, root)?;
                }
                true
            }
            "propertyNames" => value.as_object().is_none_or(|fields| fields.keys().all(|key| fits(&json!(key), wants, root).is_ok())),
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    if let Some(page) = wants.get(key) {
                        fits(value, page, root).map_err(|why| format!("{key}: {why}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    if page.get("properties").is_none_or(|known| known.get(key).is_none()) {
                        if *wants == json!(false) {
                            return no(format!("the key {key} is unknown"));
                        }
                        fits(value, wants, root)?;
                    }
                }
                true
            }
            "$schema" | "title" | "description" | "definitions" => true,
            other => panic!("the check does not know {other}"),
        };
        if !held {
            return no(format!("{word} {wants} does not hold for {value}"));
        }
    }
    Ok(())
}

fn list_or_one(wants: &Json) -> Vec<&str> {
    wants.as_array().map_or_else(|| vec![wants.as_str().unwrap()], |names| names.iter().map(|name| name.as_str().unwrap()).collect())
}

fn is(value: &Json, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}

fn document(path: &Path) -> Option<Json> {
    let file = SourceFile::new("x.yaml", fs::read(path).unwrap());
    let (node, problems) = yaml::parse(&file);
    node.filter(|_| problems.is_empty()).map(|node| plain(&node))
}

#[test]
fn the_schema_takes_what_loads_and_refuses_what_has_a_wrong_shape() {
    let schema = json_schema();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let good = document(&data.join("good/bad-deploy-example.yaml")).unwrap();
    fits(&good, &schema, &schema).unwrap();
    for (kind, verb, fields, _) in all() {
        let mut with = good.clone();
        with["symptoms"][0]["probe"] = yaml_of(kind, verb, &fields);
        fits(&with, &schema, &schema).unwrap();
    }
    let shapes = [
        "unknown-key",
        "missing",
        "null-value",
        "for-text",
        "for-list",
        "for-number",
        "duration-",
        "unknown-phase",
        "unknown-action",
        "unknown-verb",
        "unknown-field",
        "logs-of-nothing",
        "probe-without-when",
        "symptom-weight",
        "two-actions",
        "no-action",
        "bad-runbook-id",
    ];
    let mut refused = 0;
    for entry in fs::read_dir(data.join("bad_runbooks")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let judged = !name.contains("strict") && !name.contains("too-long") && shapes.iter().any(|shape| name.contains(shape));
        if let Some(document) = document(&path).filter(|_| judged) {
            assert!(fits(&document, &schema, &schema).is_err(), "{name} is taken by the schema");
            refused += 1;
        }
    }
    assert!(refused >= shapes.len(), "{refused}");
}

#[test]
fn the_schema_in_docs_is_the_one_of_this_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.schema.json");
    let now = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &now).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "docs/runbook.schema.json is of another version: run this test once with UPDATE_DOCS=1");
}
