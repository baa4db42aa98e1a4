//! One drill being played, as a machine: time, the world's truth and the incident as the log has it come in; what happens in the drill goes
//! out as records to append and faults to begin. No clock, no sockets, no screen, so that every drill can be played a thousand times over.

mod observe;
mod steer;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use observe::Seen;
use serde_json::Value;

use super::scenario::model::{Drill, Due, Fault, Inject, Level};
use super::scenario::scope;
use crate::drill::world::plant::Health;
use crate::runbook::model::Expression;
use crate::timeline::drill::{Began, Diagnosed, DrillOutcome, Ended, Hinted, Injected, Revealed};
use crate::timeline::identifier::Digest;
use crate::timeline::incident::Incident;
use crate::timeline::record::Happening;

/// How often the world is looked at, in its own time.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is true now.
#[derive(Debug, Clone, Copy)]
pub struct Truth<'a> {
    pub now: Timestamp,
    /// Of every service of the world, by its name.
    pub health: &'a BTreeMap<String, Health>,
    pub incident: &'a Incident,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    /// For the log.
    Happened(Happening),
    /// The drill's fault of this id begins now.
    Begin(String),
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Waiting,
    /// A facilitator keeps it back.
    Held,
    Sent,
}

/// Opened with the scenario, the exact document it came from, and when it began.
#[derive(Debug)]
pub struct Exercise {
    drill: Drill,
    level: Level,
    seed: u64,
    document: String,
    began: Timestamp,
    looked: Option<Timestamp>,
    faults: BTreeSet<String>,
    messages: BTreeMap<String, Delivery>,
    hints: usize,
    seen: Seen,
    ended: Option<Ended>,
}

impl Exercise {
    /// `drill` at its level already; `document` is the text it was read from, which is what the reveal shows.
    pub fn new((drill, level): (Drill, Level), seed: u64, document: String, began: Timestamp) -> Self {
        let messages = drill.messages().map(|inject| (inject.id.clone(), Delivery::Waiting)).collect();
        Self {
            drill,
            level,
            seed,
            document,
            began,
            looked: None,
            faults: BTreeSet::new(),
            messages,
            hints: 0,
            seen: Seen::default(),
            ended: None,
        }
    }

    pub fn level(&self) -> Level {
        self.level
    }

    pub fn drill(&self) -> &Drill {
        &self.drill
    }

    pub fn document(&self) -> &str {
        &self.document
    }

    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    pub fn began_at(&self) -> Timestamp {
        self.began
    }

    pub fn deliveries(&self) -> &BTreeMap<String, Delivery> {
        &self.messages
    }

    /// The first record: what is hidden is sealed by its digest.
    pub fn began(&self) -> Happening {
        Happening::DrillBegan(Began {
            drill: self.drill.id.clone(),
            level: self.level.as_str().to_owned(),
            seed: self.seed,
            world: self.drill.world.kind.as_str().to_owned(),
            hidden_sha256: Digest::of(self.document.as_bytes()).to_string(),
        })
    }

    /// The faults that are there from the first moment, before anybody looks.
    pub fn first_faults(&mut self) -> Vec<String> {
        self.begin_faults(self.began)
    }

    /// When there is something to look at next; nothing once the drill is over.
    pub fn due(&self) -> Option<Timestamp> {
        if self.ended.is_some() {
            return None;
        }
        let waiting = self.drill.messages().filter(|inject| self.delivery(inject) == Delivery::Waiting);
        let messages = waiting.filter_map(|inject| match &inject.due {
            Due::At(after) => Some(*after),
            Due::When(_) => None,
        });
        let faults = self.drill.faults.iter().filter(|fault| !self.faults.contains(&fault.id)).map(|fault| fault.at);
        let times = messages.chain(faults).chain([self.drill.limit]).map(|after| later(self.began, after));
        let look = self.looked.map_or(self.began, |looked| later(looked, LOOK_EVERY));
        times.chain([look]).min()
    }

    /// Time has passed, or something happened.
    pub fn look(&mut self, truth: Truth<'_>) -> Vec<Out> {
        if self.ended.is_some() || self.due().is_some_and(|due| truth.now < due) {
            return Vec::new();
        }
        self.looked = Some(truth.now);
        let mut out: Vec<Out> = self.begin_faults(truth.now).into_iter().map(Out::Begin).collect();
        let scope = self.scope(truth);
        out.extend(self.observe(truth, &scope).into_iter().map(|observed| Out::Happened(Happening::DrillObserved(observed))));
        out.extend(self.deliver(truth.now, &scope).into_iter().map(Out::Happened));
        let over = self.over(truth);
        out.extend(over.into_iter().flat_map(|ended| self.end(ended)).map(Out::Happened));
        out
    }

    fn scope(&self, truth: Truth<'_>) -> Value {
        let mut health = truth.health.clone();
        for fault in health.values_mut().flat_map(|health| &mut health.faults) {
            // A release that is on its way does nothing, and is not cured.
            fault.cured &= self.seen.faults.contains_key(&fault.id);
        }
        scope::predicate(&self.drill, truth.incident, &health, self.passed(truth.now))
    }

