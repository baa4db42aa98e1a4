//! Maps: their keys, what is missing, what excludes what, and the one action of a command.

use crate::runbook::diagnostic::{Diagnostic, did_you_mean, nearest, quote};
use crate::runbook::lint::rule::Rule;
use crate::runbook::model::ActionKind;
use crate::runbook::source::{Node, Span, Spanned, Value};
use crate::runbook::vocabulary::action::{entry, kind_named, verb_names};
use crate::runbook::vocabulary::kube::verb_named;
use crate::runbook::vocabulary::{Case, Group, Key, Kind, Need, Shape};

use super::{Checker, What};
use crate::runbook::form::words::list;

impl Checker<'_> {
    pub(super) fn map(&mut self, node: &Node, kind: &Kind, what: What<'_>, (keys, of): (Case, &Kind)) {
        let Value::Map(entries) = &node.value else {
            return self.wrong_type(node, kind, what);
        };
        for (key, value) in entries {
            if key.value.is_empty() {
                let found = Diagnostic::new(Rule::BadId, key.span, format!("a name in {what} is empty"));
                self.report(found.hint("give it a name"));
            } else {
                self.name(&key.value, key.span, keys, What::Name(&what));
            }
            self.value(value, of, What::Key(&key.value));
        }
    }

    pub(super) fn object(&mut self, node: &Node, kind: &Kind, what: What<'_>, shape: &'static Shape) {
        let Value::Map(entries) = &node.value else {
            return self.wrong_type(node, kind, what);
        };
        // A misspelt key is said once: not as unknown and missing too.
        let mut slips = Vec::new();
        for (key, value) in entries {
            if let Some(known) = shape.key(&key.value) {
                self.value(value, &known.kind, What::Key(&key.value));
            } else if let Some(kind) = kind_named(&key.value).filter(|_| shape.action) {
                self.value(value, &entry(kind).body, What::Key(&key.value));
            } else {
                self.unknown_key(key, shape);
                slips.extend(nearest(&key.value, shape.all_keys().map(|key| key.name)));
            }
        }
        let missing = |key: &&Key| key.need == Need::Required && node.get(key.name).is_none() && !slips.contains(&key.name);
        for key in shape.all_keys().filter(missing) {
            let message = format!("{} needs `{}`, and has none", shape.name, key.name);
            self.report(Diagnostic::new(Rule::MissingKey, start_of(node), message).hint(format!("add `{}`: {}", key.name, lower(key.doc))));
        }
        self.groups(node, shape);
        if shape.action {
            self.one_action(node, What::Words(shape.name));
        }
    }

    fn unknown_key(&mut self, key: &Spanned<String>, shape: &'static Shape) {
        let known: Vec<&str> = shape.all_keys().map(|key| key.name).collect();
        let actions = ActionKind::ALL.map(ActionKind::as_str);
        let all = known.iter().copied().chain(actions.iter().copied().filter(|_| shape.action));
        let hint = shape
            .instead
            .iter()
            .find(|(name, _)| *name == key.value)
            .map(|(_, advice)| (*advice).to_owned())
            .or_else(|| (key.value == "<<").then(|| "merge keys are not used here: write the keys out".to_owned()))
            .or_else(|| did_you_mean(&key.value, all))
            .unwrap_or_else(|| {
                let action = if shape.action { format!(", and one of {}", list(&actions)) } else { String::new() };
                format!("its keys are {}{action}", list(&known))
            });
        let message = format!("{} has no key {}", shape.name, quote(&key.value));
        self.report(Diagnostic::new(Rule::UnknownKey, key.span, message).hint(hint));
    }

    fn groups(&mut self, node: &Node, shape: &Shape) {
        for group in shape.groups {
            let (names, least, most) = match group {
                Group::ExactlyOne(names) => (names, 1, 1),
                Group::AtMostOne(names) => (names, 0, 1),
                Group::Together(names) => (names, 0, names.len()),
            };
            let there: Vec<_> = names.iter().filter_map(|name| node.entry(name)).collect();
            if there.len() < least {
                let message = format!("{} needs one of {}", shape.name, list(names));
                self.report(Diagnostic::new(Rule::OneOf, start_of(node), message).hint("add one of them"));
            } else if there.len() > most {
                let message = format!("{} takes only one of {}", shape.name, list(names));
                let mut found = Diagnostic::new(Rule::OneOf, there[1].0.span, message).hint("keep one of them");
                found = found.note(there[0].0.span, "and this");
                self.report(found);
            } else if let Group::Together(names) = group
                && let [(key, _)] = there[..]
            {
                let missing: Vec<_> = names.iter().copied().filter(|name| *name != key.value).collect();
                let message = format!("{} with `{}` needs {} too", shape.name, key.value, list(&missing));
                self.report(Diagnostic::new(Rule::OneOf, key.span, message).hint("one means nothing without the other"));
            }
        }
    }

    /// The map of `undo` or `probe`: one action kind and nothing else.
    pub(super) fn action(&mut self, node: &Node, what: What<'_>) {
        let Value::Map(entries) = &node.value else {
            return self.wrong_type(node, &Kind::Action, what);
        };
        for (key, value) in entries {
            if let Some(kind) = kind_named(&key.value) {
                self.value(value, &entry(kind).body, What::Key(&key.value));
            } else {
                let kinds = ActionKind::ALL.map(ActionKind::as_str);
                let hint = did_you_mean(&key.value, kinds).unwrap_or_else(|| format!("the kinds are {}", list(&kinds)));
                let message = format!("{} is no action kind", quote(&key.value));
                self.report(Diagnostic::new(Rule::UnknownKey, key.span, message).hint(hint));
            }
        }
        self.one_action(node, what);
    }

    fn one_action(&mut self, node: &Node, what: What<'_>) {
        let there: Vec<_> = node.entries().iter().filter(|(key, _)| kind_named(&key.value).is_some()).collect();
        match there[..] {
            [_] => {}
            [] => {
                let kinds = ActionKind::ALL.map(ActionKind::as_str);
                let message = format!("{what} needs an action, and has none");
                self.report(Diagnostic::new(Rule::OneAction, start_of(node), message).hint(format!("add one of {}", list(&kinds))));
            }
            [first, second, ..] => {
                let message = format!("{what} has more than one action");
                let found = Diagnostic::new(Rule::OneAction, second.0.span, message).note(first.0.span, "the first");
                self.report(found.hint("make each a command of its own"));
            }
        }
    }

    pub(super) fn verb(&mut self, node: &Node, what: What<'_>) {
        let Value::Map(entries) = &node.value else {
            let found = Diagnostic::new(Rule::WrongType, node.span, format!("{what} has {}, and wants a verb", node.value.describe()));
            return self.report(found.hint("write it as a map: kube: { rollout-status: { deployment: … } }"));
        };
        for (key, value) in entries {
            if let Some(verb) = verb_named(&key.value) {
                self.object(value, &Kind::Object(&verb.shape), What::Key(&key.value), &verb.shape);
            } else {
                let names: Vec<_> = verb_names().collect();
                let hint = did_you_mean(&key.value, names.iter().copied()).unwrap_or_else(|| format!("the verbs are {}", list(&names)));
                let found = Diagnostic::new(Rule::UnknownKey, key.span, format!("kube has no verb {}", quote(&key.value)));
                self.report(found.hint(hint));
            }
        }
        match entries.as_slice() {
            [_] => {}
            [] => {
                let found = Diagnostic::new(Rule::OneAction, node.span, "kube needs a verb, and has none");
                self.report(found.hint("write it as a map: kube: { rollout-status: { deployment: … } }"));
            }
            [first, second, ..] => {
                let found =
                    Diagnostic::new(Rule::OneAction, second.0.span, "kube takes one verb at a time").note(first.0.span, "the first");
                self.report(found.hint("make each a command of its own; a verb's fields stand one level further in"));
            }
        }
    }
}

/// Where a map begins: its first key, rather than all of it.
fn start_of(node: &Node) -> Span {
    node.entries().first().map_or(node.span, |(key, _)| key.span)
}

fn lower(doc: &str) -> String {
    let mut letters = doc.chars();
    let first = letters.next().map_or_else(String::new, |c| c.to_lowercase().collect());
    (first + letters.as_str()).trim_end_matches('.').to_owned()
}
