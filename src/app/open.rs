//! Opens an incident, new or from its log: the target is connected and pinned, the journal made or recovered, the engine set up.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

use super::console::Console;
use super::drill::{Stage, StageError};
use super::measure::Gauge;
use super::performer::Performer;
use super::prepare::Desk;
use super::recorder::{self, Recorder};
use super::world::WAITING;
use crate::action::Identity;
use crate::action::identity::{ClusterIdentity, HostIdentity};
use crate::engine::{Briefing, Effect, Setup, State};
use crate::guard::Policy;
use crate::journal::{Journal, JournalError, New, Recovered};
use crate::runbook::catalog::{self, ClusterTarget, HostTarget, Service, Target};
use crate::runbook::model::{Name, Runbook};
use crate::target::facts::{self, HostQuery};
use crate::target::http::Client;
use crate::target::kube::{Cluster, ConnectOptions, Source};
use crate::target::{Clock, Fence, Hands};
use crate::timeline::chain::Chain;
use crate::timeline::identifier::{Digest, EventId, IncidentId, Writer};
use crate::timeline::record::{Happening, Mode, Opened, Record, RunId};

/// What an incident is opened with. Everything outside was read already; what is left is the target and the journal.
pub struct Plan {
    pub runbook: Arc<Runbook>,
    /// The runbook's bytes as used.
    pub source: Vec<u8>,
    pub service: Service,
    pub policy: Arc<Policy>,
    pub inputs: BTreeMap<Name, Value>,
    /// Where incidents are kept.
    pub root: PathBuf,
    pub ground: Ground,
    pub read_only: bool,
    pub actor: String,
    pub detected: Option<jiff::Timestamp>,
}

/// What an incident acts on.
pub enum Ground {
    /// What is real. Nobody but a person at a terminal answers for changes to it.
    Live {
        kubeconfig: Source,
        /// Standard input is a terminal.
        person: bool,
    },
    /// A drill's world, and nothing outside it.
    Drill(Box<Stage>),
}

impl Ground {
    fn mode(&self) -> Mode {
        match self {
            Self::Live { .. } => Mode::Live,
            Self::Drill(_) => Mode::Drill,
        }
    }

    fn clock(&self) -> Clock {
        match self {
            Self::Live { .. } => Clock::Machine,
            Self::Drill(stage) => stage.clock(),
        }
    }

    fn fence(&self) -> Fence {
        match self {
            Self::Live { .. } => Fence::Open,
            Self::Drill(stage) => stage.fence(),
        }
    }

    fn kubeconfig(&self) -> Source {
        match self {
            Self::Live { kubeconfig, .. } => kubeconfig.clone(),
            Self::Drill(stage) => Source::Text(stage.kubeconfig().to_owned()),
        }
    }

    /// Whether somebody can answer a confirmation. In a drill the autopilot can.
    fn person(&self) -> bool {
        match self {
            Self::Live { person, .. } => *person,
            Self::Drill(stage) => stage.is_piloted() || std::io::stdin().is_terminal(),
        }
    }

