//! The runbook document as qrh uses it after loading: every id resolved to a type, every place in the file kept as a span.
//! No serde here: `runbook::read` builds this from the spanned YAML tree so that all mistakes of a file are reported at once.

use std::fmt;
use std::time::Duration;

use crate::runbook::source::{Node, Span, Spanned};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name!(
    /// Lower-case words joined by `-`; the file's identity. A team's runbook with the same id replaces the shipped one.
    RunbookId
);
name!(
    /// Lower-case words joined by `-`, unique in its runbook.
    StepId
);
name!(
    /// `snake_case`, unique in its runbook: it is a name in templates and expressions.
    CommandId
);
name!(
    /// `snake_case` name of an input, a capture or a remembered value.
    Name
);

/// A string with `{{ }}` placeholders, not yet rendered.
pub type Template = Spanned<String>;
/// A CEL expression, not yet compiled. At most 1 KiB.
pub type Expression = Spanned<String>;

#[derive(Debug, Clone)]
pub struct Runbook {
    pub id: RunbookId,
    pub title: String,
    pub summary: String,
    pub targets: Vec<TargetKind>,
    pub symptoms: Vec<Symptom>,
    pub inputs: Vec<Input>,
    pub card: Card,
    pub steps: Vec<Step>,
}

impl Runbook {
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    pub fn command(&self, id: &CommandId) -> Option<(&Step, &Command)> {
        self.steps.iter().find_map(|step| step.commands.iter().find(|command| command.id == *id).map(|command| (step, command)))
    }
}

/// What an incident acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    Cluster,
    Host,
}

impl TargetKind {
    pub const ALL: [Self; 2] = [Self::Cluster, Self::Host];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Host => "host",
        }
    }
}

/// Where one command acts. A command `on: cluster` or `on: host` is offered only when the incident's target is of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    Cluster,
    Host,
    /// The responder's own machine: HTTP, PromQL, questions, computations.
    Here,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::Cluster, Self::Host, Self::Here];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Host => "host",
            Self::Here => "here",
        }
    }

    pub fn fits(self, target: TargetKind) -> bool {
        match self {
            Self::Here => true,
            Self::Cluster => target == TargetKind::Cluster,
            Self::Host => target == TargetKind::Host,
        }
    }
}

/// The author's tag: required on every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    ReadOnly,
    Mutating,
}

impl Effect {
    pub const ALL: [Self; 2] = [Self::ReadOnly, Self::Mutating];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Mutating => "mutating",
        }
    }
}

/// The seven phases, in the order they are worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    FirstChecks,
    Containment,
    Diagnosis,
    Recovery,
    Verification,
    Escalation,
    PostIncident,
}

impl Phase {
    pub const ALL: [Self; 7] =
        [Self::FirstChecks, Self::Containment, Self::Diagnosis, Self::Recovery, Self::Verification, Self::Escalation, Self::PostIncident];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstChecks => "first-checks",
            Self::Containment => "containment",
            Self::Diagnosis => "diagnosis",
            Self::Recovery => "recovery",
            Self::Verification => "verification",
            Self::Escalation => "escalation",
            Self::PostIncident => "post-incident",
        }
    }
}

/// A sign that this runbook fits, with a read-only probe that tells.
#[derive(Debug, Clone)]
pub struct Symptom {
    pub says: String,
    pub probe: Option<ActionSpec>,
    pub when: Option<Expression>,
    /// 1 to 10.
    pub weight: u8,
}

/// A value the responder gives when the runbook opens.
#[derive(Debug, Clone)]
pub struct Input {
    pub name: Name,
    pub kind: InputKind,
    pub default: Option<serde_json::Value>,
    pub help: String,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    Text,
    Number,
    Bool,
    /// Written `30s`, `5m`, `2h`; in expressions a string for `duration()`.
    Duration,
    Choice(Vec<String>),
}

