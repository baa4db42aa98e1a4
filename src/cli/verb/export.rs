//! `qrh export`: an incident's timeline as a document.

use std::process::ExitCode;

use crate::cli::args::{Export, Format};
use crate::cli::exit::{Code, Failure};
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::export;
use crate::journal;

pub fn run(settings: &Settings, args: &Export) -> Result<ExitCode, Failure> {
    let failed = |error: journal::JournalError| Failure::new(Code::Failed, error.to_string());
    let dir = journal::find(&settings.incidents()?, &args.incident).map_err(failed)?;
    let replay = journal::replay(&dir).map_err(failed)?;
    let text = match args.format {
        Format::Markdown => export::markdown::markdown(&replay.envelopes, &replay.heads, &export::markdown::Options::default()),
    };
    match &args.output {
        None => print(&text)?,
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::new(Code::Failed, format!("{} can't be written: {error}", path.display())))?,
    }
    Ok(ExitCode::SUCCESS)
}
