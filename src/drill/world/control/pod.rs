//! The kubelet: a pod from its first moment to its last, in simulated time. How long things take and how programs end is the
//! behaviour's to say; this file turns it into status, events and restarts.

use std::time::Duration;

use serde_json::Value;

use super::event::{self, normal, warning};
use super::{Work, scheduler, status};
use crate::drill::world::behaviour::{Pull, Run, View};
use crate::drill::world::clock::{between, later, parse, stamp};
use crate::drill::world::json::{count, list, number, set, text};
use crate::drill::world::kind::Kind;
use crate::drill::world::object::{Id, Object};
use crate::drill::world::seed::{hash, mix};
use crate::drill::world::state::{Past, State};
use crate::drill::world::timer::{Due, Step};

/// From creation until the scheduler has seen a pod.
const SCHEDULING: Duration = Duration::from_millis(20);
/// From having its images until the containers run.
const STARTING: Duration = Duration::from_millis(400);
/// The kubelet waits ten seconds, then twice as long each time, and never more than five minutes.
const BACK_OFF: Duration = Duration::from_secs(10);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(300);
/// A container that ran so long starts anew with its back-off.
const FORGIVEN: Duration = Duration::from_secs(600);

/// What is to come for one pod.
#[derive(Debug, Clone)]
pub struct Life {
    pub id: Id,
    /// Steps set in an earlier turn are void.
    turn: u64,
    pulls: u32,
    back_offs: Vec<u32>,
}

pub fn appeared(state: &mut State, pod: &Object) {
    if state.past == Past::Writing && !pod.pod.phase.is_empty() && pod.pod.phase != "Pending" {
        return;
    }
    state.lives.insert(pod.uid.clone(), Life { id: pod.id.clone(), turn: 0, pulls: 0, back_offs: Vec::new() });
    let step = if pod.pod.node.is_empty() { Step::Schedule } else { Step::Pull };
    next(state, &pod.uid, SCHEDULING, step);
}

fn next(state: &mut State, uid: &str, delay: Duration, step: Step) {
    let turn = state.lives.get(uid).map_or(0, |life| life.turn);
    state.after(delay, Due::Pod { uid: uid.to_owned(), turn, step });
}

pub fn due(state: &mut State, uid: &str, turn: u64, step: &Step) {
    let Some(life) = state.lives.get(uid) else { return };
    // The end of a pod comes whatever else was planned.
    if life.turn != turn && *step != Step::Gone {
        return;
    }
    let id = life.id.clone();
    let Some(pod) = state.store.get(&id).filter(|pod| pod.uid == uid).cloned() else { return };
    match step {
        Step::Schedule => scheduler::schedule(state, &pod),
        Step::Pull => pull(state, &pod),
        Step::Start => start(state, &pod),
        Step::Ready(container) => become_ready(state, &pod, *container),
        Step::Exit(container) => exit(state, &pod, *container),
        Step::Restart(container) => restart(state, &pod, *container),
        Step::Gone => {
            state.remove(&id);
        }
    }
}

/// The scheduler found a place.
pub fn bound(state: &mut State, uid: &str) {
    next(state, uid, Duration::from_millis(5), Step::Pull);
}

/// Nothing fits: the scheduler tries again when a node changes; see `Work::Schedule`.
fn pull(state: &mut State, pod: &Object) {
    let value = pod.value();
    let mut longest = Duration::ZERO;
    for container in list(&value, "/spec/containers") {
        let (name, image) = (text(container, "/name"), text(container, "/image"));
        let field = format!("spec.containers{{{name}}}");
        let place = (pod.pod.node.clone(), image.to_owned());
        if text(container, "/imagePullPolicy") != "Always" && state.images.contains(&place) {
            let message = format!("Container image \"{image}\" already present on machine");
            event::tell(state, pod, event::Told { field: &field, ..normal("kubelet", "Pulled", &message) });
            continue;
        }
        let message = format!("Pulling image \"{image}\"");
        event::tell(state, pod, event::Told { field: &field, ..normal("kubelet", "Pulling", &message) });
        match state.behaviour.pull(image) {
            Pull::Took { time, .. } => {
                let seconds = time.as_secs_f64();
                let message = format!("Successfully pulled image \"{image}\" in {seconds:.3}s ({seconds:.3}s including waiting)");
                event::tell(state, pod, event::Told { field: &field, ..normal("kubelet", "Pulled", &message) });
                state.images.insert(place);
                longest = longest.max(time);
            }
            Pull::Failed { message } => return pull_failed(state, pod, name, &message),
        }
    }
    next(state, &pod.uid, longest + STARTING, Step::Start);
}

