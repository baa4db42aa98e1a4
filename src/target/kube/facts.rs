//! What qrh itself reads about a Deployment before a change: who it is, what runs, what ran before, who will fight a change, and what
//! bounds it. Names of environment variables, never their values (but of `NODE_OPTIONS`, which holds flags). A part that can't be read
//! is absent and named in `missing`: unknown is not the same as none.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::list;
use super::quantity;
use super::rollout::{owned, previous, revision};
use super::table::{array, number, selector, text, time};
use super::wire::Session;
use crate::action::kube::change::TEMPLATE_HASH;
use crate::action::kube::resource::Resource;

/// Collects what could not be read.
struct Missing<'a> {
    session: &'a Session<'a>,
    all: Vec<Value>,
}

impl Missing<'_> {
    fn keep<T>(&mut self, what: &str, read: Result<T, Fault>) -> Option<T> {
        read.map_err(|fault| self.all.push(json!({"what": what, "why": fault.line(&self.session.whereabouts())}))).ok()
    }
}

pub(super) async fn read(session: &Session<'_>, name: &str, container: Option<&str>) -> Value {
    let mut missing = Missing { session, all: Vec::new() };
    let deployment = session.object(&Resource::deployments(), name).await;
    let Some(deployment) = missing.keep("workload", deployment) else {
        return json!({"missing": missing.all});
    };
    let labels = selector(&deployment["spec"]["selector"]);
    let (autoscaler, budget, pod) = (Resource::known("hpa"), Resource::known("pdb"), Resource::pods());
    let (sets, autoscalers, budgets, pods) = tokio::join!(
        owned(session, &deployment),
        all(session, autoscaler.as_ref(), None),
        all(session, budget.as_ref(), None),
        all(session, Some(&pod), labels.as_deref()),
    );
    let pods = missing.keep("pods", pods).unwrap_or_default();
    let mut facts = Map::new();
    facts.insert("workload".to_owned(), workload(&deployment, labels.as_deref()));
    if let Some(sets) = missing.keep("revisions", sets) {
        let now = revision(&deployment);
        let find = |wanted: Option<i64>| sets.iter().find(|set| wanted.is_some() && revision(set) == wanted);
        let describe = |set: Option<&Value>| set.map_or(Value::Null, |set| release(set, (container, session.now()), &pods));
        facts.insert("current".to_owned(), describe(find(now)));
        facts.insert("previous".to_owned(), describe(find(previous(&sets, now))));
    }
    if let Some(autoscalers) = missing.keep("hpa", autoscalers) {
        facts.insert("hpa".to_owned(), hpa(&autoscalers, name));
    }
    if let Some(budgets) = missing.keep("pdb", budgets) {
        for budget in budgets.iter().filter(|budget| !array(budget, "/spec/selector/matchExpressions").is_empty()) {
            let why = format!("budget {} selects by expressions, which are not followed here; look at it", text(budget, "/metadata/name"));
            missing.all.push(json!({"what": "pdb", "why": why}));
        }
        facts.insert("pdb".to_owned(), pdb(&budgets, &deployment["spec"]["template"]["metadata"]["labels"]));
    }
    facts.insert("gitops".to_owned(), gitops(&deployment));
    match chosen(&deployment["spec"]["template"], container) {
        Some(found) => bounds(found, &mut facts),
        None => missing.all.push(json!({"what": "container", "why": format!("deployment {name} has no container `{}`; correct the service's entry", container.unwrap_or_default())})),
    }
    facts.insert("missing".to_owned(), Value::Array(missing.all));
    Value::Object(facts)
}

async fn all(session: &Session<'_>, resource: Option<&Resource>, labels: Option<&str>) -> Result<Vec<Value>, Fault> {
    match resource {
        Some(resource) => list::of(session, resource, labels).await,
        None => Ok(Vec::new()),
    }
}

fn workload(deployment: &Value, labels: Option<&str>) -> Value {
    json!({
        "name": deployment["metadata"]["name"],
        "uid": deployment["metadata"]["uid"],
        "replicas": deployment["spec"]["replicas"].as_i64().unwrap_or(1),
        "ready": number(deployment, "/status/readyReplicas"),
        "paused": deployment["spec"]["paused"] == true,
        "selector": labels,
    })
}

/// The named container, or the first: by convention the service itself.
fn chosen<'a>(template: &'a Value, container: Option<&str>) -> Option<&'a Value> {
    let all = array(template, "/spec/containers");
    match container {
        Some(name) => all.iter().find(|container| container["name"] == name),
        None => all.first(),
    }
}

/// One revision. A tag can be moved: where the image has no digest, what its pods run tells it.
fn release(set: &Value, (container, now): (Option<&str>, Timestamp), pods: &[Value]) -> Value {
    let found = chosen(&set["spec"]["template"], container);
    let image = found.map(|found| text(found, "/image"));
    let named = found.map(|found| text(found, "/name")).unwrap_or_default();
    let hash = &set["metadata"]["labels"][TEMPLATE_HASH];
    let running = pods.iter().filter(|pod| !hash.is_null() && pod["metadata"]["labels"][TEMPLATE_HASH] == *hash);
    let ids = running.flat_map(|pod| array(pod, "/status/containerStatuses")).filter(|status| status["name"] == named.as_str());
    let written = image.as_deref().and_then(digest);
    let seen = written.or_else(|| ids.into_iter().find_map(|status| digest(status["imageID"].as_str()?)));
    let created = time(set, "/metadata/creationTimestamp");
    json!({
        "revision": revision(set),
        "image": image,
        "digest": seen,
        "created": set["metadata"]["creationTimestamp"],
        "age_s": created.map(|created| now.duration_since(created).as_secs()),
        "replica_set": set["metadata"]["name"],
    })
}

