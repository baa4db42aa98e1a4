//! What a drill can count on in the world it is played on: which services there are, and which faults.

use super::model::{Fault, WorldKind};
use crate::drill::local;
use crate::drill::world::plant;

/// A fault that the world can make.
#[derive(Debug, Clone)]
pub enum Made {
    Simulated(plant::Fault),
    Real(local::Fault),
}

impl Made {
    /// The switch it is behind.
    pub fn flag(&self) -> Option<&str> {
        match self {
            Self::Simulated(fault) => fault.flag(),
            Self::Real(fault) => fault.flag(),
        }
    }
}

impl WorldKind {
    pub fn services(self) -> Vec<&'static str> {
        match self {
            Self::Cluster => plant::SERVICES.iter().map(|site| site.name).collect(),
            Self::Local => vec![local::SERVICE],
        }
    }

    /// Names of the kinds of faults it has.
    pub fn kinds(self) -> Vec<&'static str> {
        match self {
            Self::Cluster => plant::fault::KINDS.iter().map(|kind| kind.name).collect(),
            Self::Local => local::fault::KINDS.iter().map(|kind| kind.name).collect(),
        }
    }

    /// The fault as this world makes it; the error is one sentence for who wrote the drill.
    pub fn make(self, fault: &Fault) -> Result<Made, String> {
        match self {
            Self::Cluster => plant::Fault::read(&fault.kind, &fault.service, &fault.with).map(Made::Simulated),
            Self::Local => local::Fault::read(&fault.kind, &fault.service, &fault.with).map(Made::Real),
        }
    }

    /// What a kind of fault is, and what ends it; empty where it has none of that name.
    pub fn tells(self, kind: &str) -> (&'static str, &'static str) {
        let found = match self {
            Self::Cluster => plant::fault::KINDS.iter().find(|known| known.name == kind).map(|known| (known.about, known.ends)),
            Self::Local => local::fault::KINDS.iter().find(|known| known.name == kind).map(|known| (known.about, known.ends)),
        };
        found.unwrap_or_default()
    }
}
