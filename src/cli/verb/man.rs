//! `qrh man`: one page for qrh and all its verbs.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::args::Args;
use crate::cli::exit::{Code, Failure};
use crate::cli::output::print;

pub fn run() -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Args::command()).render(&mut page);
    rendered.map_err(|error| Failure::new(Code::Failed, format!("the manual page can't be made: {error}")))?;
    print(&String::from_utf8_lossy(&page))?;
    Ok(ExitCode::SUCCESS)
}
