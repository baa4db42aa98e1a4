//! The changes. Each reads what it must know, builds the call that was shown, and sends it once. Nothing is ever sent again.

use serde_json::{Value, json};

use super::fault::{Cause, Fault};
use super::get::say;
use super::identity::live;
use super::list::slim;
use super::wire::{Ask, Session, identity};
use super::{Outcome, exec, rollout, table};
use crate::action::identity::ObjectIdentity;
use crate::action::kube::call::{Call, Method};
use crate::action::kube::resource::Resource;
use crate::action::kube::{Kube, PatchKind, Scale, SetEnv, change};
use crate::target::stream::Collector;

/// A change ready to be sent, and the object as it was.
#[derive(Debug)]
pub(super) struct Prepared {
    pub ask: Ask,
    /// The Deployment, Pod or other object before the change.
    pub before: Value,
    /// Said once it has happened.
    done: String,
    object: ObjectIdentity,
}

/// Runs one of the changing verbs.
pub(super) async fn run(
    session: &Session<'_>,
    kube: &Kube,
    expected: Option<&ObjectIdentity>,
    lines: &mut Collector,
) -> Result<Outcome, Fault> {
    if let Kube::Exec(target) = kube {
        return exec::run(session, target, expected, lines).await;
    }
    let prepared = prepare(session, kube, expected).await?;
    let answer = match session.change(&prepared.ask).await {
        Ok(answer) => answer,
        Err(fault) => return Err(judge(session, &prepared, fault).await),
    };
    say(lines, [prepared.done]).await;
    Ok(Outcome::of(slim(answer)))
}

/// Reads the object, holds it against what was shown, checks what the server would not, and builds the call.
pub(super) async fn prepare(session: &Session<'_>, kube: &Kube, expected: Option<&ObjectIdentity>) -> Result<Prepared, Fault> {
    let namespace = session.namespace();
    if let Kube::RolloutUndo(target) = kube {
        let (before, plan) = rollout::plan_undo(session, &target.deployment, target.to_revision).await?;
        let object = identity("Deployment", &before);
        unchanged(&object, expected)?;
        let call = change::undo(&target.deployment, namespace, &plan, expected.map(|_| &object));
        let what = format!("roll deployment {} back to revision {}", target.deployment, plan.to);
        let done = format!("deployment {} is set to revision {}'s template (it was at revision {})", target.deployment, plan.to, plan.from);
        let ask = Ask::new(what, format!("patch deployments.apps/{}", target.deployment), call);
        return Ok(Prepared { ask, before, done, object });
    }
    let Some((found, before)) = live(session, kube).await? else { return Err(no_change()) };
    let object = identity(&found.kind, &before);
    let name = object.name.clone();
    unchanged(&object, expected)?;
    let kube = checked(kube, &before)?;
    // The change holds to what was read just now; without a clearance only where losing a race would change the meaning.
    let held = (expected.is_some() || holds_to_read(&kube)).then_some(&object);
    let call = if let Kube::Patch(target) = &kube {
        change::patch(target, &found, namespace, held)
    } else {
        change::call(&kube, namespace, held, &session.now().to_string()).ok_or_else(no_change)?
    };
    let (what, done) = words(&kube, &name);
    let right = format!("{} {}{}", verb(&call), found.full_name(), subresource(&kube, &name));
    Ok(Prepared { ask: Ask::new(what, right, call), before: slim(before), done, object })
}

/// A pod's name may be taken by another pod, and a count or a container may move between the read and the change.
fn holds_to_read(kube: &Kube) -> bool {
    !matches!(kube, Kube::Patch(_) | Kube::Cordon(_) | Kube::Uncordon(_) | Kube::Evict(_))
}

fn no_change() -> Fault {
    Fault::refused("refused: this verb changes no object; run it as a read")
}

fn unchanged(live: &ObjectIdentity, expected: Option<&ObjectIdentity>) -> Result<(), Fault> {
    match expected {
        Some(expected) if !expected.is_as_shown(live) => Err(changed(live)),
        _ => Ok(()),
    }
}

