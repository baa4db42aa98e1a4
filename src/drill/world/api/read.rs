//! get and list.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::form::{Form, Shape};
use super::request::{Place, Request};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::{Id, Object};
use crate::drill::world::refusal::Refusal;
use crate::drill::world::selector::{FieldSelector, LabelSelector};
use crate::drill::world::state::State;

/// What a list or a watch is about.
#[derive(Debug, Clone)]
pub struct Scope {
    pub kind: Kind,
    pub namespace: String,
    pub labels: LabelSelector,
    pub fields: FieldSelector,
}

impl Scope {
    pub fn of(kind: Kind, place: &Place, request: &Request) -> Result<Self, Refusal> {
        // A list of one name is how clients watch one object.
        let mut fields = request.query.get("fieldSelector").to_owned();
        if !place.name.is_empty() {
            fields = format!("metadata.name={}{}{fields}", place.name, if fields.is_empty() { "" } else { "," });
        }
        // In events.k8s.io the object is called regarding.
        let fields = fields.replace("regarding.", "involvedObject.").replace("reportingController", "reportingComponent");
        Ok(Self {
            kind,
            namespace: place.namespace.clone(),
            labels: LabelSelector::parse(request.query.get("labelSelector"))?,
            fields: FieldSelector::parse(kind, &fields)?,
        })
    }

    pub fn holds(&self, object: &Object) -> bool {
        (self.namespace.is_empty() || self.namespace == object.id.namespace)
            && self.labels.matches(&object.labels)
            && self.fields.matches(object)
    }
}

pub fn form(place: &Place, request: &Request, state: &State) -> Form {
    let shape = Shape::of(&request.accept, request.query.get("includeObject"));
    Form { shape, api_version: place.api_version(), now: state.now }
}

pub fn get(state: &State, kind: Kind, place: &Place, request: &Request) -> Result<Answer, Refusal> {
    let id = Id::new(kind, &place.namespace, &place.name);
    let object = state.store.get(&id).ok_or_else(|| Refusal::not_found(kind.full(), &place.name))?;
    Ok(answer::text(200, "application/json", form(place, request, state).object(object)))
}

/// One page: what to send, and how.
pub struct Page {
    form: Form,
    kind: Kind,
    metadata: Value,
    objects: Vec<Arc<Object>>,
}

impl Page {
    /// Done without the state's lock: a list of all pods takes its time.
    pub fn answer(self) -> Answer {
        answer::text(200, "application/json", self.form.list(self.kind, &self.metadata, &self.objects))
    }
}

pub fn list(state: &State, kind: Kind, place: &Place, request: &Request) -> Result<Page, Refusal> {
    let scope = Scope::of(kind, place, request)?;
    fresh_enough(state, request.query.get("resourceVersion"))?;
    let limit = usize::try_from(request.query.number("limit")?.unwrap_or(0)).unwrap_or(0);
    let (version, after) = match request.query.get("continue") {
        "" => (state.store.version(), Id::new(kind, &place.namespace, "")),
        token => proceed(kind, token)?,
    };
    let mut matching = state.store.list_after(after, &place.namespace).filter(|object| scope.holds(object));
    let mut objects: Vec<Arc<Object>> = Vec::new();
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if limit == 0 {
        objects.extend(matching.cloned());
    } else {
        objects.extend(matching.by_ref().take(limit).cloned());
        let left = matching.count();
        if let (Some(last), true) = (objects.last(), left > 0) {
            let token = format!("{version}.{}/{}", last.id.namespace, last.id.name);
            metadata = json!({ "resourceVersion": version.to_string(), "continue": token, "remainingItemCount": left });
        }
    }
    Ok(Page { form: form(place, request, state), kind, metadata, objects })
}

fn proceed(kind: Kind, token: &str) -> Result<(u64, Id), Refusal> {
    let parsed = token.split_once('.').and_then(|(version, place)| {
        let (namespace, name) = place.split_once('/')?;
        Some((version.parse().ok()?, Id::new(kind, namespace, name)))
    });
    parsed.ok_or_else(|| Refusal::bad_request("continue key is not valid: it was not given by this server"))
}

/// A version from the future is refused: the client talks of another cluster.
pub fn fresh_enough(state: &State, version: &str) -> Result<u64, Refusal> {
    if version.is_empty() {
        return Ok(0);
    }
    let wanted: u64 = version.parse().map_err(|_| Refusal::bad_request(format!("resourceVersion: Invalid value: \"{version}\"")))?;
    if wanted > state.store.version() {
        let message = format!("Too large resource version: {wanted}, current: {}", state.store.version());
        return Err(Refusal {
            code: 504,
            reason: "Timeout",
            message,
            details: json!({ "causes": [{ "reason": "ResourceVersionTooLarge" }], "retryAfterSeconds": 1 }),
        });
    }
    Ok(wanted)
}
