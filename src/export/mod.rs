//! An incident as something to hand over: one file per format. Envelopes come in, text goes out; writing it anywhere is the caller's.
//! Every export names the heads of the logs it was made from, what was redacted and what was cut.

mod escape;
pub mod hotwash;
pub mod markdown;
