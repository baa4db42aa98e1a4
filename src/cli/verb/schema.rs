//! `qrh schema`: the JSON Schema of runbooks or drills, for editors.

use std::process::ExitCode;

use crate::cli::args::{Document, Schema};
use crate::cli::exit::Failure;
use crate::cli::output::print;
use crate::drill::scenario;
use crate::runbook::schema::json_schema;

pub fn run(args: &Schema) -> Result<ExitCode, Failure> {
    let schema = match args.of {
        Document::Runbook => json_schema(),
        Document::Drill => scenario::json_schema(),
    };
    print(&format!("{schema:#}\n"))?;
    Ok(ExitCode::SUCCESS)
}
