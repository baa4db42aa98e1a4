//! Which objects are meant: label selectors as text and as objects, and field selectors.

use serde_json::Value;

use super::json::{Labels, list, strings, text};
use super::kind::Kind;
use super::object::Object;
use super::refusal::Refusal;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// A label selector: all of its rules must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Rule>);

impl LabelSelector {
    /// As in `?labelSelector=`: `a=b,c!=d,e in (f,g),h,!i`.
    pub fn parse(source: &str) -> Result<Self, Refusal> {
        let mut rules = Vec::new();
        let mut rest = source.trim();
        while !rest.is_empty() {
            let end = term_end(rest);
            let (term, after) = rest.split_at(end);
            rules.push(rule(term.trim()).ok_or_else(|| Refusal::bad_request(format!("unable to parse requirement: \"{term}\"")))?);
            rest = after.strip_prefix(',').unwrap_or(after).trim_start();
        }
        Ok(Self(rules))
    }

    /// From `matchLabels` and `matchExpressions`.
    pub fn from_object(selector: &Value) -> Self {
        let equal = strings(selector, "/matchLabels").into_iter().map(|(key, value)| Rule::In(key, vec![value]));
        let others = list(selector, "/matchExpressions").iter().filter_map(|expression| {
            let key = text(expression, "/key").to_owned();
            let values = || list(expression, "/values").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
            match text(expression, "/operator") {
                "In" => Some(Rule::In(key, values())),
                "NotIn" => Some(Rule::NotIn(key, values())),
                "Exists" => Some(Rule::Exists(key)),
                "DoesNotExist" => Some(Rule::Missing(key)),
                _ => None,
            }
        });
        Self(equal.chain(others).collect())
    }

    /// From a plain map, as a Service has it.
    pub fn from_map(labels: &Labels) -> Self {
        Self(labels.iter().map(|(key, value)| Rule::In(key.clone(), vec![value.clone()])).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|rule| match rule {
            Rule::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Rule::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Rule::Exists(key) => labels.contains_key(key),
            Rule::Missing(key) => !labels.contains_key(key),
        })
    }
}

impl std::fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, rule) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match rule {
                Rule::In(key, values) if values.len() == 1 => write!(f, "{key}={}", values.concat())?,
                Rule::In(key, values) => write!(f, "{key} in ({})", values.join(","))?,
                Rule::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(","))?,
                Rule::Exists(key) => f.write_str(key)?,
                Rule::Missing(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

/// Where the term at the head of `rest` ends: at the next comma that is in no bracket.
fn term_end(rest: &str) -> usize {
    let mut depth = 0_u32;
    for (at, letter) in rest.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return at,
            _ => {}
        }
    }
    rest.len()
}

fn rule(term: &str) -> Option<Rule> {
    let key = |key: &str| {
        let key = key.trim();
        (!key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter))).then(|| key.to_owned())
    };
    let set = |values: &str| -> Option<Vec<String>> {
        let inner = values.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|value| value.trim().to_owned()).collect())
    };
    if let Some((left, right)) = term.split_once("!=") {
        return Some(Rule::NotIn(key(left)?, vec![right.trim().to_owned()]));
    }
    if let Some((left, right)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Some(Rule::In(key(left)?, vec![right.trim().to_owned()]));
    }
    if let Some((left, right)) = term.split_once(" notin ") {
        return Some(Rule::NotIn(key(left)?, set(right)?));
    }
    if let Some((left, right)) = term.split_once(" in ") {
        return Some(Rule::In(key(left)?, set(right)?));
    }
    match term.strip_prefix('!') {
        Some(missing) => Some(Rule::Missing(key(missing)?)),
        None => Some(Rule::Exists(key(term)?)),
    }
}

/// A field selector: pairs of path and value, each wanted or not wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    pub fn parse(kind: Kind, source: &str) -> Result<Self, Refusal> {
        let mut terms = Vec::new();
        for term in source.split(',').filter(|term| !term.trim().is_empty()) {
            let (path, wanted, value) = if let Some((path, value)) = term.split_once("!=") {
                (path, false, value)
            } else if let Some((path, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (path, true, value)
            } else {
                return Err(Refusal::bad_request(format!("invalid field selector \"{term}\": it needs =, == or !=")));
            };
            let path = path.trim();
            if !supported(kind, path) {
                let message = format!("field label not supported: {path}");
                return Err(Refusal::bad_request(message));
            }
            terms.push((path.to_owned(), wanted, value.trim().to_owned()));
        }
        Ok(Self(terms))
    }

    pub fn matches(&self, object: &Object) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let mut whole = None;
        self.0.iter().all(|(path, wanted, value)| {
            let found = match (object.id.kind, path.as_str()) {
                (_, "metadata.name") => object.id.name == *value,
                (_, "metadata.namespace") => object.id.namespace == *value,
                (Kind::Pod, "spec.nodeName") => object.pod.node == *value,
                (Kind::Pod, "status.phase") => object.pod.phase == *value,
                _ => {
                    let whole = whole.get_or_insert_with(|| object.value());
                    field(whole, path) == *value
                }
            };
            found == *wanted
        })
    }
}

fn field(value: &Value, path: &str) -> String {
    let found = value.pointer(&format!("/{}", path.replace('.', "/"))).cloned().unwrap_or(Value::Null);
    match (found.as_str(), path) {
        (Some(text), _) => text.to_owned(),
        (None, "spec.unschedulable") => found.as_bool().unwrap_or(false).to_string(),
        (None, _) if found.is_null() => String::new(),
        (None, _) => found.to_string(),
    }
}

fn supported(kind: Kind, path: &str) -> bool {
    if matches!(path, "metadata.name") || (path == "metadata.namespace" && kind.namespaced()) {
        return true;
    }
    let own: &[&str] = match kind {
        Kind::Pod => {
            &["spec.nodeName", "status.phase", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.podIP"]
        }
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Kind::Secret => &["type"],
        Kind::Namespace => &["status.phase"],
        Kind::Node => &["spec.unschedulable"],
        Kind::ReplicaSet => &["status.replicas"],
        Kind::Service => &["spec.clusterIP", "spec.type"],
        Kind::ConfigMap
        | Kind::Endpoints
        | Kind::ServiceAccount
        | Kind::Deployment
        | Kind::Hpa
        | Kind::Lease
        | Kind::NetworkPolicy
        | Kind::EndpointSlice
        | Kind::Pdb => &[],
    };
    own.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_form_of_a_term() {
        let selector = LabelSelector::parse("app=shop,tier in (web, api),env notin (dev),team,!old,x!=y,z==1").unwrap();
        assert!(selector.matches(&labels(&[("app", "shop"), ("tier", "api"), ("team", "a"), ("z", "1")])));
        assert!(!selector.matches(&labels(&[("app", "shop"), ("tier", "db"), ("team", "a"), ("z", "1")])));
        assert!(!selector.matches(&labels(&[("app", "shop"), ("tier", "api"), ("team", "a"), ("z", "1"), ("old", "")])));
        assert!(LabelSelector::parse("a b").is_err());
        assert!(LabelSelector::parse("=x").is_err());
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(FieldSelector::parse(Kind::Pod, "spec.nodeName=n1,status.phase!=Failed").is_ok());
        let refusal = FieldSelector::parse(Kind::Pod, "spec.priority=1").unwrap_err();
        assert_eq!((refusal.code, refusal.message.as_str()), (400, "field label not supported: spec.priority"));
    }
}
