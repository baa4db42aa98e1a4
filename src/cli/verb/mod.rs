//! One file per verb.

pub mod completions;
pub mod drill;
pub mod export;
pub mod facilitate;
pub mod home;
pub mod incidents;
pub mod info;
pub mod lint;
pub mod man;
pub mod plan;
pub mod resume;
pub mod run;
pub mod schema;
pub mod show;
pub mod test;
pub mod world;
