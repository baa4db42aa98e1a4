//! `qrh run`: opens a runbook on a service.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::app::lines::End;
use crate::app::open::{self, OpenError, Opening, Plan};
use crate::app::signal::Signals;
use crate::app::{lines, panes};
use crate::cli::args::{Console, Run};
use crate::cli::exit::{self, Code, Failure};
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::cli::{choose, library};
use crate::journal;
use crate::runbook::vocabulary::shape::duration;
use crate::timeline::incident::Incident;
use crate::tui::{Keymap, Model, Theme};

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
        kubeconfig: settings.kube_source(),
        read_only: args.console.read_only,
        person: std::io::stdin().is_terminal(),
        actor: settings.actor.clone(),
        detected: args.detected.as_deref().map(detected).transpose()?,
    };
    front(settings, args.console, open::open(plan))
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

/// Opens, runs the front end that fits the terminal, and says where the incident is.
pub fn front(
    settings: &Settings,
    console: Console,
    opening: impl Future<Output = Result<Opening, OpenError>>,
) -> Result<ExitCode, Failure> {
    let _log = settings.log.as_deref().map(|directives| own_log(settings, directives)).transpose()?;
    let model = if plain(settings, console) { None } else { Some(model(settings)?) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Failed, format!("threads can't be started: {error}")))?;
    let (dir, end) = runtime.block_on(async {
        let opening = opening.await.map_err(not_open)?;
        let signals = Signals::listen().map_err(|error| Failure::new(Code::Failed, format!("signals can't be watched: {error}")))?;
        let end = match model {
            None => lines::run(opening.console, opening.first, signals).await,
            Some(model) => panes::run(opening.console, opening.first, model, signals).await,
        };
        let end = end.map_err(|error| Failure::new(Code::Failed, format!("the terminal failed: {error}")))?;
        Ok::<_, Failure>((opening.dir, end))
    })?;
    // A read of standard input may still be waiting: it must not hold up the end.
    runtime.shutdown_background();
    farewell(&dir, end)
}

fn not_open(error: OpenError) -> Failure {
    let code = match &error {
        OpenError::Cluster { .. } => Code::Unreachable,
        OpenError::AnotherTarget { .. } | OpenError::Closed | OpenError::NoOpening | OpenError::Journal(_) | OpenError::Thread(_) => {
            Code::Failed
        }
    };
    Failure::new(code, error.to_string())
}

fn plain(settings: &Settings, console: Console) -> bool {
    console.plain || settings.dumb || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal()
}

fn model(settings: &Settings) -> Result<Model, Failure> {
    let usage = |message: String| Failure::new(Code::Usage, format!("{}: {message}", settings.settings.path.display()));
    let named = if settings.no_color { Some("mono") } else { settings.own.theme.as_deref() };
    let theme = match named.unwrap_or("dark") {
        file if file.ends_with(".yaml") => {
            std::fs::read_to_string(file).map_err(|error| error.to_string()).and_then(|text| Theme::parse(&text))
        }
        name => Theme::shipped(name),
    };
    let theme = theme.map_err(|error| usage(format!("theme: {error}")))?;
    let overrides: Vec<(String, String)> = settings.own.keys.clone().into_iter().collect();
    let keys = Keymap::from_overrides(&overrides).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        usage(format!("keys: {}", lines.join("; ")))
    })?;
    Ok(Model::new(theme, keys))
}

/// The program's own log, for those who debug qrh. Nothing is written unless `QRH_LOG` asks for it.
fn own_log(settings: &Settings, directives: &str) -> Result<tracing_appender::non_blocking::WorkerGuard, Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(directives)
        .map_err(|error| Failure::new(Code::Usage, format!("QRH_LOG={directives}: {error}")))?;
    let appender = tracing_appender::rolling::Builder::new()
        .filename_prefix("qrh.log")
        .max_log_files(3)
        .build(&settings.state.path)
        .map_err(|error| Failure::new(Code::Failed, format!("{}: {error}", settings.state.path.display())))?;
    let (writer, guard) = tracing_appender::non_blocking(appender);
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer).init();
    Ok(guard)
}

/// What is left behind, and how to come back to it.
fn farewell(dir: &std::path::Path, end: End) -> Result<ExitCode, Failure> {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let replay = journal::replay(dir).map_err(|error| Failure::new(Code::Failed, error.to_string()))?;
    let incident = Incident::replay(replay.envelopes.iter().map(|envelope| &envelope.record));
    let unknown = incident.unknown();
    let mut text = format!("timeline: {}\n", dir.display());
    if incident.closed.is_none() {
        text.push_str(&format!("The incident stays open. Go on with it: qrh resume {name}\n"));
    } else {
        text.push_str(&format!("Closed. For the review: qrh export {name}\n"));
    }
    for run in &unknown {
        text.push_str(&format!("Outcome unknown: {run}. Verify it before anything else is changed.\n"));
    }
    print(&text)?;
    Ok(match end {
        End::Signal(number) => exit::signal(number),
        End::Left if !unknown.is_empty() => Code::Unknown.into(),
        End::Left => ExitCode::SUCCESS,
    })
}
