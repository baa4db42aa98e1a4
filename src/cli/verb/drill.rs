//! `qrh drill`: opens the console on a drill's world. No setting that leads to a real target is read for it: neither the kubeconfig nor the
//! service catalog.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::app::drill::story::Tempo;
use crate::app::drill::{self, Audience, Player, Script};
use crate::app::open::{self, Ground, OpenError, Opening, Plan};
use crate::cli::args::{self, Console, Drill};
use crate::cli::exit::{Code, Failure};
use crate::cli::library::Entry;
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::cli::{choose, front, library};
use crate::drill::scenario::model::{self as scenario, Clock, Level, WorldKind};
use crate::guard::Policy;

/// An autopilot somebody watches is so much faster than life, unless said.
const WATCHED: f64 = 20.0;
/// Faster than this no screen follows.
const FASTEST: f64 = 1000.0;

pub fn run(settings: &Settings, args: &Drill) -> Result<ExitCode, Failure> {
    let Some(wanted) = &args.drill else { return list(settings) };
    let colour = std::io::stderr().is_terminal() && !settings.no_color && !settings.dumb;
    let ready = on(settings, Ready::load(settings, &library::find_drill(settings, wanted)?, colour)?, args.world, colour)?;
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let player = if args.autopilot || !std::io::stdin().is_terminal() { Player::Autopilot } else { Player::Person };
    let tempo = match ready.drill.world.kind {
        WorldKind::Cluster => tempo(args, ready.drill.clock, (player, terminal))?,
        WorldKind::Local => real(args)?,
    };
    let runbook = args.runbook.clone();
    let part = Part {
        runbook,
        level: level(args.level),
        seed: args.seed,
        tempo,
        player,
        audience: Audience::People,
        facilitated: args.facilitate,
    };
    let root = settings.incidents()?;
    let console = Console { plain: args.plain || !terminal, read_only: false };
    let local = ready.drill.world.kind == WorldKind::Local;
    let opening = stage(settings, ready, &part, root)?;
    if local {
        print("The drill's service is started on this machine: about ten seconds.\n")?;
    }
    front::run(settings, console, opening)
}

/// What stands behind the id of a drill that is the same exercise in a local world.
const LOCAL: &str = "-local";

/// The drill for the world that was asked for: itself, or the same exercise there.
fn on(settings: &Settings, ready: Ready, world: Option<args::Ground>, colour: bool) -> Result<Ready, Failure> {
    let (kind, id) = match world {
        None => return Ok(ready),
        Some(args::Ground::Cluster) => (WorldKind::Cluster, ready.drill.id.strip_suffix(LOCAL).unwrap_or(&ready.drill.id).to_owned()),
        Some(args::Ground::Local) => (WorldKind::Local, format!("{}{LOCAL}", ready.drill.id)),
    };
    if ready.drill.world.kind == kind {
        return Ok(ready);
    }
    let all = library::drills(settings)?;
    let other = all.iter().find(|entry| entry.id == id).map(|entry| Ready::load(settings, entry, colour)).transpose()?;
    other.filter(|other| other.drill.world.kind == kind).ok_or_else(|| {
        let there = all.iter().filter(|entry| entry.id.ends_with(LOCAL)).map(|entry| entry.id.as_str()).collect::<Vec<_>>();
        let message = format!("{} is not played in a {} world", ready.drill.id, kind.as_str());
        Failure::new(Code::Usage, message).hint(format!("leave out --world; on a service of this machine: {}", there.join(", ")))
    })
}

/// A real service's time is its own.
fn real(args: &Drill) -> Result<Tempo, Failure> {
    match args.clock.as_deref() {
        None | Some("real") => Ok(Tempo::Flowing(1.0)),
        Some(said) => Err(Failure::new(Code::Usage, format!("--clock {said}: this drill's service is real, and so is its time"))),
    }
}

/// A drill without mistakes, and the text it was read from.
#[derive(Debug, Clone)]
pub struct Ready {
    pub drill: scenario::Drill,
    pub document: String,
}

impl Ready {
    pub fn load(settings: &Settings, entry: &Entry, colour: bool) -> Result<Self, Failure> {
        let drill = library::ready_drill(settings, entry, colour)?;
        Ok(Self { drill, document: String::from_utf8_lossy(&entry.bytes).into_owned() })
    }
}

