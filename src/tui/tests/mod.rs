//! The panes as a responder meets them: keys in, intents and cells out, over an engine driven by its public functions.

mod arrival;
mod console;
mod dialogs;
mod fixture;
mod journey;
mod keys;
mod screens;
mod sizes;
mod steady;
mod text;
