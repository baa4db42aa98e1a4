//! The catalog of a local world: the service as a host's, with the files a responder would know of.

use std::net::SocketAddr;

use serde_json::json;

use super::SERVICE;
use super::files::Home;

pub fn text(home: &Home, service: SocketAddr, prometheus: SocketAddr) -> String {
    let (log, lock) = (home.path("state/service.log"), home.path("state/deploy.lock"));
    let card = json!({
        "owner": "shop team of the drill",
        "logs": format!("tail -f {log}"),
        "slo": "99 % of requests succeed, p99 below 250 ms",
        "feature_flags": format!("http://{service}/flags"),
        "rollback_command": "the runbook's swap_release, which sets the link back and restarts",
        "recent_deploy_command": format!("ls -l {}", home.path("releases")),
        "prometheus": format!("http://{prometheus}"),
        "url": format!("http://{service}"),
        "vars": { "log_file": log, "deploy_lock": lock, "retries_flag": "upstream-retries" },
        "target": { "host": {
            "pid_file": home.path("state/service.pid"),
            "port": service.port(),
            "releases": home.path("releases"),
            "current": home.path("current"),
        } },
    });
    // JSON is YAML.
    let catalog = json!({ "schema": "qrh.services/v1", "services": { SERVICE: card } });
    format!("{catalog:#}\n")
}
