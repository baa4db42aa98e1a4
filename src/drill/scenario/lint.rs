//! What must hold beyond the shape of a drill. Each file under `lint/` holds one concern and looks at the whole draft; none stops another.

mod fault;
mod fit;
mod name;
mod predicate;
mod shown;
mod time;

use super::Against;
use super::model::{Drill, Variant};
use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::source::{Node, SourceFile, Span};

pub(super) fn lint(file: &SourceFile, drill: &Drill, root: &Node, against: Against<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    name::check(drill, root, &mut found);
    fault::check(drill, &mut found);
    time::check(drill, root, &mut found);
    shown::check(drill, root, &mut found);
    let runbooks = fit::check(drill, root, against, &mut found);
    predicate::check(file, drill, &runbooks, &mut found);
    found
}

fn variants(drill: &Drill) -> [&Variant; 2] {
    [&drill.levels.basic, &drill.levels.hard]
}

/// The place of a top-level value; that of the document's first key where it is not there.
fn place(root: &Node, key: &str) -> Span {
    let first = root.entries().first().map_or(root.span, |(key, _)| key.span);
    root.get(key).map_or(first, |node| node.span)
}

/// The place of a top-level key, for what is wrong with a whole list.
fn key(root: &Node, key: &str) -> Span {
    let first = root.entries().first().map_or(root.span, |(key, _)| key.span);
    root.entry(key).map_or(first, |(key, _)| key.span)
}
