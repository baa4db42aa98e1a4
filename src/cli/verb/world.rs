//! `qrh world`: the simulated cluster by itself, until a signal ends it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::app::signal::Signals;
use crate::cli::args;
use crate::cli::exit::{self, Code, Failure};
use crate::cli::output::print;
use crate::drill::world::plant::{Fault, SERVICES};
use crate::drill::world::{self, Options, Running};

/// A file on disk for as long as the world runs.
struct Kept(PathBuf);

impl Drop for Kept {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}

pub fn run(args: &args::World) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Failed, format!("the world's threads can't be started: {error}")))?;
    runtime.block_on(serve(args))
}

async fn serve(args: &args::World) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::new(Code::Failed, format!("signals can't be listened for: {error}")))?;
    let faults = args.faults.iter().map(|said| fault(said)).collect::<Result<_, _>>()?;
    let options =
        Options { scenario: args.scenario.clone(), seed: args.seed, pods: args.pods, port: args.port, faults, ..Options::default() };
    let world = world::start(options).await.map_err(|error| failure(&error))?;
    let file = |name: &str| std::env::temp_dir().join(format!("qrh-world-{}.{name}", std::process::id()));
    let (kubeconfig, catalog) = (file("kubeconfig"), file("services.yaml"));
    let kept = [write(&kubeconfig, world.kubeconfig())?, write(&catalog, &world.catalog())?];
    print(&addresses(&world, &kubeconfig, &catalog))?;
    let number = signals.next().await;
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
