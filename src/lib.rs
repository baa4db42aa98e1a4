//! qrh: the Quick Reference Handbook for production.
//!
//! The map of rooms; arrows point down only, and `tests/rooms.rs` holds the `use` lines to it.
//!
//! | room | holds | never holds | may use |
//! |---|---|---|---|
//! | [`runbook`] | the document: model, loading with spans, lint, template, expression, schema | IO, clock | – |
//! | [`action`] | what a command is: one file per kind, as data; describe, classify | execution | runbook |
//! | [`timeline`] | events, replay, hash chain, merge, metrics | file handles | runbook, action |
//! | [`guard`] | tiers, policy, clearance (the one maker), redaction, cleaning | UI, IO | runbook, action |
//! | [`engine`] | `handle(State, Event) -> (State, Vec<Effect>)` | async, clock, kube, ratatui | runbook, action, guard, timeline |
//! | [`target`] | the only hands: kube, host processes, http, prometheus | decisions | runbook, action, guard |
//! | [`journal`] | durable log files, locks, recovery | meaning | timeline |
//! | [`export`] | one file per format | IO | timeline, drill |
//! | [`drill`] | the simulated world and what trains people in it | real targets | runbook, timeline |
//! | [`tui`] | model, keys, update, view, one file per pane, theme | kube, disk | engine, timeline, runbook, action |
//! | [`plain`] | the line front end over the same engine | kube, disk | as tui |
//! | [`app`] | the shell: channels, clock, terminal, wiring | policy | all but cli |
//! | [`cli`] | arguments, settings, one file per verb, exit codes | logic | app, rooms |

pub mod action;
pub mod app;
pub mod cli;
pub mod drill;
pub mod engine;
pub mod export;
pub mod guard;
pub mod journal;
pub mod plain;
pub mod runbook;
pub mod target;
pub mod timeline;
pub mod tui;
