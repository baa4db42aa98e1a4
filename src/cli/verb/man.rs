//! `qrh man`: a manual page for qrh and one for each verb, made from the same definitions as the help.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::args::{Args, Man};
use crate::cli::exit::{Code, Failure};
use crate::cli::output::print;
use crate::runbook::diagnostic::did_you_mean;

pub fn run(man: &Man) -> Result<ExitCode, Failure> {
    if let Some(dir) = &man.all {
        let write = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command(), dir));
        write.map_err(|error| Failure::new(Code::Failed, format!("{}: the manual pages can't be written: {error}", dir.display())))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(named(man.verb.as_deref())?).render(&mut page);
    rendered.map_err(|error| Failure::new(Code::Failed, format!("the manual page can't be made: {error}")))?;
    print(&String::from_utf8_lossy(&page))?;
    Ok(ExitCode::SUCCESS)
}

/// With its parts filled in, as parsing would.
fn command() -> clap::Command {
    let mut command = Args::command();
    command.build();
    command
}

fn named(verb: Option<&str>) -> Result<clap::Command, Failure> {
    let command = command();
    let Some(verb) = verb else { return Ok(command) };
    if let Some(found) = command.find_subcommand(verb) {
        return Ok(found.clone());
    }
    let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let hint = did_you_mean(verb, known.iter().copied()).unwrap_or_else(|| format!("there are: {}", known.join(", ")));
    Err(Failure::new(Code::Usage, format!("there is no verb `{verb}`")).hint(hint))
}
