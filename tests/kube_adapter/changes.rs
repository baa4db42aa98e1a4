//! What each change sends, what holds it to what was shown, and what it does when the object has moved.

use qrh::action::Preview;
use qrh::action::identity::ObjectIdentity;
use serde_json::{Value, json};

use crate::bench::{Bench, POD, PODS, WEB, conduct, data, kind, kube, why};
use crate::server::{Answer, refusal, status};

const UID: &str = "8f1c2a50-3c1d-4e6b-9f7a-1f0b6d2f9a01";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

/// One of each changing verb.
pub fn every_change() -> Vec<Value> {
    let web = json!({"deployment": "web"});
    let pod = json!({"pod": "web-7c9d8b6f5-x2x9k"});
    vec![
        json!({"rollout-undo": {"deployment": "web"}}),
        json!({"rollout-pause": web}),
        json!({"rollout-resume": web}),
        json!({"rollout-restart": web}),
        json!({"scale": {"deployment": "web", "replicas": 5}}),
        json!({"set-image": {"deployment": "web", "container": "app", "image": "registry.example/web:2.4.1"}}),
        json!({"set-env": {"deployment": "web", "env": {"A": "1"}}}),
        json!({"patch": {"resource": "deployment", "name": "web", "type": "merge", "patch": {"spec": {"paused": true}}}}),
        json!({"cordon": {"node": "node-1"}}),
        json!({"uncordon": {"node": "node-1"}}),
        json!({"evict": pod}),
        json!({"delete-pod": pod}),
        json!({"exec": {"pod": "web-7c9d8b6f5-x2x9k", "argv": ["true"]}}),
    ]
}

/// Path, media type and body of one change of the shop, with the identity that was shown.
async fn sent(verb: Value, answer_to: &str) -> (String, String, String, Value) {
    let bench = Bench::new().await;
    bench.server.json(answer_to, data("deployment.json"));
    let shown = kube(verb.clone());
    let identity = bench.cluster.identity(&shown).await.unwrap();
    let described = shown.describe(&qrh::action::Identity::Cluster(identity)).runs;
    let report = bench.apply_shown(verb).await;
    assert_eq!(kind(&report), "succeeded", "{}", why(&report));
    let change = bench.server.change();
    // What was shown names the same request and the same body, but for the clock and what an undo reads.
    let line = format!("{} {}", change.method, change.path);
    assert!(described.last().unwrap().starts_with(&line), "{described:?}");
    if !described.last().unwrap().contains('<') && change.content_type != JSON_PATCH {
        assert!(described.last().unwrap().ends_with(&change.body.to_string()), "{described:?}\n{}", change.body);
    }
    (line, change.query, change.content_type, change.body)
}

fn pinned(mut body: Value) -> Value {
    body["metadata"] = json!({"uid": UID, "resourceVersion": "48213"});
    body
}

#[tokio::test]
async fn an_undo_is_one_json_patch_that_tests_what_was_shown() {
    let (line, query, media, body) = sent(json!({"rollout-undo": {"deployment": "web"}}), &format!("PATCH {WEB}")).await;
    assert_eq!((line, query.as_str(), media.as_str()), (format!("PATCH {WEB}"), "fieldManager=qrh", JSON_PATCH));
    let mut template = data("replicasets.json")["items"][1]["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash").unwrap();
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": UID},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "48213"},
        {"op": "test", "path": "/metadata/annotations/deployment.kubernetes.io~1revision", "value": "7"},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]);
    assert_eq!(body, expected);
}

