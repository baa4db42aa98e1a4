//! The reads: `get`, `describe` and `events` here, the others in a file each.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Fault;
use super::list::{self, Listing, Rest, fit, slim};
use super::wire::{Ask, Session, named};
use super::{Outcome, logs, rollout, table, top, yaml};
use crate::action::kube::call::Call;
use crate::action::kube::resource::{Resource, Scope};
use crate::action::kube::{Events, Get, Kube, Named, describe};
use crate::target::stream::{Collector, Origin};

/// Events shown: the newest.
const EVENTS: usize = 200;

/// Runs one of the reading verbs.
pub(super) async fn run(session: &Session<'_>, kube: &Kube, lines: &mut Collector) -> Result<Outcome, Fault> {
    match kube {
        Kube::Get(target) => get(session, target, lines).await,
        Kube::Describe(target) => described(session, target, lines).await,
        Kube::Events(target) => events(session, target, lines).await,
        Kube::Logs(target) => logs::run(session, target, lines).await,
        Kube::Top(target) => top::run(session, target, lines).await,
        Kube::RolloutStatus(target) => rollout::status(session, &target.deployment, lines).await,
        Kube::RolloutHistory(target) => rollout::history(session, &target.deployment, lines).await,
        Kube::RolloutUndo(_)
        | Kube::RolloutPause(_)
        | Kube::RolloutResume(_)
        | Kube::RolloutRestart(_)
        | Kube::Scale(_)
        | Kube::SetImage(_)
        | Kube::SetEnv(_)
        | Kube::Patch(_)
        | Kube::Cordon(_)
        | Kube::Uncordon(_)
        | Kube::Evict(_)
        | Kube::DeletePod(_)
        | Kube::Exec(_) => Err(Fault::refused("refused: this is no read; it needs a confirmation")),
    }
}

async fn get(session: &Session<'_>, target: &Get, lines: &mut Collector) -> Result<Outcome, Fault> {
    let resource = resource(session, &target.resource).await?;
    if let Some(name) = &target.name {
        let object = slim(session.object(&resource, name).await?);
        say(lines, table::lines(&resource.kind, std::slice::from_ref(&object), session.now())).await;
        return Ok(Outcome::of(object));
    }
    let ask = list::ask(session, &resource, describe::list_or_one(target, &resource, session.namespace()));
    let Listing { items, rest } = list::read(session, &ask).await?;
    say(lines, table::lines(&resource.kind, &items, session.now())).await;
    Ok(listed(items, rest, lines).await)
}

/// A list's outcome; what is missing from it is said.
async fn listed(items: Vec<Value>, rest: Rest, lines: &mut Collector) -> Outcome {
    let (out, cut_bytes) = fit(items, rest);
    say(lines, rest.line()).await;
    if cut_bytes > 0 {
        say(lines, [format!("{} objects are too many to keep in the result; narrow it with a selector", out["not_shown"])]).await;
    }
    Outcome { cut_bytes, ..Outcome::of(out) }
}

async fn described(session: &Session<'_>, target: &Named, lines: &mut Collector) -> Result<Outcome, Fault> {
    let resource = resource(session, &target.resource).await?;
    let object = slim(session.object(&resource, &target.name).await?);
    let about = Events { about: Some(target.name.clone()), kind: None };
    // Events of a node or another cluster-wide object are kept in `default`.
    let namespace = match resource.scope {
        Scope::Namespaced => session.namespace(),
        Scope::Cluster => "default",
    };
    let ask = list::ask(session, &Resource::events(), describe::events(&about, namespace));
    let listing = list::read(session, &ask).await;
    say(lines, yaml::lines(&object)).await;
    let events = match listing {
        Ok(listing) => {
            let of_kind = |event: &Value| event["involvedObject"]["kind"] == resource.kind.as_str();
            let events = newest(listing.items.into_iter().filter(of_kind).collect());
            say(lines, ["Events:".to_owned()]).await;
            say(lines, table::lines("Event", &events, session.now())).await;
            Value::Array(events)
        }
        // The object is worth having without them.
        Err(fault) => {
            say(lines, [format!("Events: {}", fault.line(&session.whereabouts()))]).await;
            Value::Null
        }
    };
    Ok(Outcome::of(json!({"object": object, "events": events})))
}

