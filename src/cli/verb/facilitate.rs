//! `qrh facilitate`: a drill's second terminal. Lines go to the console where it is played, and what it answers is printed.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::app::drill::door;
use crate::cli::args::Facilitate;
use crate::cli::exit::{Code, Failure};
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::cli::verb::incidents;
use crate::guard::ingest;
use crate::journal;
use crate::timeline::record::Mode;

pub fn run(settings: &Settings, args: &Facilitate) -> Result<ExitCode, Failure> {
    let dir = choose(settings, args.incident.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Failed, format!("the connection can't be served: {error}")))?;
    let done = runtime.block_on(talk(dir));
    // A read of standard input may still be waiting.
    runtime.shutdown_background();
    done
}

fn choose(settings: &Settings, wanted: Option<&str>) -> Result<PathBuf, Failure> {
    match wanted {
        Some(wanted) => journal::find(&settings.incidents()?, wanted).map_err(|error| Failure::new(Code::Failed, error.to_string())),
        None => incidents::newest_open(settings, Mode::Drill)?
            .map(|summary| summary.dir)
            .ok_or_else(|| Failure::new(Code::Failed, "no incident is open").hint("begin a drill with: qrh drill ID --facilitate")),
    }
}

async fn talk(dir: PathBuf) -> Result<ExitCode, Failure> {
    let stream = door::knock(&dir).await.map_err(|error| {
        Failure::new(Code::Unreachable, format!("{}: nobody plays this drill with a facilitator now: {error}", dir.display()))
            .hint("begin the drill with: qrh drill ID --facilitate")
    })?;
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from).lines();
    print("FACILITATOR: what stands here is hidden from the trainee. \"help\" lists the commands.\n")?;
    if !ask(&mut from, &mut to, "status").await? {
        return over();
    }
    let mut typed = BufReader::new(tokio::io::stdin()).lines();
    loop {
        let line = tokio::select! {
            line = typed.next_line() => line,
            // Nothing comes unasked: this is the end of the drill's console.
            _ = from.next_line() => return over(),
        };
        match line {
            Ok(Some(line)) if matches!(line.trim(), "quit" | "exit") => return Ok(ExitCode::SUCCESS),
            Ok(Some(line)) => {
                if !ask(&mut from, &mut to, line.trim()).await? {
                    return over();
                }
            }
            Ok(None) | Err(_) => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn over() -> Result<ExitCode, Failure> {
    print("the drill's console has ended\n")?;
    Ok(ExitCode::SUCCESS)
}

/// Whether it was answered.
async fn ask(from: &mut Lines<BufReader<OwnedReadHalf>>, to: &mut OwnedWriteHalf, line: &str) -> Result<bool, Failure> {
    if to.write_all(format!("{line}\n").as_bytes()).await.is_err() {
        return Ok(false);
    }
    while let Ok(Some(answer)) = from.next_line().await {
        if answer == "." {
            return Ok(true);
        }
        print(&format!("{}\n", ingest::text(&answer)))?;
    }
    Ok(false)
}
