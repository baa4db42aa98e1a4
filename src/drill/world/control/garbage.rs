//! What goes when its owner goes, and what comes with a namespace.

use serde_json::json;

use crate::drill::world::kind::{ALL, Kind};
use crate::drill::world::object::Id;
use crate::drill::world::state::State;

/// The owner with this uid is gone: what it controlled goes too, pods with their grace.
pub fn collect(state: &mut State, uid: &str) {
    for kind in ALL {
        for object in state.store.owned(uid, *kind) {
            if object.id.kind == Kind::Pod {
                super::pod::terminate(state, &object.id, None);
            } else {
                state.remove(&object.id);
            }
        }
    }
}

/// A new namespace gets its service account and its root certificate.
pub fn furnish(state: &mut State, namespace: &str) {
    let account = Id::new(Kind::ServiceAccount, namespace, "default");
    if state.store.get(&account).is_none() {
        state.add(Kind::ServiceAccount, json!({ "metadata": { "name": "default", "namespace": namespace } }));
    }
    let certificate = Id::new(Kind::ConfigMap, namespace, "kube-root-ca.crt");
    if state.store.get(&certificate).is_none() {
        let metadata = json!({ "name": "kube-root-ca.crt", "namespace": namespace });
        state.add(Kind::ConfigMap, json!({ "metadata": metadata, "data": { "ca.crt": "" } }));
    }
}

/// Empties a namespace and takes it away.
pub fn raze(state: &mut State, namespace: &str) {
    for kind in ALL.iter().filter(|kind| kind.namespaced()) {
        let ids: Vec<Id> = state.store.list(*kind, namespace).map(|object| object.id.clone()).collect();
        for id in ids {
            state.remove(&id);
        }
    }
    state.remove(&Id::new(Kind::Namespace, "", namespace));
}