    fn briefing(&self) -> Option<Arc<Briefing>> {
        match self {
            Self::Live { .. } => None,
            Self::Drill(stage) => Some(Arc::new(stage.briefing())),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error("the facilitator's socket can't be opened: {0}")]
    Door(#[source] std::io::Error),
    #[error(
        "this was the drill {drill}, and its world ended with its console: it can't be gone on with. What was done is kept: qrh export {name}. \
         To play it again from the beginning: qrh drill {drill} --level {level} --seed {seed}"
    )]
    DrillOver { drill: String, level: String, seed: u64, name: String },
    #[error("the cluster of `{service}` can't be used: {cause}")]
    Cluster { service: String, cause: String },
    #[error("this incident was opened on {then}, and the service is now {now}: point it back, or open a new incident")]
    AnotherTarget { then: String, now: String },
    #[error("this incident is closed: export it, or open a new one")]
    Closed,
    #[error("the log of this incident does not begin with its opening, so it can't be resumed")]
    NoOpening,
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the thread that writes the log can't be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// An open incident and the effects that begin it.
pub struct Opening {
    pub console: Console,
    pub first: Vec<Effect>,
    /// What the log held already: empty for a new incident.
    pub past: Vec<Record>,
    pub dir: PathBuf,
}

/// Opens a new incident. Makes no network call: the console must start while everything is down.
pub async fn open(mut plan: Plan) -> Result<Opening, OpenError> {
    let (hands, target) = connect(&plan).await?;
    let now = plan.ground.clock().now();
    let incident = IncidentId(ulid::Ulid::generate());
    let writer = Writer::named(&plan.actor);
    let parts = [plan.runbook.id.as_str(), plan.service.name.as_str()];
    let new = New { incident, opened: now, parts: &parts, writer: &writer, runbook: &plan.source };
    let journal = Journal::create(&plan.root, &new)?;
    let chain = Chain::start(incident, journal.writer().clone());
    let (state, mut first) = State::open(setup(&plan), opened(&plan, target.clone()), now);
    if let Ground::Drill(stage) = &mut plan.ground {
        // Right after the opening: what is hidden is sealed before anybody acts, and the faults are there before anything is read.
        let began = Record { time: now, happening: stage.began() };
        let records = std::iter::once(began).chain(stage.play_overture(&state.incident));
        first.splice(1..1, records.map(|record| Effect::Append(Box::new(record))));
    }
    start(plan, Kept { journal, chain, begun: BTreeMap::new() }, Pinned { hands, target }, (state, first))
}

/// Goes on with an incident from its log alone.
pub async fn resume(plan: Plan, dir: &Path) -> Result<Opening, OpenError> {
    let Recovered { journal, chain, envelopes, torn } = Journal::open(dir, &Writer::named(&plan.actor))?;
    let begun = recorder::begun(&envelopes);
    let records: Vec<Record> = envelopes.into_iter().map(|envelope| envelope.record).collect();
    let opened = opening(&records, dir)?;
    let then = opened.target.clone();
    let (hands, target) = connect(&plan).await?;
    same_target(&then, &target)?;
    let now = jiff::Timestamp::now();
    let (state, mut first) = State::resume(setup(&plan), &records, now);
    let mended = torn.iter().filter_map(|torn| torn.aside.as_ref().map(|aside| (torn, aside))).map(|(torn, aside)| {
        let what = format!("{} bytes of a line that was never acknowledged were set aside in {}", torn.bytes, aside.display());
        Effect::Append(Box::new(Record { time: now, happening: Happening::LogMended { what } }))
    });
    first.splice(0..0, mended);
    let opening = start(plan, Kept { journal, chain, begun }, Pinned { hands, target: then }, (state, first))?;
    Ok(Opening { past: records, ..opening })
}

/// A drill's world is gone; how to play the same one again is in its log.
fn drill_over(records: &[Record], runbook: &str, dir: &Path) -> OpenError {
    let began = records.iter().find_map(|record| if let Happening::DrillBegan(began) = &record.happening { Some(began) } else { None });
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match began {
        Some(began) => OpenError::DrillOver { drill: began.drill.clone(), level: began.level.clone(), seed: began.seed, name },
        // It ended before it had begun: its runbook's own drill is the nearest there is.
        None => OpenError::DrillOver { drill: runbook.to_owned(), level: "basic".to_owned(), seed: 1, name },
    }
}

/// The opening of an incident that can be gone on with.
pub fn opening<'a>(records: &'a [Record], dir: &Path) -> Result<&'a Opened, OpenError> {
    let opened = records.iter().find_map(|record| if let Happening::Opened(opened) = &record.happening { Some(&**opened) } else { None });
    if let Some(opened) = opened.filter(|opened| opened.mode == Mode::Drill) {
        return Err(drill_over(records, &opened.runbook.0, dir));
    }
    if records.iter().any(|record| matches!(record.happening, Happening::Closed { .. })) {
        return Err(OpenError::Closed);
    }
    opened.ok_or(OpenError::NoOpening)
}

struct Kept {
    journal: Journal,
    chain: Chain,
    /// The events that started runs before this console.
    begun: BTreeMap<RunId, EventId>,
}

struct Pinned {
    hands: Hands,
    target: Identity,
}

fn start(plan: Plan, kept: Kept, pinned: Pinned, (state, first): (State, Vec<Effect>)) -> Result<Opening, OpenError> {
    let dir = kept.journal.dir().to_owned();
    let (world, answers) = mpsc::channel(WAITING);
    let clock = plan.ground.clock();
    let recorder = Recorder::start((kept.journal, clock.clone()), kept.chain, kept.begun, world.clone()).map_err(OpenError::Thread)?;
    let hands = Arc::new(pinned.hands);
    let measure = Gauge {
        runbook: Arc::clone(&plan.runbook),
        hands: Arc::clone(&hands),
        policy: Arc::clone(&plan.policy),
        target: pinned.target.clone(),
    };
    let workload = workload(&plan.service);
    let desk =
        Desk { runbook: Arc::clone(&plan.runbook), hands, kind: plan.service.target.kind(), workload, measure, clock: clock.clone() };
    let mut performer = Performer::new(desk, pinned.target, world.clone(), &recorder, dir.clone());
    let console = match plan.ground {
        Ground::Live { .. } => Console::new(state, performer, recorder, (answers, clock)),
        Ground::Drill(mut stage) => {
            stage.begin(&dir, &world).map_err(OpenError::Door)?;
            if stage.is_stepped() {
                performer.in_single_file();
            }
            Console::new(state, performer, recorder, (answers, clock)).on_stage(stage)
        }
    };
    Ok(Opening { console, first, past: Vec::new(), dir })
}

