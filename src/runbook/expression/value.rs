//! JSON into CEL and back. Only what an expression refers to is converted: a scope may hold the outputs of a whole incident.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::Value as Cel;
use cel::objects::{Key, Map};
use serde_json::Value as Json;

use super::program::Program;
use super::{Undecided, VALUE_BYTES};

/// Lists and maps inside one another.
const DEPTH: usize = 128;

/// The part of a scope that is referred to: names, and what is referred to below them.
#[derive(Debug, Default)]
struct Wanted {
    /// The whole value is.
    whole: bool,
    fields: BTreeMap<String, Wanted>,
}

impl Wanted {
    fn add(&mut self, path: &[String]) {
        match path.split_first() {
            None => self.whole = true,
            Some((first, rest)) => self.fields.entry(first.clone()).or_default().add(rest),
        }
    }
}

/// The variables of `programs`, as far as the scope has them.
pub(super) fn scope(scope: &Json, programs: &[&Program]) -> Result<Vec<(String, Cel)>, Undecided> {
    let mut wanted = Wanted::default();
    for variable in programs.iter().flat_map(|program| &program.variables) {
        wanted.add(&variable.path);
    }
    let mut left = VALUE_BYTES;
    let mut found = Vec::with_capacity(wanted.fields.len());
    for (name, below) in &wanted.fields {
        if let Some(value) = scope.get(name) {
            let value = part(value, below, &mut left, 0).map_err(|why| Undecided::new(format!("`{name}` {why}")))?;
            found.push((name.clone(), value));
        }
    }
    Ok(found)
}

fn part(value: &Json, wanted: &Wanted, left: &mut usize, depth: usize) -> Result<Cel, String> {
    if let Json::Object(fields) = value
        && !wanted.whole
    {
        let mut map = HashMap::with_capacity(wanted.fields.len());
        for (name, below) in &wanted.fields {
            if let Some(value) = fields.get(name) {
                spend(left, name.len())?;
                map.insert(Key::from(name.as_str()), part(value, below, left, depth + 1)?);
            }
        }
        return Ok(Cel::Map(Map { map: Arc::new(map) }));
    }
    whole(value, left, depth)
}

fn spend(left: &mut usize, bytes: usize) -> Result<(), String> {
    *left = left.checked_sub(bytes).ok_or_else(|| format!("is larger than {VALUE_BYTES} bytes: refer to a part of it"))?;
    Ok(())
}

fn whole(value: &Json, left: &mut usize, depth: usize) -> Result<Cel, String> {
    if depth > DEPTH {
        return Err(format!("is nested deeper than {DEPTH}"));
    }
    spend(left, 8)?;
    Ok(match value {
        Json::Null => Cel::Null,
        Json::Bool(truth) => Cel::Bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Cel::Int(int),
            (None, Some(double)) => Cel::Float(double),
            (None, None) => Cel::Null,
        },
        Json::String(text) => {
            spend(left, text.len())?;
            Cel::String(Arc::new(text.clone()))
        }
        Json::Array(items) => {
            let items: Result<Vec<Cel>, String> = items.iter().map(|item| whole(item, left, depth + 1)).collect();
            Cel::List(Arc::new(items?))
        }
        Json::Object(fields) => {
            let mut map = HashMap::with_capacity(fields.len());
            for (name, value) in fields {
                spend(left, name.len())?;
                map.insert(Key::from(name.as_str()), whole(value, left, depth + 1)?);
            }
            Cel::Map(Map { map: Arc::new(map) })
        }
    })
}

/// A result as JSON.
pub(super) fn json(value: &Cel) -> Result<Json, Undecided> {
    let mut left = VALUE_BYTES;
    back(value, &mut left, 0).map_err(|why| Undecided::new(format!("the result {why}")))
}

fn back(value: &Cel, left: &mut usize, depth: usize) -> Result<Json, String> {
    if depth > DEPTH {
        return Err(format!("is nested deeper than {DEPTH}"));
    }
    spend(left, 8)?;
    match value {
        Cel::Null => Ok(Json::Null),
        Cel::Bool(truth) => Ok(Json::Bool(*truth)),
        Cel::Int(int) => Ok((*int).into()),
        Cel::UInt(int) => Ok((*int).into()),
        Cel::Float(double) => number(*double),
        Cel::String(text) => {
            spend(left, text.len())?;
            Ok(Json::String(text.as_ref().clone()))
        }
        Cel::Duration(duration) => {
            let whole = duration.num_seconds();
            if duration.subsec_nanos() == 0 { Ok(whole.into()) } else { number(duration.as_seconds_f64()) }
        }
        Cel::Timestamp(time) => Ok(time.to_rfc3339().into()),
        Cel::List(items) => items.iter().map(|item| back(item, left, depth + 1)).collect::<Result<_, _>>().map(Json::Array),
        Cel::Map(map) => {
            let mut fields = BTreeMap::new();
            for (key, value) in map.map.iter() {
                let key = key.to_string();
                spend(left, key.len())?;
                fields.insert(key, back(value, left, depth + 1)?);
            }
            Ok(Json::Object(fields.into_iter().collect()))
        }
        Cel::Bytes(_) | Cel::Function(..) | Cel::Opaque(_) | Cel::Struct(_) => Err("is a value that JSON has no form for".to_owned()),
    }
}

fn number(double: f64) -> Result<Json, String> {
    serde_json::Number::from_f64(double).map(Json::Number).ok_or_else(|| format!("is {double}, which is not a finite number"))
}
