//! `qrh resume`: goes on with an open incident, from its log alone.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::app::open::{self, Ground, Plan};
use crate::cli::args::Resume;
use crate::cli::exit::{Code, Failure};
use crate::cli::front;
use crate::cli::library::{self, Entry};
use crate::cli::settings::{self, Settings};
use crate::cli::verb::incidents;
use crate::journal;
use crate::timeline::identifier::Digest;
use crate::timeline::record::{Mode, Opened, Record};

pub fn run(settings: &Settings, args: &Resume) -> Result<ExitCode, Failure> {
    let dir = choose(settings, args.incident.as_deref())?;
    let replay = journal::replay(&dir).map_err(|error| Failure::new(Code::Failed, error.to_string()))?;
    let records: Vec<Record> = replay.envelopes.into_iter().map(|envelope| envelope.record).collect();
    let opened = open::opening(&records, &dir).map_err(|error| Failure::new(Code::Failed, error.to_string()))?;
    let entry = runbook(&dir, opened)?;
    let ready = library::ready(entry, false)?;
    let service = serde_json::from_value(opened.service.clone())
        .map_err(|error| Failure::new(Code::Failed, format!("the log's service card can't be read: {error}")))?;
    let plan = Plan {
        runbook: ready.runbook,
        source: ready.bytes,
        service,
        policy: Arc::new(settings.policy()?),
        inputs: opened.inputs.clone(),
        root: settings.incidents()?,
        ground: Ground::Live { kubeconfig: settings.kube_source(), person: std::io::stdin().is_terminal() },
        // An incident that was opened read-only stays so.
        read_only: args.console.read_only || opened.read_only,
        actor: settings.actor.clone(),
        detected: opened.detected,
    };
    front::run(settings, args.console, open::resume(plan, &dir))
}

/// The runbook as it was when the incident opened; a changed file is told, never used.
fn runbook(dir: &std::path::Path, opened: &Opened) -> Result<Entry, Failure> {
    let path = dir.join("runbook.yaml");
    let bytes = settings::read(&path)?.ok_or_else(|| settings::missing(&path))?;
    if Digest::of(&bytes).to_string() != opened.runbook_sha256 {
        let message = format!("{} is not the runbook this incident was opened with: its digest is another", path.display());
        return Err(Failure::new(Code::Failed, message).hint("put the original back; the log holds its SHA-256"));
    }
    Ok(Entry { id: opened.runbook.0.clone(), name: path.display().to_string(), bytes })
}

/// The incident that was named, else the newest open one.
fn choose(settings: &Settings, wanted: Option<&str>) -> Result<PathBuf, Failure> {
    if let Some(wanted) = wanted {
        return journal::find(&settings.incidents()?, wanted).map_err(|error| Failure::new(Code::Failed, error.to_string()));
    }
    incidents::newest_open(settings, Mode::Live)?
        .map(|summary| summary.dir)
        .ok_or_else(|| Failure::new(Code::Failed, "no incident is open").hint("open one with: qrh run RUNBOOK --service NAME"))
}
