//! What must hold beyond the shape of a document.

pub mod rule;

use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::read::build::Draft;
use crate::runbook::source::SourceFile;

pub fn lint(_file: &SourceFile, _draft: &Draft<'_>) -> Vec<Diagnostic> {
    Vec::new()
}
