//! CEL expressions: a source and a scope come in, a value goes out, or the reason why there is none now. Only the scope can be read:
//! no clock, no environment, no files. Time and memory are bounded, and nothing an expression does can end or stall the program.
//!
//! Numbers: a JSON integer is an `int`, any other JSON number a `double`, also where it is whole. `<`, `==` and the like compare both
//! kinds; `+ - * / %` take two of one kind, so write `x / 2.0` or `double(n) / 2.0`. `int / int` drops the fraction: `7 / 2` is 3.
//!
//! Results: a `duration` becomes its seconds as a number, a `timestamp` its RFC 3339 text, a map has its keys sorted. Bytes, and
//! numbers that are not finite, have no JSON form: the expression is then undecided.

mod function;
mod program;
#[cfg(test)]
mod tests;
mod value;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use crate::runbook::template::Variable;
pub use function::{FUNCTIONS, FunctionDoc};
use program::Program;
pub use worker::THREAD;

/// Bytes of an expression.
pub const SOURCE_BYTES: usize = 1024;
/// Comprehensions (`all`, `exists`, `map`, `filter`) inside one another.
pub const NESTING: usize = 3;
/// Bytes, about, of the part of the scope an expression refers to, and of its result.
pub const VALUE_BYTES: usize = 1024 * 1024;
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

impl Undecided {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// Compiles and gives the references to the scope, in the order they are written. A comprehension's own variables are not among them.
pub fn check(source: &str) -> Result<Vec<Variable>, ExpressionError> {
    program::compile(source).map(|program| program.variables.clone())
}

/// The value of an expression.
pub fn evaluate(source: &str, scope: &Value) -> Result<Value, Undecided> {
    evaluate_within(source, scope, DEADLINE)
}

/// [`evaluate`] with a deadline of its own.
pub fn evaluate_within(source: &str, scope: &Value, deadline: Duration) -> Result<Value, Undecided> {
    let program = compiled(source)?;
    let variables = value::scope(scope, &[&program])?;
    worker::evaluate(program, Arc::new(variables), deadline)
}

/// Several expressions over one scope, each with [`DEADLINE`]; what they refer to is converted once.
pub fn evaluate_all(sources: &[&str], scope: &Value) -> Vec<Result<Value, Undecided>> {
    let programs: Vec<_> = sources.iter().map(|source| compiled(source)).collect();
    let good: Vec<&Program> = programs.iter().flatten().map(Arc::as_ref).collect();
    let Ok(variables) = value::scope(scope, &good).map(Arc::new) else {
        // Together they refer to too much: each alone may not.
        return sources.iter().map(|source| evaluate(source, scope)).collect();
    };
    programs.into_iter().map(|program| worker::evaluate(program?, Arc::clone(&variables), DEADLINE)).collect()
}

/// An expression that must give true or false.
pub fn truth(source: &str, scope: &Value) -> Result<bool, Undecided> {
    match evaluate(source, scope)? {
        Value::Bool(truth) => Ok(truth),
        other @ (Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            let text: String = other.to_string().chars().take(80).collect();
            Err(Undecided::new(format!("`{source}` gave {text}, not true or false: compare it with something")))
        }
    }
}

fn compiled(source: &str) -> Result<Arc<Program>, Undecided> {
    program::compile(source).map_err(|error| Undecided::new(error.message))
}
