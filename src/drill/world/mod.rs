//! The simulated world: the servers a console, kubectl or a dashboard talks to.

pub mod promql;
