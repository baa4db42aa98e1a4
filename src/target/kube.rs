//! The hands for Kubernetes: a rendered [`Kube`] verb goes in, a [`Report`] comes out. Reads and changes have an entry each, and a
//! client each: what [`Cluster::read`] uses can't send a change ([`hold`]). Context, namespace and server are pinned when the cluster
//! is connected. Nothing here decides whether a change may run.

mod change;
mod connect;
mod credential;
mod exec;
mod facts;
mod fault;
mod get;
mod guard;
mod hold;
mod identity;
mod list;
mod logs;
mod preview;
mod proxy;
mod quantity;
mod rollout;
mod table;
mod top;
mod wire;
mod yaml;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::client::ClientBuilder;
use serde_json::Value;

use crate::action::Preview;
pub use connect::{ConnectError, ConnectOptions, Source};
pub use guard::{ApiGuard, GuardError, Refused, Secrets};

use crate::action::identity::{ClusterIdentity, ObjectIdentity};
use crate::action::kube::Kube;
use crate::action::{Ending, Report, Verdict};
use crate::guard::ingest;
use crate::target::stream::{Collector, Conduct};
use crate::target::{Clock, Fence};
use connect::{Pinned, Plugin};
use fault::{Cause, Whereabouts};
use hold::{Allows, HoldLayer};
use wire::Session;

/// TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One cluster as pinned when the incident opened. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    pinned: Pinned,
    server: String,
    clock: Clock,
    /// Built at the first call: a credential plugin may have to run for it.
    clients: tokio::sync::Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    /// One of each kind in [`Allows::ALL`].
    built: Option<[Client; 3]>,
    renew_at: Option<Timestamp>,
}

/// What a verb gives, besides its lines.
struct Outcome {
    ending: Ending,
    exit: Option<i32>,
    /// Absent: what the lines make.
    out: Option<Value>,
    /// Bytes of `out` left away.
    cut_bytes: u64,
}

impl Outcome {
    fn of(out: Value) -> Self {
        Self { ending: Ending::Succeeded, exit: None, out: Some(out), cut_bytes: 0 }
    }
}

