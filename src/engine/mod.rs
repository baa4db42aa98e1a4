//! The machine: `handle(State, Stamped) -> (State, Vec<Effect>)`. What the responder wants and what the world answered come in as
//! events with their time; what must be done goes out as data. No clock, no tasks, no kube, no screen.
//!
//! Only what the log has acknowledged changes the incident: a handler that wants something to have happened asks for an
//! [`Effect::Append`], and goes on when the record comes back as [`Event::Recorded`]. So the intent of a change is on disk before
//! [`Effect::Apply`] can exist.

pub mod change;
pub mod effect;
pub mod event;
mod person;
mod reading;
mod recorded;
pub mod scope;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;

pub use effect::{Effect, Notice, Plea, Request};
pub use event::{Event, Intent, Stamped};
// What the front ends need to show a confirmation, without reaching past this room.
pub use crate::guard::clearance::{ARMS_AFTER_MS, Proposal, Wish};
pub use crate::guard::{Challenge, Tier};
pub use state::{Briefing, Setup, State};

/// One step of the machine.
pub fn handle(mut state: State, stamped: Stamped) -> (State, Vec<Effect>) {
    let at = stamped.at;
    let effects = match stamped.event {
        Event::Person(intent) => person::handle(&mut state, intent, at),
        Event::Recorded(record) => recorded::handle(&mut state, &record),
        Event::LogLost { why } => recorded::lost(&mut state, why, at),
        Event::Considered(considered) => recorded::considered(&mut state, considered, at),
        Event::Looked(facts) => recorded::looked(facts, at),
        Event::Prepared { token, result } => change::prepared(&mut state, token, result, at),
        Event::Ran(ran) => reading::ran(&mut state, *ran, at),
        Event::Applied(ran) => change::applied(&mut state, *ran, at),
        Event::Measured { run, readings } => change::measured(&state, run, readings, at),
    };
    (state, effects)
}
