//! What a person would type to do the same by hand: one kubectl line, every value quoted for a POSIX shell, always with its context
//! and namespace so that it does the same whatever the reader's current context is. Pure.

use serde_json::json;

use super::{Events, Exec, Get, Kube, Logs, Scale, SetEnv};
use crate::action::identity::ClusterIdentity;

/// One line for `sh`.
pub fn line(kube: &Kube, at: &ClusterIdentity) -> String {
    let words = match kube {
        Kube::Evict(target) => return eviction(&target.pod, at),
        Kube::Exec(target) => return exec(target, at),
        Kube::Get(target) => get(target),
        Kube::Describe(target) => words(&["describe", &target.resource, &target.name]),
        Kube::Events(target) => events(target),
        Kube::Logs(target) => logs(target),
        Kube::Top(target) => {
            let mut all = words(&["top", &target.resource]);
            all.extend((!target.resource.starts_with("no")).then(|| "--containers".to_owned()));
            all.extend(flag("selector", target.selector.as_deref()));
            all
        }
        Kube::RolloutStatus(target) => rollout("status", &target.deployment, Some("--watch=false".to_owned())),
        Kube::RolloutHistory(target) => rollout("history", &target.deployment, None),
        Kube::RolloutUndo(target) => {
            rollout("undo", &target.deployment, target.to_revision.map(|revision| format!("--to-revision={revision}")))
        }
        Kube::RolloutPause(target) => rollout("pause", &target.deployment, None),
        Kube::RolloutResume(target) => rollout("resume", &target.deployment, None),
        Kube::RolloutRestart(target) => rollout("restart", &target.deployment, None),
        Kube::Scale(target) => scale(target),
        Kube::SetImage(target) => {
            words(&["set", "image", &format!("deployment/{}", target.deployment), &format!("{}={}", target.container, target.image)])
        }
        Kube::SetEnv(target) => set_env(target),
        Kube::Patch(target) => {
            let kind = target.kind.as_str();
            words(&["patch", &target.resource, &target.name, &format!("--type={kind}"), &format!("--patch={}", target.patch)])
        }
        Kube::Cordon(target) => words(&["cordon", &target.node]),
        Kube::Uncordon(target) => words(&["uncordon", &target.node]),
        Kube::DeletePod(target) => words(&["delete", "pod", &target.pod]),
    };
    kubectl(at, &words)
}

fn kubectl(at: &ClusterIdentity, rest: &[String]) -> String {
    let mut all = words(&["kubectl", "--context", &at.context, "-n", &at.namespace]);
    all.extend_from_slice(rest);
    all.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

fn get(target: &Get) -> Vec<String> {
    let mut all = words(&["get", &target.resource]);
    all.extend(target.name.clone());
    all.extend(flag("selector", target.selector.as_deref()));
    all.extend(flag("field-selector", target.field_selector.as_deref()));
    all.push("-o".to_owned());
    all.push("wide".to_owned());
    all
}

fn events(target: &Events) -> Vec<String> {
    let mut all = words(&["get", "events"]);
    let mut fields = Vec::new();
    fields.extend(target.about.as_ref().map(|name| format!("involvedObject.name={name}")));
    fields.extend(target.kind.as_ref().map(|kind| format!("type={kind}")));
    all.extend((!fields.is_empty()).then(|| format!("--field-selector={}", fields.join(","))));
    all.push("--sort-by=.lastTimestamp".to_owned());
    all
}

/// kubectl gives 10 lines per container with a selector unless told otherwise, and 5 pods at once.
fn logs(target: &Logs) -> Vec<String> {
    let mut all = words(&["logs"]);
    all.extend(target.pod.clone());
    all.push(target.container.as_ref().map_or_else(|| "--all-containers".to_owned(), |name| format!("--container={name}")));
    all.extend(target.previous.then(|| "--previous".to_owned()));
    all.extend(target.follow.then(|| "--follow".to_owned()));
    all.extend(flag("since", target.since.as_deref()));
    all.push(format!("--tail={}", target.tail.unwrap_or(-1)));
    if let Some(selector) = &target.selector {
        all.extend([format!("--selector={selector}"), "--prefix".to_owned(), "--max-log-requests=10".to_owned()]);
    }
    all
}

fn rollout(verb: &str, deployment: &str, option: Option<String>) -> Vec<String> {
    let mut all = words(&["rollout", verb, &format!("deployment/{deployment}")]);
    all.extend(option);
    all
}

fn scale(target: &Scale) -> Vec<String> {
    let mut all = words(&["scale", &format!("deployment/{}", target.deployment), &format!("--replicas={}", target.replicas)]);
    all.extend(target.current_replicas.map(|count| format!("--current-replicas={count}")));
    all
}

fn set_env(target: &SetEnv) -> Vec<String> {
    let mut all = words(&["set", "env", &format!("deployment/{}", target.deployment)]);
    all.extend(flag("containers", target.container.as_deref()));
    all.extend(target.env.iter().map(|(name, value)| value.as_ref().map_or_else(|| format!("{name}-"), |value| format!("{name}={value}"))));
    all
}

/// kubectl has no verb for one eviction; its raw create posts the same document.
fn eviction(pod: &str, at: &ClusterIdentity) -> String {
    let body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": at.namespace}});
    let path = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", at.namespace);
    format!("printf %s {} | {}", quote(&body.to_string()), kubectl(at, &words(&["create", "--raw", &path, "-f", "-"])))
}

/// kubectl takes a pod's name only: with a selector the name is asked for first.
fn exec(target: &Exec, at: &ClusterIdentity) -> String {
    let mut tail: Vec<String> = flag("container", target.container.as_deref()).into_iter().collect();
    tail.push("--".to_owned());
    tail.extend(target.argv.iter().cloned());
    if let Some(pod) = &target.pod {
        let mut all = words(&["exec", pod]);
        all.extend(tail);
        return kubectl(at, &all);
    }
    let mut ask = words(&["get", "pods"]);
    ask.extend(flag("selector", target.selector.as_deref()));
    ask.extend(words(&["--field-selector=status.phase=Running", "-o", "jsonpath={.items[0].metadata.name}"]));
    let tail: Vec<String> = tail.iter().map(|word| quote(word)).collect();
    format!("{} \"$({})\" {}", kubectl(at, &words(&["exec"])), kubectl(at, &ask), tail.join(" "))
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|&word| word.to_owned()).collect()
}