async fn events(session: &Session<'_>, target: &Events, lines: &mut Collector) -> Result<Outcome, Fault> {
    if let Some(about) = &target.about {
        named("object", about)?;
    }
    let ask = list::ask(session, &Resource::events(), describe::events(target, session.namespace()));
    let Listing { items, rest } = list::read(session, &ask).await?;
    let events = newest(items);
    say(lines, table::lines("Event", &events, session.now())).await;
    Ok(listed(events, rest, lines).await)
}

/// The last [`EVENTS`], oldest first. The API gives them in the order of their names.
fn newest(mut events: Vec<Value>) -> Vec<Value> {
    events.sort_by_cached_key(|event| table::event_time(event).unwrap_or(Timestamp::MIN));
    events.split_off(events.len().saturating_sub(EVENTS))
}

/// The resource a word means. Words the table does not hold are looked up in the server's own list.
pub(super) async fn resource(session: &Session<'_>, word: &str) -> Result<Resource, Fault> {
    let resource = match Resource::known(word) {
        Some(resource) => resource,
        None => discover(session, word).await?,
    };
    if resource.is_secret() {
        return Err(Fault::refused("refused: qrh doesn't read or patch secrets; look at them outside qrh, where no timeline keeps them"));
    }
    Ok(resource)
}

/// One request for all groups: aggregated discovery, which servers give since 1.26.
async fn discover(session: &Session<'_>, word: &str) -> Result<Resource, Fault> {
    let ask = Ask::new(format!("look up the resource `{word}`"), "get /apis", Call::get("/apis".to_owned()));
    let groups = session.read(&ask).await?;
    if groups["kind"] != "APIGroupDiscoveryList" {
        return Err(Fault::refused(format!("`{word}` is no resource qrh knows, and this server is too old to be asked; check the word")));
    }
    let lower = word.to_ascii_lowercase();
    let (name, group) = lower.split_once('.').map_or((lower.as_str(), None), |(name, group)| (name, Some(group)));
    let wanted = table::array(&groups, "/items").iter().filter(|item| group.is_none_or(|group| item["metadata"]["name"] == group));
    let found = wanted.flat_map(|item| {
        let group = table::text(item, "/metadata/name");
        // The preferred version comes first.
        let version = table::array(item, "/versions").first();
        version.into_iter().flat_map(move |version| {
            let group = group.clone();
            table::array(version, "/resources").iter().map(move |resource| (group.clone(), table::text(version, "/version"), resource))
        })
    });
    let is_it = |resource: &Value| {
        let kind = table::text(resource, "/responseKind/kind").to_ascii_lowercase();
        resource["resource"] == name
            || resource["singularResource"] == name
            || kind == name
            || table::array(resource, "/shortNames").iter().any(|short| short == name)
    };
    let Some((group, version, resource)) = found.into_iter().find(|(_, _, resource)| is_it(resource)) else {
        return Err(Fault::refused(format!(
            "the server has no resource `{word}`; see: kubectl --context {} api-resources",
            session.cluster.context()
        )));
    };
    Ok(Resource {
        group,
        version,
        plural: table::text(resource, "/resource"),
        kind: table::text(resource, "/responseKind/kind"),
        scope: if resource["scope"] == "Cluster" { Scope::Cluster } else { Scope::Namespaced },
    })
}

/// Lines of the adapter's own making go the way of the target's: through cleaning and redaction.
pub(super) async fn say(lines: &mut Collector, texts: impl IntoIterator<Item = String>) {
    for text in texts {
        lines.push(Origin::Stdout, format!("{text}\n").as_bytes()).await;
    }
}
