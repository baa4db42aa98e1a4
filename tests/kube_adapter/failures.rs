//! Every way a call fails: one line that says what was asked, what came back and what to do; and for a change whether it may have
//! happened.

use std::time::Duration;

use qrh::action::Report;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bench::{Bench, POD, WEB, conduct, data, kind, kube, kubeconfig, options, why};
use crate::server::{Answer, Server, refusal};

fn status_of_web() -> Value {
    json!({"rollout-status": {"deployment": "web"}})
}

fn pause() -> Value {
    json!({"rollout-pause": {"deployment": "web"}})
}

fn one_line(report: &Report) -> String {
    let line = why(report);
    assert!(!line.contains('\n') && line.len() < 700, "{line}");
    line
}

#[tokio::test]
async fn each_status_is_one_line_with_the_next_step() {
    let cases = [
        (400, "BadRequest", "the server doesn't understand the request (400): SAID; correct the command"),
        (
            401,
            "Unauthorized",
            "the server doesn't accept the credentials of user `responder` (401): SAID; log in again, then check with: kubectl --context prod -n shop auth whoami",
        ),
        (
            403,
            "Forbidden",
            "the server forbids it (403): SAID; ask for the right, check with: kubectl --context prod -n shop auth can-i get deployments.apps/web",
        ),
        (404, "NotFound", "the server doesn't find it (404): SAID; check the name, namespace `shop` and context `prod`"),
        (409, "Conflict", "it conflicts with the present state (409): SAID; read it again, then decide"),
        (410, "Expired", "the server has no such version any more (410): SAID; ask again from the start"),
        (422, "Invalid", "the server finds it invalid (422): SAID; correct the values"),
        (429, "TooManyRequests", "the server has too many requests (429): SAID; wait, then try again"),
        (500, "InternalError", "the server failed (500): SAID; look at the API server and its admission webhooks"),
        (503, "ServiceUnavailable", "the server is not available (503): SAID; try again in a moment"),
        (504, "Timeout", "the server got no answer behind it (504): SAID; check the API server"),
        (418, "Teapot", "the server answered 418: SAID; check the command and the server"),
    ];
    let bench = Bench::new().await;
    for (code, reason, says) in cases {
        bench.server.on(&format!("GET {WEB}"), [refusal(code, reason, "first\nsecond")]);
        bench.server.forget();
        let report = bench.read(status_of_web()).await;
        assert_eq!(kind(&report), "failed");
        assert_eq!(one_line(&report), format!("can't get Deployment web: {}", says.replace("SAID", "first; second")));
        assert_eq!(bench.server.seen().len(), 1, "{code} is not tried again");
    }
}

#[tokio::test]
async fn a_server_that_asks_a_read_to_wait_is_obeyed_once() {
    let busy = |wait: &str| Answer::Plain(429, vec![("retry-after", wait.to_owned())], "slow down".to_owned());
    let bench = Bench::new().await;
    bench.server.on(&format!("GET {WEB}"), [busy("0"), Answer::Json(200, data("deployment.json"))]);
    assert_eq!(kind(&bench.read(status_of_web()).await), "succeeded");
    assert_eq!(bench.server.seen().len(), 2);

    bench.server.forget();
    bench.server.on(&format!("GET {WEB}"), [busy("0")]);
    assert_eq!(kind(&bench.read(status_of_web()).await), "failed");
    assert_eq!(bench.server.seen().len(), 2, "once, not for ever");

    bench.server.forget();
    bench.server.on(&format!("GET {WEB}"), [busy("600")]);
    let report = bench.read(status_of_web()).await;
    assert!(
        one_line(&report).contains("what stands before the server has too many requests (429): slow down and asks to wait 600 s"),
        "{}",
        why(&report)
    );
    assert_eq!(bench.server.seen().len(), 1);
}

