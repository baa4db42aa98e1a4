//! What must hold beyond the shape of a document: names, effects, the flow of steps, and every name inside templates and expressions.
//! Each file under `lint/` holds one concern and looks at the whole draft; none stops another.

mod effect;
mod flow;
mod input;
mod name;
mod piece;
pub mod rule;
mod variable;

use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::model::{Command, Step};
use crate::runbook::read::build::{Draft, StepNode};
use crate::runbook::source::{Node, SourceFile, Span};
use crate::runbook::vocabulary::action::kind_named;

/// What the check of the shape found before. In a broken document nothing is said to be unused: its use may be what could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Sound,
    Broken,
}

pub(super) fn lint(file: &SourceFile, draft: &Draft<'_>, shape: Shape) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    name::check(draft, &mut found);
    input::check(draft, &mut found);
    flow::check(draft, &mut found);
    effect::check(draft, &mut found);
    variable::check(file, draft, shape, &mut found);
    found
}

/// One command with where it stands.
#[derive(Clone, Copy)]
struct Site<'a> {
    command: &'a Command,
    node: &'a Node,
}

impl Site<'_> {
    /// The place of a key; the command's own where it is not there.
    fn key(&self, key: &str) -> Span {
        self.node.entry(key).map_or(self.command.span, |(key, _)| key.span)
    }

    /// Whether it has an action; a missing one was reported already.
    fn has_action(&self) -> bool {
        self.node.entries().iter().any(|(key, _)| kind_named(&key.value).is_some_and(|kind| kind == self.command.action.kind))
    }
}

fn steps<'a>(draft: &'a Draft<'a>) -> impl Iterator<Item = (&'a Step, &'a StepNode<'a>)> {
    draft.runbook.steps.iter().zip(&draft.steps)
}

fn sites<'a>(draft: &'a Draft<'a>) -> impl Iterator<Item = Site<'a>> {
    steps(draft).flat_map(|(step, nodes)| step.commands.iter().zip(&nodes.commands).map(|(command, node)| Site { command, node }))
}