fn pull_failed(state: &mut State, pod: &Object, container: &str, why: &str) {
    let field = format!("spec.containers{{{container}}}");
    event::tell(state, pod, event::Told { field: &field, ..warning("kubelet", "Failed", why) });
    event::tell(state, pod, event::Told { field: &field, ..warning("kubelet", "Failed", "Error: ErrImagePull") });
    let Some(life) = state.lives.get_mut(&pod.uid) else { return };
    life.pulls += 1;
    let pulls = life.pulls;
    let (reason, message) =
        if pulls == 1 { ("ErrImagePull", why.to_owned()) } else { ("ImagePullBackOff", format!("Back-off pulling image: {why}")) };
    if pulls > 1 {
        event::tell(state, pod, event::Told { field: &field, ..normal("kubelet", "BackOff", &message) });
        event::tell(state, pod, event::Told { field: &field, ..warning("kubelet", "Failed", "Error: ImagePullBackOff") });
    }
    state.edit(&pod.id, |value| status::waiting(value, container, reason, &message));
    next(state, &pod.uid, back_off(pulls), Step::Pull);
}

fn back_off(times: u32) -> Duration {
    BACK_OFF.saturating_mul(1 << times.saturating_sub(1).min(8)).min(LONGEST_BACK_OFF)
}

fn start(state: &mut State, pod: &Object) {
    let address = format!("10.42.{}.{}", (state.addresses.0 / 250) % 250, state.addresses.0 % 250 + 2);
    state.addresses.0 += 1;
    let value = pod.value();
    for container in list(&value, "/spec/containers") {
        tell_started(state, pod, text(container, "/name"));
    }
    let digests: Vec<String> = list(&value, "/spec/containers").iter().map(|container| digest(state, text(container, "/image"))).collect();
    let now = stamp(state.now);
    state.edit(&pod.id, |value| status::started(value, &address, &digests, &now));
    for index in 0..digests.len() {
        plan(state, &pod.id, index);
    }
}

fn digest(state: &State, image: &str) -> String {
    match state.behaviour.pull(image) {
        Pull::Took { digest, .. } => digest,
        Pull::Failed { .. } => String::new(),
    }
}

fn tell_started(state: &mut State, pod: &Object, container: &str) {
    let field = format!("spec.containers{{{container}}}");
    for (reason, message) in [("Created", format!("Created container: {container}")), ("Started", format!("Started container {container}"))]
    {
        event::tell(state, pod, event::Told { field: &field, ..normal("kubelet", reason, &message) });
    }
}

/// Asks the behaviour how a container goes on.
fn ask(state: &State, pod: &Value, index: usize) -> Option<(Run, jiff::Timestamp)> {
    let container = list(pod, "/spec/containers").get(index)?;
    let current = status::of(pod, text(container, "/name"))?;
    let started = parse(text(current, "/state/running/startedAt"))?;
    Some((state.behaviour.run(&view(state.now, pod, container, current)), started))
}

/// A container as the behaviour sees it.
pub fn view<'a>(now: jiff::Timestamp, pod: &'a Value, container: &'a Value, status: &Value) -> View<'a> {
    let run = count(status, "/restartCount");
    let started =
        parse(text(status, "/state/running/startedAt")).or_else(|| parse(text(status, "/state/terminated/startedAt"))).unwrap_or(now);
    let chance = mix(hash(text(pod, "/metadata/uid")) ^ run.unsigned_abs());
    View { pod, container, run, started, now, chance }
}

/// Sets the times at which a running container becomes ready and ends.
fn plan(state: &mut State, id: &Id, index: usize) {
    let Some(pod) = state.store.get(id).cloned() else { return };
    let Some((run, started)) = ask(state, &pod.value(), index) else { return };
    let passed = between(started, state.now);
    if let Some(after) = run.ready_after {
        next(state, &pod.uid, after.saturating_sub(passed), Step::Ready(index));
    }
    if let Some(exit) = run.exit {
        next(state, &pod.uid, exit.after.saturating_sub(passed), Step::Exit(index));
    }
}

