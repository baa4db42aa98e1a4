//! Timeline rows.
