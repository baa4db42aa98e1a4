//! `qrh incidents`: what was opened on this machine, newest first.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::Incidents;
use crate::cli::exit::{Code, Failure};
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::journal::{self, Found, Summary};
use crate::timeline::incident::Incident;
use crate::timeline::record::Mode;

pub fn run(settings: &Settings, args: &Incidents) -> Result<ExitCode, Failure> {
    let summaries = all(settings)?;
    let shown: Vec<&Summary> = summaries.iter().filter(|summary| !args.open || is_open(summary)).collect();
    let mut text = String::new();
    for summary in &shown {
        let line = if args.json { as_json(summary).to_string() } else { line(summary) };
        text.push_str(&line);
        text.push('\n');
    }
    if shown.is_empty() && !args.json {
        text = format!("no incidents under {}\n", settings.incidents()?.display());
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A line for each open incident.
pub fn open(settings: &Settings) -> Result<Vec<String>, Failure> {
    Ok(all(settings)?.iter().filter(|summary| is_open(summary)).map(line).collect())
}

/// The newest one that is whole and open: a live incident can be gone on with, a drill has a console somewhere or ended without one.
pub fn newest_open(settings: &Settings, mode: Mode) -> Result<Option<Summary>, Failure> {
    let fits = |summary: &Summary| match &summary.found {
        Found::Whole { incident, .. } => is_drill(incident) == (mode == Mode::Drill),
        Found::Damaged(_) => false,
    };
    Ok(all(settings)?.into_iter().find(|summary| is_open(summary) && fits(summary)))
}

fn all(settings: &Settings) -> Result<Vec<Summary>, Failure> {
    journal::list(&settings.incidents()?).map_err(|error| Failure::new(Code::Failed, error.to_string()))
}

/// A damaged one counts as open: somebody has to look at it.
fn is_open(summary: &Summary) -> bool {
    match &summary.found {
        Found::Whole { incident, .. } => incident.closed.is_none(),
        Found::Damaged(_) => true,
    }
}

fn state(incident: &Incident) -> String {
    let words = if is_drill(incident) { "DRILL, " } else { "" };
    format!("{words}{}", progress(incident))
}

fn is_drill(incident: &Incident) -> bool {
    incident.opened.as_ref().is_some_and(|opened| opened.mode == Mode::Drill)
}

fn progress(incident: &Incident) -> String {
    if incident.closed.is_some() {
        return "closed".to_owned();
    }
    let mut words = vec!["open".to_owned()];
    let (unknown, outstanding) = (incident.unknown().len(), incident.outstanding().len());
    if unknown > 0 {
        words.push(format!("{unknown} outcome unknown"));
    }
    if outstanding > 0 {
        words.push(format!("{outstanding} change not undone"));
    }
    words.join(", ")
}

fn line(summary: &Summary) -> String {
    match &summary.found {
        Found::Whole { incident, .. } => {
            let at = incident.opened_at.map_or_else(|| "?".to_owned(), |at| at.strftime("%Y-%m-%d %H:%MZ").to_string());
            let service = incident.opened.as_ref().map_or("?", |opened| &opened.service_name);
            format!("{}  {at}  {service}  {}", summary.name, state(incident))
        }
        Found::Damaged(error) => format!("{}  DAMAGED: {error}", summary.name),
    }
}

fn as_json(summary: &Summary) -> serde_json::Value {
    match &summary.found {
        Found::Whole { id, incident } => json!({
            "name": summary.name,
            "id": id.to_string(),
            "mode": incident.opened.as_ref().map(|opened| opened.mode.as_str()),
            "drill": incident.drill.began.as_ref().map(|(_, began)| &began.drill),
            "opened": incident.opened_at.map(|at| at.to_string()),
            "closed": incident.closed.as_ref().map(|closing| closing.at.to_string()),
            "service": incident.opened.as_ref().map(|opened| &opened.service_name),
            "runbook": incident.opened.as_ref().map(|opened| &opened.runbook),
            "unknown": incident.unknown(),
            "not_undone": incident.outstanding(),
        }),
        Found::Damaged(error) => json!({ "name": summary.name, "damaged": error.to_string() }),
    }
}