/// The service card: field names of the user's runbook template. A runbook may override what the catalog says.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Card {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dashboard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub logs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace_query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slo: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub dependencies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rollback_command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feature_flags: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recent_deploy_command: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub id: StepId,
    pub phase: Phase,
    pub title: Template,
    pub why: String,
    pub requires: Vec<Requirement>,
    pub commands: Vec<Command>,
    pub findings: Vec<Finding>,
    pub span: Span,
}

/// Evidence that must be fresh before a change in this step may run.
#[derive(Debug, Clone)]
pub struct Requirement {
    pub command: Spanned<CommandId>,
    pub max_age: Duration,
}

#[derive(Debug, Clone)]
pub struct Command {
    pub id: CommandId,
    pub title: Template,
    pub effect: Effect,
    pub place: Place,
    /// Offered only while this holds.
    pub when: Option<Expression>,
    pub action: ActionSpec,
    /// Names kept from the result, each an expression over `out`, `exit`, `lines`.
    pub capture: Vec<(Name, Expression)>,
    /// What a good result looks like; a result that does not fit is shown as unexpected and does not fail the run.
    pub expect: Option<Expression>,
    /// A number read from the result, for `measure`.
    pub value: Option<Measured>,
    pub watch: Option<Watch>,
    /// Read-only commands only: a change is never repeated by qrh.
    pub retry: Option<Retry>,
    /// 1 s to 1 h; 30 s unless said.
    pub timeout: Duration,
    /// Prior state, read from `facts` just before the change, for the undo.
    pub remember: Vec<(Name, Expression)>,
    pub undo: Option<ActionSpec>,
    pub irreversible: Option<String>,
    /// The read-only command that settles an unknown outcome.
    pub verify: Option<Spanned<CommandId>>,
    /// Read-only commands with a `value`, read just before and after the change.
    pub measure: Vec<Spanned<CommandId>>,
    pub hazards: Vec<Hazard>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Measured {
    pub value: Expression,
    /// `ms`, `s`, `%`, `MiB`, `req/s`, or empty for a bare number.
    pub unit: String,
}

/// Repeats a read-only command until `until` has held for `hold`, or `timeout` has passed.
#[derive(Debug, Clone)]
pub struct Watch {
    /// 1 s to 5 m.
    pub every: Duration,
    pub until: Expression,
    pub hold: Duration,
    pub timeout: Duration,
}

#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// 1 to 5 further tries.
    pub times: u8,
    pub delay: Duration,
}

#[derive(Debug, Clone)]
pub struct Hazard {
    /// Absent: always true.
    pub when: Option<Expression>,
    pub says: Template,
    /// True: the change is refused while this holds.
    pub stop: bool,
}

#[derive(Debug, Clone)]
pub struct Finding {
    pub when: Expression,
    pub means: Template,
    pub go: Option<Spanned<StepId>>,
}

/// An action as its author wrote it: the kind, the verb where the kind has verbs, and the fields with their templates.
/// `vocabulary` has checked the field names and types; `template::render_action` gives the values.
#[derive(Debug, Clone)]
pub struct ActionSpec {
    pub kind: ActionKind,
    /// The verb of `kube` (`get`, `scale`, …); absent for kinds without verbs.
    pub verb: Option<String>,
    /// A map node: the fields.
    pub fields: Node,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    Kube,
    Run,
    Shell,
    Http,
    Promql,
    Ask,
    Compute,
    Announce,
}

impl ActionKind {
    pub const ALL: [Self; 8] = [Self::Kube, Self::Run, Self::Shell, Self::Http, Self::Promql, Self::Ask, Self::Compute, Self::Announce];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kube => "kube",
            Self::Run => "run",
            Self::Shell => "shell",
            Self::Http => "http",
            Self::Promql => "promql",
            Self::Ask => "ask",
            Self::Compute => "compute",
            Self::Announce => "announce",
        }
    }
}
