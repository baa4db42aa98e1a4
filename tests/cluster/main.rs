//! The cluster runbooks against a Kubernetes API: reads and changes by the real program, checked by kubectl. The same suite runs against the
//! simulated world and, where `QRH_E2E_KUBECONFIG` names one, against a disposable real cluster: then each answer's shape is compared too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files and start processes themselves")]
#![allow(clippy::print_stdout, reason = "what differs from a real cluster is told, not only counted")]

mod ground;
mod paths;
#[path = "../e2e/pty.rs"]
#[allow(dead_code, reason = "the terminal of the end-to-end tests, of which this suite needs less")]
mod pty;
mod session;
mod shape;
