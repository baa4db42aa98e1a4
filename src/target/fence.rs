//! Where the hands may reach at all. A drill's hands reach the addresses of its world and nothing else: every other address is refused by
//! name before a name is looked up or a socket is made. Addresses are held against numbers only, so that no resolver decides.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;

use crate::action::quote;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Fence {
    /// Live: wherever the network leads.
    #[default]
    Open,
    /// A drill: these and no others.
    Around(Arc<BTreeSet<SocketAddr>>),
}

impl Fence {
    /// Addresses that are not on loopback are left out: a world has none.
    pub fn around(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self::Around(Arc::new(addresses.into_iter().filter(|address| address.ip().is_loopback()).collect()))
    }

    pub fn is_open(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Around(_) => false,
        }
    }

    /// Why this address is out of reach; `None`: it is within.
    pub fn refuses(&self, url: &Url) -> Option<String> {
        let Self::Around(addresses) = self else { return None };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let address = host.parse::<IpAddr>().ok().zip(url.port_or_known_default()).map(SocketAddr::from);
        let within = address.is_some_and(|address| addresses.contains(&address));
        (!within).then(|| {
            let known: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!(
                "this is a drill: {} lies outside its world, and nothing was sent; the world answers at {}",
                quote::url(url.as_str()),
                known.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_worlds_own_addresses_are_within() {
        let fence = Fence::around(["127.0.0.1:4000", "10.0.0.1:4000"].map(|address| address.parse().unwrap()));
        let refused = |url: &str| fence.refuses(&Url::parse(url).unwrap()).is_some();
        for within in ["http://127.0.0.1:4000/x", "https://127.0.0.1:4000", "http://user:pw@127.0.0.1:4000/", "http://2130706433:4000/"] {
            assert!(!refused(within), "{within}");
        }
        for outside in [
            "http://127.0.0.1:4001/",
            "http://127.0.0.1/",
            "https://127.0.0.1",
            "http://127.0.0.2:4000/",
            "http://[::1]:4000/",
            "http://[::ffff:127.0.0.1]:4000/",
            "http://localhost:4000/",
            "http://127.0.0.1.nip.io:4000/",
            "http://10.0.0.1:4000/",
            "http://127.0.0.1:4000@example.com/",
        ] {
            assert!(refused(outside), "{outside}");
        }
        assert!(Fence::Open.refuses(&Url::parse("http://example.com").unwrap()).is_none());
    }
}
