//! The command line: arguments in, an exit code out. One file per verb; the environment and the configuration are read here, once.
#![allow(clippy::disallowed_methods, reason = "this room reads the environment and the files a verb names")]

pub mod args;
pub mod choose;
pub mod document;
pub mod exit;
pub mod front;
pub mod library;
pub mod output;
pub mod report;
pub mod settings;
pub mod verb;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Args, Verb};
use exit::Failure;
use settings::Settings;

/// Parses the arguments, runs the verb, and turns its result into an exit code.
pub fn main() -> ExitCode {
    let parsed = Args::command().try_get_matches().and_then(|matches| Ok((Args::from_arg_matches(&matches)?, matches)));
    let (args, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return exit::usage(&error),
    };
    let settings = Settings::read(&args.common, &matches);
    match run(&settings, args.verb) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(settings: &Settings, verb: Option<Verb>) -> Result<ExitCode, Failure> {
    match verb {
        None => verb::home::run(settings),
        Some(Verb::Run(run)) => verb::run::run(settings, &run),
        Some(Verb::Drill(drill)) => verb::drill::run(settings, &drill),
        Some(Verb::Test(test)) => verb::test::run(settings, &test),
        Some(Verb::Facilitate(facilitate)) => verb::facilitate::run(settings, &facilitate),
        Some(Verb::Resume(resume)) => verb::resume::run(settings, &resume),
        Some(Verb::Incidents(incidents)) => verb::incidents::run(settings, &incidents),
        Some(Verb::Export(export)) => verb::export::run(settings, &export),
        Some(Verb::Lint(lint)) => verb::lint::run(settings, &lint),
        Some(Verb::Plan(plan)) => verb::plan::run(settings, &plan),
        Some(Verb::Show(show)) => verb::show::run(settings, &show),
        Some(Verb::Schema(args)) => verb::schema::run(&args),
        Some(Verb::World(world)) => verb::world::run(settings, &world),
        Some(Verb::Info) => verb::info::run(settings),
        Some(Verb::Completions { shell }) => verb::completions::run(shell),
        Some(Verb::Man(man)) => verb::man::run(&man),
    }
}
