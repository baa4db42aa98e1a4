//! The verbs of `kube` and their fields.

use std::time::Duration;

use super::action::Effects;
use super::shape::{Case, Group, Key, Kind, Shape};

/// One verb: what it does to the cluster, and its fields.
#[derive(Debug)]
pub struct Verb {
    pub name: &'static str,
    pub doc: &'static str,
    pub effects: Effects,
    pub shape: Shape,
}

const RESOURCE: Key = Key::required("resource", Kind::Argument, "A kind or plural kubectl knows: pods, deployment, hpa, …");
const NAME: Key = Key::required("name", Kind::Argument, "The object's name.");
const DEPLOYMENT: Key = Key::required("deployment", Kind::Argument, "The Deployment's name.");
const CONTAINER: Key = Key::optional("container", Kind::Argument, "The container; the pod's default unless said.");
const SELECTOR: Key = Key::optional("selector", Kind::Argument, "A label selector: app=checkout,tier!=canary.");
const POD: Key = Key::optional("pod", Kind::Argument, "A pod's name.");
const THE_POD: Key = Key::required("pod", Kind::Argument, "The pod's name.");
const THE_NODE: Key = Key::required("node", Kind::Argument, "The node's name.");
const BACK: Kind = Kind::Duration { least: Duration::from_secs(1), most: Duration::from_secs(7 * 24 * 3600) };
const POD_OR_SELECTOR: &[Group] = &[Group::ExactlyOne(&["pod", "selector"])];

const fn reads(name: &'static str, doc: &'static str, keys: &'static [Key], groups: &'static [Group]) -> Verb {
    verb(name, doc, Effects::Reads, keys, groups)
}

const fn changes(name: &'static str, doc: &'static str, keys: &'static [Key]) -> Verb {
    verb(name, doc, Effects::Changes, keys, &[])
}

const fn verb(name: &'static str, doc: &'static str, effects: Effects, keys: &'static [Key], groups: &'static [Group]) -> Verb {
    Verb { name, doc, effects, shape: Shape { name, keys, shared: &[], groups, action: false, instead: INSTEAD } }
}

const INSTEAD: &[(&str, &str)] = &[
    ("namespace", "the namespace is pinned when the incident opens, from the service's target"),
    ("context", "the context is pinned when the incident opens, from the service's target"),
    ("label", "write `selector`"),
    ("labels", "write `selector`"),
    ("command", "write `argv`, a list"),
];

const DEPLOYMENT_ONLY: &[Key] = &[DEPLOYMENT];

pub static VERBS: &[Verb] = &[
    reads(
        "get",
        "One object, or a list by selector.",
        &[RESOURCE, Key::optional("name", Kind::Argument, "One object; a list unless said."), SELECTOR, FIELD_SELECTOR],
        &[Group::AtMostOne(&["name", "selector"]), Group::AtMostOne(&["name", "field_selector"])],
    ),
    reads("describe", "One object with its conditions and events.", &[RESOURCE, NAME], &[]),
    reads(
        "events",
        "Events of the namespace, newest last.",
        &[
            Key::optional("about", Kind::Argument, "Events about this object only."),
            Key::optional("kind", Kind::Filled(&Kind::Word(&["Normal", "Warning"])), "Events of this kind only."),
        ],
        &[],
    ),
    reads(
        "logs",
        "Lines of a pod, or of every pod of a selector with its name in front.",
        &[
            POD,
            SELECTOR,
            CONTAINER,
            Key::optional("previous", Kind::Filled(&Kind::Bool), "Of the container before its last restart."),
            Key::optional("follow", Kind::Filled(&Kind::Bool), "Go on with new lines until the timeout."),
            Key::optional("since", Kind::Filled(&BACK), "How far back: 10m."),
            Key::optional("tail", Kind::Filled(&Kind::Integer { least: 1, most: 1_000_000 }), "Last lines per container; all unless said."),
        ],
        POD_OR_SELECTOR,
    ),
    reads(
        "top",
        "CPU and memory as the metrics server has them.",
        &[Key::required("resource", Kind::Filled(&Kind::Word(&["pods", "nodes"])), "pods or nodes."), SELECTOR],
        &[],
    ),
    reads("rollout-status", "How far a Deployment's rollout is.", DEPLOYMENT_ONLY, &[]),
    reads("rollout-history", "A Deployment's revisions with their images.", DEPLOYMENT_ONLY, &[]),
    changes(
        "rollout-undo",
        "Put an earlier revision's template back.",
        &[
            DEPLOYMENT,
            Key::optional("to_revision", Kind::Filled(&Kind::Integer { least: 0, most: i64::MAX }), "The previous one unless said."),
        ],
    ),
    changes("rollout-pause", "Stop a rollout where it is.", DEPLOYMENT_ONLY),
    changes("rollout-resume", "Let a paused rollout go on.", DEPLOYMENT_ONLY),
    changes("rollout-restart", "Replace every pod, one after the other.", DEPLOYMENT_ONLY),
    changes(
        "scale",
        "Set how many replicas a Deployment has.",
        &[
            DEPLOYMENT,
            Key::required("replicas", Kind::Filled(&Kind::Integer { least: 0, most: 10_000 }), "The count wanted."),
            Key::optional(
                "current_replicas",
                Kind::Filled(&Kind::Integer { least: 0, most: 10_000 }),
                "The server refuses where the count is another one.",
            ),
        ],
    ),
    changes(
        "set-image",
        "Set a container's image; this is a rollout.",
        &[
            DEPLOYMENT,
            Key::required("container", Kind::Argument, "The container."),
            Key::required("image", Kind::Argument, "The image, best by digest."),
        ],
    ),
    changes(
        "set-env",
        "Set or remove environment variables; this is a rollout.",
        &[
            DEPLOYMENT,
            CONTAINER,
            Key::required(
                "env",
                Kind::Map { keys: Case::Any, of: &Kind::Nullable(&Kind::Argument) },
                "Variables; null removes one, and so does a lone placeholder whose value is null.",
            ),
        ],
    ),
    changes(
        "patch",
        "Send a patch.",
        &[
            RESOURCE,
            NAME,
            Key::required("type", Kind::Filled(&Kind::Word(&["json", "merge", "strategic"])), "The kind of patch."),
            Key::required("patch", Kind::Json, "The patch; a string that is one placeholder becomes the value itself, with its type."),
        ],
    ),
    changes("cordon", "Keep new pods off a node.", &[THE_NODE]),
    changes("uncordon", "Let new pods onto a node.", &[THE_NODE]),
    changes("evict", "End a pod within its disruption budget.", &[THE_POD]),
    changes("delete-pod", "End a pod whatever its disruption budget says.", &[THE_POD]),
    verb(
        "exec",
        "Run a program inside a container.",
        Effects::Unexamined,
        &[
            POD,
            SELECTOR,
            CONTAINER,
            Key::required("argv", Kind::List { of: &Kind::Argument, least: 1, most: 200 }, "The program and its arguments."),
        ],
        POD_OR_SELECTOR,
    ),
];

const FIELD_SELECTOR: Key = Key::optional("field_selector", Kind::Argument, "A field selector: status.phase=Running.");

pub fn verb_named(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}
