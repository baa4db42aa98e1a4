//! The catalog of a world: a `services.yaml` that points at it.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use super::plant::SERVICES;

pub fn text(prometheus: &str, addresses: &[(&'static str, SocketAddr)]) -> String {
    let mut services = Map::new();
    for site in SERVICES {
        let Some((_, address)) = addresses.iter().find(|(name, _)| *name == site.name) else { continue };
        let name = site.name;
        let card = json!({
            "owner": format!("{name} team of the simulated shop"),
            "logs": format!("kubectl --context world -n shop logs -l app={name}"),
            "slo": "99 % of requests succeed, p99 below 400 ms",
            "dependencies": [site.upstream],
            "rollback_command": format!("kubectl --context world -n shop rollout undo deployment/{name}"),
            "feature_flags": format!("http://{address}/flags"),
            "recent_deploy_command": format!("kubectl --context world -n shop rollout history deployment/{name}"),
            "prometheus": prometheus,
            "url": format!("http://{address}"),
            "vars": { "breaker_flag": "payments-cache", "retries_flag": "upstream-retries", "gitops_hold": "argocd.argoproj.io/skip-reconcile" },
            "target": { "cluster": {
                "context": "world", "namespace": "shop", "workload": name, "container": name, "selector": format!("app={name}"),
            } },
        });
        services.insert(name.to_owned(), card);
    }
    // JSON is YAML.
    let catalog: Value = json!({ "schema": "qrh.services/v1", "services": services });
    format!("{catalog:#}\n")
}
