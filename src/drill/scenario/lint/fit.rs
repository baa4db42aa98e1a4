//! The drill against the runbooks it names: their steps and commands are there, and the autopilot does what such a command takes.

use std::sync::Arc;

use super::place;
use crate::drill::scenario::Against;
use crate::drill::scenario::model::{Drill, Milestone};
use crate::runbook::diagnostic::{Diagnostic, did_you_mean};
use crate::runbook::lint::rule::Rule;
use crate::runbook::model::{ActionKind, CommandId, Effect, Runbook, RunbookId, StepId};
use crate::runbook::source::{Node, Span};

/// The runbook that fits first, then the one the page suggests; none where nothing is held against them.
pub(super) type Runbooks = Vec<Arc<Runbook>>;

pub(super) fn check(drill: &Drill, root: &Node, against: Against<'_>, found: &mut Vec<Diagnostic>) -> Runbooks {
    contradictions(drill, found);
    let Against::Runbooks(find) = against else { return Vec::new() };
    let mut get = |key: &str, id: &RunbookId| {
        let runbook = find(id.as_str());
        if runbook.is_none() && !id.as_str().is_empty() {
            let hint = "`qrh show` lists the runbooks there are";
            found.push(
                Diagnostic::new(Rule::UnknownRunbook, place(root, key), format!("there is no runbook `{id}`, or it has mistakes"))
                    .hint(hint),
            );
        }
        runbook
    };
    let Some(fits) = get("runbook", &drill.runbook) else { return Vec::new() };
    let opens = if drill.opens == drill.runbook { None } else { get("opens", &drill.opens) };
    let both: Runbooks = std::iter::once(Arc::clone(&fits)).chain(opens).collect();
    for milestone in &drill.must_reach {
        milestone_is_there(milestone, std::slice::from_ref(&fits), found);
    }
    for milestone in &drill.must_not_reach {
        milestone_is_there(milestone, &both, found);
    }
    autopilot(drill, &fits, found);
    both
}

fn contradictions(drill: &Drill, found: &mut Vec<Diagnostic>) {
    for never in &drill.must_not_reach {
        if let Some(must) = drill.must_reach.iter().find(|must| must.describe() == never.describe()) {
            let message = format!("{} must be reached and must not", never.describe());
            found.push(
                Diagnostic::new(Rule::MilestonesDisagree, never.span(), message)
                    .note(must.span(), "here it must")
                    .hint("drop one of the two"),
            );
        }
    }
}

fn milestone_is_there(milestone: &Milestone, runbooks: &[Arc<Runbook>], found: &mut Vec<Diagnostic>) {
    match milestone {
        Milestone::Step(step) | Milestone::Lead(step) => found.extend(step_is_there(&step.value, step.span, runbooks)),
        Milestone::Command(command) => found.extend(command_is_there(&command.value, command.span, runbooks)),
    }
}

pub(super) fn step_is_there(step: &StepId, span: Span, runbooks: &[Arc<Runbook>]) -> Option<Diagnostic> {
    let known = || runbooks.iter().flat_map(|runbook| &runbook.steps).map(|step| step.id.as_str());
    if runbooks.is_empty() || step.as_str().is_empty() || known().any(|known| known == step.as_str()) {
        return None;
    }
    let hint = did_you_mean(step.as_str(), known()).unwrap_or_else(|| format!("it has {}", known().collect::<Vec<_>>().join(", ")));
    Some(Diagnostic::new(Rule::UnknownStep, span, format!("{} has no step `{step}`", names(runbooks))).hint(hint))
}

pub(super) fn command_is_there(command: &CommandId, span: Span, runbooks: &[Arc<Runbook>]) -> Option<Diagnostic> {
    if runbooks.is_empty() || command.as_str().is_empty() || runbooks.iter().any(|runbook| runbook.command(command).is_some()) {
        return None;
    }
    let known = runbooks.iter().flat_map(|runbook| &runbook.steps).flat_map(|step| &step.commands).map(|command| command.id.as_str());
    let hint = did_you_mean(command.as_str(), known).unwrap_or_else(|| format!("`qrh show {}` lists its commands", first(runbooks)));
    Some(Diagnostic::new(Rule::UnknownCommand, span, format!("{} has no command `{command}`", names(runbooks))).hint(hint))
}

fn first(runbooks: &[Arc<Runbook>]) -> &str {
    runbooks.first().map_or("", |runbook| runbook.id.as_str())
}

fn names(runbooks: &[Arc<Runbook>]) -> String {
    let names: Vec<_> = runbooks.iter().map(|runbook| format!("`{}`", runbook.id)).collect();
    format!("the runbook {}", names.join(" or "))
}

fn autopilot(drill: &Drill, runbook: &Arc<Runbook>, found: &mut Vec<Diagnostic>) {
    let runbooks = std::slice::from_ref(runbook);
    for (name, _) in &drill.autopilot.answers {
        let id = CommandId(name.value.clone());
        found.extend(command_is_there(&id, name.span, runbooks));
        if let Some((_, command)) = runbook.command(&id)
            && command.action.kind != ActionKind::Ask
        {
            let message = format!("`{id}` asks nothing: it is {}", command.action.kind.as_str());
            found.push(Diagnostic::new(Rule::AutopilotDisagrees, name.span, message).hint("answers are for `ask` commands: leave it out"));
        }
    }
    for id in &drill.autopilot.confirm {
        found.extend(command_is_there(id, id.span, runbooks));
        if let Some((_, command)) = runbook.command(id)
            && command.effect == Effect::ReadOnly
        {
            let message = format!("`{}` only reads: there is nothing to confirm", id.value);
            found.push(
                Diagnostic::new(Rule::AutopilotDisagrees, id.span, message).hint("the autopilot runs what reads by itself: leave it out"),
            );
        }
    }
}
