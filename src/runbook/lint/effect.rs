//! Effects: the author's tag against the vocabulary, and what a change must and must not have.

use super::rule::Rule;
use super::{Site, sites};
use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::model::{ActionKind, Effect, Place};
use crate::runbook::read::build::{Draft, effect};
use crate::runbook::source::{Node, Value};
use crate::runbook::vocabulary::action::entry;
use crate::runbook::vocabulary::{Classed, classify};

pub(super) fn check(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    for symptom in &draft.runbook.symptoms {
        if let Some(probe) = &symptom.probe
            && let Classed::Changes(why) = classify(probe)
        {
            let found_here = Diagnostic::new(Rule::ProbeNotReadOnly, probe.span, format!("a probe only reads, and {why}"));
            found.push(found_here.hint("probe with promql, an HTTP GET or a reading verb of kube"));
        }
    }
    for site in sites(draft) {
        if site.has_action() {
            place(draft, site, found);
            shell_in_run(site, found);
        }
        if let Some(tag) = effect(site.node) {
            agreement(site, tag, found);
            match tag {
                Effect::Mutating => mutating(site, found),
                Effect::ReadOnly => read_only(site, found),
            }
        }
    }
}

fn place(draft: &Draft<'_>, site: Site<'_>, found: &mut Vec<Diagnostic>) {
    let command = site.command;
    let kind = command.action.kind;
    if entry(kind).place.is_none() && site.node.get("on").is_none() {
        let message = format!("{} needs `on`: nothing else says where it runs", kind.as_str());
        found.push(Diagnostic::new(Rule::MissingKey, command.action.span, message).hint("add `on: cluster`, `on: host` or `on: here`"));
        return;
    }
    let at = site.node.get("on").map_or(command.action.span, |on| on.span);
    if kind == ActionKind::Kube && command.place != Place::Cluster {
        let message = format!("kube acts on the cluster, not {}", if command.place == Place::Here { "here" } else { "on the host" });
        found.push(Diagnostic::new(Rule::PlaceDisagrees, at, message).note(command.action.span, "this action").hint("write `on: cluster`"));
        return;
    }
    let targets = &draft.runbook.targets;
    if !targets.is_empty() && !targets.iter().any(|target| command.place.fits(*target)) {
        let message = format!("this acts on the {0}, and the runbook is not for a {0}", command.place.as_str());
        let hint = format!("add `{}` to `targets`, or leave the command out", command.place.as_str());
        found.push(Diagnostic::new(Rule::PlaceNotInTargets, at, message).hint(hint));
    }
}

fn agreement(site: Site<'_>, tag: Effect, found: &mut Vec<Diagnostic>) {
    if !site.has_action() {
        return;
    }
    let at = site.node.get("effect").map_or(site.command.span, |node| node.span);
    let action = site.command.action.span;
    match (tag, classify(&site.command.action)) {
        (Effect::ReadOnly, Classed::Changes(why)) => found.push(
            Diagnostic::new(Rule::EffectDisagrees, at, "tagged read-only, but it changes something")
                .note(action, why)
                .hint("tag it mutating, and give it `verify` and `undo`"),
        ),
        (Effect::Mutating, Classed::Reads) => found.push(
            Diagnostic::new(Rule::EffectDisagrees, at, "tagged mutating, but it can only read")
                .note(action, "this action has no way to change anything")
                .hint("tag it read-only; a change over HTTP needs POST, PUT, PATCH or DELETE"),
        ),
        (_, Classed::Unexamined) | (Effect::ReadOnly, Classed::Reads) | (Effect::Mutating, Classed::Changes(_)) => {}
    }
}

fn mutating(site: Site<'_>, found: &mut Vec<Diagnostic>) {
    let (command, node) = (site.command, site.node);
    // Tagged wrongly, as agreement says: what a change needs would only mislead.
    if site.has_action() && classify(&command.action) == Classed::Reads {
        return;
    }
    if node.get("verify").is_none() {
        let message = format!("`{}` changes something, and nothing verifies it", command.id);
        let hint = "add `verify:` with the read-only command that tells whether it happened";
        found.push(Diagnostic::new(Rule::MutatingWithoutVerify, command.span, message).hint(hint));
    }
    match (node.entry("undo"), node.entry("irreversible")) {
        (None, None) => {
            let message = format!("`{}` changes something, and nothing puts it back", command.id);
            let hint = "add `undo:` with an action, or `irreversible:` with the reason";
            found.push(Diagnostic::new(Rule::MutatingWithoutUndo, command.span, message).hint(hint));
        }
        (Some((undo, _)), Some((irreversible, _))) => found.push(
            Diagnostic::new(Rule::UndoAndIrreversible, irreversible.span, "it has an undo, so it is not irreversible")
                .note(undo.span, "the undo")
                .hint("keep one of the two"),
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
    if let Some(undo) = &command.undo
        && classify(undo) == Classed::Reads
    {
        let hint = "name the action that puts the earlier state back, or say why it is `irreversible`";
        found.push(Diagnostic::new(Rule::UndoReadsOnly, undo.span, "this undo only reads, so it puts nothing back").hint(hint));
    }
    for (key, rule) in [("retry", Rule::RetryOnMutating), ("watch", Rule::WatchOnMutating)] {
        if node.get(key).is_some() {
            let message = format!("a change is never repeated by qrh, so it has no `{key}`");
            found
                .push(Diagnostic::new(rule, site.key(key), message).hint(format!("put `{key}` on the read-only command that verifies it")));
        }
    }
}

fn read_only(site: Site<'_>, found: &mut Vec<Diagnostic>) {
    let keys = ["remember", "undo", "irreversible", "verify", "measure", "hazards"];
    for key in keys.into_iter().filter(|key| site.node.get(key).is_some()) {
        let message = format!("`{key}` belongs to a change, and this command is read-only");
        let hint = "leave it out, or tag the command mutating";
        found.push(Diagnostic::new(Rule::ChangeKeysOnReadOnly, site.key(key), message).hint(hint));
    }
}

/// `sh -c` with a rendered argument: nothing quotes what the placeholder holds.
fn shell_in_run(site: Site<'_>, found: &mut Vec<Diagnostic>) {
    let argv = match site.command.action.fields.get("argv") {
        Some(Node { value: Value::List(argv), .. }) if site.command.action.kind == ActionKind::Run => argv,
        _ => return,
    };
    let program = argv.first().and_then(Node::text).unwrap_or_default();
    let shell = matches!(program.rsplit('/').next(), Some("sh" | "bash" | "dash" | "zsh" | "ksh"));
    let flag = argv.get(1).and_then(Node::text).unwrap_or_default();
    if shell && flag.starts_with('-') && flag.contains('c') {
        let message = format!("`{program} {flag}` runs its argument as a script, and nothing quotes the placeholders in it");
        let place = argv.first().map_or(site.command.action.span, |first| first.span);
        found.push(Diagnostic::new(Rule::ShellInRun, place, message).hint("write `shell: |` and the script"));
    }
}
