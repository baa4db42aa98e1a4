//! Lists in pages, with a bound; and objects without the parts nobody reads.

use serde_json::{Value, json};

use super::fault::Fault;
use super::wire::{Ask, Session};
use crate::action::kube::call::Call;
use crate::action::kube::resource::Resource;
use crate::target::stream::OUT_BYTES;

/// Objects asked for at once.
const PAGE: usize = 500;
/// Objects of one list; what lies beyond is counted and not read.
const OBJECTS: usize = 5000;

/// What a list gave.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub items: Vec<Value>,
    pub rest: Rest,
}

/// What was not read because of the bound.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    #[default]
    Nothing,
    Counted(u64),
    /// The server does not count where a selector is set.
    Uncounted,
}

impl Rest {
    /// One line for the responder; none where all was read.
    pub fn line(self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Counted(count) => Some(format!("{count} more were not read (limit {OBJECTS}); narrow it with a selector")),
            Self::Uncounted => Some(format!("more than {OBJECTS} match, the rest was not read; narrow the selector")),
        }
    }
}

/// The objects of one resource in the namespace.
pub(super) async fn of(session: &Session<'_>, resource: &Resource, selector: Option<&str>) -> Result<Vec<Value>, Fault> {
    let call = Call::get(resource.collection(session.namespace())).with("labelSelector", selector);
    Ok(read(session, &ask(session, resource, call)).await?.items)
}

/// The words for a list.
pub(super) fn ask(session: &Session<'_>, resource: &Resource, call: Call) -> Ask {
    let name = resource.full_name();
    Ask::new(format!("list {} in {}", resource.plural, session.namespace()), format!("list {name}"), call)
}

/// Every page. Where the server has forgotten the place of the next one (410), the list starts over once: going on from another
/// version would miss or repeat objects.
pub(super) async fn read(session: &Session<'_>, ask: &Ask) -> Result<Listing, Fault> {
    match pages(session, ask).await {
        Err(fault) if fault.code() == Some(410) => pages(session, ask).await,
        other => other,
    }
}

async fn pages(session: &Session<'_>, ask: &Ask) -> Result<Listing, Fault> {
    let mut listing = Listing::default();
    let mut next: Option<String> = None;
    loop {
        let call = ask.call.clone().with("limit", Some(PAGE.to_string())).with("continue", next.take());
        let mut page = session.read(&Ask { call, ..ask.clone() }).await?;
        if let Value::Array(items) = page["items"].take() {
            listing.items.extend(items.into_iter().map(slim));
        }
        next = page["metadata"]["continue"].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(listing);
        }
        if listing.items.len() >= OBJECTS {
            listing.rest = page["metadata"]["remainingItemCount"].as_u64().map_or(Rest::Uncounted, Rest::Counted);
            return Ok(listing);
        }
    }
}

/// Without the bookkeeping of field ownership, which is often half of an object.
pub(super) fn slim(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.shift_remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    object
}

/// As many whole objects as `out` has room for, in order, and the bytes of the others. `not_shown` in `out` counts them, so that an
/// expression can tell a short list from a cut one.
pub(super) fn fit(items: Vec<Value>, rest: Rest) -> (Value, u64) {
    let total = items.len();
    let (mut room, mut kept, mut cut_bytes) = (OUT_BYTES - 64, Vec::new(), 0_u64);
    for item in items {
        let size = item.to_string().len() + 1;
        if cut_bytes == 0 && size <= room {
            room -= size;
            kept.push(item);
        } else {
            cut_bytes += size as u64;
        }
    }
    let beyond = match rest {
        Rest::Nothing => 0,
        Rest::Counted(count) => count,
        Rest::Uncounted => 1,
    };
    let not_shown = (total - kept.len()) as u64 + beyond;
    let mut out = json!({"items": kept});
    if not_shown > 0 {
        out["not_shown"] = json!(not_shown);
    }
    (out, cut_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_and_nothing_is_torn() {
        let items: Vec<Value> = (0..3).map(|index| json!({"name": index, "fill": "x".repeat(OUT_BYTES / 2 - 200)})).collect();
        let (out, cut) = fit(items, Rest::Counted(7));
        assert_eq!(out["items"].as_array().unwrap().len(), 2);
        assert_eq!(out["not_shown"], 8);
        assert!(cut > 0 && out.to_string().len() <= OUT_BYTES);
    }
}
