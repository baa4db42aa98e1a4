//! A cluster in the box: an API server, its controllers and the programs in its pods, in this process, on loopback, deterministic from
//! a seed. Whoever talks Kubernetes can talk to it. What it does not know it refuses by name.
#![allow(clippy::disallowed_methods, reason = "the world has a clock, sockets and tasks of its own")]

pub mod api;
pub mod baseline;
pub mod behaviour;
mod catalog;
pub mod clock;
pub mod control;
mod disk;
mod door;
mod inspector;
pub mod json;
pub mod kind;
mod kubeconfig;
pub mod object;
pub mod plant;
mod program;
pub mod promql;
mod quantity;
mod refusal;
mod rights;
mod seed;
mod selector;
mod serve;
pub mod service;
mod spdy;
pub mod state;
pub mod store;
mod tar;
mod timer;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use clock::Pace;
pub use kind::Kind;

use behaviour::Behaviour;
use disk::Disks;
use plant::{Fault, Health};
use rights::Person;
use state::State;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the world can't listen on 127.0.0.1:{port}: {source}; choose another port, or none")]
    Listen { port: u16, source: std::io::Error },
    #[error("no certificate could be made for the world: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("the world's certificate was refused: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    #[error("there is no scenario {0:?}; there is: {known}", known = baseline::SCENARIOS.join(", "))]
    Scenario(String),
    #[error("at most {most} pods, not {asked}: they would not fit the bounds the world keeps", most = baseline::MOST_PODS)]
    Pods { asked: usize },
}

/// What world to start.
#[derive(Clone)]
pub struct Options {
    pub scenario: String,
    pub seed: u64,
    /// Pods besides the scenario's own, in the namespace `fleet`; at most 20,000.
    pub pods: usize,
    pub pace: Pace,
    /// The moment the story begins. None: now.
    pub epoch: Option<Timestamp>,
    /// Port on 127.0.0.1; 0 lets the kernel choose.
    pub port: u16,
    /// What the programs do. None: the scenario's services, in good health.
    pub behaviour: Option<Arc<dyn Behaviour>>,
    /// Faults that are there from the first moment, by their ids.
    pub faults: Vec<(String, Fault)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scenario: "baseline".to_owned(),
            seed: 1,
            pods: 0,
            pace: Pace::Real,
            epoch: None,
            port: 0,
            behaviour: None,
            faults: Vec::new(),
        }
    }
}

/// What everything that serves the world shares.
pub struct Shared {
    state: Mutex<State>,
    /// Taken after the state.
    disks: Mutex<Disks>,
    /// Wakes the driver: something may be due earlier than it thought.
    driver: Notify,
    people: Vec<Person>,
    address: SocketAddr,
    pace: Pace,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in one request leaves the state as it was between two writes.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.catch_up();
        state
    }

    fn disks(&self) -> MutexGuard<'_, Disks> {
        // A panic in one command leaves the files as they were before it.
        self.disks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the world as it is now.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the world, and lets the controllers answer.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        state.settle();
        drop(state);
        self.driver.notify_one();
        changed
    }
}

/// A world that runs. Dropped, it stops.
pub struct Running {
    shared: Arc<Shared>,
    kubeconfig: String,
    prometheus: SocketAddr,
    /// Of the services, by name.
    services: Vec<(&'static str, SocketAddr)>,
}

/// Builds the world and serves it on loopback.
pub async fn start(options: Options) -> Result<Running, Error> {
    let state = baseline::build(&options)?;
    let (listener, address) = listen(options.port).await?;
    let (acceptor, authority) = serve::tls()?;
    let people = rights::people(options.seed);
    let kubeconfig = kubeconfig::text(address, &authority, &people);
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        disks: Mutex::default(),
        driver: Notify::new(),
        people,
        address,
        pace: options.pace,
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    });
    shared.tasks.spawn(serve::accept(shared.clone(), listener, acceptor));
    if options.pace != Pace::Stepped {
        shared.tasks.spawn(drive(shared.clone()));
    }
    let (listener, prometheus) = listen(0).await?;
    shared.tasks.spawn(door::accept(shared.clone(), listener, door::Inside::Prometheus));
    let mut services = Vec::new();
    for site in plant::SERVICES {
        let (listener, address) = listen(0).await?;
        shared.tasks.spawn(door::accept(shared.clone(), listener, door::Inside::Service(site.name)));
        services.push((site.name, address));
    }
    for (id, fault) in options.faults {
        shared.change(|state| plant::put(state, &id, &fault));
    }
    Ok(Running { shared, kubeconfig, prometheus, services })
}

async fn listen(port: u16) -> Result<(tokio::net::TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { port, source };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Plays what is due when it is due. Sleeps until then; an idle world costs nothing.
async fn drive(shared: Arc<Shared>) {
    loop {
        let wait = shared.look(|state| state.timers.next().and_then(|due| state.clock.until(due)));
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.driver.notified() => {}
            () = tokio::time::sleep(wait.unwrap_or(Duration::from_secs(3600)).max(Duration::from_millis(1))) => {}
        }
    }
}

impl Running {
    /// The file that makes kubectl talk to this world; contexts `world`, `world-admin` and `world-viewer`.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.shared.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Where PromQL is answered.
    pub fn prometheus_url(&self) -> String {
        format!("http://{}", self.prometheus)
    }

    /// Where a service answers: health, metrics, flags. None: there is no such service.
    pub fn service_url(&self, name: &str) -> Option<String> {
        self.services.iter().find(|(known, _)| *known == name).map(|(_, address)| format!("http://{address}"))
    }

    /// A `services.yaml` whose cards point at this world; its context is `world`, of [`kubeconfig`](Self::kubeconfig).
    pub fn catalog(&self) -> String {
        catalog::text(&self.prometheus_url(), &self.services)
    }

    /// Begins a fault; one with the same id is lifted first.
    #[allow(clippy::needless_pass_by_value, reason = "it is the world's from now on")]
    pub fn put(&self, id: &str, fault: Fault) {
        self.shared.change(|state| plant::put(state, id, &fault));
    }

    /// Takes a fault away, cured or not. What it left behind (releases, limits, flags) stays.
    pub fn lift(&self, id: &str) {
        self.shared.change(|state| plant::lift(state, id));
    }

    /// How a service is now, in truth. Of a service that is not there: not healthy, and nothing else.
    pub fn health(&self, service: &str) -> Health {
        self.shared.look(|state| plant::health(state, service))
    }

    /// The bearer token of `admin`, `responder` or `viewer`.
    pub fn token(&self, name: &str) -> Option<&str> {
        self.shared.people.iter().find(|person| person.name == name).map(|person| person.token.as_str())
    }

    /// Moves a stepped world on, and plays what that brings.
    pub fn advance(&self, by: Duration) {
        self.shared.change(|state| {
            state.clock.step(by);
            state.catch_up();
        });
    }

    pub fn now(&self) -> Timestamp {
        self.shared.look(|state| state.now)
    }

    /// All objects, in order: what a seed and a script lead to.
    pub fn objects(&self) -> Vec<Value> {
        self.shared.look(|state| kind::ALL.iter().flat_map(|kind| state.store.list(*kind, "")).map(|object| object.value()).collect())
    }

    /// Looks at the state: for metrics and scores.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.shared.look(look)
    }

    /// Changes the state: for faults and injects.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.shared.change(change)
    }

    /// Forgets the history of changes: watches that fell behind get 410, as after a compaction.
    pub fn compact(&self) {
        self.shared.change(|state| state.store.compact());
    }

    /// Ends everything, and waits until it has ended.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
