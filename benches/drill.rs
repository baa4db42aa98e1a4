//! How fast drills go, printed and never asserted: the simulated world by itself, and each runbook's drill played to its end. Run it on an
//! idle machine with `cargo bench --bench drill`; targets stand beside the figures.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use qrh::drill::scenario::ground::Made;
use qrh::drill::scenario::model::{Drill, Level};
use qrh::drill::scenario::{self, Against};
use qrh::drill::world::{self, Options, Pace};
use qrh::runbook::source::SourceFile;

const QRH: &str = env!("CARGO_BIN_EXE_qrh");
/// One for each runbook.
const DRILLS: [&str; 5] = ["bad-deploy", "dependency-outage", "event-loop-latency", "high-cpu", "high-memory"];
/// Of a world's time, in steps as a drill takes them.
const STORY: Duration = Duration::from_secs(1800);
const STEP: Duration = Duration::from_secs(5);
/// Plays of each drill: the middle one counts.
const PLAYS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("{:<22} {:>12} {:>24} {:>24}", "drill", "world ready", "stepped clock", "played to its end");
    println!("{:<22} {:>12} {:>24} {:>24}", "", "< 150 ms", ">= 1000 s in a second", "< 5000 ms");
    for id in DRILLS {
        let (ready, factor) = runtime.block_on(stepped(&drill(id)));
        let mut plays: Vec<Duration> = (0..PLAYS).map(|_| play(id)).collect();
        plays.sort();
        println!("{id:<22} {:>9} ms {factor:>22.0} x {:>21} ms", ready.as_millis(), plays[PLAYS / 2].as_millis());
    }
}

fn file(id: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("runbooks/drills/{id}.yaml"))
}

fn drill(id: &str) -> Drill {
    let source = SourceFile::new(id, std::fs::read(file(id)).unwrap());
    scenario::load(&source, false, Against::Nothing).drill.unwrap().at(Level::Basic)
}

/// How long the world takes to be there, and how many of its seconds pass in one.
async fn stepped(drill: &Drill) -> (Duration, f64) {
    let began = Instant::now();
    let world = world::start(Options { seed: drill.world.seed, pace: Pace::Stepped, ..Options::default() }).await.unwrap();
    let ready = began.elapsed();
    for fault in &drill.faults {
        if let Made::Simulated(made) = drill.world.kind.make(fault).unwrap() {
            world.put(&fault.id, made);
        }
    }
    let began = Instant::now();
    let mut passed = Duration::ZERO;
    while passed < STORY {
        world.advance(STEP);
        world.health(&drill.service);
        passed += STEP;
    }
    let factor = passed.as_secs_f64() / began.elapsed().as_secs_f64();
    world.stop().await;
    (ready, factor)
}

/// By the autopilot, with its log on the disk.
fn play(id: &str) -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let status = Command::new(QRH)
        .args(["test", file(id).to_str().unwrap(), "--level", "basic"])
        .env_clear()
        .env("HOME", dir.path())
        .env("TMPDIR", dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{id} is not played to its end");
    began.elapsed()
}
