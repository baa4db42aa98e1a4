//! Faults: the world must be able to make each of them, at both levels.

use super::variants;
use crate::drill::scenario::model::Drill;
use crate::runbook::diagnostic::{Diagnostic, did_you_mean};
use crate::runbook::form::expression::advised;
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::Span;

const HINT: &str = "docs/DRILLS.md lists the kinds, each with its parameters";

pub(super) fn check(drill: &Drill, found: &mut Vec<Diagnostic>) {
    let mut broken = Vec::new();
    for fault in drill.faults.iter().filter(|fault| !fault.kind.is_empty()) {
        if let Err(why) = drill.world.kind.make(fault) {
            let known = drill.world.kind.kinds().into_iter();
            let near = if known.clone().any(|name| name == fault.kind.value) { None } else { did_you_mean(&fault.kind, known) };
            found.push(refused(&why, fault.kind.span).maybe_hint(near));
            broken.push(fault.id.as_str());
        }
    }
    for variant in variants(drill) {
        for (id, with) in &variant.faults {
            let Some(fault) = drill.faults.iter().find(|fault| fault.id == id.value && !broken.contains(&fault.id.as_str())) else {
                continue;
            };
            let mut fault = fault.clone();
            fault.with.extend(with.clone());
            found.extend(drill.world.kind.make(&fault).err().map(|why| refused(&why, id.span)));
        }
    }
}

fn refused(why: &str, span: Span) -> Diagnostic {
    advised(Rule::BadFault, span, why, Some(HINT))
}
