//! An expression inside a document: whether it is CEL, what it refers to, and where in the file each of its pieces stands.

use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::expression;
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::{SourceFile, Span};
use crate::runbook::template::Variable;
use crate::runbook::yaml::place;

/// A scalar's text and where it was written.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    pub file: &'a SourceFile,
    pub text: &'a str,
    pub span: Span,
}

impl Piece<'_> {
    /// The place in the file of some bytes of the text.
    pub fn place(&self, offset: usize, length: usize) -> Span {
        let start = place::inside(self.file, self.span, self.text, offset);
        Span::new(start, (start + length).min(self.span.end.max(start)))
    }

    /// What it refers to, read as an expression; or why it is none.
    pub fn references(&self) -> Result<Vec<Variable>, Diagnostic> {
        if let Some(at) = self.text.find("{{") {
            let message = "an expression has no {{ }}: it reads names directly";
            let found = Diagnostic::new(Rule::BadExpression, self.place(at, 2), message);
            return Err(found.hint("write the name alone, as in `inputs.window` or `error_rate.out.value > 0.05`"));
        }
        expression::check(self.text).map_err(|error| {
            let hint = "expressions are CEL: out.ready == out.desired && size(lines) > 0";
            advised(Rule::BadExpression, self.place(error.offset, 1), &error.message, Some(hint))
        })
    }
}

/// A message that brings its own advice after a semicolon keeps it as the hint.
pub fn advised(rule: Rule, span: Span, message: &str, hint: Option<&str>) -> Diagnostic {
    match message.split_once("; ") {
        Some((message, advice)) => Diagnostic::new(rule, span, message).hint(advice),
        None => Diagnostic::new(rule, span, message).maybe_hint(hint.map(str::to_owned)),
    }
}