#[tokio::test]
async fn an_undo_of_a_paused_deployment_resumes_it_in_the_same_patch() {
    let bench = Bench::new().await;
    let mut paused = data("deployment.json");
    paused["spec"]["paused"] = json!(true);
    bench.server.json(&format!("GET {WEB}"), paused).json(&format!("PATCH {WEB}"), data("deployment.json"));
    let report = bench.apply(json!({"rollout-undo": {"deployment": "web", "to_revision": 4}})).await;
    assert_eq!(report.tail, ["deployment web is set to revision 4's template (it was at revision 7)"]);
    let body = bench.server.change().body;
    assert_eq!(body[1]["value"]["spec"]["containers"][0]["image"], "registry.example/web:2.3.8");
    assert_eq!(body[2], json!({"op": "replace", "path": "/spec/paused", "value": false}));
}

#[tokio::test]
async fn an_undo_to_nowhere_says_what_there_is() {
    let bench = Bench::new().await;
    for (to, says) in
        [(3, "has no revision 3 any more; there is: 4, 6, 7"), (7, "is at revision 7 already"), (5, "has no revision 5 any more")]
    {
        let report = bench.apply(json!({"rollout-undo": {"deployment": "web", "to_revision": to}})).await;
        assert!(kind(&report) == "failed" && why(&report).contains(says), "{}", why(&report));
    }
    assert!(bench.server.seen().iter().all(|seen| seen.method == "GET"));
}

#[tokio::test]
async fn a_failed_test_of_a_patch_voids_the_clearance_and_a_bad_value_does_not() {
    let bench = Bench::new().await;
    bench.server.on(&format!("PATCH {WEB}"), [refusal(422, "Invalid", "the server rejected our request due to an error in our request")]);
    let report = bench.apply_shown(json!({"rollout-undo": {"deployment": "web"}})).await;
    assert_eq!(
        (kind(&report), why(&report).as_str()),
        ("voided", "Deployment web changed since it was shown; look at it again, then confirm again")
    );
    let bad = "Deployment.apps \"web\" is invalid: spec.template.spec.containers[0].image: Required value";
    bench.server.on(&format!("PATCH {WEB}"), [refusal(422, "Invalid", bad)]);
    let report = bench.apply_shown(json!({"rollout-undo": {"deployment": "web"}})).await;
    assert!(kind(&report) == "failed" && why(&report).contains(bad), "{}", why(&report));
}

