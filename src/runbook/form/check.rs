//! A tree against a table of the vocabulary: unknown and missing keys, types, limits, names. Nothing is built here.

mod map;

use std::fmt;

use crate::runbook::diagnostic::{Diagnostic, did_you_mean, quote};
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::{Node, SourceFile, Span, Value};
use crate::runbook::vocabulary::shape::duration;
use crate::runbook::vocabulary::{Case, Kind};

use super::words::{advice, limits, list, wanted};

pub fn check(file: &SourceFile, root: &Node, kind: &Kind) -> Vec<Diagnostic> {
    let mut checker = Checker { file, found: Vec::new() };
    checker.value(root, kind, What::Words("the document"));
    checker.found
}

/// Whether a finding says that the document is of another kind altogether, so that its other findings mean nothing.
pub fn is_foreign(found: &Diagnostic, root: &Node) -> bool {
    let no_map = !matches!(root.value, Value::Map(_));
    let schema = root.get("schema").is_some_and(|schema| schema.span == found.span && found.rule == Rule::UnknownValue);
    no_map || schema
}

/// What a finding calls a value. Most values are sound, so nothing is written out before there is a finding.
#[derive(Debug, Clone, Copy)]
enum What<'a> {
    Words(&'a str),
    /// The key it stands under.
    Key(&'a str),
    Item(&'a What<'a>),
    Name(&'a What<'a>),
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Words(words) => f.write_str(words),
            What::Key(key) => f.write_str(&quote(key)),
            What::Item(list) => write!(f, "an item of {list}"),
            What::Name(map) => write!(f, "a name in {map}"),
        }
    }
}

