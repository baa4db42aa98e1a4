//! `qrh show`: a runbook as it is written, or the list of all.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::cli::args::Show;
use crate::cli::exit::Failure;
use crate::cli::library;
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::runbook::load;
use crate::runbook::model::{Command, Phase, Runbook, Step};
use crate::runbook::source::SourceFile;

pub fn run(settings: &Settings, show: &Show) -> Result<ExitCode, Failure> {
    let text = match &show.runbook {
        Some(wanted) => one(&library::ready(library::find(settings, wanted)?, false)?.runbook),
        None => list(settings)?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Every runbook with its title; one that does not load says so.
fn list(settings: &Settings) -> Result<String, Failure> {
    let mut text = String::new();
    for entry in library::entries(settings)? {
        let loaded = load(&SourceFile::new(entry.name.clone(), entry.bytes), false);
        let title = loaded.runbook.map_or_else(|| format!("has errors: qrh lint {}", entry.name), |runbook| runbook.title);
        let _ = writeln!(text, "  {:<22} {title}", entry.id);
    }
    Ok(text)
}

fn one(runbook: &Runbook) -> String {
    let kinds: Vec<&str> = runbook.targets.iter().map(|kind| kind.as_str()).collect();
    let mut text = format!("{} ({})\n{}\nfor: {}\n", runbook.title, runbook.id, runbook.summary, kinds.join(", "));
    for input in &runbook.inputs {
        let default = input.default.as_ref().map_or_else(|| "needed".to_owned(), |default| format!("unless said: {default}"));
        let _ = writeln!(text, "input {}: {} ({default})", input.name, input.help);
    }
    for symptom in &runbook.symptoms {
        let _ = writeln!(text, "symptom: {} (weight {})", symptom.says, symptom.weight);
    }
    for phase in Phase::ALL {
        for step in runbook.steps.iter().filter(|step| step.phase == phase) {
            text.push_str(&self::step(step));
        }
    }
    text
}

fn step(step: &Step) -> String {
    let mut text = format!("\n[{}] {} ({})\n  {}\n", step.phase.as_str(), step.title.value, step.id, step.why);
    for requirement in &step.requires {
        let _ = writeln!(text, "  requires {} not older than {:?}", requirement.command.value, requirement.max_age);
    }
    for command in &step.commands {
        let _ = writeln!(text, "  {}", line(command));
    }
    for finding in &step.findings {
        let go = finding.go.as_ref().map_or_else(String::new, |go| format!(" -> {}", go.value));
        let _ = writeln!(text, "  if {}: {}{go}", finding.when.value, finding.means.value);
    }
    text
}

fn line(command: &Command) -> String {
    let verb = command.action.verb.as_ref().map_or_else(String::new, |verb| format!(" {verb}"));
    let kind = command.action.kind.as_str();
    format!("{:<9} {:<7} {} ({}: {kind}{verb})", command.effect.as_str(), command.place.as_str(), command.title.value, command.id)
}