pub(super) fn changed(object: &ObjectIdentity) -> Fault {
    Fault::changed(format!("{} {} changed since it was shown; look at it again, then confirm again", object.kind, object.name))
}

/// What the API would accept and no responder would mean.
fn checked(kube: &Kube, before: &Value) -> Result<Kube, Fault> {
    let paused = before["spec"]["paused"] == true;
    let no = |line: String| Err(Fault::refused(line));
    if let Kube::RolloutRestart(target) = kube
        && paused
    {
        return no(format!("can't restart paused deployment {} (run rollout resume first)", target.deployment));
    }
    if let Kube::RolloutPause(target) = kube
        && paused
    {
        return no(format!("deployment {} is paused already", target.deployment));
    }
    if let Kube::RolloutResume(target) = kube
        && !paused
    {
        return no(format!("deployment {} is not paused", target.deployment));
    }
    if let Kube::Scale(target) = kube {
        counted(target, before)?;
    }
    // A strategic patch adds a container that is not there.
    if let Kube::SetImage(target) = kube {
        container(before, Some(&target.container), &target.deployment)?;
    }
    if let Kube::SetEnv(target) = kube {
        return variables(before, target).map(Kube::SetEnv);
    }
    Ok(kube.clone())
}

fn counted(target: &Scale, before: &Value) -> Result<(), Fault> {
    if target.replicas < 0 {
        return Err(Fault::refused(format!("{} replicas are not possible; give 0 or more", target.replicas)));
    }
    let count = before["spec"]["replicas"].as_i64().unwrap_or(1);
    match target.current_replicas {
        Some(wanted) if wanted != count => Err(Fault::changed(format!(
            "deployment {} has {count} replicas and not {wanted}: it changed since it was shown; look again, then confirm again",
            target.deployment
        ))),
        _ => Ok(()),
    }
}

/// The named container, or the only one.
fn container<'a>(deployment: &'a Value, name: Option<&str>, of: &str) -> Result<&'a Value, Fault> {
    let all = table::array(deployment, "/spec/template/spec/containers");
    let names: Vec<&str> = all.iter().filter_map(|container| container["name"].as_str()).collect();
    match (name, all) {
        (Some(name), _) => all
            .iter()
            .find(|container| container["name"] == name)
            .ok_or_else(|| Fault::refused(format!("deployment {of} has no container `{name}`; there is: {}", names.join(", ")))),
        (None, [only]) => Ok(only),
        (None, _) => Err(Fault::refused(format!("deployment {of} has several containers; say which: {}", names.join(", ")))),
    }
}

fn variables(before: &Value, target: &SetEnv) -> Result<SetEnv, Fault> {
    let found = container(before, target.container.as_deref(), &target.deployment)?;
    let container = table::text(found, "/name");
    let env = table::array(found, "/env");
    for (name, value) in &target.env {
        let is_name = !name.is_empty() && !name.contains(['=', '\0']) && !name.starts_with('-');
        if !is_name {
            return Err(Fault::refused(format!("`{name}` can't be the name of an environment variable; correct the command")));
        }
        if value.is_none() && !env.iter().any(|entry| entry["name"] == name.as_str()) {
            return Err(Fault::refused(format!("container {container} sets no variable {name}; there is nothing to remove")));
        }
    }
    Ok(SetEnv { container: Some(container), ..target.clone() })
}

/// What a refusal by the server means here.
pub(super) async fn judge(session: &Session<'_>, prepared: &Prepared, fault: Fault) -> Fault {
    let Cause::Answer(answer) = &fault.cause else { return fault };
    let message = &answer.message;
    match (answer.code, prepared.ask.call.method) {
        (409, _) => changed(&prepared.object),
        // A failed `test` is a 422 that names no field: a bad value does.
        (422, Method::Patch(PatchKind::Json)) if message.contains("due to an error in our request") || message.contains("test") => {
            changed(&prepared.object)
        }
        (429, Method::Post) => blocked(session, prepared, fault).await,
        _ => fault,
    }
}

