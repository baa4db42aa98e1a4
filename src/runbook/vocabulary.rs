//! The one list of what may stand in a document. The loader's checks, the rendering of actions, the JSON Schema and the documentation
//! all read these tables: a key, verb or field is written down here once.

pub mod action;
pub mod catalog;
pub mod document;
pub mod kube;
pub mod shape;

pub use action::{Classed, classify};
pub use shape::{Case, Group, Key, Kind, Need, Shape};
