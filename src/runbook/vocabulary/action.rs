//! The action kinds: their fields, what each does to the world, and where it can act.

use std::time::Duration;

use super::kube::{self, VERBS};
use super::shape::{Case, Key, Kind, Shape};
use crate::runbook::model::{ActionKind, ActionSpec, Place};
use crate::runbook::source::{Node, Value};

/// What a kind or verb does, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effects {
    Reads,
    Changes,
    /// The HTTP method and body decide.
    ByRequest,
    /// It changes something where a webhook is named.
    ByWebhook,
    /// Programs and scripts are not examined: the author's tag decides.
    Unexamined,
}

/// One action kind.
#[derive(Debug)]
pub struct Entry {
    pub kind: ActionKind,
    pub doc: &'static str,
    pub effects: Effects,
    pub body: Kind,
    /// Where it acts unless said; `None`: `on` is required.
    pub place: Option<Place>,
}

const BACK: Kind = Kind::Duration { least: Duration::from_secs(1), most: Duration::from_secs(30 * 24 * 3600) };

pub static RUN: Shape = Shape::new(
    "run",
    &[
        Key::required("argv", Kind::List { of: &Kind::Argument, least: 1, most: 200 }, "The program and its arguments, one element each."),
        Key::optional("env", Kind::Map { keys: Case::Any, of: &Kind::Argument }, "Added to a minimal environment."),
        Key::optional("dir", Kind::Argument, "The working directory."),
    ],
);

pub static SHELL: Shape =
    Shape::new("shell", &[Key::required("script", Kind::Script, "A script for /bin/sh -eu; every placeholder becomes one quoted word.")]);

