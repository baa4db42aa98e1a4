//! The commands of the conformance run, in order, each with what it must do. `{pod}` is a pod of checkout, `{dir}` the test's directory.

/// What a command must come to.
#[derive(Debug, Clone, Copy)]
pub enum Must {
    /// End well and print this.
    Say(&'static str),
    /// End well and print nothing of this.
    NotSay(&'static str),
    /// Fail with this in its words.
    Refuse(&'static str),
    /// Be ended by the test after this was printed: it goes on for ever.
    Stream(&'static str),
    /// Open a port of this machine for a pod's; a GET of this path there answers this.
    Forward(&'static str, &'static str),
}

pub struct Case {
    pub line: &'static str,
    pub must: Must,
    /// Where kubectl before 1.31 does otherwise: it knows fewer commands, and older versions of kinds.
    pub old: Option<Must>,
    /// What is so afterwards: `resource/name pointer value`, read from the world itself.
    pub effect: Option<(&'static str, &'static str, &'static str)>,
}

const fn says(line: &'static str, text: &'static str) -> Case {
    Case { line, must: Must::Say(text), old: None, effect: None }
}

const fn refused(line: &'static str, text: &'static str) -> Case {
    Case { line, must: Must::Refuse(text), old: None, effect: None }
}

const fn streams(line: &'static str, text: &'static str) -> Case {
    Case { line, must: Must::Stream(text), old: None, effect: None }
}

const fn forwards(line: &'static str, (path, text): (&'static str, &'static str)) -> Case {
    Case { line, must: Must::Forward(path, text), old: None, effect: None }
}

const fn does(line: &'static str, text: &'static str, effect: (&'static str, &'static str, &'static str)) -> Case {
    Case { line, must: Must::Say(text), old: None, effect: Some(effect) }
}

const fn old(case: Case, must: Must) -> Case {
    Case { line: case.line, must: case.must, old: Some(must), effect: case.effect }
}

const PAYMENTS: &str = "deployments/payments";
const PAYMENTS_REPLICAS: &str = "/spec/replicas";
const IMAGE: &str = "/spec/template/spec/containers/0/image";

pub const CASES: &[Case] = &[
    // What is there.
    says("version", "v1.35.0+qrh-world"),
    says("cluster-info", "is running at"),
    says("api-versions", "autoscaling/v2"),
    says("api-resources", "poddisruptionbudgets"),
    says("api-resources --namespaced=false -o name", "nodes"),
    old(says("explain pod", "KIND:"), Must::Refuse("ouldn't find resource")),
    old(says("explain deployment.spec", "FIELD"), Must::Refuse("ouldn't find resource")),
    // Reading.
    says("get nodes -o wide", "containerd://"),
    says("get ns", "Active"),
    says("get pods -o wide", "node-1"),
    says("get pods -A --no-headers", "shop"),
    says("get all", "horizontalpodautoscaler.autoscaling/checkout"),
    says("get deploy checkout -o json", "\"readyReplicas\": 3"),
    says("get deploy checkout -o yaml", "maxSurge: 1"),
    says("get deploy checkout -o jsonpath={.spec.replicas}", "3"),
    says("get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP", "10.42."),
    says("get pods -o name --field-selector=status.phase=Running", "pod/checkout-"),
    says("get pods -l 'app in (checkout),!old' --sort-by=.metadata.name", "checkout-"),
    says("get pods --chunk-size=2 -o name", "pod/payments-"),
    says("get svc,ep,hpa,pdb,cm,rs", "configmap/checkout-config"),
    says("get horizontalpodautoscalers.v1.autoscaling checkout -o yaml", "targetCPUUtilizationPercentage: 70"),
    says("get endpointslices.v1.discovery.k8s.io", "checkout-"),
    says("get leases -n kube-node-lease", "node-1"),
    refused("get pod no-such-pod", "pods \"no-such-pod\" not found"),
    refused("get statefulsets", "the server doesn't have a resource type \"statefulsets\""),
    refused("get pods --field-selector=spec.priority=1", "field label not supported"),
    refused("get --raw /apis/batch/v1/jobs", "not simulated"),
    says("get --raw /readyz", "ok"),
    says("describe deploy checkout", "RollingUpdateStrategy:"),
    says("describe pod {pod}", "NODE_OPTIONS:"),
    says("describe node node-1", "Allocated resources"),
    says("describe svc checkout", "Endpoints:"),
    says("describe hpa checkout", "checkout"),
    old(says("describe pdb checkout", "Allowed disruptions"), Must::Refuse("not simulated")),
    says("top pods --containers", "Mi"),
    says("top nodes", "node-2"),
    // Logs.
    says("logs {pod} --tail=2", "\"level\":\"info\""),
    says("logs -l app=checkout --tail=1 --prefix", "[pod/checkout-"),
    says("logs deploy/payments --since=10s --timestamps", "Z {"),
    refused("logs {pod} --previous", "previous terminated container"),
    refused("logs {pod} -c sidecar", "container sidecar is not valid for pod"),
    streams("logs -f {pod} --tail=1", "\"msg\":\"request\""),
    streams("get pods -w", "checkout-"),
    // Rights.
    says("auth can-i patch deployments", "yes"),
    refused("auth can-i delete nodes", "no"),
    says("auth can-i --list", "pods/eviction"),
    old(says("auth whoami", "responder"), Must::Refuse("unknown command")),
    refused("--context world-viewer delete pod {pod}", "cannot delete resource \"pods\""),
    refused("--context world-viewer get secrets", "cannot list resource \"secrets\""),
    // Scaling and rolling out.
    refused("scale deploy/payments --current-replicas=5 --replicas=4", "xpected replicas to be 5, was 2"),
    does("scale deploy/payments --current-replicas=2 --replicas=3", "scaled", (PAYMENTS, PAYMENTS_REPLICAS, "3")),
    says("rollout status deploy/payments --timeout=60s", "successfully rolled out"),
    does("scale deploy/payments --replicas=5 --dry-run=server", "scaled", (PAYMENTS, PAYMENTS_REPLICAS, "3")),
    says("rollout history deploy/checkout", "release 1.4.2"),
    says("rollout history deploy/checkout --revision=2", "Pod Template"),
    refused("rollout history deploy/checkout --revision=99", "unable to find the specified revision"),
    does(
        "set image deploy/payments payments=registry.example.com/payments:2.0.1",
        "image updated",
        (PAYMENTS, IMAGE, "registry.example.com/payments:2.0.1"),
    ),
    says("rollout status deploy/payments --timeout=60s", "successfully rolled out"),
    does("rollout undo deploy/payments", "rolled back", (PAYMENTS, "/metadata/annotations/deployment.kubernetes.io~1revision", "4")),
    says("rollout status deploy/payments --timeout=60s", "successfully rolled out"),
    refused("rollout undo deploy/payments --to-revision=77", "unable to find specified revision 77"),
    does("rollout pause deploy/payments", "paused", (PAYMENTS, "/spec/paused", "true")),
    refused("rollout undo deploy/payments", "paused"),
    says("rollout resume deploy/payments", "resumed"),
    says("rollout restart deploy/payments", "restarted"),
    says("rollout status deploy/payments --timeout=60s", "successfully rolled out"),
    does("set env deploy/payments CACHE=on", "env updated", (PAYMENTS, "/spec/template/spec/containers/0/env/2/value", "on")),
    says("wait --for=condition=Available deploy/payments --timeout=60s", "condition met"),
    // Patches.
    does(
        "patch deploy payments -p '{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"payments\",\"env\":[{\"name\":\"CACHE\",\"$patch\":\"delete\"}]}]}}}}'",
        "patched",
        (PAYMENTS, "/spec/template/spec/containers/0/env/2", ""),
    ),
    does(
        "patch deploy payments --type=merge -p '{\"metadata\":{\"labels\":{\"tier\":\"back\"}}}'",
        "patched",
        (PAYMENTS, "/metadata/labels/tier", "back"),
    ),
    refused(
        "patch deploy payments --type=json -p '[{\"op\":\"test\",\"path\":\"/metadata/labels/tier\",\"value\":\"front\"},{\"op\":\"remove\",\"path\":\"/metadata/labels/tier\"}]'",
        "value did not match",
    ),
    does(
        "patch deploy payments --type=json -p '[{\"op\":\"test\",\"path\":\"/metadata/labels/tier\",\"value\":\"back\"},{\"op\":\"remove\",\"path\":\"/metadata/labels/tier\"}]'",
        "patched",
        (PAYMENTS, "/metadata/labels/tier", ""),
    ),
    refused("patch deploy payments -p '{\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"x\"}}}}'", "field is immutable"),
    does("label deploy payments team=money", "labeled", (PAYMENTS, "/metadata/labels/team", "money")),
    does("annotate deploy payments note=hello", "annotated", (PAYMENTS, "/metadata/annotations/note", "hello")),
    // Applying.
    says("apply -f {dir}/web.yaml", "deployment.apps/web created"),
    says("apply -f {dir}/web.yaml", "unchanged"),
    refused("diff -f {dir}/web3.yaml", "replicas: 3"),
    old(refused("apply -f {dir}/bad.yaml", "unknown field \"dta\""), Must::Say("created")),
    refused("apply --server-side -f {dir}/web3.yaml", ".spec.replicas"),
    does("apply --server-side --force-conflicts -f {dir}/web3.yaml", "serverside-applied", ("deployments/web", "/spec/replicas", "3")),
    does("replace -f {dir}/web.yaml", "replaced", ("deployments/web", "/spec/replicas", "2")),
    says("delete deploy web", "deleted"),
    // Inside.
    says("exec deploy/checkout -- printenv NODE_ENV", "production"),
    refused("exec deploy/checkout -- false", "exit code 1"),
    refused("exec deploy/checkout -- strace -p 1", "not simulated: strace"),
    says("cp shop/{pod}:/app/package.json {dir}/package.json", ""),
    refused("cp {dir}/web.yaml shop/{pod}:/tmp/web.yaml", "Read-only file system"),
    says("run box --image=busybox --restart=Never -- sleep 3600", "pod/box created"),
    says("wait --for=condition=Ready pod/box --timeout=60s", "condition met"),
    says("cp {dir}/web.yaml shop/box:/tmp/web.yaml", ""),
    says("exec box -- cat /tmp/web.yaml", "kind: Deployment"),
    says("cp {dir}/tree shop/box:/tmp", ""),
    says("exec box -- ls /tmp/tree/branch", "leaf"),
    says("cp shop/box:/tmp/tree {dir}/back", ""),
    refused("cp {dir}/large shop/box:/tmp/large", "at most 8 MiB"),
    refused("exec box -- test -e /tmp/large", "exit code 1"),
    streams("attach {pod}", "\"msg\":\"request\""),
    forwards("port-forward {pod} :3000", ("/livez", "event_loop_delay_p99_ms")),
    forwards("port-forward svc/checkout :80", ("/healthz", "\"service\":\"checkout\"")),
    says("exec {pod} -- kill -USR1 1", ""),
    forwards("port-forward {pod} :9229", ("/json/list", "webSocketDebuggerUrl")),
    refused("port-forward {pod} :http-alt", "http-alt"),
    says("delete pod box --now", "deleted"),
    // Made by kubectl itself: newer ones put it in protobuf.
    does("--context world-admin create namespace made", "namespace/made created", ("namespaces/made", "/status/phase", "Active")),
    does("create configmap made --from-literal=colour=blue", "created", ("configmaps/made", "/data/colour", "blue")),
    does("--context world-admin create secret generic made --from-literal=key=value", "created", ("secrets/made", "/data/key", "dmFsdWU=")),
    does("--context world-admin create serviceaccount made", "created", ("serviceaccounts/made", "/metadata/name", "made")),
    does("create deployment made --image=nginx --replicas=2 --port=80", "created", ("deployments/made", "/spec/replicas", "2")),
    says("rollout status deploy/made --timeout=60s", "successfully rolled out"),
    does("create service clusterip made --tcp=80:8080", "created", ("services/made", "/spec/ports/0/targetPort", "8080")),
    does(
        "create service externalname outside --external-name=a.example.com",
        "created",
        ("services/outside", "/spec/externalName", "a.example.com"),
    ),
    Case {
        line: "create poddisruptionbudget made --selector=app=made --max-unavailable=50%",
        must: Must::Say("created"),
        old: Some(Must::Refuse("no matches for kind")),
        effect: Some(("poddisruptionbudgets/made", "/spec/maxUnavailable", "50%")),
    },
    does(
        "autoscale deployment made --min=1 --max=3 --cpu-percent=50",
        "autoscaled",
        ("horizontalpodautoscalers/made", "/spec/metrics/0/resource/target/averageUtilization", "50"),
    ),
    refused("create job made --image=busybox", "not simulated"),
    says("delete deploy,svc,cm,hpa made", "deleted"),
    // Nodes and evictions.
    does("cordon node-1", "cordoned", ("nodes/node-1", "/spec/unschedulable", "true")),
    does("uncordon node-1", "uncordoned", ("nodes/node-1", "/spec/unschedulable", "")),
    says("drain node-2 --ignore-daemonsets --force --timeout=120s", "node/node-2"),
    says("get nodes", "Ready,SchedulingDisabled"),
    says("uncordon node-2", "uncordoned"),
    // Ends.
    old(says("events --types=Normal", "ScalingReplicaSet"), Must::Refuse("unknown command")),
    says("get events --field-selector=involvedObject.name=payments", "ScalingReplicaSet"),
    says("run tmp --image=busybox --restart=Never -- echo hello", "pod/tmp created"),
    says("delete pod -l app=payments --dry-run=server", "(server dry run)"),
    says("delete pod -l app=payments --wait=false", "deleted"),
    says("rollout status deploy/payments --timeout=60s", "successfully rolled out"),
    says("logs tmp", "hello"),
    does("delete pod tmp", "deleted", ("pods/tmp", "", "")),
    Case {
        line: "delete cm checkout-config --wait",
        must: Must::NotSay("rror"),
        old: None,
        effect: Some(("configmaps/checkout-config", "", "")),
    },
];