/// A fault came or went: what was planned for the pod is void, and planned anew.
pub fn reconsider(state: &mut State, id: &Id) {
    let Some(pod) = state.store.get(id).cloned() else { return };
    if pod.pod.phase != "Running" {
        return;
    }
    let life = state.lives.entry(pod.uid.clone()).or_insert_with(|| Life { id: id.clone(), turn: 0, pulls: 0, back_offs: Vec::new() });
    life.turn += 1;
    let value = pod.value();
    for (index, container) in list(&value, "/spec/containers").iter().enumerate() {
        let Some(current) = status::of(&value, text(container, "/name")) else { continue };
        if current.pointer("/state/waiting").is_some() {
            next(state, &pod.uid, BACK_OFF, Step::Restart(index));
            continue;
        }
        let stays =
            ask(state, &value, index).is_some_and(|(run, started)| run.ready_after.is_some_and(|after| later(started, after) <= state.now));
        if !stays && text(container, "/name") == text(current, "/name") {
            unready(state, &pod, index);
        }
        plan(state, id, index);
    }
}

fn unready(state: &mut State, pod: &Object, index: usize) {
    let now = stamp(state.now);
    let was = state.store.get(&pod.id).is_some_and(|pod| pod.pod.ready);
    state.edit(&pod.id, |value| status::ready(value, index, false, &now));
    if was {
        event::tell(state, pod, warning("kubelet", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"));
    }
}

fn become_ready(state: &mut State, pod: &Object, index: usize) {
    if pod.deleting {
        return;
    }
    let now = stamp(state.now);
    state.edit(&pod.id, |value| status::ready(value, index, true, &now));
}

fn exit(state: &mut State, pod: &Object, index: usize) {
    let value = pod.value();
    let Some((run, started)) = ask(state, &value, index) else { return };
    let Some(exit) = run.exit.filter(|exit| later(started, exit.after) <= state.now) else { return };
    let forgiven = between(started, state.now) >= FORGIVEN;
    let policy = text(&value, "/spec/restartPolicy");
    let again = policy == "Always" || (policy == "OnFailure" && exit.code != 0);
    let now = stamp(state.now);
    state.edit(&pod.id, |value| status::terminated(value, index, &exit, &now));
    if !again {
        finish(state, pod, &now);
        return;
    }
    let Some(life) = state.lives.get_mut(&pod.uid) else { return };
    if life.back_offs.len() <= index {
        life.back_offs.resize(index + 1, 0);
    }
    let Some(times) = life.back_offs.get_mut(index) else { return };
    *times = if forgiven { 0 } else { *times };
    let wait = if *times == 0 { Duration::from_secs(1) } else { back_off(*times) };
    *times += 1;
    if wait > Duration::from_secs(1) {
        crash_loop(state, pod, index, wait);
    }
    next(state, &pod.uid, wait, Step::Restart(index));
}

fn crash_loop(state: &mut State, pod: &Object, index: usize, wait: Duration) {
    let value = pod.value();
    let name = list(&value, "/spec/containers").get(index).map(|container| text(container, "/name")).unwrap_or_default().to_owned();
    let full = format!("{}_{}({})", pod.id.name, pod.id.namespace, pod.uid);
    let told = format!("Back-off restarting failed container {name} in pod {full}");
    let field = format!("spec.containers{{{name}}}");
    event::tell(state, pod, event::Told { field: &field, ..warning("kubelet", "BackOff", &told) });
    let message = format!("back-off {}s restarting failed container={name} pod={full}", wait.as_secs());
    state.edit(&pod.id, |value| status::looping(value, index, &message));
}

/// All containers that are not restarted have ended: so has the pod.
fn finish(state: &mut State, pod: &Object, now: &str) {
    state.edit(&pod.id, |value| {
        let ends: Vec<Option<i64>> =
            list(value, "/status/containerStatuses").iter().map(|status| number(status, "/state/terminated/exitCode")).collect();
        if ends.iter().all(Option::is_some) {
            let phase = if ends.iter().all(|code| *code == Some(0)) { "Succeeded" } else { "Failed" };
            set(value, &["status", "phase"], phase);
            status::condition(value, "Ready", false, "PodCompleted", now);
            status::condition(value, "ContainersReady", false, "PodCompleted", now);
        }
    });
}

fn restart(state: &mut State, pod: &Object, index: usize) {
    let value = pod.value();
    let Some(container) = list(&value, "/spec/containers").get(index) else { return };
    let (name, image) = (text(container, "/name"), text(container, "/image"));
    let field = format!("spec.containers{{{name}}}");
    let message = format!("Container image \"{image}\" already present on machine");
    event::tell(state, pod, event::Told { field: &field, ..normal("kubelet", "Pulled", &message) });
    tell_started(state, pod, name);
    let now = stamp(state.now);
    state.edit(&pod.id, |value| status::restarted(value, index, &now));
    plan(state, &pod.id, index);
}

/// Begins the end of a pod. `grace` is what was asked for; without it the pod's own holds. Zero, and it is gone at once.
pub fn terminate(state: &mut State, id: &Id, grace: Option<i64>) {
    let Some(pod) = state.store.get(id).cloned() else { return };
    let value = pod.value();
    let grace = grace.or_else(|| number(&value, "/spec/terminationGracePeriodSeconds")).unwrap_or(30).max(0);
    if grace == 0 || pod.pod.node.is_empty() || pod.pod.over() || (state.past == Past::Writing && !state.lives.contains_key(&pod.uid)) {
        state.remove(id);
        return;
    }
    if pod.deleting && number(&value, "/metadata/deletionGracePeriodSeconds").is_some_and(|before| grace >= before) {
        return;
    }
    let end = later(state.now, Duration::from_secs(grace.unsigned_abs()));
    state.edit(id, |value| {
        set(value, &["metadata", "deletionTimestamp"], stamp(end));
        set(value, &["metadata", "deletionGracePeriodSeconds"], grace);
    });
    let containers = list(&value, "/spec/containers");
    for container in containers {
        let name = text(container, "/name");
        let field = format!("spec.containers{{{name}}}");
        let message = format!("Stopping container {name}");
        event::tell(state, &pod, event::Told { field: &field, ..normal("kubelet", "Killing", &message) });
    }
    let slowest = (0..containers.len()).filter_map(|index| ask(state, &value, index)).map(|(run, _)| run.stop_after).max();
    let life = state.lives.entry(pod.uid.clone()).or_insert_with(|| Life { id: id.clone(), turn: 0, pulls: 0, back_offs: Vec::new() });
    life.turn += 1;
    next(state, &pod.uid, slowest.unwrap_or_default().min(Duration::from_secs(grace.unsigned_abs())), Step::Gone);
    state.dirty.insert(Work::Endpoints(pod.id.namespace.clone()));
}

/// The pod as it is once everything went well; for a past that is written rather than played.
pub fn written(state: &mut State, mut pod: Value) -> Value {
    let node = scheduler::turn(state).unwrap_or_default();
    let now = stamp(state.now);
    set(&mut pod, &["spec", "nodeName"], node.clone());
    let images: Vec<String> = list(&pod, "/spec/containers").iter().map(|container| text(container, "/image").to_owned()).collect();
    let digests: Vec<String> = images.iter().map(|image| digest(state, image)).collect();
    state.images.extend(images.into_iter().map(|image| (node.clone(), image)));
    let address = format!("10.42.{}.{}", (state.addresses.0 / 250) % 250, state.addresses.0 % 250 + 2);
    state.addresses.0 += 1;
    status::pending(&mut pod, &now);
    status::condition(&mut pod, "PodScheduled", true, "", &now);
    status::started(&mut pod, &address, &digests, &now);
    for index in 0..digests.len() {
        status::ready(&mut pod, index, true, &now);
    }
    pod
}

/// The behaviour says that a container's process has ended: what follows begins now.
pub fn ended(state: &mut State, id: &Id, index: usize) {
    let Some(pod) = state.store.get(id).filter(|pod| running(pod)).cloned() else { return };
    let life = state.lives.entry(pod.uid.clone()).or_insert_with(|| Life { id: id.clone(), turn: 0, pulls: 0, back_offs: Vec::new() });
    if !pod.deleting {
        life.turn += 1;
    }
    exit(state, &pod, index);
    state.settle();
}

/// Is a pod of that kind one the world runs?
pub fn running(pod: &Object) -> bool {
    pod.id.kind == Kind::Pod && pod.pod.phase == "Running"
}
