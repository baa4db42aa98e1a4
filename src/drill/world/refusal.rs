//! What the API says when it does not do something: the Status of Kubernetes, with code, reason and a sentence.

use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Value,
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    #[must_use]
    fn of(mut self, group: &str, resource: &str, name: &str) -> Self {
        self.details = json!({ "name": name, "group": group, "kind": resource });
        self
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "Forbidden", message)
    }

    pub fn not_found((group, resource): (&str, &str), name: &str) -> Self {
        let full = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        Self::new(404, "NotFound", format!("{full} \"{name}\" not found")).of(group, resource, name)
    }

    /// A path nothing of this world answers to.
    pub fn no_such_path(path: &str) -> Self {
        Self::new(404, "NotFound", format!("not simulated: the world has nothing at {path} (qrh docs/WORLD.md lists what it has)"))
    }

    pub fn method_not_allowed(what: &str) -> Self {
        Self::new(405, "MethodNotAllowed", format!("not simulated: {what}"))
    }

    pub fn not_simulated(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("not simulated: {what}"))
    }

    pub fn exists((group, resource): (&str, &str), name: &str) -> Self {
        let full = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        Self::new(409, "AlreadyExists", format!("{full} \"{name}\" already exists")).of(group, resource, name)
    }

    pub fn conflict((group, resource): (&str, &str), name: &str, why: &str) -> Self {
        let full = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {full} \"{name}\": {why}")).of(group, resource, name)
    }

    /// Server-side apply met fields of others.
    pub fn apply_conflict(fields: &[(String, String)]) -> Self {
        let owners: Vec<String> = fields.iter().map(|(owner, field)| format!("conflict with \"{owner}\": {field}")).collect();
        let plural = if fields.len() == 1 { "conflict" } else { "conflicts" };
        let mut refusal = Self::new(409, "Conflict", format!("Apply failed with {} {plural}: {}", fields.len(), owners.join(", ")));
        let causes: Vec<Value> = fields
            .iter()
            .map(|(owner, field)| json!({ "reason": "FieldManagerConflict", "message": format!("conflict with \"{owner}\""), "field": field }))
            .collect();
        refusal.details = json!({ "causes": causes });
        refusal
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub fn too_large(limit: usize) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("limit is {limit} bytes"))
    }

    pub fn unsupported_media(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub fn invalid(kind: &str, name: &str, why: &str) -> Self {
        let mut refusal = Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {why}")).of("", kind, name);
        // kubectl prints the causes and leaves the message out.
        let (field, message) = why.split_once(": ").unwrap_or(("", why));
        super::json::set(&mut refusal.details, &["causes"], json!([{ "reason": "FieldValueInvalid", "message": message, "field": field }]));
        refusal
    }

    /// A disruption budget stands against an eviction.
    pub fn disruption(message: &str) -> Self {
        let mut refusal = Self::new(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
        refusal.details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": message }] });
        refusal
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", message)
    }

    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if let (Some(map), false) = (status.as_object_mut(), self.details.is_null()) {
            map.insert("details".to_owned(), self.details.clone());
        }
        status
    }
}
