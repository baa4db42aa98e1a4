//! What a drill is played on: the simulated cluster, or a real service of this machine. The stage asks both the same things.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::StageError;
use crate::drill::local::{self, Local};
use crate::drill::scenario::ground::Made;
use crate::drill::scenario::model::{Drill, WorldKind};
use crate::drill::world::plant::{Health, SERVICES};
use crate::drill::world::{self, Options, Pace, Running};

enum Place {
    Cluster(Arc<Running>),
    Local(Box<Local>),
}

pub struct Scene {
    place: Place,
    faults: BTreeMap<String, Made>,
}

impl Scene {
    /// Starts the world of a drill, healthy.
    pub async fn raise(drill: &Drill, seed: u64, epoch: Timestamp) -> Result<Self, StageError> {
        let mut faults = BTreeMap::new();
        for fault in &drill.faults {
            let made = drill.world.kind.make(fault).map_err(|why| StageError::Fault { id: fault.id.clone(), why })?;
            faults.insert(fault.id.clone(), made);
        }
        let place = match drill.world.kind {
            WorldKind::Cluster => {
                let options = Options { seed, pace: Pace::Stepped, epoch: Some(epoch), ..Options::default() };
                Place::Cluster(Arc::new(world::start(options).await?))
            }
            WorldKind::Local => Place::Local(Box::new(local::start().await?)),
        };
        Ok(Self { place, faults })
    }

    /// What moves the world's time on. A real one's goes by itself.
    pub fn push(&self) -> impl Fn(Duration) + Send + Sync + use<> {
        let world = match &self.place {
            Place::Cluster(world) => Some(Arc::clone(world)),
            Place::Local(_) => None,
        };
        move |by| world.iter().for_each(|world| world.advance(by))
    }

    /// Everything that may be reached.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.place {
            Place::Cluster(world) => {
                let urls = SERVICES.iter().filter_map(|site| world.service_url(site.name)).chain([world.prometheus_url()]);
                let plain = urls.filter_map(|url| url.strip_prefix("http://")?.parse::<SocketAddr>().ok());
                plain.chain([world.address()]).collect()
            }
            Place::Local(local) => local.addresses().to_vec(),
        }
    }

    /// Empty where there is no cluster.
    pub fn kubeconfig(&self) -> &str {
        match &self.place {
            Place::Cluster(world) => world.kubeconfig(),
            Place::Local(_) => "",
        }
    }

    pub fn catalog(&self) -> String {
        match &self.place {
            Place::Cluster(world) => world.catalog(),
            Place::Local(local) => local.catalog(),
        }
    }

    /// Begins one of the drill's faults.
    pub fn put(&self, id: &str) {
        match (&self.place, self.faults.get(id)) {
            (Place::Cluster(world), Some(Made::Simulated(fault))) => world.put(id, fault.clone()),
            (Place::Local(local), Some(Made::Real(fault))) => local.put(id, fault.clone()),
            // The faults were made for this very place.
            (Place::Cluster(_), Some(Made::Real(_)) | None) | (Place::Local(_), Some(Made::Simulated(_)) | None) => {}
        }
    }

    /// Of each of its services, in truth.
    pub fn health(&self) -> BTreeMap<String, Health> {
        match &self.place {
            Place::Cluster(world) => SERVICES.iter().map(|site| (site.name.to_owned(), world.health(site.name))).collect(),
            Place::Local(local) => BTreeMap::from([(local::SERVICE.to_owned(), local.health())]),
        }
    }
}
