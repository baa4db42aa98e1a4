//! `qrh schema`: the JSON Schema of runbooks, for editors.

use std::process::ExitCode;

use crate::cli::exit::Failure;
use crate::cli::output::print;
use crate::runbook::schema::json_schema;

pub fn run() -> Result<ExitCode, Failure> {
    print(&format!("{:#}\n", json_schema()))?;
    Ok(ExitCode::SUCCESS)
}