pub static HTTP: Shape = Shape::new(
    "http",
    &[
        Key::required("url", Kind::Argument, "The whole URL."),
        Key::optional("method", Kind::Word(&["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]), "GET unless said."),
        Key::optional("headers", Kind::Map { keys: Case::Any, of: &Kind::Argument }, "Request headers."),
        Key::optional("body", Kind::Json, "Sent as JSON where it is not a string."),
    ],
);

pub static PROMQL: Shape = Shape::new(
    "promql",
    &[
        Key::required("query", Kind::Argument, "The PromQL query."),
        Key::optional("server", Kind::Argument, "Base URL of Prometheus; the service's unless said."),
        Key::optional("range", Kind::Filled(&BACK), "A range query over this far back."),
        Key::optional("step", Kind::Filled(&BACK), "Of a range query; range/120 unless said."),
    ],
);

pub static ASK: Shape = Shape::new(
    "ask",
    &[
        Key::required("question", Kind::Argument, "What the responder is asked."),
        Key::optional(
            "answer",
            Kind::Either(&Kind::Word(&["text", "number", "tick"]), &Kind::Object(&super::document::CHOICE)),
            "text unless said; tick is yes or no; or {choice: [a, b]}.",
        ),
    ],
);

pub static COMPUTE: Shape =
    Shape::new("compute", &[Key::required("expression", Kind::Expression, "A CEL expression over what is known already.")]);

pub static ANNOUNCE: Shape = Shape::new(
    "announce",
    &[
        Key::required("message", Kind::Argument, "The message."),
        Key::optional("webhook", Kind::Argument, "A webhook the team configured, by name; the clipboard unless said."),
    ],
);

pub static ENTRIES: [Entry; 8] = [
    Entry {
        kind: ActionKind::Kube,
        doc: "A Kubernetes verb; context and namespace come from the incident.",
        effects: Effects::Unexamined,
        body: Kind::Verb,
        place: Some(Place::Cluster),
    },
    Entry {
        kind: ActionKind::Run,
        doc: "One program with its arguments; each element is one argument whatever it holds.",
        effects: Effects::Unexamined,
        body: Kind::Short { shape: &RUN, key: "argv" },
        place: None,
    },
    Entry {
        kind: ActionKind::Shell,
        doc: "A script; every placeholder is quoted as one word.",
        effects: Effects::Unexamined,
        body: Kind::Short { shape: &SHELL, key: "script" },
        place: None,
    },
    Entry {
        kind: ActionKind::Http,
        doc: "One HTTP request from the responder's machine.",
        effects: Effects::ByRequest,
        body: Kind::Short { shape: &HTTP, key: "url" },
        place: Some(Place::Here),
    },
    Entry {
        kind: ActionKind::Promql,
        doc: "A question to the Prometheus HTTP API.",
        effects: Effects::Reads,
        body: Kind::Short { shape: &PROMQL, key: "query" },
        place: Some(Place::Here),
    },
    Entry {
        kind: ActionKind::Ask,
        doc: "A value, a choice or a tick from the responder, stored with the incident.",
        effects: Effects::Reads,
        body: Kind::Short { shape: &ASK, key: "question" },
        place: Some(Place::Here),
    },
    Entry {
        kind: ActionKind::Compute,
        doc: "An expression over what is known already.",
        effects: Effects::Reads,
        body: Kind::Short { shape: &COMPUTE, key: "expression" },
        place: Some(Place::Here),
    },
    Entry {
        kind: ActionKind::Announce,
        doc: "A message to a configured webhook, or to the clipboard.",
        effects: Effects::ByWebhook,
        body: Kind::Short { shape: &ANNOUNCE, key: "message" },
        place: Some(Place::Here),
    },
];

/// Exhaustive, so that a new kind can't be without an entry.
pub fn entry(kind: ActionKind) -> &'static Entry {
    let [kube, run, shell, http, promql, ask, compute, announce] = &ENTRIES;
    match kind {
        ActionKind::Kube => kube,
        ActionKind::Run => run,
        ActionKind::Shell => shell,
        ActionKind::Http => http,
        ActionKind::Promql => promql,
        ActionKind::Ask => ask,
        ActionKind::Compute => compute,
        ActionKind::Announce => announce,
    }
}

pub fn kind_named(name: &str) -> Option<ActionKind> {
    ActionKind::ALL.into_iter().find(|kind| kind.as_str() == name)
}

/// The fields of an authored action.
pub fn shape_of(spec: &ActionSpec) -> Option<&'static Shape> {
    match &entry(spec.kind).body {
        Kind::Short { shape, .. } => Some(shape),
        Kind::Verb => spec.verb.as_deref().and_then(kube::verb_named).map(|verb| &verb.shape),
        Kind::Text
        | Kind::Template
        | Kind::Argument
        | Kind::Script
        | Kind::Expression
        | Kind::Integer { .. }
        | Kind::Bool
        | Kind::Duration { .. }
        | Kind::Word(_)
        | Kind::Id(_)
        | Kind::Schema(_)
        | Kind::List { .. }
        | Kind::Map { .. }
        | Kind::Object(_)
        | Kind::Either(..)
        | Kind::Filled(_)
        | Kind::Nullable(_)
        | Kind::Scalar
        | Kind::Json
        | Kind::Action => None,
    }
}

/// What qrh makes of an authored action before its templates are filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classed {
    Reads,
    /// Says what decided it.
    Changes(&'static str),
    /// Only the author's tag says.
    Unexamined,
}

pub fn classify(spec: &ActionSpec) -> Classed {
    let effects = match spec.kind {
        ActionKind::Kube => spec.verb.as_deref().and_then(kube::verb_named).map_or(Effects::Unexamined, |verb| verb.effects),
        ActionKind::Run
        | ActionKind::Shell
        | ActionKind::Http
        | ActionKind::Promql
        | ActionKind::Ask
        | ActionKind::Compute
        | ActionKind::Announce => entry(spec.kind).effects,
    };
    match effects {
        Effects::Changes => Classed::Changes("this verb changes a Kubernetes object"),
        Effects::Unexamined => Classed::Unexamined,
        Effects::ByRequest => request(spec),
        Effects::ByWebhook if spec.fields.get("webhook").is_some() => Classed::Changes("a message sent can't be taken back"),
        Effects::ByWebhook | Effects::Reads => Classed::Reads,
    }
}

fn request(spec: &ActionSpec) -> Classed {
    let body = spec.fields.get("body").is_some_and(|body| body.value != Value::Null);
    match spec.fields.get("method").and_then(Node::text).unwrap_or("GET") {
        "GET" | "HEAD" | "OPTIONS" if body => Classed::Changes("a request with a body counts as a change"),
        "GET" | "HEAD" | "OPTIONS" => Classed::Reads,
        _ => Classed::Changes("this HTTP method changes things"),
    }
}

/// Verb names, in the order of the table.
pub fn verb_names() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|verb| verb.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_the_entry_of_its_name() {
        for kind in ActionKind::ALL {
            assert_eq!(entry(kind).kind, kind);
        }
    }
}
