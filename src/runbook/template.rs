//! Tera templates: text with `{{ }}` placeholders and a scope come in, text goes out. Only the scope can be read: no clock, no
//! environment, no files, no functions. [`FILTERS`] and `reference` say which part of Tera may be used.

mod cache;
mod engine;
mod filter;
mod reference;
mod scan;
mod script;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use reference::FILTERS;

/// Bytes of a template.
pub const SOURCE_BYTES: usize = 16 * 1024;
/// Bytes of a rendered text.
pub const OUTPUT_BYTES: usize = 256 * 1024;

/// Items of a list one `for` may run over.
pub const LOOP_ITEMS: usize = 1000;

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub message: String,
    /// Byte offset in the template.
    pub offset: usize,
}

/// One reference to a value of the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// `service.name` is `["service", "name"]`; a computed index ends the path.
    pub path: Vec<String>,
    /// Byte offset in the source.
    pub offset: usize,
}

/// Plain text. An undefined or null value is an error that names it, in a condition only an undefined one. A list or a map is shown
/// as Tera shows it; `json` and `join` give other forms.
pub fn render(source: &str, scope: &Value) -> Result<String, TemplateError> {
    engine::render(source, &cache::template(source)?.parsed, scope, engine::Mode::Plain)
}

/// A script for `/bin/sh`: every placeholder becomes exactly one word, whatever it holds. What [`check_script`] finds is an error here
/// too: a script that was never linted is not rendered.
///
/// Quoting can't tell a word from an option. A value that begins with `-` where a word begins is therefore an error, unless ` -- `
/// stands before it on its line.
pub fn render_script(source: &str, scope: &Value) -> Result<String, TemplateError> {
    let template = cache::template(source)?;
    if let Some(unsafe_place) = template.as_script(source).first() {
        return Err(unsafe_place.clone());
    }
    engine::render(source, &template.parsed, scope, engine::Mode::Script)
}

/// What makes a script unsafe to render, in the order of the script. Empty: every placeholder stays one word.
pub fn check_script(source: &str) -> Vec<TemplateError> {
    match cache::template(source) {
        Ok(template) => template.as_script(source).to_vec(),
        Err(error) => vec![error],
    }
}

/// Every reference of a template to its scope, in the order they are written. A loop's own variables are not among them.
pub fn variables(source: &str) -> Result<Vec<Variable>, TemplateError> {
    let template = cache::template(source)?;
    let mut outside: Vec<_> = template.parsed.references.iter().filter(|reference| !reference.local).collect();
    outside.sort_by_key(|reference| reference.at.start);
    Ok(outside.into_iter().map(|reference| Variable { path: reference.path.clone(), offset: reference.at.start }).collect())
}
