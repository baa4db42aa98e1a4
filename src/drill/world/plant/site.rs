//! The services there are, in good health: their traffic, routes and costs.

/// A service of the shop. Its Deployment, container and Service have its name, in the namespace `shop`.
#[derive(Debug, PartialEq)]
pub struct Site {
    pub name: &'static str,
    pub port: u16,
    /// Requests a second to all of its pods together.
    pub rate: f64,
    /// What it calls, from its first route.
    pub upstream: &'static str,
    pub routes: [Route; ROUTES],
}

/// Every service has as many routes, so that what is kept of each is an array.
pub const ROUTES: usize = 4;

#[derive(Debug, PartialEq)]
pub struct Route {
    pub path: &'static str,
    /// Of the service's requests.
    pub share: f64,
    /// Median time of an answer, in ms.
    pub median_ms: f64,
    /// Main-thread time of one request, in ms.
    pub cpu_ms: f64,
}

const fn route(path: &'static str, share: f64, median_ms: f64, cpu_ms: f64) -> Route {
    Route { path, share, median_ms, cpu_ms }
}

pub const SERVICES: &[Site] = &[
    Site {
        name: "checkout",
        port: 3000,
        rate: 120.0,
        upstream: "payments",
        routes: [
            route("/checkout", 0.3, 45.0, 2.2),
            route("/search", 0.3, 18.0, 1.6),
            route("/report", 0.2, 55.0, 2.4),
            route("/export", 0.2, 70.0, 2.4),
        ],
    },
    Site {
        name: "payments",
        port: 3001,
        rate: 48.0,
        upstream: "acquirer",
        routes: [
            route("/checkout", 0.4, 30.0, 2.4),
            route("/search", 0.2, 15.0, 1.8),
            route("/report", 0.2, 50.0, 2.6),
            route("/export", 0.2, 60.0, 2.6),
        ],
    },
];

/// The service of that name.
pub fn site(name: &str) -> Option<&'static Site> {
    SERVICES.iter().find(|site| site.name == name)
}
