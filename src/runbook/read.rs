//! From bytes to a checked runbook: YAML, then its shape against the vocabulary, then the model, then lint. Each stage reports all it
//! finds and passes on what it could read, so that one look at a file tells everything that is wrong with it.

pub mod build;

use crate::runbook::diagnostic::{self, Diagnostic, Severity};
use crate::runbook::form::{self, Read};
use crate::runbook::lint;
use crate::runbook::model::Runbook;
use crate::runbook::source::SourceFile;
use crate::runbook::vocabulary::document;

/// What came of a file.
#[derive(Debug)]
pub struct Loaded {
    /// `None` where any diagnostic is an error: there is no partial run.
    pub runbook: Option<Runbook>,
    /// In the order of the file; at most [`diagnostic::LIMIT`] and a count of the rest.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a runbook. `strict` makes some warnings errors, as the shipped runbooks are held to.
pub fn load(file: &SourceFile, strict: bool) -> Loaded {
    let Read { root, mut diagnostics } = form::read(file, &document::RUNBOOK);
    let mut runbook = None;
    if let Some(root) = root {
        let draft = build::draft(file, &root);
        let shape = if diagnostics.is_empty() { lint::Shape::Sound } else { lint::Shape::Broken };
        diagnostics.extend(lint::lint(file, &draft, shape));
        runbook = Some(draft.runbook);
    }
    let diagnostics = diagnostic::settle(diagnostics, strict);
    let sound = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    Loaded { runbook: runbook.filter(|_| sound), diagnostics }
}
