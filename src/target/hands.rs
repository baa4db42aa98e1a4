//! One incident's hands: where each action goes, and nothing else. A read needs an admission, a change a clearance; there is no third way in.

use std::time::Duration;

use serde_json::Value;

use super::facts::{self, HostQuery};
use super::fence::Fence;
use super::kube::Cluster;
use super::stream::Conduct;
use super::{announce, host, http, prometheus};
use crate::action::identity::ClusterIdentity;
use crate::action::kube::Kube;
use crate::action::promql::Promql;
use crate::action::{Action, Ending, Hold, Identity, Planned, Preview, Report, Write};
use crate::guard::{Admitted, Cleared};
use crate::runbook::model::Place;

/// A live reading for a confirmation may take this long.
const LOOK: Duration = Duration::from_secs(10);

pub struct Hands {
    pub cluster: Option<Cluster>,
    pub http: http::Client,
    pub host: Option<HostQuery>,
    /// Base URL of the Prometheus that a query goes to where it names none.
    pub prometheus: Option<String>,
    /// The Deployment the facts are about, and its container where one is named.
    pub workload: Option<(String, Option<String>)>,
    /// What the clients above are held to as well.
    pub fence: Fence,
}

impl Hands {
    /// Runs an admitted read.
    pub async fn read(&self, admitted: &Admitted, conduct: &Conduct) -> Report {
        let read = admitted.read();
        match (&read.planned.action, read.hold) {
            // Only its author (and the responder) call it a read: it goes the way a change goes.
            (Action::Kube(kube @ Kube::Exec(_)), Hold::DeclaredOnly) => match &self.cluster {
                Some(cluster) => cluster.apply(kube, None, conduct).await,
                None => no_cluster(),
            },
            (Action::Kube(kube), _) => match &self.cluster {
                Some(cluster) => cluster.read(kube, conduct).await,
                None => no_cluster(),
            },
            (action, _) => self.local(action, conduct).await,
        }
    }

    /// Runs a cleared change, if the live target is still the one that was shown.
    pub async fn apply(&self, cleared: Cleared<Write>, conduct: &Conduct) -> Report {
        let live = tokio::select! {
            biased;
            () = conduct.cancel.cancelled() => Err("it was stopped first".to_owned()),
            live = self.identity(cleared.planned()) => live,
        };
        let live = match live {
            Ok(live) => live,
            Err(why) => return Report::ended(Ending::Unreachable(format!("nothing was sent: {why}"))),
        };
        match cleared.redeem(&live) {
            Err(voided) => Report::ended(Ending::Voided(voided.to_string())),
            Ok(write) => self.write(&write, conduct).await,
        }
    }

    async fn write(&self, write: &Write, conduct: &Conduct) -> Report {
        match (&write.planned.action, &write.identity) {
            (Action::Kube(kube), Identity::Cluster(ClusterIdentity { object, .. })) => match &self.cluster {
                Some(cluster) => cluster.apply(kube, object.as_ref(), conduct).await,
                None => no_cluster(),
            },
            (action, _) => self.local(action, conduct).await,
        }
    }

    /// Actions that leave from the responder's machine, or from the host it is.
    async fn local(&self, action: &Action, conduct: &Conduct) -> Report {
        match action {
            Action::Run(_) | Action::Shell(_) if !self.fence.is_open() && self.host.is_none() => Report::ended(Ending::Failed(
                "this is a drill in a simulated cluster, which has no host: a command of this machine would leave the world, so it is not run"
                    .to_owned(),
            )),
            Action::Run(run) => host::run(run, conduct).await,
            Action::Shell(shell) => host::shell(shell, conduct).await,
            Action::Http(http) => self.http.send(http, conduct).await,
            Action::Promql(promql) => self.query(promql, conduct).await,
            Action::Announce(announce) => announce::send(&self.http, announce, conduct).await,
            Action::Kube(_) => no_cluster(),
            Action::Ask(_) | Action::Compute(_) => {
                Report::ended(Ending::Failed("this kind of command is answered in the console, not by the target".to_owned()))
            }
        }
    }

    async fn query(&self, promql: &Promql, conduct: &Conduct) -> Report {
        let mut promql = promql.clone();
        promql.server = promql.server.or_else(|| self.prometheus.clone());
        prometheus::query(&self.http, &promql, conduct).await
    }

    /// Which thing an action reaches, read now.
    pub async fn identity(&self, planned: &Planned) -> Result<Identity, String> {
        match (planned.place, &planned.action) {
            (Place::Cluster, Action::Kube(kube)) => {
                let Some(cluster) = &self.cluster else { return Err("this incident has no cluster".to_owned()) };
                let look = tokio::time::timeout(LOOK, cluster.identity(kube)).await;
                let report = look.map_err(|_| format!("the cluster did not answer within {} s", LOOK.as_secs()))?;
                report.map(Identity::Cluster).map_err(|report| why(&report.ending))
            }
            (Place::Host, _) => {
                let Some(host) = &self.host else { return Err("this incident has no host".to_owned()) };
                facts::identity(host).await.map(Identity::Host).map_err(|error| error.to_string())
            }
            (Place::Cluster | Place::Here, _) => Ok(Identity::Here),
        }
    }

    /// What a read is shown to act on. The cluster is as it was pinned: a read must not wait for a second call to a server that may be
    /// down. A host's process is looked at now, which is a matter of `/proc`.
    pub async fn pinned(&self, place: Place, target: &Identity) -> Identity {
        match (place, &self.host) {
            (Place::Here, _) => Identity::Here,
            (Place::Host, Some(host)) => facts::identity(host).await.map_or_else(|_| target.clone(), Identity::Host),
            (Place::Cluster | Place::Host, _) => target.clone(),
        }
    }

    /// What a change would do, as far as the target can tell.
    pub async fn preview(&self, planned: &Planned, identity: &Identity) -> Preview {
        match (&planned.action, identity, &self.cluster) {
            (Action::Kube(kube), Identity::Cluster(shown), Some(cluster)) => {
                let dry = tokio::time::timeout(LOOK, cluster.dry_run(kube, shown.object.as_ref())).await;
                dry.unwrap_or_else(|_| Preview::None(format!("the dry run did not come back within {} s", LOOK.as_secs())))
            }
            (action, _, _) => Preview::None(format!("qrh can't try out a {} command", action.name())),
        }
    }

    /// What qrh itself knows about the target now.
    pub async fn facts(&self) -> Option<Value> {
        if let (Some(cluster), Some((workload, container))) = (&self.cluster, &self.workload) {
            return tokio::time::timeout(LOOK, cluster.facts(workload, container.as_deref())).await.ok();
        }
        let host = self.host.as_ref()?;
        tokio::time::timeout(LOOK, facts::facts(host)).await.ok()
    }
}

fn no_cluster() -> Report {
    Report::ended(Ending::Failed("this incident has no cluster to act on".to_owned()))
}

fn why(ending: &Ending) -> String {
    match ending {
        Ending::Failed(why) | Ending::Unreachable(why) | Ending::Unknown(why) | Ending::Voided(why) => why.clone(),
        Ending::Succeeded => "no answer".to_owned(),
        Ending::Stopped => "stopped".to_owned(),
    }
}
