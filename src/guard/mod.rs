//! What stands between a wish and the target: tiers, the team's policy, the clearance, and the cleaning and redaction of everything
//! that comes from outside. No UI, no files, no clock.

pub mod clean;
pub mod clearance;
pub mod ingest;
pub mod policy;
pub mod redact;
pub mod surroundings;
#[cfg(test)]
mod tests;
pub mod tier;

pub use clearance::{Admitted, Answer, Cleared, Denied, Permission, Proposal, Voided, clear};
pub use policy::Policy;
pub use tier::{Challenge, Tier};
