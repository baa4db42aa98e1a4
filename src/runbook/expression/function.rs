//! The functions an expression may call: CEL's own, and those that read what production writes (quantities, `/proc` texts). One table
//! lists them all: the documentation is made from it, an unknown name is an error by it, and a test runs every example.

use std::sync::Arc;

use cel::extractors::Arguments;
use cel::{Context, DeclarationError, ExecutionError, Value};
use regex::Regex;

use super::worker::Cancel;

/// A function an expression may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionDoc {
    pub name: &'static str,
    pub signature: &'static str,
    pub says: &'static str,
    pub example: &'static str,
    /// The example's result, as JSON.
    pub gives: &'static str,
}

const fn doc(name: &'static str, signature: &'static str, says: &'static str, example: &'static str, gives: &'static str) -> FunctionDoc {
    FunctionDoc { name, signature, says, example, gives }
}

/// Every function and macro beyond CEL's operators.
pub const FUNCTIONS: &[FunctionDoc] = &[
    doc("has", "has(a.b) -> bool", "whether the last name is there", "has({'a': 1}.a)", "true"),
    doc("all", "list.all(x, truth) -> bool", "whether it holds for every item", "[1, 2].all(x, x > 0)", "true"),
    doc("exists", "list.exists(x, truth) -> bool", "whether it holds for an item", "[1, 2].exists(x, x > 1)", "true"),
    doc("exists_one", "list.exists_one(x, truth) -> bool", "whether it holds for exactly one", "[1, 2].exists_one(x, x > 0)", "false"),
    doc("map", "list.map(x, value) -> list", "the value for each item", "[1, 2].map(x, x * 2)", "[2,4]"),
    doc("filter", "list.filter(x, truth) -> list", "the items it holds for", "[1, 2].filter(x, x > 1)", "[2]"),
    doc("size", "size(text | list | map) -> int", "characters, items or keys", "size([1, 2])", "2"),
    doc("contains", "text.contains(text) -> bool", "whether the text is in it", "'abc'.contains('b')", "true"),
    doc("startsWith", "text.startsWith(text) -> bool", "whether it begins so", "'abc'.startsWith('a')", "true"),
    doc("endsWith", "text.endsWith(text) -> bool", "whether it ends so", "'abc'.endsWith('c')", "true"),
    doc("matches", "text.matches(regex) -> bool", "whether a part of it fits", "'abc'.matches('^a.c$')", "true"),
    doc("int", "int(number | text | timestamp) -> int", "as an integer, the fraction dropped", "int('42')", "42"),
    doc("uint", "uint(number | text) -> uint", "as an unsigned integer", "uint(42)", "42"),
    doc("double", "double(number | text) -> double", "as a floating-point number", "double(1) / 2.0", "0.5"),
    doc("string", "string(value) -> text", "as text", "string(42)", "\"42\""),
    doc("bool", "bool(text) -> bool", "'true' or 'false' as truth", "bool('true')", "true"),
    doc("bytes", "bytes(text) -> int", "a quantity as bytes: 512Mi, 1.5G, 64k, 100 kB", "bytes('512Mi')", "536870912"),
    doc("duration", "duration(text) -> duration", "30s, 5m, 1h30m, 250ms", "duration('30m') > duration('90s')", "true"),
    doc("timestamp", "timestamp(text) -> timestamp", "an RFC 3339 time", "timestamp('2026-01-02T03:04:05Z').getFullYear()", "2026"),
    doc("type", "type(value) -> type", "the type, to compare with another", "type(1) == int", "true"),
    doc("dyn", "dyn(value) -> value", "the value itself", "dyn(1)", "1"),
    doc("getFullYear", "timestamp.getFullYear() -> int", "the year", "timestamp('2026-01-02T03:04:05Z').getFullYear()", "2026"),
    doc("getMonth", "timestamp.getMonth() -> int", "the month, from 0", "timestamp('2026-01-02T03:04:05Z').getMonth()", "0"),
    doc("getDate", "timestamp.getDate() -> int", "the day of the month, from 1", "timestamp('2026-01-02T03:04:05Z').getDate()", "2"),
    doc("getDayOfMonth", "timestamp.getDayOfMonth() -> int", "the same, from 0", "timestamp('2026-01-02T03:04:05Z').getDayOfMonth()", "1"),
    doc("getDayOfWeek", "timestamp.getDayOfWeek() -> int", "from 0, Sunday", "timestamp('2026-01-02T03:04:05Z').getDayOfWeek()", "5"),
    doc("getDayOfYear", "timestamp.getDayOfYear() -> int", "from 0", "timestamp('2026-01-02T03:04:05Z').getDayOfYear()", "1"),
    doc("getHours", "timestamp | duration .getHours() -> int", "the hour, or whole hours", "duration('90m').getHours()", "1"),
    doc("getMinutes", "timestamp | duration .getMinutes() -> int", "the minute, or whole minutes", "duration('90m').getMinutes()", "90"),
    doc("getSeconds", "timestamp | duration .getSeconds() -> int", "the second, or whole seconds", "duration('2m').getSeconds()", "120"),
    doc(
        "getMilliseconds",
        "timestamp | duration .getMilliseconds() -> int",
        "the milliseconds, or all of them",
        "duration('1500ms').getMilliseconds()",
        "1500",
    ),
    doc("cpu", "cpu(text | number) -> double", "a CPU quantity as cores: 250m, 2", "cpu('250m')", "0.25"),
    doc("number", "number(text | number) -> double", "the number a text begins with: 1.5, 42 %, 3e2 kB", "number('42 %')", "42.0"),
    doc("floor", "floor(number) -> int", "the integer below", "floor(1.7)", "1"),
    doc("ceil", "ceil(number) -> int", "the integer above", "ceil(1.2)", "2"),
    doc("max", "max(a, b, …) or max(list) -> number", "the largest, ints and doubles mixed", "max(1, 2.5)", "2.5"),
    doc("min", "min(a, b, …) or min(list) -> number", "the smallest, ints and doubles mixed", "min([3, 2.5])", "2.5"),
    doc(
        "lines_matching",
        "lines_matching(text, regex) -> list",
        "the lines a part of which fits",
        "lines_matching('a1\\nb', 'a.')",
        "[\"a1\"]",
    ),
    doc("count", "count(text, regex) -> int", "how often it fits, without overlap", "count('a1 a2', 'a\\\\d')", "2"),
    doc(
        "first",
        "first(text, regex) -> text or null",
        "the first group of the first fit (all of it without groups); null where none",
        "first('VmRSS:  120 kB', 'VmRSS:\\\\s+(\\\\d+)')",
        "\"120\"",
    ),
];