/// How a drill is played.
pub struct Part {
    /// The one that is opened, where somebody says so.
    pub runbook: Option<String>,
    pub level: Level,
    pub seed: Option<u64>,
    pub tempo: Tempo,
    pub player: Player,
    pub audience: Audience,
    pub facilitated: bool,
}

/// Everything outside the drill's world is read now; the world is started when the future is awaited.
pub fn stage(
    settings: &Settings,
    ready: Ready,
    part: &Part,
    root: PathBuf,
) -> Result<impl Future<Output = Result<Opening, OpenError>> + use<>, Failure> {
    let Ready { drill, document } = ready;
    // The autopilot is no test of what the page suggests: it plays by the runbook that fits.
    let suggested = match part.player {
        Player::Person => &drill.opens,
        Player::Autopilot => &drill.runbook,
    };
    let wanted = part.runbook.as_deref().unwrap_or(suggested.as_str());
    let runbook = library::ready(library::find(settings, wanted)?, false)?;
    if drill.world.kind == WorldKind::Local && !library::is_shipped(&runbook.bytes) {
        let message = format!(
            "{} is played on this machine, where only qrh's own runbooks may run commands, and {wanted} is a changed one",
            drill.id
        );
        return Err(Failure::new(Code::Usage, message).hint("play it without your team's runbooks, or a drill of the simulated cluster"));
    }
    let inputs = choose::inputs(&runbook.runbook, &[])?;
    let actor = match part.player {
        Player::Person => settings.actor.clone(),
        Player::Autopilot => "autopilot".to_owned(),
    };
    let script = Script {
        seed: part.seed.unwrap_or(drill.world.seed),
        drill: drill.at(part.level),
        level: part.level,
        document,
        tempo: part.tempo,
        player: part.player,
        audience: part.audience,
        facilitated: part.facilitated,
        actor: actor.clone(),
    };
    Ok(async move {
        let stage = drill::raise(script).await?;
        let mut service = stage.service()?;
        choose::lay_over(&mut service.card, &runbook.runbook.card);
        let plan = Plan {
            inputs,
            runbook: runbook.runbook,
            source: runbook.bytes,
            service,
            // The team's policy is about the team's targets.
            policy: Arc::new(Policy::default()),
            root,
            ground: Ground::Drill(Box::new(stage)),
            read_only: false,
            actor,
            detected: None,
        };
        open::open(plan).await
    })
}

pub fn level(level: args::Level) -> Level {
    match level {
        args::Level::Basic => Level::Basic,
        args::Level::Hard => Level::Hard,
    }
}

fn tempo(args: &Drill, own: Clock, (player, terminal): (Player, bool)) -> Result<Tempo, Failure> {
    let Some(said) = &args.clock else {
        return Ok(match (player, own) {
            (Player::Autopilot, _) if !terminal => Tempo::Stepped,
            (Player::Autopilot, _) => Tempo::Flowing(WATCHED),
            (Player::Person, Clock::Scaled(factor)) => Tempo::Flowing(f64::from(factor)),
            // Nobody can play in a time that waits for them.
            (Player::Person, Clock::Real | Clock::Stepped) => Tempo::Flowing(1.0),
        });
    };
    let usage = |why: &str| Err(Failure::new(Code::Usage, format!("--clock {said}: {why}")));
    let number = said.trim_end_matches('x').parse::<f64>();
    match (said.as_str(), number) {
        ("real", _) => Ok(Tempo::Flowing(1.0)),
        ("stepped", _) if player == Player::Person => usage("a stepped time waits for nobody: it is for --autopilot"),
        ("stepped", _) => Ok(Tempo::Stepped),
        (_, Ok(factor)) if (0.1..=FASTEST).contains(&factor) => Ok(Tempo::Flowing(factor)),
        _ => usage("say real, stepped, or how many times faster: 10x"),
    }
}

fn list(settings: &Settings) -> Result<ExitCode, Failure> {
    let mut text = String::from("Drills\n");
    for entry in library::drills(settings)? {
        let title = library::top_level(&entry.bytes, "title").unwrap_or_else(|| entry.name.clone());
        let _ = writeln!(text, "  {:<28} {title}", entry.id);
    }
    text.push_str("\nThose that end in -local play on a real service of this machine; they need Node.js.\n");
    text.push_str("\nqrh drill ID [--level hard]      play one\nqrh drill ID --autopilot         watch it being played\n");
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