fn setup(plan: &Plan) -> Setup {
    Setup {
        runbook: Arc::clone(&plan.runbook),
        policy: Arc::clone(&plan.policy),
        service: catalog::service_scope(&plan.service),
        target: catalog::target_scope(&plan.service.target),
        workload: workload(&plan.service),
        read_only: plan.read_only,
        person: plan.ground.person(),
        actor: plan.actor.clone(),
        drill: plan.ground.briefing(),
    }
}

fn workload(service: &Service) -> String {
    match &service.target {
        Target::Cluster(cluster) => cluster.workload.clone(),
        Target::Host(_) => service.name.clone(),
    }
}

fn opened(plan: &Plan, target: Identity) -> Opened {
    Opened {
        qrh: env!("CARGO_PKG_VERSION").to_owned(),
        mode: plan.ground.mode(),
        read_only: plan.read_only,
        runbook: plan.runbook.id.clone(),
        runbook_title: plan.runbook.title.clone(),
        runbook_sha256: Digest::of(&plan.source).to_string(),
        service: serde_json::to_value(&plan.service).unwrap_or(Value::Null),
        service_name: plan.service.name.clone(),
        target_kind: plan.service.target.kind(),
        target,
        inputs: plan.inputs.clone(),
        actor: plan.actor.clone(),
        detected: plan.detected,
    }
}

/// The hands for a service, and the target they are pinned to.
async fn connect(plan: &Plan) -> Result<(Hands, Identity), OpenError> {
    let http = Client::within(plan.ground.fence(), plan.ground.clock());
    let prometheus = plan.service.prometheus.clone();
    let mut hands = Hands { cluster: None, http, host: None, prometheus, workload: None, fence: plan.ground.fence() };
    let target = match &plan.service.target {
        Target::Cluster(target) => {
            let cluster = connect_cluster(plan, target).await?;
            let identity = ClusterIdentity {
                context: cluster.context().to_owned(),
                server: cluster.server().to_owned(),
                namespace: cluster.namespace().to_owned(),
                user: cluster.user().map(str::to_owned),
                object: None,
            };
            hands.workload = Some((target.workload.clone(), target.container.clone()));
            hands.cluster = Some(cluster);
            Identity::Cluster(identity)
        }
        Target::Host(target) => {
            let query = query(target);
            // A service that is down still has a host to look at.
            let identity = facts::identity(&query).await.unwrap_or_else(|_| HostIdentity { host: facts::host_name(), process: None });
            hands.host = Some(query);
            Identity::Host(identity)
        }
    };
    Ok((hands, target))
}

async fn connect_cluster(plan: &Plan, target: &ClusterTarget) -> Result<Cluster, OpenError> {
    let options = ConnectOptions {
        source: plan.ground.kubeconfig(),
        context: Some(target.context.clone()),
        namespace: Some(target.namespace.clone()),
    };
    let connected = Cluster::connect_within(options, &plan.ground.fence(), plan.ground.clock()).await;
    connected.map_err(|error| OpenError::Cluster { service: plan.service.name.clone(), cause: error.to_string() })
}

fn query(target: &HostTarget) -> HostQuery {
    HostQuery {
        pid: target.pid,
        pid_file: target.pid_file.as_ref().map(PathBuf::from),
        unit: target.unit.clone(),
        port: target.port,
        current: target.current.as_ref().map(PathBuf::from),
        releases: target.releases.as_ref().map(PathBuf::from),
    }
}

/// Whether an incident goes on where it began. A host's process may be another one by now: changes are bound to it anew.
fn same_target(then: &Identity, now: &Identity) -> Result<(), OpenError> {
    let place = |identity: &Identity| match identity {
        Identity::Cluster(cluster) => format!("context {} ({}), namespace {}", cluster.context, cluster.server, cluster.namespace),
        Identity::Host(host) => format!("host {}", host.host),
        Identity::Here => "this machine".to_owned(),
    };
    let (then, now) = (place(then), place(now));
    if then == now { Ok(()) } else { Err(OpenError::AnotherTarget { then, now }) }
}
