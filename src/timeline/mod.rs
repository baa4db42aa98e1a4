//! What happened: the events of an incident, their chain, and what they add up to. Records come in, an [`incident::Incident`] goes out.
//! No files (that is `journal`) and no clock: every record carries its times.

pub mod chain;
pub mod drill;
pub mod envelope;
pub mod hlc;
pub mod identifier;
pub mod incident;
#[cfg(test)]
mod incident_tests;
pub mod metrics;
pub mod record;
pub mod story;
