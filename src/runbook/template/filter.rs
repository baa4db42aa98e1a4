//! The filters qrh adds to Tera or puts in the place of Tera's own: nothing renders silently as nothing, and nothing grows past
//! [`OUTPUT_BYTES`].
#![allow(clippy::needless_pass_by_value, reason = "Tera's filter trait hands its arguments over by value")]

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::OUTPUT_BYTES;

/// Errors of these filters travel through Tera as `MARK kind index`.
pub(super) const MARK: &str = "qrh:";

pub(super) fn tera() -> Tera {
    let mut tera = Tera::new();
    tera.register_filter("qrh_value", value);
    tera.register_filter("qrh_defined", defined);
    tera.register_filter("qrh_word", word);
    tera.register_filter("default", default);
    tera.register_filter("first", |items: &[Value], _: Kwargs, _: &State| items.first().cloned().ok_or_else(|| empty("first")));
    tera.register_filter("last", |items: &[Value], _: Kwargs, _: &State| items.last().cloned().ok_or_else(|| empty("last")));
    tera.register_filter("nth", nth);
    tera.register_filter("join", join);
    tera.register_filter("replace", replace);
    tera.register_filter("json", |value: Value, _: Kwargs, _: &State| serde_json::to_string(&value).map_err(Error::message));
    tera
}

fn value(value: Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let at = kwargs.must_get::<i64>("at")?;
    if value.is_undefined() {
        return Err(Error::message(format!("{MARK}undefined {at}")));
    }
    if value.is_none() {
        return Err(Error::message(format!("{MARK}null {at}")));
    }
    Ok(value)
}

fn defined(value: Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let at = kwargs.must_get::<i64>("at")?;
    if value.is_undefined() { Err(Error::message(format!("{MARK}undefined {at}"))) } else { Ok(value) }
}

fn word(value: Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let at = kwargs.must_get::<i64>("at")?;
    if value.to_string().starts_with('-') { Err(Error::message(format!("{MARK}option {at}"))) } else { Ok(value) }
}

/// Like Tera's, but null counts as missing too.
fn default(value: Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let fallback = kwargs.must_get::<Value>("value")?;
    Ok(if value.is_undefined() || value.is_none() { fallback } else { value })
}

fn empty(filter: &str) -> Error {
    Error::message(format!("`{filter}` of an empty list has no value: use `if` or `default`"))
}

fn nth(items: &[Value], kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let n = kwargs.must_get::<usize>("n")?;
    items.get(n).cloned().ok_or_else(|| Error::message(format!("the list has {} items, none at {n}", items.len())))
}

fn too_long(filter: &str) -> Error {
    Error::message(format!("`{filter}` gives more than {OUTPUT_BYTES} bytes"))
}

fn join(items: &[Value], kwargs: Kwargs, _: &State) -> TeraResult<String> {
    let separator = kwargs.get::<&str>("sep")?.unwrap_or_default();
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        if item.is_none() || item.is_undefined() {
            return Err(Error::message(format!("item {index} of the list is null: it has no value to show")));
        }
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(&item.to_string());
        if text.len() > OUTPUT_BYTES {
            return Err(too_long("join"));
        }
    }
    Ok(text)
}

fn replace(text: &str, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    let from = kwargs.must_get::<&str>("from")?;
    let to = kwargs.must_get::<&str>("to")?;
    if text.len() + text.matches(from).count() * to.len() > OUTPUT_BYTES.max(text.len()) {
        return Err(too_long("replace"));
    }
    Ok(text.replace(from, to))
}