#[tokio::test]
async fn a_change_is_never_sent_again_and_a_gateway_leaves_its_outcome_unknown() {
    let gateway = |code| {
        Answer::Plain(
            code,
            vec![("content-type", "text/html".to_owned()), ("retry-after", "0".to_owned())],
            "<html>\n<h1>Bad Gateway</h1>".to_owned(),
        )
    };
    let cases = [
        (refusal(500, "InternalError", "failed calling webhook \"policy.example\": connection refused"), "failed"),
        (refusal(500, "InternalError", "etcdserver: request timed out"), "unknown"),
        (refusal(504, "Timeout", "Timeout: request did not complete within requested timeout"), "unknown"),
        (refusal(503, "ServiceUnavailable", "apiserver is shutting down"), "failed"),
        (refusal(403, "Forbidden", "no"), "failed"),
        (refusal(422, "Invalid", "spec.replicas: Invalid value"), "failed"),
        (gateway(429), "failed"),
        (gateway(500), "unknown"),
        (gateway(502), "unknown"),
        (gateway(503), "unknown"),
        (gateway(504), "unknown"),
        (Answer::Cut(data("deployment.json")), "unknown"),
        (Answer::Plain(200, Vec::new(), "<html>login</html>".to_owned()), "unknown"),
    ];
    for (answer, ending) in cases {
        let bench = Bench::new().await;
        bench.server.on(&format!("PATCH {WEB}"), [answer]);
        let report = bench.apply(pause()).await;
        assert_eq!(kind(&report), ending, "{}", why(&report));
        assert!(ending != "unknown" || one_line(&report).contains("verify before doing it again"), "{}", why(&report));
        bench.server.change();
    }
}

#[tokio::test]
async fn a_fault_while_reading_for_a_change_leaves_nothing_unknown() {
    for (answer, ending) in [
        (Answer::Cut(data("deployment.json")), "unreachable"),
        (Answer::Plain(502, Vec::new(), "bad gateway".to_owned()), "failed"),
        (Answer::Plain(200, Vec::new(), "<html>".to_owned()), "failed"),
    ] {
        let bench = Bench::new().await;
        bench.server.on(&format!("GET {WEB}"), [answer]);
        let report = bench.apply(pause()).await;
        assert_eq!(kind(&report), ending, "{}", why(&report));
    }
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_and_one_that_is_no_json_are_told_apart() {
    let bench = Bench::new().await;
    bench.server.on(&format!("GET {WEB}"), [Answer::Cut(data("deployment.json"))]);
    let report = bench.read(status_of_web()).await;
    assert_eq!(kind(&report), "unreachable");
    assert!(one_line(&report).contains("ended in the middle"), "{}", why(&report));
    let half = data("deployment.json").to_string();
    bench.server.on(&format!("GET {WEB}"), [Answer::Plain(200, Vec::new(), half[..half.len() / 2].to_owned())]);
    assert!(one_line(&bench.read(status_of_web()).await).contains("the answer ends in the middle"));
    bench.server.on(&format!("GET {WEB}"), [Answer::Plain(200, Vec::new(), "<html>Log in</html>".to_owned())]);
    assert!(one_line(&bench.read(status_of_web()).await).contains("not a login page"));
}

#[tokio::test]
async fn nobody_listening_is_said_and_a_change_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    std::fs::write(&file, kubeconfig(&format!("http://{addr}"), json!({})).to_string()).unwrap();
    let cluster = qrh::target::kube::Cluster::connect(options(file)).await.unwrap();
    let (conduct, _lines) = conduct(Duration::from_secs(20));
    let says = format!(
        "can't get Deployment web: no connection to http://{addr}: it was refused; check that the API server runs and the address is right"
    );
    for report in [cluster.read(&kube(status_of_web()), &conduct).await, cluster.apply(&kube(pause()), None, &conduct).await] {
        assert_eq!((kind(&report), one_line(&report)), ("unreachable", says.clone()));
    }
}

