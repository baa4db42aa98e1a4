//! The YAML parser's errors in words an author can act on.

use granit_parser::{ErrorKind, ScanError};

use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::{SourceFile, Span};
use crate::runbook::yaml::DEPTH;

pub(super) fn explain(file: &SourceFile, error: &ScanError) -> Diagnostic {
    let offset = error.marker().byte_offset().unwrap_or_else(|| by_line(file, error.marker().line(), error.marker().col()));
    let mut offset = file.boundary(offset);
    if let Some(tab) = file.text.get(offset..).and_then(|rest| rest.find('\t')).filter(|_| is_tab(error.kind())) {
        offset += tab;
    }
    let length = file.text.get(offset..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n').map_or(0, char::len_utf8);
    let span = Span::new(offset, offset + length);
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return Diagnostic::new(Rule::TooLarge, span, format!("maps and lists are nested more than {DEPTH} deep here"))
            .hint("no part of a runbook needs that: look for a bracket that is never closed");
    }
    let (message, hint) = words(error.kind());
    let message = message.map_or_else(|| format!("this is not valid YAML: {}", error.info()), str::to_owned);
    Diagnostic::new(Rule::Syntax, span, message).hint(hint)
}

fn by_line(file: &SourceFile, line: usize, column: usize) -> usize {
    let span = file.line_span(line);
    file.slice(span).char_indices().nth(column).map_or(span.end, |(at, _)| span.start + at)
}

fn is_tab(kind: &ErrorKind) -> bool {
    use ErrorKind as K;
    matches!(kind, K::TabNotAllowed | K::TabInBlockIndentation | K::TabInIndentation | K::TabAtBlockScalarStart | K::TabInPlainScalar)
}

/// The message (the parser's own where it is `None`) and what to do. `matches!` because the parser's list of kinds is open.
fn words(kind: &ErrorKind) -> (Option<&'static str>, &'static str) {
    use ErrorKind as K;
    if is_tab(kind) {
        return (Some("a tab stands here; YAML indents with spaces only"), "replace the tab with spaces");
    }
    if matches!(kind, K::UnclosedQuotedScalar) {
        return (Some("a quote opened here is never closed"), "close the quote; inside '…' write '' for a quote, inside \"…\" write \\\"");
    }
    if matches!(kind, K::InvalidTrailingDoubleQuotedScalar | K::InvalidTrailingSingleQuotedScalar) {
        let hint = "a quote on a line above may not be closed; inside '…' write '' for a quote, inside \"…\" write \\\"";
        return (Some("text goes on after a closing quote"), hint);
    }
    if matches!(kind, K::UnclosedFlowCollection { .. } | K::UnexpectedEofFlowSequence | K::UnexpectedEofFlowMapping) {
        return (Some("a bracket opened here is never closed"), "close it with `]` or `}`");
    }
    if matches!(kind, K::MismatchedFlowCollectionEnd { .. } | K::MisplacedFlowCollectionEnd) {
        return (Some("this bracket closes nothing that is open"), "each `[` needs its `]`, each `{` its `}`");
    }
    if matches!(kind, K::ExpectedFlowMappingSeparator | K::ExpectedFlowSequenceSeparator) {
        let hint = "separate items with `,`; text with `,`, `:`, `{` or `}` in it needs quotes inside [ ] and { }";
        return (Some("a `,` or the closing bracket is missing before this"), hint);
    }
    if matches!(kind, K::MappingValueNotAllowed | K::InvalidColonPlacement) {
        return (Some("this `:` starts a second key on the line"), "put text with `: ` in it in quotes, or the key on a line of its own");
    }
    if matches!(kind, K::SimpleKeyExpected | K::ExpectedBlockMappingKey | K::InvalidSimpleKey) {
        let hint = "check that the line has `key: value`, and is indented like its neighbours";
        return (Some("this line is no `key: value` where a key is wanted"), hint);
    }
    if matches!(kind, K::InvalidIndentation | K::ExpectedBlockSequenceEntry | K::InvalidBlockScalarIndent | K::InvalidQuotedScalarIndent) {
        return (Some("the indentation fits neither what is above nor a level further in"), "indent it like its neighbours, with spaces");
    }
    if matches!(kind, K::UnknownAnchor) {
        return (
            Some("this alias names an anchor that is not defined above it"),
            "define it with `&name` first; text that starts with `*` needs quotes",
        );
    }
    if matches!(kind, K::DirectiveDisallowed) {
        return (Some("a line that starts with `%` is a YAML directive, which is not used here"), "leave the line out");
    }
    if matches!(kind, K::UnexpectedCharacter { .. }) {
        return (Some("text can't start with this character"), "put the text in quotes");
    }
    if matches!(kind, K::UnknownQuotedScalarEscape | K::InvalidQuotedScalarHexEscape) {
        return (
            Some("this backslash escape is unknown inside \"…\""),
            "write \\\\ for a backslash, or use '…', where a backslash is plain text",
        );
    }
    (None, "check quotes, brackets and indentation around this place")
}