fn digest(image: &str) -> Option<String> {
    image.split_once("@sha256:").map(|(_, digest)| format!("sha256:{digest}"))
}

fn hpa(all: &[Value], deployment: &str) -> Value {
    let is_its =
        |hpa: &&Value| hpa["spec"]["scaleTargetRef"]["kind"] == "Deployment" && hpa["spec"]["scaleTargetRef"]["name"] == deployment;
    all.iter().find(is_its).map_or(Value::Null, |hpa| {
        json!({
            "name": hpa["metadata"]["name"],
            "min": hpa["spec"]["minReplicas"].as_i64().unwrap_or(1),
            "max": hpa["spec"]["maxReplicas"],
            "current": number(hpa, "/status/currentReplicas"),
        })
    })
}

fn pdb(all: &[Value], labels: &Value) -> Value {
    let covers = |budget: &&Value| {
        let wanted = budget["spec"]["selector"]["matchLabels"].as_object();
        let wanted = wanted.filter(|_| array(budget, "/spec/selector/matchExpressions").is_empty());
        wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value))
    };
    all.iter().find(covers).map_or(Value::Null, |budget| {
        json!({
            "name": budget["metadata"]["name"],
            "min_available": budget["spec"]["minAvailable"],
            "max_unavailable": budget["spec"]["maxUnavailable"],
            "disruptions_allowed": number(budget, "/status/disruptionsAllowed"),
        })
    })
}

/// Who else writes this object, and by which mark. `reverts`: it undoes other changes by itself; Helm does at its next upgrade only.
fn gitops(deployment: &Value) -> Value {
    const MARKS: [(&str, &str, bool); 6] = [
        ("argocd.argoproj.io/", "Argo CD", true),
        ("kustomize.toolkit.fluxcd.io/", "Flux", true),
        ("helm.toolkit.fluxcd.io/", "Flux", true),
        ("fluxcd.io/", "Flux", true),
        ("meta.helm.sh/", "Helm", false),
        ("helm.sh/", "Helm", false),
    ];
    let marks: Vec<(&String, &Value)> =
        ["labels", "annotations"].iter().filter_map(|kind| deployment["metadata"][kind].as_object()).flatten().collect();
    let found = MARKS.iter().find_map(|(prefix, tool, reverts)| {
        marks.iter().find(|(key, _)| key.starts_with(prefix)).map(|(key, value)| (*tool, *reverts, *key, *value))
    });
    let by_label = || {
        marks
            .iter()
            .find(|(key, value)| *key == "app.kubernetes.io/managed-by" && **value == "Helm")
            .map(|(key, value)| ("Helm", false, *key, *value))
    };
    let writers = || {
        array(deployment, "/metadata/managedFields").iter().filter_map(|entry| entry["manager"].as_str()).find_map(
            |manager| match manager {
                "argocd-controller" | "argocd-application-controller" => Some(("Argo CD", manager)),
                "kustomize-controller" | "helm-controller" => Some(("Flux", manager)),
                _ => None,
            },
        )
    };
    match (found.or_else(by_label), writers()) {
        (Some((tool, reverts, key, value)), writer) if reverts || writer.is_none() => {
            json!({"managed": true, "tool": tool, "reverts": reverts, "evidence": format!("{key}: {}", value.as_str().unwrap_or_default())})
        }
        (_, Some((tool, manager))) => {
            json!({"managed": true, "tool": tool, "reverts": true, "evidence": format!("field manager {manager}")})
        }
        (_, None) => json!({"managed": false, "tool": null, "reverts": false, "evidence": null}),
    }
}

/// CPU in cores, everything else in bytes (or a count).
fn bounds(container: &Value, facts: &mut Map<String, Value>) {
    let amounts = |kind: &str| -> Map<String, Value> {
        let all = container["resources"][kind].as_object();
        all.into_iter().flatten().map(|(name, value)| (name.clone(), amount(name, value))).collect()
    };
    facts.insert("limits".to_owned(), Value::Object(amounts("limits")));
    facts.insert("requests".to_owned(), Value::Object(amounts("requests")));
    let env = array(container, "/env");
    facts.insert("env_names".to_owned(), env.iter().map(|entry| entry["name"].clone()).collect());
    if let Some(options) = env.iter().find(|entry| entry["name"] == "NODE_OPTIONS").and_then(|entry| entry["value"].as_str()) {
        facts.insert("node_options".to_owned(), json!(options));
    }
}

fn amount(name: &str, value: &Value) -> Value {
    let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if name == "cpu" { json!(quantity::parse(&written)) } else { json!(quantity::bytes(&written)) }
}
