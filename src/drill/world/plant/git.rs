//! Argo CD, as far as it shows from outside: marks on the Deployment, and its template and replicas put back to what git says.

use serde_json::{Value, json};

use super::fault::What;
use super::site::Site;
use super::{NAMESPACE, tick};
use crate::drill::world::api::managed;
use crate::drill::world::clock::stamp;
use crate::drill::world::json::{part, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Id;
use crate::drill::world::state::State;

/// With this annotation on the Deployment nothing is put back.
pub const SUSPENDED: &str = "argocd.argoproj.io/skip-reconcile";
const TRACKING: &str = "argocd.argoproj.io/tracking-id";
pub const MANAGER: &str = "argocd-controller";

/// What git says of a Deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Git {
    template: Value,
    /// Null where an autoscaler decides.
    replicas: Value,
}

/// Takes what the Deployment is now as what git says, and marks it as Argo CD's.
pub fn adopt(state: &mut State, site: &Site) -> Option<Git> {
    let id = Id::new(Kind::Deployment, NAMESPACE, site.name);
    let now = stamp(state.now);
    let object = state.edit(&id, |value| {
        let before = value.clone();
        set(value, &["metadata", "labels", "app.kubernetes.io/instance"], site.name);
        set(value, &["metadata", "annotations", TRACKING], format!("{0}:apps/Deployment:{NAMESPACE}/{0}", site.name));
        managed::written(Some(&before), value, MANAGER, &now);
    })?;
    Some(read(state, &object.value()))
}

fn read(state: &State, deployment: &Value) -> Git {
    let scaled = state
        .store
        .list(Kind::Hpa, NAMESPACE)
        .any(|hpa| text(&hpa.value(), "/spec/scaleTargetRef/name") == text(deployment, "/metadata/name"));
    let mut template = part(deployment, "/spec/template");
    // A restart by hand is an annotation that git does not know: it is left alone.
    crate::drill::world::json::remove(&mut template, &["metadata", "annotations"]);
    Git { template, replicas: if scaled { Value::Null } else { part(deployment, "/spec/replicas") } }
}

/// A release that comes by git: it says something new.
pub fn committed(state: &mut State, site: &Site) {
    let Some(deployment) = state.get(Kind::Deployment, NAMESPACE, site.name) else { return };
    let git = read(state, &deployment);
    let plant = state.plant.clone();
    for placed in plant.lock().faults.iter_mut().filter(|placed| placed.git.is_some() && placed.fault.service() == site.name) {
        placed.git = Some(git.clone());
    }
}

/// Puts back what differs, where its time has come.
pub fn sync(state: &mut State) {
    let plant = state.plant.clone();
    let due: Vec<(Id, Git)> = {
        let mut model = plant.lock();
        let ids: Vec<String> =
            model.faults.iter().filter(|placed| placed.fault.what() == What::Gitops).map(|placed| placed.id.clone()).collect();
        let due: Vec<String> = ids.into_iter().filter(|id| tick::turn(&mut model, id, state.now)).collect();
        let found = model.faults.iter().filter(|placed| due.contains(&placed.id));
        found.filter_map(|placed| Some((Id::new(Kind::Deployment, NAMESPACE, placed.fault.service()), placed.git.clone()?))).collect()
    };
    let now = stamp(state.now);
    for (id, git) in due {
        state.edit(&id, |value| {
            let suspended = value.pointer("/metadata/annotations").and_then(|all| all.get(SUSPENDED)) == Some(&json!("true"));
            if suspended {
                return;
            }
            let before = value.clone();
            put_back(value, &git);
            if *value != before {
                managed::written(Some(&before), value, MANAGER, &now);
            }
        });
    }
    state.settle();
}

fn put_back(deployment: &mut Value, git: &Git) {
    let annotations = part(deployment, "/spec/template/metadata/annotations");
    let mut template = git.template.clone();
    if !annotations.is_null() {
        set(&mut template, &["metadata", "annotations"], annotations);
    }
    set(deployment, &["spec", "template"], template);
    if !git.replicas.is_null() {
        set(deployment, &["spec", "replicas"], git.replicas.clone());
    }
}
