//! Runs a console on this terminal, or on lines, and says at its end what is left behind.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use super::args::Console;
use super::exit::{self, Code, Failure};
use super::settings::Settings;
use super::{library, output, report};
use crate::app::console::{End, Ended};
use crate::app::lines::Clipboard;
use crate::app::open::{OpenError, Opening};
use crate::app::signal::Signals;
use crate::app::{lines, panes};
use crate::engine::state::Log;
use crate::journal;
use crate::timeline::drill::DrillOutcome;
use crate::timeline::envelope::Envelope;
use crate::timeline::incident::Incident;
use crate::timeline::record::Happening;
use crate::tui::{Keymap, Model, Theme};

/// Opens, runs the front end that fits the terminal, and says where the incident is.
pub fn run(settings: &Settings, console: Console, opening: impl Future<Output = Result<Opening, OpenError>>) -> Result<ExitCode, Failure> {
    let _log = settings.log.as_deref().map(|directives| own_log(settings, directives)).transpose()?;
    let model = if plain(settings, console) { None } else { Some(model(settings)?) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Failed, format!("threads can't be started: {error}")))?;
    let played = runtime.block_on(async {
        let mut signals = Signals::listen().map_err(|error| Failure::new(Code::Failed, format!("signals can't be watched: {error}")))?;
        let opening = tokio::select! {
            opened = opening => opened.map_err(|error| not_open(&error))?,
            // What had been started for it ends with it.
            number = signals.next() => return Ok(Err(number)),
        };
        let dir = opening.dir.clone();
        let ended = match model {
            None => lines::run(opening, signals, clipboard(settings)).await,
            Some(model) => panes::run(opening, model, signals).await,
        };
        let ended = ended.map_err(|error| Failure::new(Code::Failed, format!("the terminal failed: {error}")))?;
        Ok::<_, Failure>(Ok((dir, ended)))
    })?;
    // A read of standard input may still be waiting: it must not hold up the end.
    runtime.shutdown_background();
    match played {
        Ok((dir, ended)) => farewell(&dir, &ended),
        Err(number) => Ok(exit::signal(number)),
    }
}

fn not_open(error: &OpenError) -> Failure {
    let code = match error {
        OpenError::Cluster { .. } => Code::Unreachable,
        OpenError::Stage(_)
        | OpenError::Door(_)
        | OpenError::DrillOver { .. }
        | OpenError::AnotherTarget { .. }
        | OpenError::Closed
        | OpenError::NoOpening
        | OpenError::Journal(_)
        | OpenError::Thread(_) => Code::Failed,
    };
    Failure::new(code, error.to_string())
}

/// A terminal that understands OSC 52; one that does not ignores it.
fn clipboard(settings: &Settings) -> Clipboard {
    if std::io::stdout().is_terminal() && !settings.dumb { Clipboard::Terminal } else { Clipboard::Nowhere }
}

fn plain(settings: &Settings, console: Console) -> bool {
    console.plain || settings.dumb || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal()
}

fn model(settings: &Settings) -> Result<Model, Failure> {
    let usage = |message: String| Failure::new(Code::Usage, format!("{}: {message}", settings.settings.path.display()));
    let own = settings.own()?;
    let named = if settings.no_color { Some("mono") } else { own.theme.as_deref() };
    let theme = match named.unwrap_or("dark") {
        file if library::is_yaml(Path::new(file)) => {
            // Beside the settings, unless the path is absolute.
            let path = settings.settings.path.with_file_name(file);
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()));
            text.and_then(|text| Theme::parse(&text))
        }
        name => Theme::shipped(name),
    };
    let theme = theme.map_err(|error| usage(format!("theme: {error}")))?;
    let overrides: Vec<(String, String)> = own.keys.into_iter().collect();
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

/// Whether a script, which can't see a refusal on a screen, was refused something in this session.
fn refused_unattended(envelopes: &[Envelope]) -> bool {
    let session = envelopes.iter().rev().map(|envelope| &envelope.record.happening);
    let mut session = session.take_while(|happening| !matches!(happening, Happening::Opened(_) | Happening::Resumed { .. }));
    !std::io::stdin().is_terminal() && session.any(|happening| matches!(happening, Happening::Refused { .. }))
}

fn print_end(end: End, text: String) -> Result<(), Failure> {
    match end {
        End::Left => output::print(&text),
        // Whoever reads standard output may be gone; nobody waits for them.
        End::Deaf | End::Signal(_) => {
            output::warn(text);
            Ok(())
        }
    }
}

/// What is left behind, and how to come back to it.
fn farewell(dir: &Path, ended: &Ended) -> Result<ExitCode, Failure> {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let replay = journal::replay(dir).map_err(|error| Failure::new(Code::Failed, error.to_string()))?;
    let incident = Incident::replay(replay.envelopes.iter().map(|envelope| &envelope.record));
    let unknown = incident.unknown();
    let mut text = format!("timeline: {}\n", dir.display());
    let records: Vec<_> = replay.envelopes.iter().map(|envelope| &envelope.record).collect();
    if let Some(outcome) = report::outcome(&incident) {
        text.push_str(&report::end(&records, &name));
        print_end(ended.end, text)?;
        return Ok(match (ended.end, outcome) {
            (End::Signal(number), _) => exit::signal(number),
            (_, DrillOutcome::Mitigated) => ExitCode::SUCCESS,
            (_, DrillOutcome::Failed | DrillOutcome::Abandoned | DrillOutcome::TimedOut) => Code::Failed.into(),
        });
    }
    if incident.closed.is_none() {
        let _ = writeln!(text, "The incident stays open. Go on with it: qrh resume {name}");
    } else {
        let _ = writeln!(text, "Closed. For the review: qrh export {name}");
    }
    for run in &unknown {
        let _ = writeln!(text, "Outcome unknown: {run}. Verify it before anything else is changed.");
    }
    let lost = if let Log::Lost(why) = &ended.log { Some(why) } else { None };
    if let Some(why) = lost {
        let _ = writeln!(text, "The log could not be written to its end ({why}): what came after is not in it.");
    }
    print_end(ended.end, text)?;
    Ok(match ended.end {
        End::Signal(number) => exit::signal(number),
        End::Left | End::Deaf if !unknown.is_empty() => Code::Unknown.into(),
        End::Left if lost.is_none() && !refused_unattended(&replay.envelopes) => ExitCode::SUCCESS,
        End::Left | End::Deaf => Code::Failed.into(),
    })
}
