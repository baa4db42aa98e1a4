//! Small YAML documents with fixed keys (the policy, the settings): bytes in, a value or diagnostics with their places out.

use serde::de::DeserializeOwned;
use serde_yaml::Error;

use crate::runbook::diagnostic::{self, Diagnostic, Severity, quote};
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::{SourceFile, Span};
use crate::runbook::yaml;

/// The document; else everything that is wrong with its text, or the first thing that is wrong with what it says.
pub fn read<T: DeserializeOwned>(file: &SourceFile) -> Result<T, Vec<Diagnostic>> {
    let (_, mut wrong) = yaml::parse(file);
    wrong.retain(|diagnostic| diagnostic.severity == Severity::Error);
    if !wrong.is_empty() {
        return Err(diagnostic::settle(wrong, false));
    }
    serde_yaml::from_str(&file.text).map_err(|error| vec![explain(file, &error)])
}

/// Whether there is nothing in it but comments.
pub fn is_blank(file: &SourceFile) -> bool {
    file.flaw().is_none() && file.text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'))
}

fn explain(file: &SourceFile, error: &Error) -> Diagnostic {
    let error = error.without_snippet();
    let span = place(file, error);
    #[expect(clippy::wildcard_enum_match_arm, reason = "the error is non-exhaustive")]
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            Diagnostic::new(Rule::UnknownKey, span, format!("the key {} is not known here", quote(field))).hint(choice(field, expected))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            Diagnostic::new(Rule::UnknownValue, span, format!("{} is not one of the values taken here", quote(variant)))
                .hint(choice(variant, expected))
        }
        Error::SerdeMissingField { field, .. } => Diagnostic::new(Rule::MissingKey, span, format!("the key `{field}` is missing")),
        other => Diagnostic::new(Rule::WrongType, span, plain(other)),
    }
}

fn choice(word: &str, known: &[&str]) -> String {
    diagnostic::did_you_mean(word, known.iter().copied()).unwrap_or_else(|| format!("there are: {}", known.join(", ")))
}

/// The error without the place, which stands beside it already.
fn plain(error: &Error) -> String {
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let end = text.find(" at line ").or_else(|| text.find(": line ")).unwrap_or(text.len());
    text.get(..end).unwrap_or(text).to_owned()
}

/// The word at the error's place.
fn place(file: &SourceFile, error: &Error) -> Span {
    let Some(location) = error.location() else { return Span::at(0) };
    let number = |value: u64| usize::try_from(value).unwrap_or(0);
    let line = file.line_span(number(location.line()));
    let before = file.slice(line).chars().take(number(location.column()).saturating_sub(1)).map(char::len_utf8).sum::<usize>();
    let start = line.start + before;
    let rest = file.slice(Span::new(start, line.end));
    let word = rest.find(|letter: char| letter.is_whitespace() || letter == ':' || letter == ',').unwrap_or(rest.len());
    Span::new(start, start + word)
}
