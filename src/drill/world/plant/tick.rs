//! The plant's turn in the world's time: reads the cluster, plays a tick, and does to the cluster what follows.

use std::time::Duration;

use jiff::Timestamp;

use super::facts::{self, Facts, Wanted};
use super::model::{Act, Model};
use super::{TICK, git, sigterm};
use crate::drill::world::clock::{earlier, later};
use crate::drill::world::control::pod;
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Object;
use crate::drill::world::state::State;
use crate::drill::world::timer::Due;

/// What the plant has seen before the story begins, and how coarsely.
const PAST: Duration = Duration::from_secs(75 * 60);
const PAST_STEP: Duration = Duration::from_secs(30);

/// The pods and Deployments as they are now. An object that did not change is not read again.
pub fn gather(state: &State, model: &mut Model) -> (Vec<Facts>, Vec<Wanted>) {
    let known = |model: &Model, object: &Object| model.read.get(&object.id).is_some_and(|(version, ..)| *version == object.version);
    for object in state.store.list(Kind::Pod, super::NAMESPACE) {
        if !known(model, object) {
            model.read.insert(object.id.clone(), (object.version, facts::of_pod(object), None));
        }
    }
    for object in state.store.list(Kind::Deployment, super::NAMESPACE) {
        if !known(model, object) {
            model.read.insert(object.id.clone(), (object.version, None, facts::of_deployment(object)));
        }
    }
    model.read.retain(|id, _| state.store.get(id).is_some());
    let pods = model.read.values().filter_map(|(_, pod, _)| pod.clone()).collect();
    let wanted = model.read.values().filter_map(|(_, _, wanted)| wanted.clone()).collect();
    (pods, wanted)
}

/// Plays the hour before the story, with the pods that are there, and begins to tick.
pub fn begin(state: &mut State) {
    let plant = state.plant.clone();
    {
        let mut model = plant.lock();
        let (pods, wanted) = gather(state, &mut model);
        let mut at = earlier(state.now, PAST);
        while at < state.now {
            model.tick(at, pods.iter().filter(|pod| pod.started.is_some_and(|started| started <= at)).cloned().collect(), &wanted);
            at = later(at, PAST_STEP);
        }
    }
    once(state);
    state.after(TICK, Due::Plant);
}

pub fn due(state: &mut State) {
    once(state);
    state.after(TICK, Due::Plant);
}

fn once(state: &mut State) {
    let plant = state.plant.clone();
    let acts = {
        let mut model = plant.lock();
        let (pods, wanted) = gather(state, &mut model);
        model.tick(state.now, pods, &wanted)
    };
    for act in acts {
        match act {
            Act::Ended(id) => pod::ended(state, &id, 0),
        }
    }
    git::sync(state);
    sigterm::shift(state);
}

/// Whether something that a fault does now and then is due, and if so notes that it is done.
pub fn turn(model: &mut Model, id: &str, now: Timestamp) -> bool {
    let Some(placed) = model.faults.iter_mut().find(|placed| placed.id == id) else { return false };
    let every = Duration::from_secs_f64(placed.fault.number("every").max(1.0));
    let due = later(placed.acted, every) <= now;
    if due {
        placed.acted = now;
    }
    due
}
