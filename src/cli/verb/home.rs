//! `qrh` by itself: the runbooks, the open incidents, and what to type.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::{incidents, show};
use crate::cli::exit::Failure;
use crate::cli::output::print;
use crate::cli::settings::Settings;

pub fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let mut text = format!("qrh {}: incident runbooks\n\nRunbooks\n{}", env!("CARGO_PKG_VERSION"), show::list(settings)?);
    let open = incidents::open(settings)?;
    text.push_str("\nOpen incidents\n");
    if open.is_empty() {
        text.push_str("  none\n");
    }
    for line in open {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str("\nqrh run RUNBOOK --service NAME   open a runbook\nqrh resume                       go on with the newest open incident\nqrh --help                       all verbs\n");
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
