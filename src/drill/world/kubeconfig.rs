//! The kubeconfig of a world.

use std::net::SocketAddr;

use serde_json::json;

use super::rights::Person;

pub fn text(address: SocketAddr, authority: &str, people: &[Person]) -> String {
    let certificate = serde_json::to_value(k8s_openapi::ByteString(authority.as_bytes().to_vec())).unwrap_or_default();
    let users: Vec<_> = people.iter().map(|person| json!({ "name": person.name, "user": { "token": person.token } })).collect();
    let context = |name: &str, user: &str| json!({ "name": name, "context": { "cluster": "world", "user": user, "namespace": "shop" } });
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "world",
        "clusters": [{ "name": "world", "cluster": { "server": format!("https://{address}"), "certificate-authority-data": certificate } }],
        "users": users,
        "contexts": [context("world", "responder"), context("world-admin", "admin"), context("world-viewer", "viewer")],
    });
    // JSON is YAML, and every client reads it.
    format!("{config:#}\n")
}
