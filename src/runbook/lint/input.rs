//! Inputs: a default is a value its own type takes.

use super::rule::Rule;
use crate::runbook::diagnostic::{Diagnostic, did_you_mean};
use crate::runbook::model::{Input, InputKind};
use crate::runbook::read::build::Draft;
use crate::runbook::source::Span;
use crate::runbook::vocabulary::shape::duration;

pub(super) fn check(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    let nodes = draft.root.get("inputs").map_or(&[][..], |inputs| inputs.entries());
    for (input, (_, node)) in draft.runbook.inputs.iter().zip(nodes) {
        let place = node.get("default").map_or(input.span, |default| default.span);
        found.extend(input.default.as_ref().and_then(|default| fits(input, default, place)));
    }
}

fn fits(input: &Input, default: &serde_json::Value, place: Span) -> Option<Diagnostic> {
    let name = &input.name;
    let wrong = |wants: &str| Some(Diagnostic::new(Rule::WrongType, place, format!("the default of `{name}` wants {wants}")));
    match (&input.kind, default) {
        (InputKind::Text, serde_json::Value::String(_)) => None,
        (InputKind::Text, _) => wrong("text").map(|found| found.hint("put it in quotes")),
        (InputKind::Number, value) if value.is_number() => None,
        (InputKind::Number, _) => wrong("a number").map(|found| found.hint("leave the quotes out")),
        (InputKind::Bool, value) if value.is_boolean() => None,
        (InputKind::Bool, _) => wrong("true or false").map(|found| found.hint("leave the quotes out")),
        (InputKind::Duration, value) => {
            let fits = value.as_str().is_some_and(|text| duration(text).is_some());
            let message = format!("the default of `{name}` is no duration");
            (!fits)
                .then(|| Diagnostic::new(Rule::BadDuration, place, message).hint("write a whole number and a unit: 500ms, 30s, 5m or 2h"))
        }
        (InputKind::Choice(choices), value) => {
            let text = value.as_str().unwrap_or_default();
            let fits = choices.iter().any(|choice| choice == text);
            let known = || choices.iter().map(String::as_str);
            let hint = did_you_mean(text, known()).unwrap_or_else(|| format!("the choices are {}", known().collect::<Vec<_>>().join(", ")));
            let message = format!("the default of `{name}` is none of its choices");
            (!fits).then(|| Diagnostic::new(Rule::UnknownValue, place, message).hint(hint))
        }
    }
}
