//! `qrh test`: plays drills by autopilot in a stepped time, without a screen, and holds each runbook to what its drills say a way through it
//! meets and avoids.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::app::drill::story::Tempo;
use crate::app::drill::{Audience, Player};
use crate::app::headless;
use crate::cli::args::Test;
use crate::cli::exit::{Code, Failure};
use crate::cli::library::{self, Entry};
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::cli::verb::drill::{self, Part, Ready};
use crate::drill::scenario::model::{Drill, Level, Truth, WorldKind};
use crate::drill::scenario::progress::Progress;
use crate::journal;
use crate::runbook::model::StepId;
use crate::timeline::drill::DrillOutcome;
use crate::timeline::incident::Incident;
use crate::timeline::record::Record;

pub fn run(settings: &Settings, args: &Test) -> Result<ExitCode, Failure> {
    let colour = std::io::stderr().is_terminal() && !settings.no_color && !settings.dumb;
    let chosen = chosen(settings, &args.names, colour)?;
    let levels = match args.level {
        Some(level) => vec![drill::level(level)],
        None => Level::ALL.to_vec(),
    };
    let scratch = Scratch::new(args.keep.as_deref());
    let mut failed = 0_usize;
    for ready in &chosen {
        for level in &levels {
            let began = Instant::now();
            let (dir, records) = play(settings, ready, (*level, args.seed), scratch.dir())?;
            let problems = problems(&ready.drill.at(*level), &records);
            let mut text = format!(
                "{} {:<28} {:<6} {:>5} events in {:.1} s\n",
                if problems.is_empty() { "ok    " } else { "FAILED" },
                ready.drill.id,
                level.as_str(),
                records.len(),
                began.elapsed().as_secs_f64()
            );
            for problem in &problems {
                let _ = writeln!(text, "         {problem}");
            }
            if args.keep.is_some() {
                let _ = writeln!(text, "         timeline: {}", dir.display());
            }
            print(&text)?;
            failed += usize::from(!problems.is_empty());
        }
    }
    if failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("{failed} of {} runs failed\n", chosen.len() * levels.len()))?;
    Ok(Code::Failed.into())
}

/// The drills that are named, and those of each runbook that is named.
fn chosen(settings: &Settings, names: &[String], colour: bool) -> Result<Vec<Ready>, Failure> {
    let load = |entry: Entry| Ready::load(settings, &entry, colour);
    if names.is_empty() {
        return simulated(library::drills(settings)?.into_iter().map(load).collect::<Result<_, Failure>>()?);
    }
    let mut chosen: Vec<Ready> = Vec::new();
    for name in names {
        // Only those are read: a mistake in another drill is no matter here.
        let mut named = library::drills(settings)?;
        named.retain(|entry| library::top_level(&entry.bytes, "runbook").as_deref() == Some(name.as_str()));
        let of_runbook = simulated(named.into_iter().map(load).collect::<Result<Vec<Ready>, Failure>>()?)?;
        let mut found = match library::find_drill(settings, name) {
            Ok(entry) => vec![load(entry)?],
            Err(failure) if of_runbook.is_empty() => return Err(failure),
            Err(_) => Vec::new(),
        };
        found.extend(of_runbook);
        for ready in found {
            if chosen.iter().all(|known| known.drill.id != ready.drill.id) {
                chosen.push(ready);
            }
        }
    }
    Ok(chosen)
}

/// Without those of a local world, which take minutes each and need Node: they are played where they are named.
fn simulated(mut all: Vec<Ready>) -> Result<Vec<Ready>, Failure> {
    let mut left_out = String::new();
    for ready in all.iter().filter(|ready| ready.drill.world.kind == WorldKind::Local) {
        let _ = writeln!(left_out, "left out {:<26} it plays in real time on this machine: name it to play it", ready.drill.id);
    }
    print(&left_out)?;
    all.retain(|ready| ready.drill.world.kind == WorldKind::Cluster);
    Ok(all)
}

/// One run: its incident's directory and its records.
fn play(settings: &Settings, ready: &Ready, (level, seed): (Level, Option<u64>), root: &Path) -> Result<(PathBuf, Vec<Record>), Failure> {
    let tempo = match ready.drill.world.kind {
        WorldKind::Cluster => Tempo::Stepped,
        WorldKind::Local => Tempo::Flowing(1.0),
    };
    let part = Part { runbook: None, level, seed, tempo, player: Player::Autopilot, audience: Audience::Nobody, facilitated: false };
    let opening = drill::stage(settings, ready.clone(), &part, root.to_owned())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Failed, format!("threads can't be started: {error}")))?;
    let failed = |why: String| Failure::new(Code::Failed, format!("{}: {why}", ready.drill.id));
    let dir = runtime.block_on(async {
        let opening = opening.await.map_err(|error| failed(error.to_string()))?;
        let dir = opening.dir.clone();
        headless::run(opening).await;
        Ok::<_, Failure>(dir)
    })?;
    let replay = journal::replay(&dir).map_err(|error| failed(error.to_string()))?;
    Ok((dir, replay.envelopes.into_iter().map(|envelope| envelope.record).collect()))
}

/// Where the runbook does not lead where the drill says it does.
fn problems(drill: &Drill, records: &[Record]) -> Vec<String> {
    let incident = Incident::replay(records);
    let (progress, own) = (Progress(&incident), &incident.drill);
    let mut problems = Vec::new();
    for milestone in drill.must_reach.iter().filter(|milestone| !progress.reached(milestone)) {
        problems.push(format!("{} must be reached and was not", milestone.describe()));
    }
    for milestone in drill.must_not_reach.iter().filter(|milestone| progress.reached(milestone)) {
        problems.push(format!("{} must not be reached and was", milestone.describe()));
    }
    match &own.diagnosed {
        None => problems.push("no diagnosis was stated: none of the autopilot's conclusions held".to_owned()),
        Some((_, diagnosed)) if drill.cause(&diagnosed.answer).is_none_or(|cause| cause.truth == Truth::Wrong) => {
            problems.push(format!("the diagnosis is {}, which is not what happened", diagnosed.answer));
        }
        Some(_) => {}
    }
    match &own.ended {
        Some((_, ended)) if ended.outcome == DrillOutcome::Mitigated => {}
        Some((_, ended)) => problems.push(format!("not mitigated: {}: {}", ended.outcome.as_str(), ended.why)),
        None => problems.push("the drill did not end".to_owned()),
    }
    if !problems.is_empty() {
        let steps: Vec<&str> = progress.steps().map(StepId::as_str).collect();
        problems.push(format!("steps that were entered: {}", steps.join(", ")));
    }
    problems
}

/// Where the incidents of the runs lie.
enum Scratch {
    /// They stay.
    Kept(PathBuf),
    /// Until they have been looked at.
    Passing(PathBuf),
}

impl Scratch {
    fn new(keep: Option<&Path>) -> Self {
        let passing = || Self::Passing(std::env::temp_dir().join(format!("qrh-test-{}", ulid::Ulid::generate())));
        keep.map_or_else(passing, |dir| Self::Kept(dir.to_owned()))
    }

    fn dir(&self) -> &Path {
        match self {
            Self::Kept(dir) | Self::Passing(dir) => dir,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        match self {
            Self::Kept(_) => {}
            // What is left behind lies where the system clears it.
            Self::Passing(dir) => drop(std::fs::remove_dir_all(dir)),
        }
    }
}