impl Cluster {
    /// Reads the configuration and pins it. No network, no credential plugin.
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        Self::connect_within(options, &Fence::Open, Clock::Machine).await
    }

    /// The same where only the fence's addresses may be reached, on another clock.
    pub async fn connect_within(options: ConnectOptions, fence: &Fence, clock: Clock) -> Result<Self, ConnectError> {
        let pinned = connect::pin(options).await?;
        connect::fenced(&pinned, fence)?;
        let server = pinned.config.cluster_url.to_string().trim_end_matches('/').to_owned();
        Ok(Self { inner: Arc::new(Inner { pinned, server, clock, clients: tokio::sync::Mutex::default() }) })
    }

    fn is_in_story(&self) -> bool {
        match self.inner.clock {
            Clock::Machine => false,
            Clock::Story(_) => true,
        }
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub fn context(&self) -> &str {
        &self.inner.pinned.context
    }

    pub fn namespace(&self) -> &str {
        &self.inner.pinned.namespace
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.inner.server
    }

    /// The user the kubeconfig names.
    pub fn user(&self) -> Option<&str> {
        self.inner.pinned.user.as_deref()
    }

    /// Runs a verb that only reads. A verb that may change something is not run: the report says so.
    pub async fn read(&self, kube: &Kube, conduct: &Conduct) -> Report {
        match kube.classify() {
            Verdict::Reads(_) => {}
            Verdict::Changes(why) | Verdict::Unknown(why) => {
                return Report::ended(Ending::Failed(format!("refused: this is no read: {why}; it needs a confirmation")));
            }
        }
        let session = Session::new(self, Allows::Reads);
        let mut collector = Collector::new(conduct);
        let work = get::run(&session, kube, &mut collector);
        let outcome = tokio::select! {
            biased;
            () = conduct.cancel.cancelled() => Ok(ended(Ending::Stopped)),
            () = tokio::time::sleep(conduct.timeout) => Ok(ended(self.read_timeout(kube, conduct.timeout))),
            outcome = work => outcome,
        };
        let outcome = outcome.unwrap_or_else(|fault| ended(fault.ending(&self.whereabouts())));
        finish(collector, outcome).await
    }

    /// Runs a change. `expected` is what the person was shown: the server refuses where the object is another one by now, and the
    /// report says [`Ending::Voided`]. Whoever calls holds a clearance.
    pub async fn apply(&self, kube: &Kube, expected: Option<&ObjectIdentity>, conduct: &Conduct) -> Report {
        let session = Session::new(self, Allows::Changes);
        let mut collector = Collector::new(conduct);
        let work = change::run(&session, kube, expected, &mut collector);
        let outcome = tokio::select! {
            biased;
            () = conduct.cancel.cancelled() => Ok(ended(broken_off(&session, "it was stopped", Ending::Stopped))),
            () = tokio::time::sleep(conduct.timeout) => {
                let why = format!("no answer in {} s", conduct.timeout.as_secs());
                let unsent = Ending::Unreachable(format!("{} gave {why}; nothing was sent; check the link and the API server", self.server()));
                Ok(ended(broken_off(&session, &why, unsent)))
            }
            outcome = work => outcome,
        };
        let outcome = outcome.unwrap_or_else(|fault| ended(fault.ending(&self.whereabouts())));
        finish(collector, outcome).await
    }

    /// Where a verb goes, and for a change the object it names as it is now.
    pub async fn identity(&self, kube: &Kube) -> Result<ClusterIdentity, Report> {
        let session = Session::new(self, Allows::Reads);
        let object = identity::object(&session, kube).await.map_err(|fault| Report::ended(fault.ending(&self.whereabouts())))?;
        Ok(ClusterIdentity {
            context: self.context().to_owned(),
            server: self.server().to_owned(),
            namespace: self.namespace().to_owned(),
            user: self.user().map(str::to_owned),
            object,
        })
    }

    /// Asks the server what a change would make, through a client that can't make it.
    pub async fn dry_run(&self, kube: &Kube, expected: Option<&ObjectIdentity>) -> Preview {
        preview::run(&Session::new(self, Allows::DryRuns), kube, expected).await
    }

    /// What qrh reads about a Deployment before a change: see `facts` for the fields. Never fails: what can't be read is in `missing`.
    pub async fn facts(&self, deployment: &str, container: Option<&str>) -> Value {
        ingest::json(Box::pin(facts::read(&Session::new(self, Allows::Reads), deployment, container)).await)
    }

    fn whereabouts(&self) -> Whereabouts<'_> {
        Whereabouts { context: self.context(), namespace: self.namespace(), server: self.server(), user: self.user() }
    }

    /// A log that was followed for as long as it was meant to be has not failed.
    fn read_timeout(&self, kube: &Kube, after: Duration) -> Ending {
        if let Kube::Logs(logs) = kube
            && logs.follow
        {
            return Ending::Succeeded;
        }
        let server = self.server();
        Ending::Unreachable(format!(
            "{server} gave no full answer in {} s; check the link (VPN, proxy) and the API server's load",
            after.as_secs()
        ))
    }

    /// The client of one kind, with a credential that is still good.
    async fn client(&self, allows: Allows) -> Result<Client, Cause> {
        let mut clients = self.inner.clients.lock().await;
        if clients.renew_at.is_some_and(|at| at <= Timestamp::now()) {
            clients.built = None;
        }
        let built = match clients.built.take() {
            Some(built) => built,
            None => self.build(&mut clients).await?,
        };
        let [reads, dry_runs, changes] = &built;
        let client = match allows {
            Allows::Reads => reads,
            Allows::DryRuns => dry_runs,
            Allows::Changes => changes,
        }
        .clone();
        clients.built = Some(built);
        Ok(client)
    }

    async fn build(&self, clients: &mut Clients) -> Result<[Client; 3], Cause> {
        let Pinned { config, plugin, .. } = &self.inner.pinned;
        let mut config = config.clone();
        if let Some(plugin) = plugin {
            let credential = credential::ask(plugin).await.map_err(Cause::Credential)?;
            clients.renew_at = credential.renew_at;
            credential.fill(&mut config.auth_info);
        }
        // Certificates and token files are read from disk here.
        let build = tokio::task::spawn_blocking(move || {
            let client = |allows| Ok::<_, kube::Error>(ClientBuilder::try_from(config.clone())?.with_layer(&HoldLayer(allows)).build());
            let [reads, dry_runs, changes] = Allows::ALL;
            Ok::<_, kube::Error>([client(reads)?, client(dry_runs)?, client(changes)?])
        });
        let unusable =
            |said: String| Cause::Credential(format!("context `{}` can't be used: {said}; correct the kubeconfig", self.context()));
        build.await.map_err(|error| unusable(error.to_string()))?.map_err(|error| unusable(error.to_string()))
    }

    /// After a 401. True where a plugin can give another credential.
    async fn forget_credential(&self) -> bool {
        let renewable: Option<&Plugin> = self.inner.pinned.plugin.as_ref();
        if renewable.is_some() {
            self.inner.clients.lock().await.built = None;
        }
        renewable.is_some()
    }
}

impl std::fmt::Debug for Cluster {
    /// Without the configuration, which holds credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("context", &self.context())
            .field("namespace", &self.namespace())
            .field("server", &self.server())
            .finish()
    }
}

fn ended(ending: Ending) -> Outcome {
    Outcome { ending, exit: None, out: None, cut_bytes: 0 }
}

/// The end of a change that was not waited for.
fn broken_off(session: &Session, why: &str, unsent: Ending) -> Ending {
    if session.is_in_flight() {
        Ending::Unknown(format!(
            "{why} after it was sent to {}: it may have happened; verify before doing it again",
            session.cluster.server()
        ))
    } else {
        unsent
    }
}

async fn finish(collector: Collector, outcome: Outcome) -> Report {
    let mut report = collector.report(outcome.ending, outcome.exit).await;
    if let Some(out) = outcome.out {
        report.out = ingest::json(out);
    }
    report.cut_bytes += outcome.cut_bytes;
    report
}
