//! `qrh world`: the simulated cluster by itself, until a signal ends it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::app::signal::Signals;
use crate::cli::args;
use crate::cli::exit::{self, Code, Failure};
use crate::cli::library;
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::drill::scenario::ground::Made;
use crate::drill::scenario::model::Level;
use crate::drill::world::plant::{Fault, SERVICES};
use crate::drill::world::{self, Options, Running};

/// The healthy shop, which is not a drill's.
const BASELINE: &str = "baseline";

/// A file on disk for as long as the world runs.
struct Kept(PathBuf);

impl Drop for Kept {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}

pub fn run(settings: &Settings, args: &args::World) -> Result<ExitCode, Failure> {
    let story = Story::of(settings, args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Failed, format!("the world's threads can't be started: {error}")))?;
    runtime.block_on(serve(args, story))
}

/// What the world is to be like: a drill's, where one is named.
struct Story {
    seed: u64,
    /// Each with when it comes.
    faults: Vec<(Duration, String, Fault)>,
    drill: Option<String>,
}

impl Story {
    fn of(settings: &Settings, args: &args::World) -> Result<Self, Failure> {
        let said = args.faults.iter().map(|said| fault(said)).collect::<Result<Vec<_>, Failure>>()?;
        let mut faults: Vec<(Duration, String, Fault)> = said.into_iter().map(|(id, fault)| (Duration::ZERO, id, fault)).collect();
        if args.scenario == BASELINE {
            return Ok(Self { seed: args.seed.unwrap_or(1), faults, drill: None });
        }
        let entry = library::find_drill(settings, &args.scenario).map_err(|failure| {
            failure.hint(format!("{BASELINE}, or the id of a drill of the simulated cluster; `qrh drill` lists them"))
        })?;
        let drill = library::ready_drill(settings, &entry, false)?.at(Level::Basic);
        for fault in &drill.faults {
            match drill.world.kind.make(fault) {
                Ok(Made::Simulated(made)) => faults.push((fault.at, fault.id.clone(), made)),
                Ok(Made::Real(_)) => {
                    let message = format!("{} is played on a real service, which is no world of its own", drill.id);
                    return Err(Failure::new(Code::Usage, message).hint(format!("qrh drill {}", drill.id)));
                }
                Err(why) => return Err(Failure::new(Code::Usage, why)),
            }
        }
        Ok(Self { seed: args.seed.unwrap_or(drill.world.seed), faults, drill: Some(drill.id) })
    }
}

async fn serve(args: &args::World, story: Story) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::new(Code::Failed, format!("signals can't be listened for: {error}")))?;
    let (now, mut later): (Vec<_>, Vec<_>) = story.faults.into_iter().partition(|(at, ..)| at.is_zero());
    let faults = now.into_iter().map(|(_, id, fault)| (id, fault)).collect();
    let options = Options { seed: story.seed, pods: args.pods, port: args.port, faults, ..Options::default() };
    let world = world::start(options).await.map_err(|error| failure(&error))?;
    let began = Instant::now();
    later.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    let file = |name: &str| std::env::temp_dir().join(format!("qrh-world-{}.{name}", std::process::id()));
    let (kubeconfig, catalog) = (file("kubeconfig"), file("services.yaml"));
    let kept = [write(&kubeconfig, world.kubeconfig())?, write(&catalog, &world.catalog())?];
    print(&addresses(&world, &kubeconfig, &catalog))?;
    if let Some(drill) = &story.drill {
        print(&format!("# the world of the drill {drill}, with what is wrong in it; what that is, and what comes later, is not told\n"))?;
    }
    let number = loop {
        let next = later.last().map(|(at, ..)| began + *at);
        tokio::select! {
            number = signals.next() => break number,
            () = sleep_until(next.unwrap_or(began)), if next.is_some() => {
                if let Some((_, id, fault)) = later.pop() {
                    world.put(&id, fault);
                }
            }
        }
    };
    world.stop().await;
    drop(kept);
    Ok(exit::signal(number))
}

/// `KIND` or `KIND@SERVICE`, which is also its id.
fn fault(said: &str) -> Result<(String, Fault), Failure> {
    let (kind, service) = said.split_once('@').unwrap_or((said, "checkout"));
    let fault = Fault::read(kind, service, &serde_json::Map::new()).map_err(|why| Failure::new(Code::Usage, why))?;
    Ok((said.to_owned(), fault))
}

/// What to tell other programs, as lines a shell can read.
fn addresses(world: &Running, kubeconfig: &Path, catalog: &Path) -> String {
    let mut lines = vec![
        format!("export KUBECONFIG={}", kubeconfig.display()),
        format!("export QRH_SERVICES={}", catalog.display()),
        format!("# Kubernetes API  {}", world.url()),
        format!("# Prometheus      {}", world.prometheus_url()),
    ];
    for site in SERVICES {
        let url = world.service_url(site.name).unwrap_or_default();
        lines.push(format!("# {:<15} {url}  /livez /readyz /healthz /metrics /flags", site.name));
    }
    lines.push("# contexts        world (responder), world-admin, world-viewer; namespace shop".to_owned());
    lines.push("# Ctrl-C ends the world.\n".to_owned());
    lines.join("\n")
}

/// Readable by its owner only: it holds tokens.
fn write(path: &Path, text: &str) -> Result<Kept, Failure> {
    let failed = |error| {
        Failure::new(Code::Failed, format!("{} can't be written: {error}", path.display()))
            .hint("set TMPDIR to a directory you may write to")
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let kept = Kept(path.to_owned());
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(kept)
}

fn failure(error: &world::Error) -> Failure {
    match error {
        world::Error::Scenario(_) | world::Error::Pods { .. } => Failure::new(Code::Usage, error.to_string()),
        world::Error::Listen { .. } | world::Error::Certificate(_) | world::Error::Tls(_) => Failure::new(Code::Failed, error.to_string()),
    }
}
