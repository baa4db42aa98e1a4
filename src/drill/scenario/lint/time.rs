//! Times: what is due comes before the end, and a longer time is not rated better.

use std::time::Duration;

use super::{key, place};
use crate::drill::scenario::model::{Drill, Due, Inject, Level, RatedBy, Rubric};
use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::{Node, Span};
use crate::runbook::vocabulary::shape::duration_text;

/// By then somebody is paged: a drill without a page has nobody in it.
const PAGE_BY: Duration = Duration::from_secs(15 * 60);

pub(super) fn check(drill: &Drill, root: &Node, found: &mut Vec<Diagnostic>) {
    for level in Level::ALL {
        due(&drill.at(level), root, found);
    }
    if drill.success.durable_for >= drill.limit {
        let message = "the harm can't have stopped for so long before the drill ends";
        found.push(Diagnostic::new(Rule::TimesDisagree, place(root, "success"), message).hint(ends(drill)));
    }
    let nodes = root.get("objectives").map_or(&[][..], Node::items);
    for (objective, node) in drill.objectives.iter().zip(nodes) {
        if let RatedBy::Timeline(rubric) = &objective.by {
            let span = node.get("rated").and_then(|rated| rated.get("some")).map_or(objective.span, |some| some.span);
            ratings(drill, rubric, span, found);
        }
    }
    page(drill, root, found);
}

fn ends(drill: &Drill) -> String {
    format!("`limit` ends it after {}", duration_text(drill.limit))
}

/// The drill as it is at one level.
fn due(drill: &Drill, root: &Node, found: &mut Vec<Diagnostic>) {
    let late = |what: String, span: Span| Diagnostic::new(Rule::TimesDisagree, span, what).hint(ends(drill));
    for fault in drill.faults.iter().filter(|fault| fault.at >= drill.limit) {
        found.push(late(format!("the fault `{}` begins when the drill is over", fault.id), fault.span));
    }
    let comes_late = |inject: &&Inject| match &inject.due {
        Due::At(at) => *at >= drill.limit,
        Due::When(_) => false,
    };
    for inject in drill.messages().filter(comes_late) {
        found.push(late(format!("`{}` comes when the drill is over", inject.id), inject.span));
    }
    for hint in drill.hints.iter().filter(|hint| hint.after >= drill.limit) {
        let message = format!("a hint may be asked for after {}, when the drill is over", duration_text(hint.after));
        found.push(late(message, key(root, "hints")));
    }
}

fn ratings(drill: &Drill, rubric: &Rubric, span: Span, found: &mut Vec<Diagnostic>) {
    if rubric.some < rubric.performed {
        let message =
            format!("{} for some challenges is shorter than {} for Performed", duration_text(rubric.some), duration_text(rubric.performed));
        found.push(Diagnostic::new(Rule::TimesDisagree, span, message).hint("give `some` at least the time of `performed`"));
    }
    if rubric.performed >= drill.limit {
        let message = "everything that is shown at all is shown by then: the drill is over";
        found.push(Diagnostic::new(Rule::TimesDisagree, span, message).hint(ends(drill)));
    }
}

fn page(drill: &Drill, root: &Node, found: &mut Vec<Diagnostic>) {
    let late = |level: &Level| drill.at(*level).first_page().is_none_or(|at| at > PAGE_BY);
    if let Some(level) = Level::ALL.into_iter().find(late) {
        let message = format!("nobody is paged within {} at the level {}", duration_text(PAGE_BY), level.as_str());
        let hint = "let the first inject be the page: at: 3m, from: pager";
        found.push(Diagnostic::new(Rule::NoPage, key(root, "injects"), message).hint(hint));
    }
}
