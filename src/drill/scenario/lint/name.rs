//! Ids: each stands for one thing, and what names one names one that is there.

use std::collections::HashMap;

use super::{key, variants};
use crate::drill::scenario::model::{Drill, Truth, Variant};
use crate::runbook::diagnostic::{Diagnostic, did_you_mean};
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::{Node, Span, Spanned};

pub(super) fn check(drill: &Drill, root: &Node, found: &mut Vec<Diagnostic>) {
    let places = |name: &str| root.get(name).map_or(&[][..], Node::items).iter().map(id_place).collect::<Vec<_>>();
    once("fault", drill.faults.iter().map(|fault| (fault.id.as_str(), fault.span)), found);
    once("cause", drill.causes.iter().map(|cause| (cause.id.as_str(), cause.span)), found);
    once("objective", drill.objectives.iter().map(|objective| (objective.id.as_str(), objective.span)), found);
    once("fail condition", drill.fail.iter().map(|fail| fail.id.as_str()).zip(places("fail")), found);
    let messages = |variant: &Variant| {
        let own = variant.injects.iter().chain(variant.decoys.iter().map(|decoy| &decoy.inject));
        drill.messages().chain(own).map(|inject| (inject.id.clone(), inject.span)).collect::<Vec<_>>()
    };
    for variant in variants(drill) {
        let messages = messages(variant);
        once("message", messages.iter().map(|(id, span)| (id.as_str(), *span)), found);
        left_out(drill, variant, found);
    }
    causes(drill, root, found);
    for conclusion in &drill.autopilot.diagnoses {
        unknown("cause", &conclusion.cause, drill.causes.iter().map(|cause| cause.id.as_str()), found);
    }
}

fn id_place(node: &Node) -> Span {
    node.get("id").map_or(node.span, |id| id.span)
}

fn once<'a>(what: &str, ids: impl IntoIterator<Item = (&'a str, Span)>, found: &mut Vec<Diagnostic>) {
    let mut first: HashMap<&str, Span> = HashMap::new();
    for (id, span) in ids.into_iter().filter(|(id, _)| !id.is_empty()) {
        match first.get(id) {
            Some(earlier) => found.push(
                Diagnostic::new(Rule::DuplicateId, span, format!("another {what} is called `{id}` already"))
                    .note(*earlier, "that one")
                    .hint("give one of them another id"),
            ),
            None => {
                first.insert(id, span);
            }
        }
    }
}

/// What a level leaves out or sets is the drill's own.
fn left_out(drill: &Drill, variant: &Variant, found: &mut Vec<Diagnostic>) {
    let faults = || drill.faults.iter().map(|fault| fault.id.as_str());
    for id in &variant.without {
        unknown("inject, decoy or fault", id, drill.messages().map(|inject| inject.id.as_str()).chain(faults()), found);
    }
    for (id, _) in &variant.faults {
        unknown("fault", id, faults(), found);
    }
}

pub(super) fn unknown<'a>(what: &str, id: &Spanned<String>, known: impl Iterator<Item = &'a str> + Clone, found: &mut Vec<Diagnostic>) {
    if id.is_empty() || known.clone().any(|known| known == id.value) {
        return;
    }
    let hint = did_you_mean(id, known.clone()).unwrap_or_else(|| format!("there is {}", known.collect::<Vec<_>>().join(", ")));
    found.push(Diagnostic::new(Rule::UnknownName, id.span, format!("no {what} is called `{}`", id.value)).hint(hint));
}

fn causes(drill: &Drill, root: &Node, found: &mut Vec<Diagnostic>) {
    let right: Vec<_> = drill.causes.iter().filter(|cause| cause.truth == Truth::Right).collect();
    match right[..] {
        [_] => {}
        [] => {
            let message = "none of the causes is the right one";
            found.push(Diagnostic::new(Rule::OneTrueCause, key(root, "causes"), message).hint("add `right: true` to the one that is"));
        }
        [first, second, ..] => {
            let message = "a second cause is the right one, too";
            let place = Diagnostic::new(Rule::OneTrueCause, second.span, message).note(first.span, "the first");
            found.push(place.hint("keep one, and let it say how they belong together"));
        }
    }
}
