//! Kubernetes' protobuf, as far as kubectl sends it: newer ones put what `create` and `autoscale` make in it, reviews and evictions too,
//! whatever the server likes. A field that says something and is in no table is refused by its number: nothing is lost in silence.

mod schema;

use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

use self::schema::{Field, Shape};
use crate::drill::world::json::{list_at, map_at, set};

/// Before the message: what tells it from JSON.
const MAGIC: &[u8] = b"k8s\0";
/// How deep messages are looked into for something said.
const DEPTH: usize = 8;

/// Why a body is not read.
enum Unread {
    Broken,
    /// A field by its path and number.
    Field(String),
}

/// The object in a body. Err: what it is of, as far as that is known, because it is not read here.
pub fn read(body: &[u8]) -> Result<Value, String> {
    let broken = || "a body that is no Kubernetes protobuf".to_owned();
    let rest = body.strip_prefix(MAGIC).ok_or_else(broken)?;
    let parts = fields(rest).ok_or_else(broken)?;
    let bytes = |number: u64| parts.iter().find(|(found, _)| *found == number).and_then(|(_, part)| part.bytes()).unwrap_or_default();
    let said = |unread| match unread {
        Unread::Broken => broken(),
        Unread::Field(field) => format!("{field} as protobuf"),
    };
    let kind = message(bytes(1), schema::TYPE, "TypeMeta").map_err(said)?;
    let of = |name: &str| kind.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(schema) = schema::of(of("apiVersion"), of("kind")) else { return Err(format!("{} as protobuf", of("kind"))) };
    let mut value = message(bytes(2), schema, of("kind")).map_err(said)?;
    for (key, word) in kind.as_object().into_iter().flatten() {
        set(&mut value, &[key], word.clone());
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

    fn number(&self) -> Option<i64> {
        match self {
            // Negative numbers are sent as what they are in two's complement.
            Self::Number(number) => Some(number.cast_signed()),
            Self::Bytes(_) | Self::Other => None,
        }
    }

    fn text(&self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Nothing but zeroes and absences: fields that are always sent, such as those of an empty status.
    fn empty(&self, depth: usize) -> bool {
        match self {
            Self::Number(number) => *number == 0,
            Self::Bytes([]) => true,
            Self::Bytes(bytes) => depth > 0 && fields(bytes).is_some_and(|parts| parts.iter().all(|(_, part)| part.empty(depth - 1))),
            Self::Other => false,
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

fn message(bytes: &[u8], schema: &[Field], path: &str) -> Result<Value, Unread> {
    let mut value = json!({});
    for (number, part) in fields(bytes).ok_or(Unread::Broken)? {
        let Some((_, name, shape)) = schema.iter().find(|(known, ..)| *known == number) else {
            if part.empty(DEPTH) {
                continue;
            }
            return Err(Unread::Field(format!("field {number} of {path}")));
        };
        put(&mut value, name, (*shape, &part), &format!("{path}.{name}"))?;
    }
    Ok(value)
}

/// Puts a field where it belongs; what JSON leaves out is left out.
fn put(value: &mut Value, name: &str, (shape, part): (Shape, &Part<'_>), path: &str) -> Result<(), Unread> {
    let number = || part.number().ok_or(Unread::Broken);
    let text = || part.text().ok_or(Unread::Broken);
    let bytes = || part.bytes().ok_or(Unread::Broken);
    let field: Value = match shape {
        Shape::Texts => {
            list_at(value, &[name]).push(text()?.into());
            return Ok(());
        }
        Shape::Messages(inner) => {
            let one = message(bytes()?, inner, path)?;
            list_at(value, &[name]).push(one);
            return Ok(());
        }
        Shape::Map | Shape::Data => {
            let (key, content) = pair(bytes()?, shape).ok_or(Unread::Broken)?;
            map_at(value, &[name]).insert(key, content);
            return Ok(());
        }
        Shape::Message(inner) => message(bytes()?, inner, path)?,
        Shape::Text => text()?.into(),
        Shape::Number | Shape::Given => number()?.into(),
        Shape::Truth | Shape::GivenTruth => (number()? != 0).into(),
        Shape::Quantity => first(bytes()?).ok_or(Unread::Broken)?.into(),
        Shape::Either => either(bytes()?).ok_or(Unread::Broken)?,
    };
    let absent = match shape {
        Shape::Text | Shape::Number | Shape::Truth => field == "" || field == 0 || field == false,
        Shape::Message(_) => field.as_object().is_some_and(Map::is_empty),
        Shape::Texts
        | Shape::Given
        | Shape::GivenTruth
        | Shape::Map
        | Shape::Data
        | Shape::Messages(_)
        | Shape::Either
        | Shape::Quantity => false,
    };
    if !absent {
        set(value, &[name], field);
    }
    Ok(())
}

/// An entry of a map.
fn pair(bytes: &[u8], shape: Shape) -> Option<(String, Value)> {
    let parts = fields(bytes)?;
    let of = |number: u64| parts.iter().find(|(found, _)| *found == number).map_or(Some(&[][..]), |(_, part)| part.bytes());
    let content = if matches!(shape, Shape::Data) {
        serde_json::to_value(ByteString(of(2)?.to_vec())).ok()?
    } else {
        String::from_utf8_lossy(of(2)?).into_owned().into()
    };
    Some((String::from_utf8_lossy(of(1)?).into_owned(), content))
}

fn first(bytes: &[u8]) -> Option<String> {
    let parts = fields(bytes)?;
    Some(parts.iter().find(|(number, _)| *number == 1).and_then(|(_, part)| part.text()).unwrap_or_default())
}

/// IntOrString: which it is, the number, the text.
fn either(bytes: &[u8]) -> Option<Value> {
    let parts = fields(bytes)?;
    let of = |number: u64| parts.iter().find(|(found, _)| *found == number).map(|(_, part)| part);
    Some(match of(1).and_then(Part::number).unwrap_or(0) {
        0 => of(2).and_then(Part::number).unwrap_or(0).into(),
        _ => of(3).and_then(Part::text).unwrap_or_default().into(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(number: u8, text: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(text.len()).unwrap()], text].concat()
    }

    fn body(version: &[u8], kind: &[u8], content: &[u8]) -> Vec<u8> {
        [MAGIC, &text(1, &[text(1, version), text(2, kind)].concat()), &text(2, content)].concat()
    }

    #[test]
    fn a_review_is_read_and_the_rest_named() {
        let review = text(2, &text(1, &[text(2, b"patch"), text(5, b"deployments")].concat()));
        let whole = body(b"authorization.k8s.io/v1", b"SelfSubjectAccessReview", &review);
        let read_back = read(&whole).unwrap();
        assert_eq!(read_back.pointer("/spec/resourceAttributes"), Some(&json!({ "verb": "patch", "resource": "deployments" })));
        assert_eq!(read(&body(b"batch/v1", b"Job", &[])).unwrap_err(), "Job as protobuf");
        for cut in 0..whole.len() {
            let _ = read(&whole[..cut]);
        }
    }

    #[test]
    fn maps_bytes_and_numbers_come_as_json_has_them() {
        let metadata = text(1, &[text(1, b"s"), text(8, b""), text(11, &[text(1, b"a"), text(2, b"b")].concat())].concat());
        let secret = [metadata.clone(), text(2, &[text(1, b"key"), text(2, &[0, 255])].concat()), text(3, b"Opaque")].concat();
        let wanted = json!({
            "metadata": { "name": "s", "labels": { "a": "b" } }, "data": { "key": "AP8=" }, "type": "Opaque", "apiVersion": "v1", "kind": "Secret",
        });
        assert_eq!(read(&body(b"v1", b"Secret", &secret)).unwrap(), wanted);
        // No replicas are not none, a budget in percent is a text.
        let deployment = read(&body(b"apps/v1", b"Deployment", &text(2, &[1 << 3, 0, 5 << 3, 0]))).unwrap();
        assert_eq!(deployment["spec"], json!({ "replicas": 0 }));
        let percent = text(2, &text(3, &[&[8, 1, 16, 0][..], &text(3, b"50%")].concat()));
        let budget = read(&body(b"policy/v1", b"PodDisruptionBudget", &percent)).unwrap();
        assert_eq!(budget["spec"], json!({ "maxUnavailable": "50%" }));
    }

    #[test]
    fn what_says_something_is_not_lost() {
        // An empty status is always sent; a volume would be.
        let template = |pod: &[u8]| body(b"apps/v1", b"Deployment", &[text(2, &text(3, &text(2, pod))), text(3, &[8, 0, 16, 0])].concat());
        assert!(read(&template(&[])).is_ok());
        let refused = read(&template(&text(1, &text(1, b"disk")))).unwrap_err();
        assert_eq!(refused, "field 1 of Deployment.spec.template.spec as protobuf");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_usize..4) {
            let (version, kind) = [("v1", "Secret"), ("v1", "Service"), ("apps/v1", "Deployment"), ("autoscaling/v2", "HorizontalPodAutoscaler")][kind];
            let _ = read(&bytes);
            let whole = [MAGIC, &text(1, &[text(1, version.as_bytes()), text(2, kind.as_bytes())].concat())].concat();
            let mut content = vec![2 << 3 | 2];
            content.extend(if bytes.len() < 128 { vec![u8::try_from(bytes.len()).unwrap()] } else { vec![u8::try_from(bytes.len() & 0x7f | 0x80).unwrap(), 1] });
            content.extend(&bytes);
            let _ = read(&[whole, content].concat());
        }
    }
}
