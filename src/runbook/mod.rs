//! The document: what a team writes down before the incident. Text comes in, a checked [`model::Runbook`] or a list of
//! [`diagnostic`]s goes out. No files, no clock, no network: whoever calls has read the bytes already.

pub mod catalog;
pub mod diagnostic;
pub mod expression;
pub mod form;
pub mod lint;
pub mod model;
mod read;
pub mod render;
pub mod schema;
pub mod source;
pub mod template;
pub mod vocabulary;
pub mod yaml;

pub use read::{Loaded, load};