/// Bytes of one compiled pattern.
const PATTERN_BYTES: usize = 1024 * 1024;

/// What `bytes(…)` compiles to: no name an author can write.
pub(super) const BYTES: &str = "@bytes";

/// Adds ours to CEL's.
pub(super) fn register(context: &mut Context<'_, '_>, cancel: &Arc<Cancel>) -> Result<(), DeclarationError> {
    context.add_function("cpu", |Arguments(given): Arguments| cpu(one("cpu", &given)?))?;
    context.add_function(BYTES, |Arguments(given): Arguments| bytes(one("bytes", &given)?))?;
    context.add_function("number", |Arguments(given): Arguments| number(one("number", &given)?))?;
    context.add_function("floor", |Arguments(given): Arguments| whole("floor", one("floor", &given)?, f64::floor))?;
    context.add_function("ceil", |Arguments(given): Arguments| whole("ceil", one("ceil", &given)?, f64::ceil))?;
    context.add_function("max", |Arguments(given): Arguments| extreme("max", &given, |a, b| a > b))?;
    context.add_function("min", |Arguments(given): Arguments| extreme("min", &given, |a, b| a < b))?;
    let told = Arc::clone(cancel);
    context.add_function("lines_matching", move |Arguments(given): Arguments| {
        told.look();
        let (text, pattern) = searched("lines_matching", &given)?;
        let lines = text.lines().filter(|line| pattern.is_match(line)).map(|line| Value::String(Arc::new(line.to_owned())));
        Ok::<_, ExecutionError>(Value::List(Arc::new(lines.collect())))
    })?;
    let told = Arc::clone(cancel);
    context.add_function("count", move |Arguments(given): Arguments| {
        told.look();
        let (text, pattern) = searched("count", &given)?;
        Ok::<_, ExecutionError>(Value::Int(i64::try_from(pattern.find_iter(text).count()).unwrap_or(i64::MAX)))
    })?;
    let told = Arc::clone(cancel);
    context.add_function("first", move |Arguments(given): Arguments| {
        told.look();
        let (text, pattern) = searched("first", &given)?;
        let found = pattern.captures(text).and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
        Ok::<_, ExecutionError>(found.map_or(Value::Null, |found| Value::String(Arc::new(found.as_str().to_owned()))))
    })
}

fn fault(function: &str, why: impl Into<String>) -> ExecutionError {
    ExecutionError::FunctionError { function: function.to_owned(), message: why.into() }
}

fn one<'a>(function: &str, given: &'a [Value]) -> Result<&'a Value, ExecutionError> {
    let [value] = given else {
        return Err(fault(function, format!("takes one value, not {}", given.len())));
    };
    Ok(value)
}

fn searched<'a>(function: &str, given: &'a [Value]) -> Result<(&'a str, Regex), ExecutionError> {
    let [Value::String(text), Value::String(pattern)] = given else {
        return Err(fault(function, "takes a text and a pattern"));
    };
    let built = regex::RegexBuilder::new(pattern).multi_line(true).size_limit(PATTERN_BYTES).build();
    let pattern = built.map_err(|error| fault(function, format!("the pattern: {error}")))?;
    Ok((text, pattern))
}

