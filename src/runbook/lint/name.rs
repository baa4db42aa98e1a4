//! Ids and names: each stands for one thing, none takes a name of qrh's own, and every reference names something that is there.

use std::collections::HashMap;

use super::rule::Rule;
use super::{Site, sites, steps};
use crate::runbook::diagnostic::{Diagnostic, did_you_mean};
use crate::runbook::model::{CommandId, Effect};
use crate::runbook::read::build::{Draft, effect};
use crate::runbook::source::{Span, Spanned};

/// Names with a meaning of their own in templates or expressions.
pub(super) const RESERVED: &[&str] = &[
    "service",
    "target",
    "facts",
    "inputs",
    "remember",
    "out",
    "exit",
    "lines",
    "true",
    "false",
    "null",
    "in",
    "and",
    "or",
    "not",
    "is",
    "if",
    "elif",
    "else",
    "for",
    "loop",
    "let",
    "set",
    "var",
    "as",
    "break",
    "const",
    "continue",
    "function",
    "import",
    "namespace",
    "package",
    "return",
    "void",
    "while",
];

pub(super) fn check(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    step_ids(draft, found);
    names(draft, found);
    references(draft, found);
}

fn step_ids(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    let mut first: HashMap<&str, Span> = HashMap::new();
    for step in draft.runbook.steps.iter().filter(|step| !step.id.as_str().is_empty()) {
        if let Some(earlier) = first.get(step.id.as_str()) {
            found.push(
                Diagnostic::new(Rule::DuplicateId, step.span, format!("another step is called `{}` already", step.id))
                    .note(*earlier, "that one")
                    .hint("give one of them another id, and look at the findings that go there"),
            );
        } else {
            first.insert(step.id.as_str(), step.span);
        }
    }
}

/// Commands, inputs and captures share one space of names. Two commands may capture the same name: one for each kind of target.
fn names(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<&str, (&'static str, Span)> = HashMap::new();
    let inputs = draft.runbook.inputs.iter().map(|input| (input.name.as_str(), "an input", input.span));
    let commands = sites(draft).map(|site| (site.command.id.as_str(), "a command", site.command.span));
    for (name, what, span) in inputs.chain(commands).filter(|(name, ..)| !name.is_empty()) {
        claim(&mut taken, name, what, span, found);
    }
    for site in sites(draft) {
        for (key, _) in site.node.get("capture").map_or(&[][..], |capture| capture.entries()) {
            if taken.get(key.value.as_str()).is_none_or(|(what, _)| *what != "a captured value") {
                claim(&mut taken, &key.value, "a captured value", key.span, found);
            }
        }
    }
}

fn claim<'a>(
    taken: &mut HashMap<&'a str, (&'static str, Span)>,
    name: &'a str,
    what: &'static str,
    span: Span,
    found: &mut Vec<Diagnostic>,
) {
    if RESERVED.contains(&name) {
        let message = format!("`{name}` has a meaning of its own, so {what} can't be called that");
        found.push(Diagnostic::new(Rule::ReservedName, span, message).hint("choose another name"));
        return;
    }
    if let Some((earlier, place)) = taken.get(name) {
        found.push(
            Diagnostic::new(Rule::DuplicateId, span, format!("{earlier} is called `{name}` already"))
                .note(*place, "that one")
                .hint("commands, inputs and captured values share their names: give one of them another"),
        );
    } else {
        taken.insert(name, (what, span));
    }
}

fn references(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    for (step, nodes) in steps(draft) {
        for requirement in &step.requires {
            if let Some(site) = named(draft, &requirement.command, "requires", found) {
                read_only(site, &requirement.command, Rule::RequiresNotReadOnly, "required evidence", found);
            }
        }
        for finding in &step.findings {
            if let Some(go) = &finding.go
                && !go.as_str().is_empty()
                && draft.runbook.step(go).is_none()
            {
                let ids = draft.runbook.steps.iter().map(|step| step.id.as_str());
                let hint = did_you_mean(go.as_str(), ids.clone())
                    .unwrap_or_else(|| format!("the steps are {}", ids.collect::<Vec<_>>().join(", ")));
                found.push(Diagnostic::new(Rule::UnknownStep, go.span, format!("no step is called `{}`", go.value)).hint(hint));
            }
        }
        for (command, node) in step.commands.iter().zip(&nodes.commands) {
            change(draft, Site { command, node }, found);
        }
    }
}

/// The commands a change names.
fn change(draft: &Draft<'_>, site: Site<'_>, found: &mut Vec<Diagnostic>) {
    if let Some(verify) = &site.command.verify
        && let Some(other) = named(draft, verify, "verify", found)
    {
        read_only(other, verify, Rule::VerifyNotReadOnly, "what verifies a change", found);
        let lost = |target| site.command.place.fits(target) && !other.command.place.fits(target);
        if let Some(target) = draft.runbook.targets.iter().copied().find(|target| lost(*target)) {
            let message = format!(
                "`{}` acts on the {}, so it can't verify this on a {}",
                verify.value,
                other.command.place.as_str(),
                target.as_str()
            );
            found.push(
                Diagnostic::new(Rule::PlaceDisagrees, verify.span, message)
                    .note(other.command.span, "that command")
                    .hint("name a command that runs wherever this one does"),
            );
        }
    }
    for measure in &site.command.measure {
        if let Some(other) = named(draft, measure, "measure", found) {
            read_only(other, measure, Rule::MeasureNotReadOnly, "what is measured", found);
            if other.command.value.is_none() && other.node.get("value").is_none() {
                found.push(
                    Diagnostic::new(Rule::MeasureWithoutValue, measure.span, format!("`{}` has no `value` to measure", measure.value))
                        .note(other.command.span, "that command")
                        .hint("give it one: value: { of: out.value, unit: ms }"),
                );
            }
        }
    }
}

fn named<'a>(draft: &'a Draft<'a>, id: &Spanned<CommandId>, key: &str, found: &mut Vec<Diagnostic>) -> Option<Site<'a>> {
    let site = sites(draft).find(|site| site.command.id == id.value);
    if site.is_none() && !id.as_str().is_empty() {
        let ids = draft.runbook.steps.iter().flat_map(|step| &step.commands).map(|command| command.id.as_str());
        let hint = did_you_mean(id.as_str(), ids).unwrap_or_else(|| format!("`{key}` takes the id of a command of this runbook"));
        found.push(Diagnostic::new(Rule::UnknownCommand, id.span, format!("no command is called `{}`", id.value)).hint(hint));
    }
    site
}

fn read_only(site: Site<'_>, named: &Spanned<CommandId>, rule: Rule, what: &str, found: &mut Vec<Diagnostic>) {
    if effect(site.node) == Some(Effect::Mutating) {
        found.push(
            Diagnostic::new(rule, named.span, format!("`{}` is mutating, and {what} must be read-only", named.value))
                .note(site.command.span, "that command")
                .hint("name a read-only command that looks at the result"),
        );
    }
}
