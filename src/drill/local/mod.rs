//! A world that is no simulation: a small Node service on this machine, with real requests, real faults and a Prometheus of our own that
//! scrapes it. Its sources are in the program; it needs `node` in PATH, nothing from a network, and reaches nothing but loopback.
//!
//! What it starts ends with it: its processes are one group each, stop by themselves when qrh's end of their standard input closes (also
//! where qrh is killed), and all they write lies in a directory of this user's alone, which goes with the world.
#![allow(clippy::disallowed_methods, reason = "the world has a clock, files, processes and tasks of its own")]

mod ask;
mod catalog;
mod door;
pub mod fault;
mod files;
mod history;
mod metrics;
mod process;
mod watch;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

pub use fault::Fault;

use super::world::plant::Health;
use files::Home;
use process::Process;
use watch::Watched;

/// The only service there is, which is also the label `service` of its series.
pub const SERVICE: &str = "shop";
/// Requests a second, over all routes, and how many of them at a time.
const RATE: &str = "100";
const AT_A_TIME: &str = "12";
/// Half of the requests order something, as in a shop; the others are spread over what else it does.
const PATHS: &str = "/checkout,/search,/checkout,/report,/checkout,/export,/report,/checkout,/search,/report";
/// Longer than any drill.
const LOAD_SECONDS: &str = "14400";
/// A service that does not listen by then does not come.
const BIRTH: Duration = Duration::from_secs(30);
/// What is seen of the healthy service before the drill begins; the hour before is made from it.
const WARM_UP: Duration = Duration::from_secs(8);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Node(#[from] process::NoNode),
    #[error("the directory of the drill's service can't be made: {0}; set TMPDIR to a directory you may write to")]
    Files(#[source] std::io::Error),
    #[error("the drill's service can't be started: {0}")]
    Start(#[source] std::io::Error),
    #[error("the drill's service did not listen within {} s: {said}", BIRTH.as_secs())]
    Silent { said: String },
    #[error("no port on 127.0.0.1 can be opened: {0}")]
    Listen(#[source] std::io::Error),
}

/// A service that runs. Dropped, it is ended with all its processes, and its directory is removed.
pub struct Local {
    watched: Arc<Watched>,
    service: SocketAddr,
    prometheus: SocketAddr,
    /// Stopped before the processes are, and those before their directory is removed: in the order of the fields.
    _tasks: JoinSet<()>,
    _processes: Vec<Process>,
    home: Home,
}

/// Starts the service, in good health, with people who use it, and looks at it for long enough to know what is usual.
pub async fn start() -> Result<Local, Error> {
    let node = process::node()?;
    let home = Home::lay_out().map_err(Error::Files)?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (current, state) = (home.path("current"), home.path("state"));
    let supervise = [words(&["supervise.mjs", "--current"]), vec![current], words(&["--state"]), vec![state]].concat();
    let mut processes = vec![Process::start(&node, &home, &supervise).map_err(Error::Start)?];
    let port = born(&home).await?;
    let service = SocketAddr::from(([127, 0, 0, 1], port));
    let target = format!("http://{service}");
    let load =
        words(&["load.mjs", "--target", &target, "--paths", PATHS, "--rate", RATE, "--concurrency", AT_A_TIME, "--duration", LOAD_SECONDS]);
    processes.push(Process::start(&node, &home, &load).map_err(Error::Start)?);
    let watched = Arc::new(Watched::new(service, &home));
    watched.warm_up(WARM_UP).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Error::Listen)?;
    let prometheus = listener.local_addr().map_err(Error::Listen)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(door::accept(Arc::clone(&watched), listener));
    let looking = Arc::clone(&watched);
    tasks.spawn(async move { looking.keep_looking().await });
    Ok(Local { watched, service, prometheus, _tasks: tasks, _processes: processes, home })
}

/// The port the service has written once it listens.
async fn born(home: &Home) -> Result<u16, Error> {
    let end = Instant::now() + BIRTH;
    let file = home.path("state/service.port");
    loop {
        if let Some(port) = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()) {
            return Ok(port);
        }
        if Instant::now() > end {
            return Err(Error::Silent { said: last_words(Path::new(&home.path("state/service.log"))) });
        }
        sleep(LOOK_AGAIN).await;
    }
}

fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().last().map_or_else(|| "it said nothing".to_owned(), |line| line.chars().take(200).collect())
}

impl Local {
    /// All that a drill on it may reach.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        [self.service, self.prometheus]
    }

    /// A `services.yaml` of the service, on this host.
    pub fn catalog(&self) -> String {
        catalog::text(&self.home, self.service, self.prometheus)
    }

    /// Begins a fault, within a look or two.
    pub fn put(&self, id: &str, fault: Fault) {
        self.watched.put(id, fault);
    }

    /// How the service is, in truth.
    pub fn health(&self) -> Health {
        self.watched.health()
    }
}