#[tokio::test]
async fn every_deployment_change_carries_who_it_was_shown() {
    let patch = format!("PATCH {WEB}");
    let template = |inner: Value| pinned(json!({"spec": {"template": {"spec": {"containers": [inner]}}}}));
    let cases = [
        (json!({"rollout-pause": {"deployment": "web"}}), pinned(json!({"spec": {"paused": true}}))),
        (
            json!({"set-image": {"deployment": "web", "container": "app", "image": "web:3"}}),
            template(json!({"name": "app", "image": "web:3"})),
        ),
        (
            json!({"set-env": {"deployment": "web", "container": "app", "env": {"LOG": "debug", "NODE_ENV": null}}}),
            template(
                json!({"name": "app", "env": [{"name": "LOG", "value": "debug", "valueFrom": null}, {"name": "NODE_ENV", "$patch": "delete"}]}),
            ),
        ),
    ];
    for (verb, expected) in cases {
        let (line, query, media, body) = sent(verb, &patch).await;
        assert_eq!((line, query.as_str(), media.as_str(), body), (patch.clone(), "fieldManager=qrh", STRATEGIC, expected));
    }
    let (_, _, _, body) = sent(json!({"rollout-restart": {"deployment": "web"}}), &patch).await;
    let at = body["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].as_str().unwrap();
    assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
}

#[tokio::test]
async fn a_scale_holds_to_the_count_and_the_version() {
    let verb = json!({"scale": {"deployment": "web", "replicas": 5, "current_replicas": 3}});
    let (line, _, media, body) = sent(verb, &format!("PUT {WEB}/scale")).await;
    assert_eq!((line.as_str(), media.as_str()), (format!("PUT {WEB}/scale").as_str(), "application/json"));
    let metadata = json!({"name": "web", "namespace": "shop", "uid": UID, "resourceVersion": "48213"});
    assert_eq!(body, json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": {"replicas": 5}}));

    let (line, _, media, body) = sent(json!({"scale": {"deployment": "web", "replicas": 0}}), &format!("PATCH {WEB}/scale")).await;
    assert_eq!((line, media.as_str(), body), (format!("PATCH {WEB}/scale"), MERGE, pinned(json!({"spec": {"replicas": 0}}))));

    let bench = Bench::new().await;
    let report = bench.apply(json!({"scale": {"deployment": "web", "replicas": 5, "current_replicas": 2}})).await;
    assert!(kind(&report) == "voided" && why(&report).contains("has 3 replicas and not 2"), "{}", why(&report));
    assert_eq!(bench.server.lines(), [format!("GET {WEB}")]);
}

#[tokio::test]
async fn patches_of_each_type_carry_the_precondition_in_their_own_form() {
    let verb = |kind: &str, patch: Value| json!({"patch": {"resource": "deploy", "name": "web", "type": kind, "patch": patch}});
    let answer = format!("PATCH {WEB}");
    let (_, _, media, body) = sent(verb("json", json!([{"op": "remove", "path": "/spec/paused"}])), &answer).await;
    assert_eq!(media, JSON_PATCH);
    assert_eq!(body[2], json!({"op": "remove", "path": "/spec/paused"}));
    assert_eq!(body[1]["value"], "48213");
    for (kind, media) in [("merge", MERGE), ("strategic", STRATEGIC)] {
        let (_, _, got, body) = sent(verb(kind, json!({"metadata": {"labels": {"a": "b"}}})), &answer).await;
        assert_eq!((got.as_str(), body), (media, json!({"metadata": {"labels": {"a": "b"}, "uid": UID, "resourceVersion": "48213"}})));
    }
    // A patch that is no object is the server's to refuse; it is not ours to fall over.
    let bench = Bench::new().await;
    bench.server.on(&answer, [refusal(400, "BadRequest", "error decoding patch")]);
    for patch in [json!("text"), json!({"metadata": 7}), json!([1]), json!(null)] {
        assert_eq!(kind(&bench.apply_shown(verb("merge", patch)).await), "failed");
    }
}

#[tokio::test]
async fn nodes_and_pods_are_changed_by_their_own_requests() {
    let node = "/api/v1/nodes/node-1";
    let held = json!({"uid": "11111111-2222-4333-8444-555555555555", "resourceVersion": "9001"});
    for (verb, value) in [("cordon", json!(true)), ("uncordon", json!(null))] {
        let (line, _, media, body) = sent(json!({verb: {"node": "node-1"}}), &format!("PATCH {node}")).await;
        assert_eq!(
            (line, media.as_str(), body),
            (format!("PATCH {node}"), STRATEGIC, json!({"spec": {"unschedulable": value}, "metadata": held}))
        );
    }
    let pod = json!({"pod": "web-7c9d8b6f5-x2x9k"});
    let who = data("pod.json")["metadata"].clone();
    let preconditions = json!({"uid": who["uid"], "resourceVersion": who["resourceVersion"]});
    let (line, _, _, body) = sent(json!({"evict": pod}), &format!("POST {POD}/eviction")).await;
    assert_eq!(line, format!("POST {POD}/eviction"));
    let metadata = json!({"name": "web-7c9d8b6f5-x2x9k", "namespace": "shop"});
    let eviction =
        json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": {"preconditions": preconditions}});
    assert_eq!(body, eviction);
    let (line, query, _, body) = sent(json!({"delete-pod": pod}), &format!("DELETE {POD}")).await;
    assert_eq!((line, query.as_str(), &body["preconditions"]), (format!("DELETE {POD}"), "", &preconditions));

    // Also without a clearance's identity: a pod's name can be taken again.
    let bench = Bench::new().await;
    bench.server.json(&format!("DELETE {POD}"), data("pod.json"));
    bench.apply(json!({"delete-pod": pod})).await;
    assert_eq!(bench.server.change().body["preconditions"], preconditions);
}

#[tokio::test]
async fn a_conflict_voids_every_change() {
    for verb in every_change() {
        let bench = Bench::new().await;
        let conflict = refusal(409, "Conflict", "Operation cannot be fulfilled: the object has been modified");
        for line in [
            format!("PATCH {WEB}"),
            format!("PATCH {WEB}/scale"),
            "PATCH /api/v1/nodes/node-1".to_owned(),
            format!("POST {POD}/eviction"),
            format!("DELETE {POD}"),
        ] {
            bench.server.on(&line, [conflict.clone()]);
        }
        if verb.get("exec").is_some() {
            continue;
        }
        if verb.get("rollout-resume").is_some() {
            let mut paused = data("deployment.json");
            paused["spec"]["paused"] = json!(true);
            bench.server.json(&format!("GET {WEB}"), paused);
        }
        let report = bench.apply_shown(verb.clone()).await;
        assert!(kind(&report) == "voided" && why(&report).contains("changed since it was shown"), "{verb}: {}", why(&report));
    }
}

#[tokio::test]
async fn an_object_that_moved_since_it_was_shown_is_not_touched() {
    for verb in every_change() {
        let bench = Bench::new().await;
        let mut shown = bench.cluster.identity(&kube(verb.clone())).await.unwrap().object.unwrap();
        shown.uid = "another".to_owned();
        bench.server.forget();
        let (conduct, _lines) = conduct(std::time::Duration::from_secs(20));
        let report = bench.cluster.apply(&kube(verb.clone()), Some(&shown), &conduct).await;
        assert_eq!(kind(&report), "voided", "{verb}: {}", why(&report));
        assert!(bench.server.seen().iter().all(|seen| seen.method == "GET" && !seen.path.ends_with("/exec")), "{verb}");
    }
}

#[tokio::test]
async fn what_nobody_would_mean_is_refused_before_it_is_sent() {
    let bench = Bench::new().await;
    let web = |extra: Value| {
        let mut all = json!({"deployment": "web"});
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        all
    };
    let cases = [
        (json!({"set-image": web(json!({"container": "ap", "image": "x"}))}), "has no container `ap`; there is: app"),
        (json!({"set-env": web(json!({"container": "nope", "env": {"A": "1"}}))}), "has no container `nope`"),
        (json!({"set-env": web(json!({"env": {"GONE": null}}))}), "sets no variable GONE; there is nothing to remove"),
        (json!({"set-env": web(json!({"env": {"A=B": "1"}}))}), "can't be the name of an environment variable"),
        (json!({"rollout-resume": web(json!({}))}), "is not paused"),
        (json!({"scale": web(json!({"replicas": -1}))}), "-1 replicas are not possible"),
        (json!({"exec": {"pod": "web-7c9d8b6f5-x2x9k", "container": "nope", "argv": ["ls"]}}), "has no container `nope`"),
        (json!({"exec": {"pod": "web-7c9d8b6f5-x2x9k", "argv": []}}), "exec needs a program"),
        (json!({"patch": {"resource": "secrets", "name": "db", "type": "merge", "patch": {}}}), "doesn't read or patch secrets"),
        (json!({"get": {"resource": "pods"}}), "changes no object"),
    ];
    for (verb, says) in cases {
        let report = bench.apply(verb.clone()).await;
        assert!(kind(&report) == "failed" && why(&report).contains(says), "{verb}: {}", why(&report));
    }
    let mut paused = data("deployment.json");
    paused["spec"]["paused"] = json!(true);
    bench.server.json(&format!("GET {WEB}"), paused);
    let report = bench.apply(json!({"rollout-restart": {"deployment": "web"}})).await;
    assert_eq!(why(&report), "can't restart paused deployment web (run rollout resume first)");
    assert!(bench.server.seen().iter().all(|seen| seen.method == "GET"));
}

#[tokio::test]
async fn a_budget_that_forbids_an_eviction_is_named() {
    let bench = Bench::new().await;
    let mut body = status(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
    body["details"] = json!({"causes": [{"reason": "DisruptionBudget", "message": "The disruption budget web needs 2 healthy pods and has 2 currently"}], "retryAfterSeconds": 10});
    bench.server.on(&format!("POST {POD}/eviction"), [Answer::Json(429, body)]);
    let verb = json!({"evict": {"pod": "web-7c9d8b6f5-x2x9k"}});
    let says = "the disruption budget forbids the eviction of web-7c9d8b6f5-x2x9k: The disruption budget web needs 2 healthy pods and has 2 currently \
                (budget web: 2 healthy, 2 needed); wait until more pods are ready";
    let report = bench.apply_shown(verb.clone()).await;
    assert_eq!((kind(&report), why(&report).as_str()), ("failed", says));
    assert_eq!(bench.cluster.dry_run(&kube(verb), None).await, Preview::Refused(says.to_owned()));
    let posts: Vec<_> = bench.server.seen().into_iter().filter(|seen| seen.method == "POST").collect();
    assert_eq!(posts.len(), 2, "a refused eviction is not tried again");
    assert!(posts[1].query.contains("dryRun=All"));
}

#[tokio::test]
async fn exec_streams_both_outputs_and_gives_the_exit_code() {
    let bench = Bench::new().await;
    let exit = json!({"metadata": {}, "status": "Failure", "message": "command terminated with non-zero exit code: exit status 3", "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}});
    let path = format!("GET {POD}/exec");
    let frames = vec![(1, "out\n".to_owned()), (2, "err\n".to_owned()), (3, exit.to_string())];
    bench.server.on(&path, [Answer::Frames(frames)]);
    let verb = json!({"exec": {"selector": "app=web", "container": "app", "argv": ["cat", "/proc/1/status"]}});
    let report = bench.apply_shown(verb).await;
    assert_eq!((kind(&report), why(&report).as_str(), report.exit), ("failed", "it exited 3", Some(3)));
    assert_eq!(report.tail[0], "in pod web-7c9d8b6f5-x2x9k, the first ready one of app=web");
    assert!(report.tail.contains(&"out".to_owned()) && report.tail.contains(&"err".to_owned()));
    let seen = bench.server.seen();
    let exec = seen.last().unwrap();
    assert_eq!(exec.line(), path);
    let mut parts: Vec<&str> = exec.query.split('&').filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    assert_eq!(parts, ["command=%2Fproc%2F1%2Fstatus", "command=cat", "container=app", "stderr=true", "stdout=true"]);
    assert_eq!(exec.authorization, "Bearer t0ken");

    bench.server.on(&path, [Answer::Frames(vec![(1, "ok\n".to_owned()), (3, json!({"status": "Success"}).to_string())])]);
    let report = bench.apply(json!({"exec": {"pod": "web-7c9d8b6f5-x2x9k", "argv": ["true"]}})).await;
    assert_eq!((kind(&report), report.exit, &report.out), ("succeeded", Some(0), &json!("ok")));
}

#[tokio::test]
async fn exec_without_a_status_is_unknown_and_a_refused_one_is_not() {
    let bench = Bench::new().await;
    let path = format!("GET {POD}/exec");
    let verb = json!({"exec": {"pod": "web-7c9d8b6f5-x2x9k", "argv": ["kill", "1"]}});
    bench.server.on(&path, [Answer::Frames(vec![(1, "half".to_owned())])]);
    let report = bench.apply(verb.clone()).await;
    assert_eq!((kind(&report), report.tail.as_slice()), ("unknown", ["half".to_owned()].as_slice()), "{}", why(&report));
    bench.server.on(&path, [refusal(403, "Forbidden", "pods \"web\" is forbidden: cannot create resource \"pods/exec\"")]);
    let report = bench.apply(verb).await;
    assert!(
        kind(&report) == "failed" && why(&report).contains("auth can-i create pods/web-7c9d8b6f5-x2x9k --subresource=exec"),
        "{}",
        why(&report)
    );
}

#[tokio::test]
async fn a_dry_run_shows_what_would_change_and_stores_nothing() {
    let bench = Bench::new().await;
    let mut after = data("deployment.json");
    after["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example/web:2.4.1");
    after["metadata"]["resourceVersion"] = json!("48213");
    after["metadata"]["generation"] = json!(8);
    bench.server.json(&format!("PATCH {WEB}"), after);
    let verb = kube(json!({"set-image": {"deployment": "web", "container": "app", "image": "registry.example/web:2.4.1"}}));
    let Preview::Diff(lines) = bench.cluster.dry_run(&verb, None).await else { panic!("a diff is expected") };
    let changed: Vec<&String> = lines.iter().filter(|line| line.starts_with(['-', '+'])).collect();
    assert_eq!(changed.len(), 2, "{lines:#?}");
    assert!(changed[0].starts_with('-') && changed[0].ends_with("image: registry.example/web:2.4.0"));
    assert!(changed[1].starts_with('+') && changed[1].ends_with("image: registry.example/web:2.4.1"));
    assert_eq!(bench.server.change().query, "fieldManager=qrh&dryRun=All");
}

#[tokio::test]
async fn every_change_has_a_dry_run_or_says_that_there_is_none() {
    for verb in every_change() {
        let bench = Bench::new().await;
        let mut paused = data("deployment.json");
        if verb.get("rollout-resume").is_some() {
            paused["spec"]["paused"] = json!(true);
        }
        bench.server.json(&format!("GET {WEB}"), paused);
        bench.server.json(&format!("PATCH {WEB}"), data("deployment.json")).json(&format!("PATCH {WEB}/scale"), data("scale.json"));
        bench.server.json("PATCH /api/v1/nodes/node-1", data("node.json"));
        bench.server.json(&format!("POST {POD}/eviction"), json!({"kind": "Status", "status": "Success"}));
        bench.server.json(&format!("DELETE {POD}"), data("pod.json"));
        match bench.cluster.dry_run(&kube(verb.clone()), None).await {
            Preview::Diff(lines) => {
                assert!(!lines.is_empty(), "{verb}");
                assert!(bench.server.change().query.contains("dryRun=All"), "{verb}");
            }
            Preview::None(why) => assert!(verb.get("exec").is_some() && why.contains("in a container"), "{verb}: {why}"),
            Preview::Refused(why) => panic!("{verb}: {why}"),
        }
    }
}

#[tokio::test]
async fn an_identity_names_the_cluster_and_the_live_object() {
    let bench = Bench::new().await;
    let identity = bench.cluster.identity(&kube(json!({"scale": {"deployment": "web", "replicas": 1}}))).await.unwrap();
    assert_eq!((identity.context.as_str(), identity.namespace.as_str(), identity.user.as_deref()), ("prod", "shop", Some("responder")));
    assert_eq!(identity.server, bench.server.url());
    let object = ObjectIdentity {
        kind: "Deployment".to_owned(),
        name: "web".to_owned(),
        uid: UID.to_owned(),
        generation: Some(7),
        resource_version: "48213".to_owned(),
    };
    assert_eq!(identity.object, Some(object));
    assert_eq!(bench.cluster.identity(&kube(json!({"get": {"resource": "pods"}}))).await.unwrap().object, None);
    let exec = kube(json!({"exec": {"selector": "app=web", "argv": ["ls"]}}));
    assert_eq!(bench.cluster.identity(&exec).await.unwrap().object.unwrap().name, "web-7c9d8b6f5-x2x9k");
    bench.server.on(&format!("GET {PODS}"), [Answer::Json(200, json!({"kind": "PodList", "metadata": {}, "items": []}))]);
    let report = bench.cluster.identity(&exec).await.unwrap_err();
    assert!(why(&report).contains("none of the 0 pods of app=web is ready"));
}
