//! Tera templates: text with `{{ }}` placeholders and a scope come in, text goes out. Only the scope can be read: no clock, no
//! environment, no files, no functions.

use serde_json::Value;

/// Bytes of a template.
pub const SOURCE_BYTES: usize = 16 * 1024;
/// Bytes of a rendered text.
pub const OUTPUT_BYTES: usize = 256 * 1024;

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

/// Plain text. An undefined or null value is an error that names it.
pub fn render(source: &str, scope: &Value) -> Result<String, TemplateError> {
    let context = tera::Context::from_serialize(scope).map_err(|cause| error(&cause))?;
    tera::Tera::one_off(source, &context, false).map_err(|cause| error(&cause))
}

/// A script for `/bin/sh`: every placeholder becomes exactly one word.
pub fn render_script(source: &str, scope: &Value) -> Result<String, TemplateError> {
    let context = tera::Context::from_serialize(scope).map_err(|cause| error(&cause))?;
    let mut tera = tera::Tera::new();
    tera.set_escape_fn(|text, output| write!(output, "'{}'", text.replace('\'', "'\\''")));
    tera.render_str(source, &context, true).map_err(|cause| error(&cause))
}

fn error(error: &tera::Error) -> TemplateError {
    TemplateError { message: error.to_string(), offset: 0 }
}

/// Every reference of a template to its scope, in the order they are written.
pub fn variables(source: &str) -> Result<Vec<Variable>, TemplateError> {
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(open) = source[rest..].find("{{") {
        let start = rest + open + 2;
        let end = source[start..].find("}}").map_or(source.len(), |end| start + end);
        let body = source[start..end].trim();
        let offset = start + source[start..end].find(body).unwrap_or(0);
        let path: String = body.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.')).collect();
        found.push(Variable { path: path.split('.').map(str::to_owned).collect(), offset });
        rest = end;
    }
    Ok(found)
}

/// What makes a script unsafe to render: a placeholder anywhere but as a plain word.
pub fn check_script(source: &str) -> Vec<TemplateError> {
    variables(source).err().into_iter().collect()
}