/// The budget's own words, and its numbers where they can be read.
async fn blocked(session: &Session<'_>, prepared: &Prepared, fault: Fault) -> Fault {
    let Cause::Answer(answer) = &fault.cause else { return fault };
    let said = if answer.causes.is_empty() { answer.message.clone() } else { answer.causes.join("; ") };
    let labels = prepared.before["metadata"]["labels"].as_object();
    let budgets = match Resource::known("pdb") {
        Some(resource) => super::list::of(session, &resource, None).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let covers = |budget: &&Value| {
        let wanted = budget["spec"]["selector"]["matchLabels"].as_object();
        wanted.zip(labels).is_some_and(|(wanted, labels)| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
    };
    let numbers = budgets.iter().find(covers).map_or_else(String::new, |budget| {
        let status = |field: &str| table::number(budget, &format!("/status/{field}"));
        let (healthy, desired) = (status("currentHealthy"), status("desiredHealthy"));
        format!(" (budget {}: {healthy} healthy, {desired} needed)", table::text(budget, "/metadata/name"))
    });
    Fault::refused(format!(
        "the disruption budget forbids the eviction of {}: {said}{numbers}; wait until more pods are ready",
        prepared.object.name
    ))
}

fn verb(call: &Call) -> &'static str {
    match call.method {
        Method::Get => "get",
        Method::Post => "create",
        Method::Put => "update",
        Method::Patch(_) => "patch",
        Method::Delete => "delete",
    }
}

fn subresource(kube: &Kube, name: &str) -> String {
    let part = if matches!(kube, Kube::Scale(_)) { " --subresource=scale" } else { "" };
    let part = if matches!(kube, Kube::Evict(_)) { " --subresource=eviction" } else { part };
    format!("/{name}{part}")
}

/// What is done, before and after.
fn words(kube: &Kube, name: &str) -> (String, String) {
    match kube {
        Kube::RolloutPause(_) => (format!("pause deployment {name}"), format!("deployment {name} is paused")),
        Kube::RolloutResume(_) => (format!("resume deployment {name}"), format!("deployment {name} is resumed")),
        Kube::RolloutRestart(_) => (format!("restart deployment {name}"), format!("deployment {name} restarts its pods")),
        Kube::Scale(target) => (
            format!("scale deployment {name} to {}", target.replicas),
            format!("deployment {name} is scaled to {} replicas", target.replicas),
        ),
        Kube::SetImage(target) => (
            format!("set the image of deployment {name}"),
            format!("deployment {name}: container {} has image {}", target.container, target.image),
        ),
        Kube::SetEnv(target) => {
            let names: Vec<&str> = target.env.keys().map(String::as_str).collect();
            (format!("set variables of deployment {name}"), format!("deployment {name}: {} set", names.join(", ")))
        }
        Kube::Cordon(_) => (format!("cordon node {name}"), format!("node {name} takes no new pods")),
        Kube::Uncordon(_) => (format!("uncordon node {name}"), format!("node {name} takes new pods again")),
        Kube::Evict(_) => (format!("evict pod {name}"), format!("pod {name} is being evicted")),
        Kube::DeletePod(_) => (format!("delete pod {name}"), format!("pod {name} is being deleted")),
        Kube::Patch(target) => (format!("patch {} {name}", target.resource), format!("{} {name} is patched", target.resource)),
        Kube::RolloutUndo(_)
        | Kube::Exec(_)
        | Kube::Get(_)
        | Kube::Describe(_)
        | Kube::Events(_)
        | Kube::Logs(_)
        | Kube::Top(_)
        | Kube::RolloutStatus(_)
        | Kube::RolloutHistory(_) => (format!("change {name}"), format!("{name} is changed")),
    }
}

/// An object for a comparison: without what every write moves.
pub(super) fn comparable(object: &Value) -> Value {
    let mut object = slim(object.clone());
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for moving in ["resourceVersion", "generation", "uid", "creationTimestamp"] {
            metadata.shift_remove(moving);
        }
    }
    // Keys in one order, whatever the server's.
    json!(sorted(object))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: std::collections::BTreeMap<String, Value> = fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}
