//! The drill's document, `qrh.drill/v1`: what is told to the trainee, what is hidden, and what counts as having done well.
//! Text and the runbooks it names come in, a checked [`model::Drill`] or diagnostics go out. No files, no clock, no world.

mod build;
pub mod ground;
mod lint;
pub mod model;
pub mod progress;
pub mod scope;
pub mod vocabulary;

use std::sync::Arc;

use crate::runbook::diagnostic::{self, Diagnostic, Severity};
use crate::runbook::form::{self, Read};
use crate::runbook::model::Runbook;
use crate::runbook::schema;
use crate::runbook::source::SourceFile;
use model::Drill;

/// What came of a file.
#[derive(Debug)]
pub struct Loaded {
    /// `None` where any diagnostic is an error.
    pub drill: Option<Drill>,
    /// In the order of the file; at most [`diagnostic::LIMIT`] and a count of the rest.
    pub diagnostics: Vec<Diagnostic>,
}

/// What the names of runbooks, steps and commands are held against.
#[derive(Clone, Copy)]
pub enum Against<'a> {
    /// Gives the runbook with an id.
    Runbooks(&'a dyn Fn(&str) -> Option<Arc<Runbook>>),
    /// A drill that was played already, out of its log: the runbooks may be others by now.
    Nothing,
}

/// Reads a drill. `strict` makes some warnings errors, as the shipped drills are held to.
pub fn load(file: &SourceFile, strict: bool, against: Against<'_>) -> Loaded {
    let Read { root, mut diagnostics } = form::read(file, &vocabulary::DRILL);
    let mut drill = None;
    if let Some(root) = root {
        let draft = build::drill(file, &root);
        diagnostics.extend(lint::lint(file, &draft, &root, against));
        drill = Some(draft);
    }
    let diagnostics = diagnostic::settle(diagnostics, strict);
    let sound = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    Loaded { drill: drill.filter(|_| sound), diagnostics }
}

/// The JSON Schema of drills (draft-07).
pub fn json_schema() -> serde_json::Value {
    schema::page(&vocabulary::DRILL, vocabulary::SCHEMA)
}
