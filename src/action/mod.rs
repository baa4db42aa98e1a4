//! What a command is, once its templates are rendered: one file per kind, as plain data. An action can describe itself (the exact argv
//! or API call, and what a person would type instead) and say whether it reads or changes. It never runs: only `target` does.

pub mod announce;
pub mod ask;
pub mod compute;
pub mod http;
pub mod identity;
pub mod kube;
pub mod outcome;
pub mod preview;
pub mod promql;
pub mod quote;
pub mod run;
pub mod shell;

use serde::{Deserialize, Serialize};

use crate::runbook::model::{ActionKind, Place};

pub use identity::Identity;
pub use outcome::{Ending, Report};
pub use preview::Preview;

/// A rendered action. Its JSON form is the authored form with every template filled in: `{"kube": {"scale": {…}}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Kube(kube::Kube),
    Run(run::Run),
    Shell(shell::Shell),
    Http(http::Http),
    Promql(promql::Promql),
    Ask(ask::Ask),
    Compute(compute::Compute),
    Announce(announce::Announce),
}

/// What qrh itself makes of an action, whatever its author says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "verdict", content = "why")]
pub enum Verdict {
    /// It can only read, and something below holds it to that: see [`Hold`].
    Reads(Hold),
    /// It changes something. The text names what decided it.
    Changes(String),
    /// Not decided. Never treated as a read that is held.
    Unknown(String),
}

/// What makes a read unable to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// The Kubernetes client it goes through has no mutating verb.
    ReadClient,
    /// GET, HEAD or OPTIONS without a body.
    HttpMethod,
    /// The Prometheus query endpoints only.
    QueryEndpoint,
    /// It acts on nothing outside qrh: a question or a computation.
    NoEffect,
    /// Only its author says so: nothing enforces it.
    DeclaredOnly,
}

impl Hold {
    /// As it stands on the screen beside the command.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadClient => "read-only client",
            Self::HttpMethod => "GET only",
            Self::QueryEndpoint => "query endpoint only",
            Self::NoEffect => "no effect outside qrh",
            Self::DeclaredOnly => "declared only",
        }
    }
}

/// What a person reads before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The exact argv (shell-quoted) or API call, one line each: what will run.
    pub runs: Vec<String>,
    /// What a person would type to do the same by hand, where that differs (`kubectl …`, `curl …`).
    pub by_hand: Option<String>,
}

/// Where a rendered action goes; part of what a clearance is bound to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub action: Action,
    pub place: Place,
    /// 1 s to 1 h.
    pub timeout_ms: u64,
}

/// A change as data: nothing can run it without a clearance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    pub planned: Planned,
    /// What it was shown to act on.
    pub identity: Identity,
    /// What would put it back, rendered from the remembered state.
    pub undo: Option<Action>,
}

/// A read as data. `guard` admits it; `target` runs only admitted reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    pub planned: Planned,
    pub hold: Hold,
}

impl Action {
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Kube(_) => ActionKind::Kube,
            Self::Run(_) => ActionKind::Run,
            Self::Shell(_) => ActionKind::Shell,
            Self::Http(_) => ActionKind::Http,
            Self::Promql(_) => ActionKind::Promql,
            Self::Ask(_) => ActionKind::Ask,
            Self::Compute(_) => ActionKind::Compute,
            Self::Announce(_) => ActionKind::Announce,
        }
    }

    /// `kind`, or `kind.verb` where the kind has verbs: what policy globs match.
    pub fn name(&self) -> String {
        match self {
            Self::Kube(kube) => format!("kube.{}", kube.verb()),
            Self::Run(_) | Self::Shell(_) | Self::Http(_) | Self::Promql(_) | Self::Ask(_) | Self::Compute(_) | Self::Announce(_) => {
                self.kind().as_str().to_owned()
            }
        }
    }

    /// Exhaustive on purpose: a new kind can't default to safe.
    pub fn classify(&self) -> Verdict {
        match self {
            Self::Kube(kube) => kube.classify(),
            Self::Run(run) => run.classify(),
            Self::Shell(shell) => shell.classify(),
            Self::Http(http) => http.classify(),
            Self::Promql(_) => Verdict::Reads(Hold::QueryEndpoint),
            Self::Ask(_) | Self::Compute(_) => Verdict::Reads(Hold::NoEffect),
            Self::Announce(announce) => announce.classify(),
        }
    }

    pub fn describe(&self, identity: &Identity) -> Description {
        match self {
            Self::Kube(kube) => kube.describe(identity),
            Self::Run(run) => run.describe(),
            Self::Shell(shell) => shell.describe(),
            Self::Http(http) => http.describe(),
            Self::Promql(promql) => promql.describe(),
            Self::Ask(ask) => ask.describe(),
            Self::Compute(compute) => compute.describe(),
            Self::Announce(announce) => announce.describe(),
        }
    }
}
