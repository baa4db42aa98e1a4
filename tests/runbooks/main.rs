//! The shipped runbooks against the real thing.
mod document;
