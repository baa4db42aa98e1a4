//! What stands between a wish and the target: tiers, the team's policy, the clearance, and the cleaning and redaction of everything
//! that comes from outside. No UI, no files, no clock.

pub mod clean;
pub mod ingest;
pub mod redact;
