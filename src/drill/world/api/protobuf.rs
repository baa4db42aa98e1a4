//! Kubernetes' protobuf, as far as kubectl sends it: newer ones put reviews and evictions in it, whatever the server likes. Each message
//! is a table of its fields; a field that is in no table is left out, as its own default.

use serde_json::{Value, json};

/// Before the message: what tells it from JSON.
const MAGIC: &[u8] = b"k8s\0";

#[derive(Clone, Copy)]
enum Shape {
    Text,
    Number,
    Texts,
    Message(&'static [Field]),
}

/// Number, name and shape of a field, as in the published .proto files.
type Field = (u64, &'static str, Shape);

const METADATA: &[Field] = &[(1, "name", Shape::Text), (2, "generateName", Shape::Text), (3, "namespace", Shape::Text)];
const RESOURCE: &[Field] = &[
    (1, "namespace", Shape::Text),
    (2, "verb", Shape::Text),
    (3, "group", Shape::Text),
    (4, "version", Shape::Text),
    (5, "resource", Shape::Text),
    (6, "subresource", Shape::Text),
    (7, "name", Shape::Text),
];
const PATH: &[Field] = &[(1, "path", Shape::Text), (2, "verb", Shape::Text)];
const ACCESS: &[Field] = &[
    (1, "metadata", Shape::Message(METADATA)),
    (2, "spec", Shape::Message(&[(1, "resourceAttributes", Shape::Message(RESOURCE)), (2, "nonResourceAttributes", Shape::Message(PATH))])),
];
const RULES: &[Field] = &[(1, "metadata", Shape::Message(METADATA)), (2, "spec", Shape::Message(&[(1, "namespace", Shape::Text)]))];
const PRECONDITIONS: &[Field] = &[(1, "uid", Shape::Text), (2, "resourceVersion", Shape::Text)];
const DELETION: &[Field] = &[
    (1, "gracePeriodSeconds", Shape::Number),
    (2, "preconditions", Shape::Message(PRECONDITIONS)),
    (4, "propagationPolicy", Shape::Text),
    (5, "dryRun", Shape::Texts),
];
const EVICTION: &[Field] = &[(1, "metadata", Shape::Message(METADATA)), (2, "deleteOptions", Shape::Message(DELETION))];
const TYPE: &[Field] = &[(1, "apiVersion", Shape::Text), (2, "kind", Shape::Text)];

/// The object in a body. Err: which kind it is of, where that is known, because it is not read here.
pub fn read(body: &[u8]) -> Result<Value, String> {
    let broken = || "a body that is no Kubernetes protobuf".to_owned();
    let rest = body.strip_prefix(MAGIC).ok_or_else(broken)?;
    let parts = fields(rest).ok_or_else(broken)?;
    let bytes = |number: u64| parts.iter().find(|(found, _)| *found == number).and_then(|(_, part)| part.bytes()).unwrap_or_default();
    let kind = message(bytes(1), TYPE).ok_or_else(broken)?;
    let name = kind.get("kind").and_then(Value::as_str).unwrap_or_default();
    let schema = match name {
        "SelfSubjectAccessReview" => ACCESS,
        "SelfSubjectRulesReview" => RULES,
        "SelfSubjectReview" => &[],
        "Eviction" => EVICTION,
        "DeleteOptions" => DELETION,
        other => return Err(format!("{other} as protobuf")),
    };
    let mut value = message(bytes(2), schema).ok_or_else(broken)?;
    for (key, word) in kind.as_object().into_iter().flatten() {
        crate::drill::world::json::set(&mut value, &[key], word.clone());
    }
    Ok(value)
}

enum Part<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Part<'a> {
    fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) | Self::Other => None,
        }
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn split<'a>(bytes: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (part, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(part)
}

fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Part<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let part = match key & 7 {
            0 => Part::Number(varint(&mut bytes)?),
            1 => split(&mut bytes, 8).map(|_| Part::Other)?,
            2 => {
                let length = varint(&mut bytes)?;
                Part::Bytes(split(&mut bytes, length)?)
            }
            5 => split(&mut bytes, 4).map(|_| Part::Other)?,
            _ => return None,
        };
        found.push((key >> 3, part));
    }
    Some(found)
}

fn message(bytes: &[u8], schema: &[Field]) -> Option<Value> {
    let mut value = json!({});
    for (number, part) in fields(bytes)? {
        let Some((_, name, shape)) = schema.iter().find(|(known, ..)| *known == number) else { continue };
        let text = || part.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let field = match (shape, &part) {
            (Shape::Number, Part::Number(number)) => Value::from(*number),
            (Shape::Message(inner), Part::Bytes(bytes)) => message(bytes, inner)?,
            (Shape::Texts, _) => {
                crate::drill::world::json::list_at(&mut value, &[name]).push(text()?.into());
                continue;
            }
            // An empty text is the absence of one.
            (Shape::Text, _) => match text()? {
                text if text.is_empty() => continue,
                text => text.into(),
            },
            (Shape::Number | Shape::Message(_), _) => return None,
        };
        crate::drill::world::json::set(&mut value, &[name], field);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: u8, text: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(text.len()).unwrap()], text].concat()
    }

    #[test]
    fn a_review_is_read_and_the_rest_named() {
        let kind = |name: &[u8]| text(1, &[text(1, b"authorization.k8s.io/v1"), text(2, name)].concat());
        let review = text(2, &text(1, &[text(2, b"patch"), text(5, b"deployments")].concat()));
        let body = [MAGIC, &kind(b"SelfSubjectAccessReview"), &text(2, &review)].concat();
        let read_back = read(&body).unwrap();
        assert_eq!(read_back.pointer("/spec/resourceAttributes"), Some(&json!({ "verb": "patch", "resource": "deployments" })));
        let other = [MAGIC, &kind(b"Deployment")].concat();
        assert_eq!(read(&other).unwrap_err(), "Deployment as protobuf");
        for cut in 0..body.len() {
            let _ = read(&body[..cut]);
        }
    }
}
