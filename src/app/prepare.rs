//! Makes a command ready: rendered, with the live target read, the undo built from it, and everything a person must see before they
//! answer. Decides nothing: `guard` does, over what is gathered here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::consider::{action, text};
use super::measure;
use crate::action::shell::Shell;
use crate::action::{Action, Planned, Preview, Verdict, Write};
use crate::engine::Request;
use crate::engine::event::Prepared;
use crate::guard::clearance::Wish;
use crate::guard::surroundings;
use crate::runbook::expression;
use crate::runbook::model::{Command, Effect, Hazard, Name, Place, Runbook, TargetKind};
use crate::target::{Clock, Hands};

/// Time for a responder's own command.
const TIMEOUT_MS: u64 = 30_000;

/// What preparing needs besides the request.
#[derive(Clone)]
pub struct Desk {
    pub runbook: Arc<Runbook>,
    pub hands: Arc<Hands>,
    pub kind: TargetKind,
    pub workload: String,
    pub measure: measure::Gauge,
    pub clock: Clock,
}

/// The command as it would run now; the error says why it can't.
pub async fn prepare(desk: &Desk, request: Request, scope: Value) -> Result<Box<Prepared>, String> {
    match request {
        Request::Command(id) => {
            let (_, command) = desk.runbook.command(&id).ok_or_else(|| format!("the runbook has no command {id}"))?;
            of_runbook(desk, command, scope).await
        }
        Request::AdHoc { line, effect } => of_responder(desk, line, effect).await,
        Request::Undo { title, undo, redo, command, .. } => {
            let (_, command) = desk.runbook.command(&command).ok_or_else(|| format!("the runbook has no command {command}"))?;
            let planned = Planned { action: *undo, place: command.place, timeout_ms: timeout_ms(command) };
            undoing(desk, title, planned, *redo).await
        }
    }
}

async fn of_runbook(desk: &Desk, command: &Command, mut scope: Value) -> Result<Box<Prepared>, String> {
    let mutating = command.effect == Effect::Mutating;
    let facts = if mutating { desk.hands.facts().await } else { None };
    put(&mut scope, "facts", facts.clone());
    let ready = block_in_place(|| Ready::render(command, &mut scope))?;
    let planned = Planned { action: ready.action, place: command.place, timeout_ms: timeout_ms(command) };
    let mut prepared = gather(desk, planned, ready.undo, command.effect, facts.as_ref()).await?;
    let wish = &mut prepared.wish;
    wish.title = text(&command.title.value, &scope);
    block_in_place(|| hazards(command, &scope, wish));
    prepared.remembered = ready.remembered;
    if mutating {
        prepared.before = desk.measure.readings(command.measure.iter().map(|id| &id.value), &scope).await;
    }
    prepared.facts = facts;
    Ok(Box::new(prepared))
}

fn timeout_ms(command: &Command) -> u64 {
    u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX)
}

/// A command with its templates filled in.
struct Ready {
    action: Action,
    undo: Option<Action>,
    remembered: BTreeMap<Name, Value>,
}

impl Ready {
    fn render(command: &Command, scope: &mut Value) -> Result<Self, String> {
        if let Some(when) = &command.when {
            match expression::truth(&when.value, scope) {
                Ok(true) => {}
                Ok(false) => return Err(format!("it is meant only when {}", when.value)),
                Err(undecided) => return Err(format!("whether it fits is not known: {}", undecided.why)),
            }
        }
        let action = action(&command.action, scope)?;
        let remembered = remember(command, scope)?;
        put(scope, "remember", Some(json!(remembered)));
        let undo = command.undo.as_ref().map(|undo| self::action(undo, scope)).transpose();
        let undo = undo.map_err(|why| format!("its undo can't be built, so it is not offered: {why}"))?;
        Ok(Self { action, undo, remembered })
    }
}

fn remember(command: &Command, scope: &Value) -> Result<BTreeMap<Name, Value>, String> {
    let read = |(name, source): &(Name, crate::runbook::model::Expression)| match expression::evaluate(&source.value, scope) {
        Ok(value) => Ok((name.clone(), value)),
        Err(undecided) => Err(format!("the state to go back to can't be read ({name}): {}", undecided.why)),
    };
    command.remember.iter().map(read).collect()
}

/// Hazards that hold; one that can't be decided counts as holding, since nobody knows that it doesn't.
fn hazards(command: &Command, scope: &Value, wish: &mut Wish) {
    for hazard in &command.hazards {
        let Some(says) = holds(hazard, scope) else { continue };
        if hazard.stop { wish.stops.push(says) } else { wish.hazards.push(says) }
    }
    wish.hazards.extend(command.irreversible.iter().map(|why| format!("can't be undone: {why}")));
}

fn holds(hazard: &Hazard, scope: &Value) -> Option<String> {
    let says = text(&hazard.says.value, scope);
    match hazard.when.as_ref().map(|when| expression::truth(&when.value, scope)) {
        None | Some(Ok(true)) => Some(says),
        Some(Ok(false)) => None,
        Some(Err(undecided)) => Some(format!("{says} (not known whether this holds: {})", undecided.why)),
    }
}

