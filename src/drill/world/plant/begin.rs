//! How a fault comes, and goes: what it does to the cluster at that moment. Releases, limits and flags are set as a team would have set
//! them; nothing here says that a fault is behind it.

use serde_json::{Value, json};

use super::fault::{Fault, What};
use super::model::Placed;
use super::site::{Site, site};
use super::{NAMESPACE, git};
use crate::drill::world::api::managed;
use crate::drill::world::clock::stamp;
use crate::drill::world::json::{list_at, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Id;
use crate::drill::world::service::{REGISTRY, digest};
use crate::drill::world::state::State;

/// Who releases where git is not in charge.
const DEPLOYER: &str = "release-pipeline";

/// Begins a fault; one with the same id is lifted first.
pub fn put(state: &mut State, id: &str, fault: &Fault) {
    lift(state, id);
    let Some(site) = site(fault.service()) else { return };
    // Before the fault is there: what git says is what was.
    let git = if fault.what() == What::Gitops { git::adopt(state, site) } else { None };
    let (what, now) = (fault.what(), state.now);
    {
        let plant = state.plant.clone();
        let mut model = plant.lock();
        if let (Some(flag), Some(service)) = (fault.flag(), model.services.get_mut(site.name)) {
            service.flags.begin(flag);
        }
        let weak = if what == What::RetryLoop { 0.6 } else { 0.0 };
        model.faults.push(Placed { id: id.to_owned(), fault: fault.clone(), since: now, weak, git, acted: now });
    }
    match what {
        What::ImageMissingRelease => {
            let version = fault.version().unwrap_or_default().to_owned();
            release(state, site, &version, &format!("{REGISTRY}{}:{version}", site.name));
        }
        What::BurstOom => limit(state, site, fault.number("limit_mib")),
        What::OldSpaceNearCap => cap(state, site, fault.number("cap_mib")),
        What::SyncJson
        | What::SyncRegex
        | What::Compression
        | What::CryptoBurst
        | What::Logger
        | What::RetryLoop
        | What::HeapLeak
        | What::BufferLeak
        | What::GcChurn
        | What::DependencyDown
        | What::DependencySlow
        | What::DependencyRefusing
        | What::BadRelease
        | What::SlowRelease
        | What::NeverReadyRelease
        | What::ContractedMigration
        | What::Gitops
        | What::Sigterm => {
            if let Some(version) = fault.version() {
                let image = format!("{REGISTRY}{}@{}", site.name, digest(site.name, version));
                release(state, site, version, &image);
            }
        }
    }
    state.reconsider();
}

/// Takes a fault away. What it left behind in the cluster stays.
pub fn lift(state: &mut State, id: &str) {
    let plant = state.plant.clone();
    let before = plant.lock().faults.len();
    plant.lock().faults.retain(|placed| placed.id != id);
    if plant.lock().faults.len() != before {
        state.reconsider();
    }
}

fn deployment(state: &mut State, site: &Site, change: impl FnOnce(&mut Value)) {
    let id = Id::new(Kind::Deployment, NAMESPACE, site.name);
    let (plant, now) = (state.plant.clone(), stamp(state.now));
    let by_git = plant.lock().faults.iter().any(|placed| placed.git.is_some() && placed.fault.service() == site.name);
    let manager = if by_git { git::MANAGER } else { DEPLOYER };
    state.edit(&id, |value| {
        let before = value.clone();
        change(value);
        if *value != before {
            managed::written(Some(&before), value, manager, &now);
        }
    });
    if by_git {
        git::committed(state, site);
    }
    state.settle();
}

/// Rolls a release out, unless it is the one that runs.
fn release(state: &mut State, site: &Site, version: &str, image: &str) {
    deployment(state, site, |value| {
        if text(value, "/spec/template/metadata/labels/version") == version {
            return;
        }
        set(value, &["spec", "template", "metadata", "labels", "version"], version);
        set(value, &["metadata", "annotations", "kubernetes.io/change-cause"], format!("release {version}"));
        container(value, |container| set(container, &["image"], image));
    });
}

fn container(deployment: &mut Value, change: impl FnOnce(&mut Value)) {
    if let Some(container) = list_at(deployment, &["spec", "template", "spec", "containers"]).first_mut() {
        change(container);
    }
}

fn limit(state: &mut State, site: &Site, mib: f64) {
    deployment(state, site, |value| {
        set(value, &["metadata", "annotations", "kubernetes.io/change-cause"], "less memory reserved");
        container(value, |container| {
            set(container, &["resources", "limits", "memory"], format!("{mib:.0}Mi"));
            set(container, &["resources", "requests", "memory"], format!("{:.0}Mi", mib.min(256.0)));
        });
    });
}

fn cap(state: &mut State, site: &Site, mib: f64) {
    deployment(state, site, |value| {
        set(value, &["metadata", "annotations", "kubernetes.io/change-cause"], "one heap size for all services");
        container(value, |container| {
            let options = json!({ "name": "NODE_OPTIONS", "value": format!("--max-old-space-size={mib:.0}") });
            let env = list_at(container, &["env"]);
            env.retain(|entry| text(entry, "/name") != "NODE_OPTIONS");
            env.push(options);
        });
    });
}
