//! `qrh` by itself: the runbooks, the drills, the open incidents, and what to type.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::incidents;
use crate::cli::exit::Failure;
use crate::cli::library;
use crate::cli::output::print;
use crate::cli::settings::Settings;

const NEXT: &str = "
qrh run RUNBOOK --service NAME   open a runbook
qrh drill DRILL                  practise in a simulated world
qrh resume                       go on with the newest open incident
qrh --help                       all verbs
";

pub fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let mut text = format!("qrh {}: incident runbooks\n\nRunbooks\n", env!("CARGO_PKG_VERSION"));
    for entry in library::entries(settings)? {
        let title = library::top_level(&entry.bytes, "title").unwrap_or_else(|| entry.name.clone());
        let _ = writeln!(text, "  {:<22} {title}", entry.id);
    }
    text.push_str("\nDrills\n");
    for entry in library::drills(settings)? {
        let title = library::top_level(&entry.bytes, "title").unwrap_or_else(|| entry.name.clone());
        let _ = writeln!(text, "  {:<22} {title}", entry.id);
    }
    text.push_str("\nOpen incidents\n");
    match incidents::open(settings) {
        Ok(open) if open.is_empty() => text.push_str("  none\n"),
        Ok(open) => open.iter().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        }),
        // The runbooks are what somebody needs now.
        Err(failure) => {
            let _ = writeln!(text, "  can't be listed: {}", failure.message);
        }
    }
    text.push_str(NEXT);
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