    fn passed(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.began)).unwrap_or(Duration::ZERO)
    }

    fn begin_faults(&mut self, now: Timestamp) -> Vec<String> {
        let passed = self.passed(now);
        let due = |fault: &&Fault| fault.at <= passed && !self.faults.contains(&fault.id);
        let due: Vec<String> = self.drill.faults.iter().filter(due).map(|fault| fault.id.clone()).collect();
        self.faults.extend(due.iter().cloned());
        due
    }

    fn delivery(&self, inject: &Inject) -> Delivery {
        self.messages.get(&inject.id).copied().unwrap_or(Delivery::Waiting)
    }

    fn deliver(&mut self, now: Timestamp, scope: &Value) -> Vec<Happening> {
        let passed = self.passed(now);
        let due = |inject: &&Inject| match &inject.due {
            Due::At(after) => *after <= passed,
            Due::When(when) => holds(when, scope),
        };
        let waiting = self.drill.messages().filter(|inject| self.delivery(inject) == Delivery::Waiting);
        let due: Vec<String> = waiting.filter(due).map(|inject| inject.id.clone()).collect();
        due.iter().filter_map(|id| self.send(id)).collect()
    }

    fn send(&mut self, id: &str) -> Option<Happening> {
        let inject = self.drill.messages().find(|inject| inject.id == id)?;
        let injected = Injected { inject: Some(inject.id.clone()), from: inject.from, text: inject.text.clone() };
        self.messages.insert(id.to_owned(), Delivery::Sent);
        Some(Happening::DrillInjected(injected))
    }

    /// Whether the drill is over now, and how.
    fn over(&self, truth: Truth<'_>) -> Option<Ended> {
        if let Some(fail) = self.drill.fail.iter().find(|fail| fail.ends && self.seen.failing.contains(&fail.id)) {
            return Some(Ended { outcome: DrillOutcome::Failed, why: fail.why.clone() });
        }
        if self.seen.durable {
            let why = format!("the service has been well for {} s", self.drill.success.durable_for.as_secs());
            return Some(Ended { outcome: DrillOutcome::Mitigated, why });
        }
        (self.passed(truth.now) >= self.drill.limit)
            .then(|| Ended { outcome: DrillOutcome::TimedOut, why: format!("the {} s of this drill are over", self.drill.limit.as_secs()) })
    }

    fn end(&mut self, ended: Ended) -> Vec<Happening> {
        self.ended = Some(ended.clone());
        let sha256 = Digest::of(self.document.as_bytes()).to_string();
        vec![Happening::DrillEnded(ended), Happening::DrillRevealed(Revealed { hidden: self.document.clone(), sha256 })]
    }

    /// The trainee leaves, or has closed the incident.
    pub fn finish(&mut self, incident: &Incident) -> Vec<Happening> {
        if self.ended.is_some() {
            return Vec::new();
        }
        let closed = incident.closed.is_some();
        let left = if closed { "the incident was closed" } else { "the console was left" };
        let ended = match self.seen.mitigated.filter(|_| closed) {
            Some(_) => {
                Ended { outcome: DrillOutcome::Mitigated, why: format!("{left} while the service was well, before that had lasted") }
            }
            None => Ended { outcome: DrillOutcome::Abandoned, why: format!("{left} before the service was well") },
        };
        self.end(ended)
    }

    /// The next hint, at its price.
    pub fn hint(&mut self, now: Timestamp) -> Result<Happening, String> {
        self.open()?;
        let Some(hint) = self.drill.hints.get(self.hints) else { return Err("there is no further hint".to_owned()) };
        let passed = self.passed(now);
        if passed < hint.after {
            let left = hint.after.saturating_sub(passed).as_secs().max(1);
            return Err(format!("the next hint may be had in {left} s"));
        }
        self.hints += 1;
        let number = u32::try_from(self.hints).unwrap_or(u32::MAX);
        Ok(Happening::DrillHinted(Hinted { hint: number, text: hint.text.clone(), penalty: hint.penalty }))
    }

    /// The stated diagnosis; a later one takes its place.
    pub fn diagnose(&self, answer: &str, by: &str) -> Result<Happening, String> {
        self.open()?;
        match self.drill.cause(answer) {
            Some(_) => Ok(Happening::DrillDiagnosed(Diagnosed { answer: answer.to_owned(), by: by.to_owned() })),
            None => Err(format!("the drill has no cause `{answer}` to choose")),
        }
    }

    fn open(&self) -> Result<(), String> {
        match &self.ended {
            None => Ok(()),
            Some(ended) => Err(format!("the drill is over ({}): close the incident", ended.outcome.as_str())),
        }
    }

    /// What the autopilot may state as the cause now: the first of its conclusions that holds.
    pub fn conclusion(&self, truth: Truth<'_>) -> Option<&str> {
        let scope = self.scope(truth);
        let found = self.drill.autopilot.diagnoses.iter().find(|conclusion| holds(&conclusion.when, &scope));
        found.map(|conclusion| conclusion.cause.value.as_str())
    }
}

/// One that can't be decided does not hold.
fn holds(predicate: &Expression, scope: &Value) -> bool {
    scope::holds(predicate, scope).unwrap_or(false)
}

/// `time + by`; stays where it is at the end of all time.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(time)
}
