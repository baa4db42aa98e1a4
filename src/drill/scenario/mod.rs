//! The drill's document, `qrh.drill/v1`: what is told to the trainee, what is hidden, and what counts as having done well.
//! Text and the runbook it names come in, a checked [`model::Drill`] or diagnostics go out. No files, no clock, no world.

pub mod model;
