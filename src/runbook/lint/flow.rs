//! The flow of steps: phases in order and complete, something to run in each step for each target, and a way on from every finding.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::Rule;
use super::steps;
use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::model::{Finding, Phase, Step};
use crate::runbook::read::build::Draft;
use crate::runbook::source::Value;

/// Steps of one phase.
const STEPS: usize = 9;

pub(super) fn check(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    phases(draft, found);
    coverage(draft, found);
    endless(&draft.runbook.steps, found);
    if draft.runbook.symptoms.is_empty() && draft.root.get("symptoms").is_none_or(|node| node.value == Value::List(Vec::new())) {
        let place = draft.root.entry("symptoms").or_else(|| draft.root.entry("id")).map_or(draft.root.span, |(key, _)| key.span);
        let hint = "add `symptoms:` with what a person would notice, and a probe where there is one";
        found.push(Diagnostic::new(Rule::MissingSymptoms, place, "the runbook has no symptoms, so triage can't find it").hint(hint));
    }
}

fn phases(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    let mut latest: Option<(Phase, &Step)> = None;
    let mut unread = false;
    let mut disorder = false;
    let mut count: BTreeMap<Phase, usize> = BTreeMap::new();
    for (step, nodes) in steps(draft) {
        let Some(place) = nodes.node.get("phase").filter(|node| node.text() == Some(step.phase.as_str())).map(|node| node.span) else {
            unread = true;
            continue;
        };
        let steps = count.entry(step.phase).or_default();
        *steps += 1;
        if *steps == STEPS + 1 {
            let message = format!("the phase {} has more than {STEPS} steps", step.phase.as_str());
            found.push(
                Diagnostic::new(Rule::TooManySteps, step.span, message)
                    .hint("five to nine are read under stress: join some, or split the runbook"),
            );
        }
        match latest {
            // Only the first: one step out of place puts all that follow it out of order.
            Some((phase, earlier)) if phase > step.phase => {
                if !disorder {
                    found.push(
                        Diagnostic::new(Rule::PhaseOrder, place, format!("{} comes before {}", step.phase.as_str(), phase.as_str()))
                            .note(earlier.span, format!("this step is of the phase {}", phase.as_str()))
                            .hint("the phases are worked in order: move one of the two steps"),
                    );
                }
                disorder = true;
            }
            Some(_) | None => latest = Some((step.phase, step)),
        }
    }
    if unread {
        return;
    }
    let missing: Vec<_> = Phase::ALL.into_iter().filter(|phase| !count.contains_key(phase)).map(Phase::as_str).collect();
    if let Some((key, node)) = draft.root.entry("steps")
        && !missing.is_empty()
        && !node.items().is_empty()
    {
        let message = format!("no step is of the phase {}", missing.join(", "));
        found.push(
            Diagnostic::new(Rule::MissingPhase, key.span, message)
                .hint("a runbook has all seven phases; even \"tell the next shift\" is a step"),
        );
    }
}

fn coverage(draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
    for (step, nodes) in steps(draft) {
        let Some((key, commands)) = nodes.node.entry("commands") else { continue };
        if commands.items().is_empty() {
            if commands.value == Value::List(Vec::new()) {
                let message = format!("the step `{}` has no commands", step.id);
                let hint = "a step has commands, not only prose: `ask:` takes a person's answer, `announce:` sends a message";
                found.push(Diagnostic::new(Rule::StepWithoutCommands, key.span, message).hint(hint));
            }
            continue;
        }
        for target in &draft.runbook.targets {
            if !step.commands.iter().any(|command| command.place.fits(*target)) {
                let message = format!("the step `{}` has nothing to run for the target {}", step.id, target.as_str());
                let hint = format!("add a command with `on: {}`, or one that runs `here`", target.as_str());
                found.push(Diagnostic::new(Rule::TargetsWithoutCommands, step.span, message).hint(hint));
            }
        }
    }
}

/// Groups of steps whose findings all go to one another: whatever is found there, the responder never gets on.
fn endless(steps: &[Step], found: &mut Vec<Diagnostic>) {
    // Steps that leave: by a finding that goes nowhere, by having none, or by going to a step that leaves.
    let mut leaving: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = leaving.len();
        for step in steps {
            let way_out = |finding: &Finding| match &finding.go {
                None => true,
                Some(go) => leaving.contains(go.as_str()) || !steps.iter().any(|other| other.id == go.value),
            };
            if step.findings.is_empty() || step.findings.iter().any(way_out) {
                leaving.insert(step.id.as_str());
            }
        }
        if leaving.len() == before {
            break;
        }
    }
    if let Some(step) = steps.iter().find(|step| !leaving.contains(step.id.as_str())) {
        let mut finding =
            Diagnostic::new(Rule::EndlessFindings, step.span, format!("whatever is found in `{}`, it leads back to it", step.id));
        let circle = steps.iter().filter(|step| !leaving.contains(step.id.as_str()));
        for go in circle.flat_map(|step| &step.findings).filter_map(|finding| finding.go.as_ref()).take(9) {
            finding = finding.note(go.span, "goes round");
        }
        found.push(finding.hint("let one finding of these steps stay without `go`, or go to a step outside of the circle"));
    }
}