async fn of_responder(desk: &Desk, line: String, effect: Effect) -> Result<Box<Prepared>, String> {
    if desk.kind == TargetKind::Cluster {
        // A cluster has no shell of its own: the line runs on the responder's machine, where their kubectl is.
        return own(desk, line, effect, Place::Here).await;
    }
    if !desk.hands.fence.is_open() {
        return Err(
            "this is a drill on a service of this machine: a command of your own could reach past it, so only those of the runbook run"
                .to_owned(),
        );
    }
    own(desk, line, effect, Place::Host).await
}

async fn own(desk: &Desk, line: String, effect: Effect, place: Place) -> Result<Box<Prepared>, String> {
    if line.trim().is_empty() {
        return Err("there is nothing to run".to_owned());
    }
    let facts = if effect == Effect::Mutating { desk.hands.facts().await } else { None };
    let title = format!("Own command: {line}");
    let planned = Planned { action: Action::Shell(Shell { script: line }), place, timeout_ms: TIMEOUT_MS };
    let mut prepared = gather(desk, planned, None, effect, facts.as_ref()).await?;
    prepared.wish.title = title;
    prepared.facts = facts;
    Ok(Box::new(prepared))
}

async fn undoing(desk: &Desk, title: String, planned: Planned, redo: Action) -> Result<Box<Prepared>, String> {
    let facts = desk.hands.facts().await;
    let mut prepared = gather(desk, planned, Some(redo), Effect::Mutating, facts.as_ref()).await?;
    prepared.wish.title = title;
    prepared.facts = facts;
    Ok(Box::new(prepared))
}

/// Reads the live target where something would change, and puts together what will be shown.
async fn gather(desk: &Desk, planned: Planned, undo: Option<Action>, effect: Effect, facts: Option<&Value>) -> Result<Prepared, String> {
    let verdict = planned.action.classify();
    let (identity, preview) = match (effect, &verdict) {
        (Effect::ReadOnly, Verdict::Reads(_) | Verdict::Unknown(_)) => {
            let nothing = Preview::None("a read changes nothing to preview".to_owned());
            (desk.hands.pinned(planned.place, &desk.measure.target).await, nothing)
        }
        (Effect::ReadOnly, Verdict::Changes(_)) | (Effect::Mutating, _) => {
            let identity = desk.hands.identity(&planned).await?;
            let preview = desk.hands.preview(&planned, &identity).await;
            (identity, preview)
        }
    };
    let none = Value::Null;
    let facts = facts.unwrap_or(&none);
    let wish = Wish {
        title: String::new(),
        effect,
        describes: planned.action.describe(&identity),
        undo_describes: undo.as_ref().map(|undo| undo.describe(&identity)),
        preview,
        reach: surroundings::reach(&planned.action, facts),
        hazards: Vec::new(),
        stops: Vec::new(),
        fighters: surroundings::fighters(facts),
        workload: desk.workload.clone(),
        write: Write { planned, identity, undo },
    };
    Ok(Prepared { wish, verdict, facts: None, remembered: BTreeMap::new(), before: Vec::new() })
}

fn put(scope: &mut Value, name: &str, value: Option<Value>) {
    if let (Value::Object(names), Some(value)) = (scope, value) {
        names.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::action::Identity;
    use crate::guard::Policy;
    use crate::runbook::source::SourceFile;
    use crate::target::Fence;
    use crate::target::facts::HostQuery;
    use crate::target::http::Client;

    /// A host's desk, within a fence.
    fn desk(fence: &Fence) -> Desk {
        let text = include_bytes!("../../runbooks/high-cpu.yaml").to_vec();
        let runbook = Arc::new(crate::runbook::load(&SourceFile::new("high-cpu", text), false).runbook.unwrap());
        let http = Client::within(fence.clone(), Clock::Machine);
        let host = Some(HostQuery { pid: Some(std::process::id()), ..HostQuery::default() });
        let hands = Arc::new(Hands { cluster: None, http, host, prometheus: None, workload: None, fence: fence.clone() });
        let policy = Arc::new(Policy::default());
        let measure = measure::Gauge { runbook: Arc::clone(&runbook), hands: Arc::clone(&hands), policy, target: Identity::Here };
        Desk { runbook, hands, kind: TargetKind::Host, workload: String::new(), measure, clock: Clock::Machine }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_typed_in_a_drill_on_this_machine_is_refused() {
        let typed = || Request::AdHoc { line: "true".to_owned(), effect: Effect::ReadOnly };
        let drill = desk(&Fence::around([SocketAddr::from(([127, 0, 0, 1], 9))]));
        let refused = prepare(&drill, typed(), Value::Null).await.unwrap_err();
        assert!(refused.contains("this is a drill on a service of this machine"), "{refused}");
        assert!(prepare(&desk(&Fence::Open), typed(), Value::Null).await.is_ok(), "a live host takes it");
    }
}
