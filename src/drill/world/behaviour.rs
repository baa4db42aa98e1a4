//! What the programs in the pods do. The world asks it; a scenario's faults are behaviours.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::DuplexStream;

/// One container at one moment.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub pod: &'a Value,
    /// Its entry in the pod's `spec.containers`.
    pub container: &'a Value,
    /// Which run of the container this is: 0 is the first.
    pub run: i64,
    /// When this run of the container started.
    pub started: Timestamp,
    pub now: Timestamp,
    /// A number of this run's own, from the seed.
    pub chance: u64,
}

/// How a container goes from here, if nothing intervenes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// From start until the readiness probe answers. None: it never does.
    pub ready_after: Option<Duration>,
    pub exit: Option<Exit>,
    /// From SIGTERM until it has ended by itself; cut off by the pod's grace.
    pub stop_after: Duration,
}

/// An end the program comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// From the start of the run.
    pub after: Duration,
    pub code: i32,
    /// As the kubelet says it: Completed, Error, OOMKilled.
    pub reason: &'static str,
    pub message: String,
}

/// What the registry says to a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pull {
    Took { time: Duration, digest: String },
    Failed { message: String },
}

/// What a container uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Cores.
    pub cpu: f64,
    /// Bytes of the working set.
    pub memory: u64,
}

/// A line of a container's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub time: Timestamp,
    pub text: String,
}

/// What a command run in a container left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub code: i32,
}

/// A server in a container: takes the connection and talks on it until the other side is done.
pub type Talk = BoxFuture<'static, ()>;

pub trait Behaviour: Send + Sync {
    fn pull(&self, image: &str) -> Pull;

    /// How a run goes. Asked when a container starts, and again for all that run when a fault comes or goes.
    fn run(&self, view: &View<'_>) -> Run;

    fn usage(&self, view: &View<'_>) -> Usage;

    /// The lines written in `(after, until]`, at most `limit` of them and then the newest; `until` is not later than now.
    fn log(&self, view: &View<'_>, after: Timestamp, until: Timestamp, limit: usize) -> Vec<Line>;

    /// When the next line after `after` comes, if one is to come.
    fn next_line(&self, view: &View<'_>, after: Timestamp) -> Option<Timestamp>;

    fn exec(&self, view: &View<'_>, argv: &[String], stdin: &[u8]) -> Ran;

    /// What listens on a port of the pod. None: the connection is refused.
    fn connect(&self, view: &View<'_>, port: u16, stream: DuplexStream) -> Option<Talk>;
}
