//! The keys of `qrh.services/v1`.

use super::document::CARD_KEYS;
use super::shape::{Case, Group, Key, Kind, Shape};

pub const SCHEMA: &str = "qrh.services/v1";

pub static CATALOG: Shape = Shape::new(
    "a service catalog",
    &[
        Key::required("schema", Kind::Schema(SCHEMA), "The format and its version."),
        Key::required("services", Kind::Map { keys: Case::Any, of: &Kind::Object(&SERVICE) }, "The services, by name."),
    ],
);

pub static SERVICE: Shape = Shape {
    name: "a service",
    shared: CARD_KEYS,
    keys: &[
        Key::optional("prometheus", Kind::Text, "Base URL of the Prometheus that scrapes it."),
        Key::optional("url", Kind::Text, "Its own base URL, as reached from the responder's machine."),
        Key::optional("vars", Kind::Map { keys: Case::Snake, of: &Kind::Scalar }, "Values of its own for templates: `service.vars.NAME`."),
        Key::required("target", Kind::Object(&TARGET), "What an incident acts on: a cluster or a host."),
    ],
    groups: &[],
    action: false,
    instead: &[("name", "the service's name is the key it stands under")],
};

pub static TARGET: Shape = Shape {
    name: "a target",
    shared: &[],
    keys: &[
        Key::optional("cluster", Kind::Object(&CLUSTER), "A workload in a Kubernetes cluster."),
        Key::optional("host", Kind::Object(&HOST), "A process on the machine qrh runs on."),
    ],
    groups: &[Group::ExactlyOne(&["cluster", "host"])],
    action: false,
    instead: &[],
};

pub static CLUSTER: Shape = Shape {
    name: "a cluster target",
    shared: &[],
    keys: &[
        Key::required("context", Kind::Text, "The kubeconfig context."),
        Key::required("namespace", Kind::Text, "The namespace."),
        Key::required("workload", Kind::Text, "The Deployment's name."),
        Key::optional("container", Kind::Text, "The container that runs the service; the pod's default unless said."),
        Key::optional("selector", Kind::Text, "The label selector of its pods; app=WORKLOAD unless said."),
    ],
    groups: &[],
    action: false,
    instead: &[("deployment", "write `workload`"), ("cluster", "write `context`, as `kubectl config get-contexts` names it")],
};

const PORT: Kind = Kind::Integer { least: 1, most: 65_535 };
const PID: Kind = Kind::Integer { least: 2, most: 4_194_304 };

pub static HOST: Shape = Shape {
    name: "a host target",
    shared: &[],
    keys: &[
        Key::optional("pid_file", Kind::Text, "The file with the main process's id."),
        Key::optional("unit", Kind::Text, "The systemd unit."),
        Key::optional("pid", PID, "The process id itself."),
        Key::optional("port", PORT, "The TCP port it listens on."),
        Key::optional("releases", Kind::Text, "The directory that holds one directory per release."),
        Key::optional("current", Kind::Text, "The symbolic link to the release in use."),
        Key::optional("restart", Kind::List { of: &Kind::Text, least: 1, most: 200 }, "The program and arguments that restart it."),
    ],
    groups: &[Group::ExactlyOne(&["pid_file", "unit", "pid"])],
    action: false,
    instead: &[
        ("ssh", "hosts over ssh are not in this version: run qrh on the host itself"),
        ("address", "hosts over the network are not in this version: run qrh on the host itself"),
        ("pidfile", "write `pid_file`"),
    ],
};
