//! The panes: what the responder sees and the keys they press. Key events, lines and records come in with their time; intents go out.
//! No kube, no disk, no clock, no terminal: `view` fills a [`Buffer`](ratatui::buffer::Buffer) and `app` puts it on the screen.
//!
//! ```text
//! 120×40                                      80×24: one pane at a time
//! ┌ header: mode, service, target, clock ──┐  ┌ header ───────────────┐
//! │ phase, what is pending, log            │  │                       │
//! ├ Steps ─┬ Step ─────────────────────────┤  ├ 1 Steps [2 Step] 3 … ─┤
//! │ by     │ why, evidence, commands,      │  │                       │
//! │ phase  │ findings                      │  │  the pane             │
//! │        ├ Output ───────────────────────┤  │                       │
//! │        ├ Timeline ─────────────────────┤  ├───────────────────────┤
//! ├ notice ┴───────────────────────────────┤  │ notice                │
//! └ keys ──────────────────────────────────┘  └ keys ─────────────────┘
//! ```
//!
//! What is on top is never stored: [`surface::surface`] derives it from the engine's state and the model's one overlay, so a dialog
//! can't be open without its change, and two can't be open at once.

mod clock;
mod field;
pub mod keys;
mod layout;
mod model;
mod paint;
mod ring;
mod steady;
mod surface;
mod tell;
#[cfg(test)]
mod tests;
mod theme;
mod update;
mod view;

pub use keys::{KeyError, Keymap};
pub use layout::HEADER;
pub use model::{Input, Model, Out};
pub use steady::{draw_header, steady};
pub use theme::Theme;
pub use update::update;
pub use view::{cursor, view};
