//! What must hold beyond the shape of a document.

pub mod rule;