#[tokio::test]
async fn a_server_without_tls_where_tls_is_expected_is_a_tls_failure() {
    let bench = Bench::new().await;
    let file = bench.dir.path().join("tls");
    let mut config = kubeconfig(&bench.server.url().replace("http:", "https:"), json!({}));
    config["clusters"][0]["cluster"]["certificate-authority"] = json!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/kube/ca.pem"));
    std::fs::write(&file, config.to_string()).unwrap();
    let cluster = qrh::target::kube::Cluster::connect(options(file)).await.unwrap();
    let (conduct, _lines) = conduct(Duration::from_secs(20));
    let report = cluster.read(&kube(status_of_web()), &conduct).await;
    assert_eq!(kind(&report), "unreachable");
    let line = one_line(&report);
    assert!(line.contains("TLS failed") && line.contains("certificate-authority"), "{line}");
}

#[tokio::test]
async fn silence_ends_with_the_time_a_run_may_take() {
    let bench = Bench::new().await;
    bench.server.on(&format!("GET {POD}"), [Answer::Hang]).on(&format!("PATCH {WEB}"), [Answer::Hang]);
    let (conduct, _lines) = conduct(Duration::from_millis(400));
    let report = bench.cluster.read(&kube(json!({"get": {"resource": "pod", "name": "web-7c9d8b6f5-x2x9k"}})), &conduct).await;
    assert!(kind(&report) == "unreachable" && one_line(&report).contains("gave no full answer"), "{}", why(&report));
    let report = bench.cluster.apply(&kube(pause()), None, &conduct).await;
    assert!(kind(&report) == "unknown" && one_line(&report).contains("after it was sent"), "{}", why(&report));
    bench.server.on(&format!("GET {WEB}"), [Answer::Hang]);
    let report = bench.cluster.apply(&kube(pause()), None, &conduct).await;
    assert!(kind(&report) == "unreachable" && one_line(&report).contains("nothing was sent"), "{}", why(&report));
}

#[tokio::test]
async fn a_cancel_ends_a_read_and_tells_whether_a_change_had_left() {
    let bench = Bench::new().await;
    bench
        .server
        .on(&format!("GET {POD}"), [Answer::Hang])
        .on(&format!("PATCH {WEB}"), [Answer::Hang])
        .on(&format!("DELETE {POD}"), [Answer::Hang]);
    let get = kube(json!({"get": {"resource": "pod", "name": "web-7c9d8b6f5-x2x9k"}}));
    let delete = kube(json!({"delete-pod": {"pod": "web-7c9d8b6f5-x2x9k"}}));
    for (verb, line, ending) in [
        (get, format!("GET {POD}"), "stopped"),
        (delete, format!("GET {POD}"), "stopped"),
        (kube(pause()), format!("PATCH {WEB}"), "unknown"),
    ] {
        bench.server.forget();
        let (conduct, _lines) = conduct(Duration::from_secs(60));
        let (cluster, running) = (bench.cluster.clone(), conduct.clone());
        let task = tokio::spawn(async move {
            match verb.classify() {
                qrh::action::Verdict::Reads(_) => cluster.read(&verb, &running).await,
                _ => cluster.apply(&verb, None, &running).await,
            }
        });
        bench.server.wait_for(&line).await;
        conduct.cancel.cancel();
        let report = task.await.unwrap();
        assert_eq!(kind(&report), ending, "{line}: {}", why(&report));
    }
}

#[tokio::test]
async fn a_lost_server_is_found_again_by_the_same_cluster() {
    let server = Server::start().await;
    let bench = Bench::at(server, json!({"token": "t"})).await;
    bench.server.on(&format!("GET {WEB}"), [Answer::Cut(data("deployment.json")), Answer::Json(200, data("deployment.json"))]);
    assert_eq!(kind(&bench.read(status_of_web()).await), "unreachable");
    assert_eq!(kind(&bench.read(status_of_web()).await), "succeeded");
}
