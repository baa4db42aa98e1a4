//! What can be said on the command line. Help texts here are the manual: `qrh man` and docs/CLI.md are made from them.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// Quick Reference Handbook for production: incident runbooks that run, ask before they change anything, and write the timeline.
#[derive(Debug, Parser)]
#[command(name = "qrh", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 ok, 1 failed check or refused, 2 usage, 3 target unreachable, 4 outcome unknown, 130 interrupted.")]
pub struct Args {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Where things are kept. What is not said here comes from the environment, then from the configuration directory.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Common {
    /// Directory of the team's runbooks; they replace shipped ones of the same id
    #[arg(long, value_name = "DIR", env = "QRH_RUNBOOKS", hide_env_values = true, global = true)]
    pub runbooks: Option<PathBuf>,
    /// The service catalog
    #[arg(long, value_name = "FILE", env = "QRH_SERVICES", hide_env_values = true, global = true)]
    pub services: Option<PathBuf>,
    /// The team's policy
    #[arg(long, value_name = "FILE", env = "QRH_POLICY", hide_env_values = true, global = true)]
    pub policy: Option<PathBuf>,
    /// Directory under which incidents are kept
    #[arg(long, value_name = "DIR", env = "QRH_STATE", hide_env_values = true, global = true)]
    pub state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Open a runbook on a service, as an incident of its own
    Run(Run),
    /// Play a drill in a simulated world: nothing real is touched; without a name, list the drills
    Drill(Drill),
    /// Play drills headless, and fail where a runbook no longer leads to the diagnosis and the mitigation
    Test(Test),
    /// See and steer a drill that somebody plays with --facilitate, from a second terminal
    Facilitate(Facilitate),
    /// Go on with an open incident
    Resume(Resume),
    /// List the incidents of this machine
    Incidents(Incidents),
    /// Write an incident's timeline as a document
    Export(Export),
    /// Check runbooks, drills, the service catalog and the policy
    Lint(Lint),
    /// Show every command of a runbook as it would run on a service, with effect and tier; runs nothing
    Plan(Plan),
    /// Show a runbook as it is written; without a name, list the runbooks
    Show(Show),
    /// Print the JSON Schema of runbooks or drills (draft-07)
    Schema(Schema),
    /// Serve the simulated cluster on loopback until Ctrl-C, for kubectl and everything else that speaks Kubernetes
    World(World),
    /// Show every path and setting, and where it came from
    Info,
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Print a manual page
    Man(Man),
}

#[derive(Debug, ClapArgs)]
pub struct Schema {
    /// Which document's
    #[arg(value_enum, default_value_t = Document::Runbook)]
    pub of: Document,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Document {
    Runbook,
    Drill,
}

#[derive(Debug, ClapArgs)]
pub struct Man {
    /// A verb; the page of qrh itself unless said
    pub verb: Option<String>,
    /// Write the pages of qrh and of every verb into this directory, as qrh.1, qrh-run.1, …
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    pub all: Option<PathBuf>,
}

/// Which service, from the catalog or said here.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Service")]
pub struct ServiceArgs {
    /// A service of the catalog; not needed where it holds just one
    #[arg(short, long, value_name = "NAME")]
    pub service: Option<String>,
    /// Cluster target: kubeconfig context
    #[arg(long, value_name = "NAME", requires = "workload", conflicts_with_all = ["pid", "pid_file", "unit"])]
    pub context: Option<String>,
    /// Cluster target: namespace
    #[arg(long, value_name = "NAME", requires = "workload")]
    pub namespace: Option<String>,
    /// Cluster target: Deployment
    #[arg(long, value_name = "NAME", requires = "context", requires = "namespace")]
    pub workload: Option<String>,
    /// Host target: the process on this machine
    #[arg(long, value_name = "PID", conflicts_with_all = ["pid_file", "unit"])]
    pub pid: Option<u32>,
    /// Host target: file that holds the process id
    #[arg(long, value_name = "FILE", conflicts_with = "unit")]
    pub pid_file: Option<String>,
    /// Host target: systemd unit
    #[arg(long, value_name = "NAME")]
    pub unit: Option<String>,
    /// Base URL of the service
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Base URL of Prometheus
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Run {
    /// A runbook's id, or a file
    pub runbook: String,
    #[command(flatten)]
    pub service: ServiceArgs,
    /// A value of the runbook's inputs; may be given several times
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// When the trouble began, as RFC 3339 or as a time ago: 2026-11-23T03:12:00Z, 20m
    #[arg(long, value_name = "TIME")]
    pub detected: Option<String>,
    #[command(flatten)]
    pub console: Console,
}

#[derive(Debug, Clone, Copy, ClapArgs)]
#[command(next_help_heading = "Console")]
pub struct Console {
    /// Numbered lines instead of panes: for screen readers, dumb terminals, pipes
    #[arg(long)]
    pub plain: bool,
    /// Refuse everything that could change the target
    #[arg(long, env = "QRH_READ_ONLY", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub read_only: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Drill {
    /// A drill's id, or a file
    pub drill: Option<String>,
    /// How hard it is
    #[arg(long, value_enum, default_value_t = Level::Basic)]
    pub level: Level,
    /// Names and chances of the world come from it; the drill's own unless said
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Let it be played by itself, as the runbook says; so it is where there is no terminal
    #[arg(long)]
    pub autopilot: bool,
    /// Numbered lines instead of panes: for screen readers, dumb terminals, pipes
    #[arg(long)]
    pub plain: bool,
    /// Let a facilitator in: qrh facilitate, in a second terminal
    #[arg(long)]
    pub facilitate: bool,
    /// How the drill's time passes: real, so many times faster (10x), or stepped (autopilot only); the drill's own unless said
    #[arg(long, value_name = "PACE")]
    pub clock: Option<String>,
    /// The runbook to open; the one the page suggests unless said
    #[arg(long, value_name = "ID")]
    pub runbook: Option<String>,
    /// Where it is played; the drill's own unless said
    #[arg(long, value_enum)]
    pub world: Option<Ground>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Basic,
    Hard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ground {
    /// In a simulated cluster
    Cluster,
    /// On a real small service, started on this machine
    Local,
}

#[derive(Debug, ClapArgs)]
pub struct Test {
    /// Ids of drills, or of runbooks, each with all its drills; all drills unless said
    pub names: Vec<String>,
    /// Only at this level; at both unless said
    #[arg(long, value_enum)]
    pub level: Option<Level>,
    /// Names and chances of the world come from it; each drill's own unless said
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Keep the incidents of these runs in this directory
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct Facilitate {
    /// The incident: its directory's name or a part of it; the newest open one unless said
    pub incident: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Resume {
    /// The incident: its directory's name or a part of it; the newest open one unless said
    pub incident: Option<String>,
    #[command(flatten)]
    pub console: Console,
}

#[derive(Debug, ClapArgs)]
pub struct Incidents {
    /// Open ones only
    #[arg(long)]
    pub open: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Export {
    /// The incident: its directory's name or a part of it
    pub incident: String,
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    pub format: Format,
    /// A file to write; standard output unless said
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Markdown,
}

#[derive(Debug, ClapArgs)]
pub struct Lint {
    /// Files or directories; all runbooks, the catalog and the policy unless said
    pub paths: Vec<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub format: LintFormat,
    /// List the rules, and check nothing
    #[arg(long)]
    pub rules: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    Text,
    Json,
}

#[derive(Debug, ClapArgs)]
pub struct Plan {
    /// A runbook's id, or a file
    pub runbook: String,
    #[command(flatten)]
    pub service: ServiceArgs,
    /// A value of the runbook's inputs; may be given several times
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub struct World {
    /// What the cluster is like: baseline, or a drill's id, whose faults it then has
    #[arg(long, value_name = "ID", default_value = "baseline")]
    pub scenario: String,
    /// Pods besides the scenario's own, in the namespace fleet
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub pods: usize,
    /// Port on 127.0.0.1; any free one unless said
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// Names, uids and chances come from it; 1, or the drill's own, unless said
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Begin with a fault, on checkout unless SERVICE is said; docs/WORLD.md lists them. May be given again
    #[arg(long = "fault", value_name = "KIND[@SERVICE]")]
    pub faults: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Show {
    /// A runbook's id, or a file
    pub runbook: Option<String>,
}