fn flag(name: &str, value: Option<&str>) -> Option<String> {
    value.map(|value| format!("--{name}={value}"))
}

/// One word of a POSIX shell, whatever it holds.
fn quote(word: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/' | b':' | b'=' | b'@' | b'%' | b'+' | b',');
    if !word.is_empty() && word.bytes().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(verb: serde_json::Value) -> String {
        let at = ClusterIdentity {
            context: "arn:aws:eks:eu:1:cluster/prod".to_owned(),
            server: String::new(),
            namespace: "shop".to_owned(),
            user: None,
            object: None,
        };
        let kube: Kube = serde_json::from_value(verb).unwrap();
        line(&kube, &at).replace("kubectl --context arn:aws:eks:eu:1:cluster/prod -n shop ", "K ")
    }

    #[test]
    fn every_verb_has_its_line() {
        let deployment = json!({"deployment": "web"});
        let cases = [
            (
                json!({"get": {"resource": "pods", "selector": "a in (b)", "field_selector": "x=y"}}),
                "K get pods '--selector=a in (b)' --field-selector=x=y -o wide",
            ),
            (json!({"describe": {"resource": "deploy", "name": "web"}}), "K describe deploy web"),
            (
                json!({"events": {"about": "web", "kind": "Warning"}}),
                "K get events --field-selector=involvedObject.name=web,type=Warning --sort-by=.lastTimestamp",
            ),
            (
                json!({"logs": {"pod": "p", "previous": true, "since": "10m", "tail": 5}}),
                "K logs p --all-containers --previous --since=10m --tail=5",
            ),
            (
                json!({"logs": {"selector": "app=web", "container": "c", "follow": true}}),
                "K logs --container=c --follow --tail=-1 --selector=app=web --prefix --max-log-requests=10",
            ),
            (json!({"top": {"resource": "pods", "selector": "app=web"}}), "K top pods --containers --selector=app=web"),
            (json!({"top": {"resource": "nodes"}}), "K top nodes"),
            (json!({"rollout-status": deployment}), "K rollout status deployment/web --watch=false"),
            (json!({"rollout-history": deployment}), "K rollout history deployment/web"),
            (json!({"rollout-undo": {"deployment": "web", "to_revision": 6}}), "K rollout undo deployment/web --to-revision=6"),
            (json!({"rollout-pause": deployment}), "K rollout pause deployment/web"),
            (json!({"rollout-resume": deployment}), "K rollout resume deployment/web"),
            (json!({"rollout-restart": deployment}), "K rollout restart deployment/web"),
            (
                json!({"scale": {"deployment": "web", "replicas": 5, "current_replicas": 3}}),
                "K scale deployment/web --replicas=5 --current-replicas=3",
            ),
            (
                json!({"set-image": {"deployment": "web", "container": "app", "image": "r/w@sha256:aa"}}),
                "K set image deployment/web app=r/w@sha256:aa",
            ),
            (
                json!({"set-env": {"deployment": "web", "env": {"A": "it's $HOME", "B": null}}}),
                r"K set env deployment/web 'A=it'\''s $HOME' B-",
            ),
            (
                json!({"patch": {"resource": "deploy", "name": "web", "type": "merge", "patch": {"a": 1}}}),
                r#"K patch deploy web --type=merge '--patch={"a":1}'"#,
            ),
            (json!({"cordon": {"node": "n1"}}), "K cordon n1"),
            (json!({"uncordon": {"node": "n1"}}), "K uncordon n1"),
            (json!({"delete-pod": {"pod": "p"}}), "K delete pod p"),
            (
                json!({"exec": {"pod": "p", "container": "c", "argv": ["sh", "-c", "echo $1; rm -rf /", ""]}}),
                "K exec p --container=c -- sh -c 'echo $1; rm -rf /' ''",
            ),
            (
                json!({"exec": {"selector": "app=web", "argv": ["ls"]}}),
                "K exec \"$(K get pods --selector=app=web --field-selector=status.phase=Running -o 'jsonpath={.items[0].metadata.name}')\" -- ls",
            ),
        ];
        for (verb, expected) in cases {
            let shown = shown(verb);
            assert_eq!(shown.replace("kubectl --context arn:aws:eks:eu:1:cluster/prod -n shop", "K"), expected);
        }
        assert!(shown(json!({"evict": {"pod": "p"}})).ends_with("| K create --raw /api/v1/namespaces/shop/pods/p/eviction -f -"));
    }
}
