//! The shell: it opens an incident, carries out what the engine asks for, and runs one of the two front ends. No policy lives here: the
//! engine and `guard` decide, `target` acts, `journal` keeps.
#![allow(clippy::disallowed_methods, reason = "this room has the clock, the tasks and the terminal")]

pub mod consider;
pub mod console;
pub mod drill;
pub mod headless;
pub mod judge;
pub mod lines;
pub mod measure;
pub mod open;
pub mod output;
pub mod panes;
pub mod performer;
pub mod prepare;
pub mod recorder;
pub mod screen;
pub mod second;
pub mod signal;
pub mod terminal;
pub mod typed;
pub mod voice;
pub mod world;
