//! Numbers, names and shapes of fields, as in the published .proto files of `k8s.io/api`: of what `kubectl create` and `autoscale` put into
//! the objects they make, and no more.

#[derive(Clone, Copy)]
pub enum Shape {
    Text,
    Texts,
    /// Left out where it is zero or false, as in JSON.
    Number,
    Truth,
    /// There or not: zero is said.
    Given,
    GivenTruth,
    /// Of text to text.
    Map,
    /// Of text to bytes, which JSON has in base64.
    Data,
    Message(&'static [Field]),
    Messages(&'static [Field]),
    /// A number or a text.
    Either,
    /// A message whose first field is the text that JSON has.
    Quantity,
}

use Shape::{Data, Either, Given, GivenTruth, Map, Message, Messages, Number, Quantity, Text, Texts, Truth};

pub type Field = (u64, &'static str, Shape);

pub const TYPE: &[Field] = &[(1, "apiVersion", Text), (2, "kind", Text)];

const METADATA: &[Field] = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (11, "labels", Map),
    (12, "annotations", Map),
];
const META: Field = (1, "metadata", Message(METADATA));

const RESOURCE: &[Field] = &[
    (1, "namespace", Text),
    (2, "verb", Text),
    (3, "group", Text),
    (4, "version", Text),
    (5, "resource", Text),
    (6, "subresource", Text),
    (7, "name", Text),
];
const PATH: &[Field] = &[(1, "path", Text), (2, "verb", Text)];
const ACCESS: &[Field] =
    &[META, (2, "spec", Message(&[(1, "resourceAttributes", Message(RESOURCE)), (2, "nonResourceAttributes", Message(PATH))]))];
const RULES: &[Field] = &[META, (2, "spec", Message(&[(1, "namespace", Text)]))];

const PRECONDITIONS: &[Field] = &[(1, "uid", Text), (2, "resourceVersion", Text)];
const DELETION: &[Field] = &[
    (1, "gracePeriodSeconds", Given),
    (2, "preconditions", Message(PRECONDITIONS)),
    (3, "orphanDependents", GivenTruth),
    (4, "propagationPolicy", Text),
    (5, "dryRun", Texts),
];
const EVICTION: &[Field] = &[META, (2, "deleteOptions", Message(DELETION))];

const CONFIG_MAP: &[Field] = &[META, (2, "data", Map), (3, "binaryData", Data), (4, "immutable", GivenTruth)];
const SECRET: &[Field] = &[META, (2, "data", Data), (3, "type", Text), (4, "stringData", Map), (5, "immutable", GivenTruth)];

const SERVICE_PORT: &[Field] = &[
    (1, "name", Text),
    (2, "protocol", Text),
    (3, "port", Number),
    (4, "targetPort", Either),
    (5, "nodePort", Number),
    (6, "appProtocol", Text),
];
const SERVICE: &[Field] = &[
    META,
    (
        2,
        "spec",
        Message(&[
            (1, "ports", Messages(SERVICE_PORT)),
            (2, "selector", Map),
            (3, "clusterIP", Text),
            (4, "type", Text),
            (7, "sessionAffinity", Text),
            (10, "externalName", Text),
        ]),
    ),
];

const REQUIREMENT: &[Field] = &[(1, "key", Text), (2, "operator", Text), (3, "values", Texts)];
const SELECTOR: &[Field] = &[(1, "matchLabels", Map), (2, "matchExpressions", Messages(REQUIREMENT))];
const CONTAINER_PORT: &[Field] =
    &[(1, "name", Text), (2, "hostPort", Number), (3, "containerPort", Number), (4, "protocol", Text), (5, "hostIP", Text)];
const VARIABLE: &[Field] = &[(1, "name", Text), (2, "value", Text)];
const CONTAINER: &[Field] = &[
    (1, "name", Text),
    (2, "image", Text),
    (3, "command", Texts),
    (4, "args", Texts),
    (5, "workingDir", Text),
    (6, "ports", Messages(CONTAINER_PORT)),
    (7, "env", Messages(VARIABLE)),
    (14, "imagePullPolicy", Text),
    (16, "stdin", Truth),
    (17, "stdinOnce", Truth),
    (18, "tty", Truth),
];
const POD: &[Field] = &[
    (2, "containers", Messages(CONTAINER)),
    (3, "restartPolicy", Text),
    (4, "terminationGracePeriodSeconds", Given),
    (6, "dnsPolicy", Text),
    (7, "nodeSelector", Map),
    (8, "serviceAccountName", Text),
    (10, "nodeName", Text),
];
const TEMPLATE: &[Field] = &[META, (2, "spec", Message(POD))];
const ROLLING: &[Field] = &[(1, "maxUnavailable", Either), (2, "maxSurge", Either)];
const STRATEGY: &[Field] = &[(1, "type", Text), (2, "rollingUpdate", Message(ROLLING))];
const DEPLOYMENT: &[Field] = &[
    META,
    (
        2,
        "spec",
        Message(&[
            (1, "replicas", Given),
            (2, "selector", Message(SELECTOR)),
            (3, "template", Message(TEMPLATE)),
            (4, "strategy", Message(STRATEGY)),
            (5, "minReadySeconds", Number),
            (6, "revisionHistoryLimit", Given),
            (7, "paused", Truth),
            (9, "progressDeadlineSeconds", Given),
        ]),
    ),
];

const BUDGET: &[Field] = &[
    META,
    (
        2,
        "spec",
        Message(&[
            (1, "minAvailable", Either),
            (2, "selector", Message(SELECTOR)),
            (3, "maxUnavailable", Either),
            (4, "unhealthyPodEvictionPolicy", Text),
        ]),
    ),
];

const REFERENCE: &[Field] = &[(1, "kind", Text), (2, "name", Text), (3, "apiVersion", Text)];
const TARGET: &[Field] = &[(1, "type", Text), (2, "value", Quantity), (3, "averageValue", Quantity), (4, "averageUtilization", Given)];
const METRIC: &[Field] = &[(1, "type", Text), (4, "resource", Message(&[(1, "name", Text), (2, "target", Message(TARGET))]))];
const SCALER: &[Field] = &[
    META,
    (
        2,
        "spec",
        Message(&[
            (1, "scaleTargetRef", Message(REFERENCE)),
            (2, "minReplicas", Given),
            (3, "maxReplicas", Number),
            (4, "metrics", Messages(METRIC)),
        ]),
    ),
];
const SCALER_V1: &[Field] = &[
    META,
    (
        2,
        "spec",
        Message(&[
            (1, "scaleTargetRef", Message(REFERENCE)),
            (2, "minReplicas", Given),
            (3, "maxReplicas", Number),
            (4, "targetCPUUtilizationPercentage", Given),
        ]),
    ),
];

/// The fields of a kind in a version. None: it is not read here.
pub fn of(api_version: &str, kind: &str) -> Option<&'static [Field]> {
    Some(match (api_version, kind) {
        (_, "SelfSubjectAccessReview") => ACCESS,
        (_, "SelfSubjectRulesReview") => RULES,
        (_, "SelfSubjectReview") => &[],
        (_, "Eviction") => EVICTION,
        (_, "DeleteOptions") => DELETION,
        ("v1", "Namespace" | "ServiceAccount") => &[META],
        ("v1", "ConfigMap") => CONFIG_MAP,
        ("v1", "Secret") => SECRET,
        ("v1", "Service") => SERVICE,
        ("apps/v1", "Deployment") => DEPLOYMENT,
        ("policy/v1", "PodDisruptionBudget") => BUDGET,
        ("autoscaling/v2", "HorizontalPodAutoscaler") => SCALER,
        ("autoscaling/v1", "HorizontalPodAutoscaler") => SCALER_V1,
        _ => return None,
    })
}
