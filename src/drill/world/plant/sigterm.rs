//! Pods that are moved about while their release can't stop well: something has to stop them for it to show.

use super::effect::reaches;
use super::fault::What;
use super::tick;
use crate::drill::world::control::{event, pod};
use crate::drill::world::object::Id;
use crate::drill::world::state::State;

/// Moves one pod of each service whose release drops requests at a stop.
pub fn shift(state: &mut State) {
    let plant = state.plant.clone();
    let moved: Vec<Id> = {
        let mut model = plant.lock();
        let of = |placed: &super::model::Placed| (placed.id.clone(), placed.fault.clone());
        let faults: Vec<_> = model.faults.iter().filter(|placed| placed.fault.what() == What::Sigterm).map(of).collect();
        let mut moved = Vec::new();
        for (id, fault) in faults {
            let flags = model.services.get(fault.service()).map(|service| service.flags.clone()).unwrap_or_default();
            let serves =
                |body: &&super::body::Body| body.facts.ready && !body.facts.deleting && reaches(&fault, &body.facts.version, &flags);
            let oldest = model.of(fault.service()).filter(serves).min_by_key(|body| (body.facts.started, body.facts.id.clone()));
            let Some(oldest) = oldest.map(|body| body.facts.id.clone()) else { continue };
            if tick::turn(&mut model, &id, state.now) {
                moved.push(oldest);
            }
        }
        moved
    };
    for id in moved {
        if let Some(object) = state.store.get(&id).cloned() {
            event::tell(state, &object, event::normal("descheduler", "Descheduled", "pod evicted to spread the load of its node"));
        }
        pod::terminate(state, &id, None);
    }
    state.settle();
}