/// The number a text begins with, and what follows it.
fn leading(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let mut end = 0;
    for (at, character) in text.char_indices() {
        let next = at + character.len_utf8();
        if text[..next].parse::<f64>().is_ok_and(f64::is_finite) && !text[..next].ends_with(|c: char| c.is_alphabetic()) {
            end = next;
        } else if !matches!(character, '0'..='9' | '.' | '-' | '+' | 'e' | 'E') {
            break;
        }
    }
    text[..end].parse().ok().map(|number| (number, text[end..].trim()))
}

#[allow(clippy::cast_precision_loss, reason = "a quantity above 2^53 is not measured to the unit")]
fn plain(value: &Value) -> Option<f64> {
    if let Value::Int(int) = value {
        Some(*int as f64)
    } else if let Value::UInt(int) = value {
        Some(*int as f64)
    } else if let Value::Float(double) = value {
        Some(*double)
    } else {
        None
    }
}

fn cpu(value: &Value) -> Result<Value, ExecutionError> {
    let Value::String(text) = value else {
        return plain(value).map(Value::Float).ok_or_else(|| fault("cpu", "takes a text such as `250m`, or a number"));
    };
    let scale = |unit: &str| match unit {
        "" => Some(1.0),
        "m" => Some(1e-3),
        "u" => Some(1e-6),
        "n" => Some(1e-9),
        _ => None,
    };
    let cores = leading(text).and_then(|(number, unit)| Some(number * scale(unit)?));
    cores.map(Value::Float).ok_or_else(|| fault("cpu", format!("`{}` is not a CPU quantity such as `250m` or `2`", short(text))))
}

fn bytes(value: &Value) -> Result<Value, ExecutionError> {
    let Value::String(text) = value else {
        return whole("bytes", value, f64::ceil);
    };
    let count = leading(text).and_then(|(number, unit)| integer((number * byte_unit(unit)?).ceil()));
    count.map(Value::Int).ok_or_else(|| fault("bytes", format!("`{}` is not a quantity such as `512Mi` or `1.5G`", short(text))))
}

fn byte_unit(unit: &str) -> Option<f64> {
    Some(match unit.trim_end_matches(['B', 'b']) {
        "" => 1.0,
        "m" => 1e-3,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => return None,
    })
}

fn number(value: &Value) -> Result<Value, ExecutionError> {
    let found = if let Value::String(text) = value { leading(text).map(|(number, _)| number) } else { plain(value) };
    found.map(Value::Float).ok_or_else(|| fault("number", "takes a number, or a text that begins with one"))
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked on the line before")]
fn integer(double: f64) -> Option<i64> {
    (double.abs() < 9.2e18).then_some(double as i64)
}

fn whole(function: &'static str, value: &Value, round: fn(f64) -> f64) -> Result<Value, ExecutionError> {
    if let Value::Int(int) = value {
        return Ok(Value::Int(*int));
    }
    let found = plain(value).and_then(|double| integer(round(double)));
    found.map(Value::Int).ok_or_else(|| fault(function, "takes a number that fits an integer"))
}

fn extreme(function: &str, given: &[Value], better: fn(f64, f64) -> bool) -> Result<Value, ExecutionError> {
    let items = if let [Value::List(items)] = given { items.as_slice() } else { given };
    let mut best: Option<(f64, &Value)> = None;
    for item in items {
        let number = plain(item).ok_or_else(|| fault(function, "takes numbers only: convert a text with `number(…)`"))?;
        if best.is_none_or(|(so_far, _)| better(number, so_far)) {
            best = Some((number, item));
        }
    }
    best.map(|(_, value)| value.clone()).ok_or_else(|| fault(function, "of nothing has no value"))
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn does_not_take(what: &str, types: &[String]) -> String {
    let has = |names: [&str; 2]| types.iter().any(|kind| names.contains(&kind.as_str()));
    let mixed = has(["int", "uint"]) && has(["double", "float"]);
    let hint = if mixed { ": write `2.0` for `2`, or use `double(…)`" } else { "" };
    format!("`{what}` does not take {}{hint}", types.join(" and "))
}

/// Why an expression has no value, in the responder's words; at most 300 characters.
pub(super) fn explain(error: &ExecutionError) -> String {
    let text = if let ExecutionError::UndeclaredReference(name) = error {
        format!("`{name}` has not run yet, or is not known here")
    } else if let ExecutionError::NoSuchKey(key) = error {
        format!("there is no `{key}` in the value")
    } else if let ExecutionError::FunctionError { function, message } = error {
        format!("`{function}`: {message}")
    } else if let ExecutionError::NoSuchOverload(overload) = error {
        does_not_take(overload.function().trim_matches('_'), overload.argument_types())
    } else if let ExecutionError::UnsupportedBinaryOperator(operator, left, right) = error {
        let sign = match *operator {
            "add" => "+",
            "sub" => "-",
            "mul" => "*",
            "div" => "/",
            "rem" => "%",
            other => other,
        };
        does_not_take(sign, &[left.type_of().to_string(), right.type_of().to_string()])
    } else if let ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) = error {
        "division by zero".to_owned()
    } else {
        error.to_string()
    };
    text.chars().take(300).collect()
}
