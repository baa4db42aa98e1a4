//! `qrh run`: opens a runbook on a service.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::app::open::{self, Ground, Plan};
use crate::cli::args::Run;
use crate::cli::exit::{Code, Failure};
use crate::cli::settings::Settings;
use crate::cli::{choose, front, library};
use crate::runbook::vocabulary::shape::duration;

pub fn run(settings: &Settings, args: &Run) -> Result<ExitCode, Failure> {
    let ready = library::ready(library::find(settings, &args.runbook)?, colour(settings))?;
    let service = choose::service(settings, &args.service, &ready.runbook)?;
    let plan = Plan {
        inputs: choose::inputs(&ready.runbook, &args.inputs)?,
        runbook: ready.runbook,
        source: ready.bytes,
        service,
        policy: Arc::new(settings.policy()?),
        root: settings.incidents()?,
        ground: Ground::Live { kubeconfig: settings.kube_source(), person: std::io::stdin().is_terminal() },
        read_only: args.console.read_only,
        actor: settings.actor.clone(),
        detected: args.detected.as_deref().map(detected).transpose()?,
    };
    front::run(settings, args.console, open::open(plan))
}

fn colour(settings: &Settings) -> bool {
    std::io::stderr().is_terminal() && !settings.no_color && !settings.dumb
}

/// A time, or a time ago.
fn detected(said: &str) -> Result<Timestamp, Failure> {
    let now = Timestamp::now();
    let ago = duration(said).and_then(|ago| SignedDuration::try_from(ago).ok()).and_then(|ago| now.checked_sub(ago).ok());
    let at = ago.or_else(|| said.parse().ok());
    match at {
        Some(at) if at <= now => Ok(at),
        Some(_) => Err(Failure::new(Code::Usage, format!("--detected {said}: that is in the future"))),
        None => Err(Failure::new(
            Code::Usage,
            format!("--detected {said}: neither a time such as 2026-11-23T03:12:00Z nor a time ago such as 20m"),
        )),
    }
}