struct Checker<'a> {
    file: &'a SourceFile,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn report(&mut self, found: Diagnostic) {
        self.found.push(found);
    }

    fn value(&mut self, node: &Node, kind: &Kind, what: What<'_>) {
        match kind {
            Kind::Text | Kind::Template | Kind::Expression | Kind::Script => self.text(node, kind, what),
            Kind::Argument => self.argument(node, what),
            Kind::Integer { least, most } => match node.value {
                Value::Int(number) if (*least..=*most).contains(&number) => {}
                Value::Int(_) => self.out_of_range(node, kind, what),
                Value::Null | Value::Bool(_) | Value::Float(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                    self.wrong_type(node, kind, what);
                }
            },
            Kind::Bool if matches!(node.value, Value::Bool(_)) => {}
            Kind::Bool => self.wrong_type(node, kind, what),
            Kind::Duration { least, most } => self.duration(node, kind, what, (*least, *most)),
            Kind::Word(words) => self.word(node, kind, what, words),
            Kind::Id(case) => self.id(node, kind, what, *case),
            Kind::Schema(schema) => self.schema(node, schema),
            Kind::List { of, least, most } => self.list(node, kind, what, (of, *least, *most)),
            Kind::Map { keys, of } => self.map(node, kind, what, (*keys, of)),
            Kind::Object(shape) => self.object(node, kind, what, shape),
            Kind::Short { shape, key } => match (&node.value, shape.key(key)) {
                (Value::Map(_), _) | (_, None) => self.object(node, kind, what, shape),
                (_, Some(main)) => self.value(node, &main.kind, what),
            },
            Kind::Either(first, second) => match (&node.value, first) {
                (Value::Map(_), _) => self.value(node, second, what),
                (Value::Text(_), _) => self.value(node, first, what),
                _ => self.wrong_type(node, kind, what),
            },
            Kind::Filled(inner) => {
                if !node.text().is_some_and(has_placeholder) {
                    self.value(node, inner, what);
                }
            }
            Kind::Nullable(inner) => {
                if node.value != Value::Null {
                    self.value(node, inner, what);
                }
            }
            Kind::Scalar => {
                if matches!(node.value, Value::Null | Value::List(_) | Value::Map(_)) {
                    self.wrong_type(node, kind, what);
                }
            }
            Kind::Json => {}
            Kind::Action => self.action(node, what),
            Kind::Verb => self.verb(node, what),
        }
    }

    fn text(&mut self, node: &Node, kind: &Kind, what: What<'_>) {
        match node.text() {
            Some(text) if text.trim().is_empty() => {
                self.report(
                    Diagnostic::new(Rule::WrongType, node.span, format!("{what} is empty")).hint("write something, or leave the key out"),
                );
            }
            Some(_) => {}
            None => self.wrong_type(node, kind, what),
        }
    }

    fn argument(&mut self, node: &Node, what: What<'_>) {
        if matches!(node.value, Value::Null | Value::List(_) | Value::Map(_)) {
            self.wrong_type(node, &Kind::Argument, what);
        }
    }

    fn duration(&mut self, node: &Node, kind: &Kind, what: What<'_>, (least, most): (std::time::Duration, std::time::Duration)) {
        let given = match &node.value {
            Value::Text(text) => duration(text),
            Value::Int(_) | Value::Float(_) => None,
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => return self.wrong_type(node, kind, what),
        };
        match given {
            Some(given) if given < least || given > most => self.out_of_range(node, kind, what),
            Some(_) => {}
            None => {
                let message = format!("{} is no duration", quote(self.file.slice(node.span)));
                let hint = "write a whole number and a unit: 500ms, 30s, 5m or 2h";
                self.report(Diagnostic::new(Rule::BadDuration, node.span, message).hint(hint));
            }
        }
    }

    fn word(&mut self, node: &Node, kind: &Kind, what: What<'_>, words: &'static [&'static str]) {
        match node.text() {
            Some(text) if words.contains(&text) => {}
            Some(text) => {
                let message = format!("{what} can't be {}", quote(text));
                let hint = did_you_mean(text, words.iter().copied()).unwrap_or_else(|| format!("it is one of {}", list(words)));
                self.report(Diagnostic::new(Rule::UnknownValue, node.span, message).hint(hint));
            }
            None => self.wrong_type(node, kind, what),
        }
    }

    fn id(&mut self, node: &Node, kind: &Kind, what: What<'_>, case: Case) {
        match node.text() {
            Some(text) => self.name(text, node.span, case, what),
            None => self.wrong_type(node, kind, what),
        }
    }

    fn name(&mut self, text: &str, span: Span, case: Case, what: What<'_>) {
        if case.holds(text) {
            return;
        }
        let (separator, style) = match case {
            Case::Kebab => ("-", "lower-case letters and digits, words joined by `-`, a letter first, at most 64 of them"),
            Case::Snake | Case::Any => ("_", "lower-case letters and digits, words joined by `_`, a letter first, at most 64 of them"),
        };
        let better: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
        let better = better.split_whitespace().collect::<Vec<_>>().join(separator);
        let hint = if case.holds(&better) { format!("write `{better}`") } else { format!("use {style}") };
        let message = format!("{what} is {}, which is not {}", quote(text), case_name(case));
        self.report(Diagnostic::new(Rule::BadId, span, message).hint(hint));
    }

    fn schema(&mut self, node: &Node, schema: &'static str) {
        if node.text() == Some(schema) {
            return;
        }
        let given = quote(self.file.slice(node.span));
        let hint = match node.text() {
            Some(text) if text.starts_with("qrh.") => format!("this reader knows `{schema}`; another version of qrh may know this one"),
            _ => format!("write `schema: {schema}`"),
        };
        self.report(Diagnostic::new(Rule::UnknownValue, node.span, format!("the schema {given} is not known here")).hint(hint));
    }

    fn list(&mut self, node: &Node, kind: &Kind, what: What<'_>, (of, least, most): (&Kind, usize, usize)) {
        let Value::List(items) = &node.value else {
            return self.wrong_type(node, kind, what);
        };
        if items.len() < least || items.len() > most {
            let message = format!("{what} has {} items", items.len());
            self.report(Diagnostic::new(Rule::OutOfRange, node.span, message).hint(format!("it takes {}", limits(kind))));
        }
        for item in items {
            self.value(item, of, What::Item(&what));
        }
    }

    fn wrong_type(&mut self, node: &Node, kind: &Kind, what: What<'_>) {
        let message = format!("{what} has {}, and wants {}", node.value.describe(), wanted(kind));
        self.report(Diagnostic::new(Rule::WrongType, node.span, message).maybe_hint(advice(kind, node)));
    }

    fn out_of_range(&mut self, node: &Node, kind: &Kind, what: What<'_>) {
        let message = format!("{what} is {}, out of its limits", quote(self.file.slice(node.span)));
        self.report(Diagnostic::new(Rule::OutOfRange, node.span, message).hint(format!("it takes {}", limits(kind))));
    }
}

fn case_name(case: Case) -> &'static str {
    match case {
        Case::Kebab => "kebab-case",
        Case::Snake => "snake_case",
        Case::Any => "a name",
    }
}

/// Whether text is a template rather than a plain value.
pub fn has_placeholder(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}
