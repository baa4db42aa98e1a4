//! `qrh export`: an incident's timeline as a document.

use std::process::ExitCode;

use crate::cli::args::{Export, Format};
use crate::cli::exit::{Code, Failure};
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::drill::score::{self, NoScore};
use crate::export;
use crate::journal;

pub fn run(settings: &Settings, args: &Export) -> Result<ExitCode, Failure> {
    let failed = |error: journal::JournalError| Failure::new(Code::Failed, error.to_string());
    let dir = journal::find(&settings.incidents()?, &args.incident).map_err(failed)?;
    let replay = journal::replay(&dir).map_err(failed)?;
    let text = match args.format {
        Format::Markdown => markdown(&replay),
    };
    match &args.output {
        None => print(&text)?,
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::new(Code::Failed, format!("{} can't be written: {error}", path.display())))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The timeline; of a drill that is over, its hot wash first.
fn markdown(replay: &journal::Replay) -> String {
    let timeline = export::markdown::markdown(&replay.envelopes, &replay.heads, &export::markdown::Options::default());
    match score::of_log(&replay.envelopes) {
        Ok((drill, score)) => format!("{}\n---\n\n{timeline}", export::hotwash::hotwash(&drill, &score)),
        // One that was no drill, or is not over, has its timeline only.
        Err(NoScore::NoDrill | NoScore::NotRevealed) => timeline,
        Err(why @ (NoScore::Unreadable { .. } | NoScore::UnknownLevel { .. })) => format!("> There is no hot wash: {why}.\n\n{timeline}"),
    }
}
