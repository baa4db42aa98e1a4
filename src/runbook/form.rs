//! What every document of ours is read with: a YAML tree held against a table of the vocabulary, and values taken out of it.
//! Text and a table come in; a tree and all that is wrong with its shape go out. What a value means is the document's own business.

mod check;
pub mod expression;
mod fields;
mod words;

use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::source::{Node, SourceFile};
use crate::runbook::vocabulary::{Kind, Shape};
use crate::runbook::yaml;

pub use fields::{Fields, plain};
pub(in crate::runbook) use fields::{normal, object};

/// What came of a file's text.
pub struct Read {
    /// `None` where there is no tree, or it is a document of another kind altogether.
    pub root: Option<Node>,
    /// Not settled yet: see [`crate::runbook::diagnostic::settle`].
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a file and checks its shape.
pub fn read(file: &SourceFile, shape: &'static Shape) -> Read {
    let (root, mut diagnostics) = yaml::parse(file);
    let Some(root) = root else { return Read { root: None, diagnostics } };
    diagnostics.extend(check::check(file, &root, &Kind::Object(shape)));
    // A document of another kind would only give a page of complaints about keys.
    let foreign = |found: &Diagnostic| check::is_foreign(found, &root);
    if diagnostics.iter().any(foreign) {
        diagnostics.retain(foreign);
        return Read { root: None, diagnostics };
    }
    Read { root: Some(root), diagnostics }
}
