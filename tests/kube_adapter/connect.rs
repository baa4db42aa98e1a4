//! Kubeconfigs, contexts and credential plugins, as people have them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use qrh::target::kube::{Cluster, ConnectOptions, Source};
use serde_json::{Value, json};

use crate::bench::{Bench, WEB, conduct, data, kind, kube, kubeconfig, options, why};
use crate::server::{Answer, Server, refusal};

fn script(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn plugin(command: &Path) -> Value {
    json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": ["get-token"], "interactiveMode": "IfAvailable",
        "env": [{"name": "PROFILE", "value": "prod"}], "installHint": "install it\nfrom example.org"}})
}

fn status() -> Value {
    json!({"rollout-status": {"deployment": "web"}})
}

#[tokio::test]
async fn two_files_are_merged_and_the_first_wins() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("a"), dir.path().join("b"));
    std::fs::write(&first, kubeconfig("http://127.0.0.1:1", json!({})).to_string()).unwrap();
    let other = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "staging",
        "clusters": [{"name": "prod-cluster", "cluster": {"server": "http://127.0.0.1:9"}}, {"name": "s", "cluster": {"server": "http://127.0.0.1:2"}}],
        "contexts": [{"name": "staging", "context": {"cluster": "s", "user": "dev"}}], "users": [{"name": "dev", "user": {"token": "x"}}],
    });
    std::fs::write(&second, other.to_string()).unwrap();
    let env = std::env::join_paths([&first, &dir.path().join("not-there"), &second]).unwrap();
    let source = Source::kubeconfig(Some(&env), None);
    let connect = |context: Option<&str>, namespace: Option<&str>| {
        Cluster::connect(ConnectOptions {
            source: source.clone(),
            context: context.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
        })
    };
    let cluster = connect(None, None).await.unwrap();
    assert_eq!((cluster.context(), cluster.namespace(), cluster.server()), ("prod", "shop", "http://127.0.0.1:1"));
    let cluster = connect(Some("staging"), Some("pay")).await.unwrap();
    assert_eq!(
        (cluster.context(), cluster.namespace(), cluster.server(), cluster.user()),
        ("staging", "pay", "http://127.0.0.1:2", Some("dev"))
    );
    assert_eq!(connect(Some("staging"), None).await.unwrap().namespace(), "default");

    let error = connect(Some("production"), None).await.unwrap_err().to_string();
    assert!(error.starts_with("there is no context `production` in ") && error.ends_with("; there is: prod, staging"), "{error}");
    assert!(error.contains(&first.display().to_string()) && error.contains(&second.display().to_string()));
    let error = connect(None, Some("a/b")).await.unwrap_err().to_string();
    assert!(error.starts_with("`a/b` can't be a namespace's name"), "{error}");
}

#[tokio::test]
async fn what_is_wrong_with_a_kubeconfig_names_the_file_and_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    let name = file.display().to_string();
    let error = Cluster::connect(options(file.clone())).await.unwrap_err().to_string();
    assert_eq!(error, format!("there is no kubeconfig: looked for {name}; set KUBECONFIG or copy one there"));
    let mut no_user = kubeconfig("http://127.0.0.1:1", json!({}));
    no_user["users"] = json!([]);
    let mut no_context = kubeconfig("http://127.0.0.1:1", json!({}));
    no_context["current-context"] = json!("");
    let mut no_cluster = kubeconfig("http://127.0.0.1:1", json!({}));
    no_cluster["clusters"] = json!([]);
    for (text, says) in [
        ("clusters: [".to_owned(), "fix the file or leave it out of KUBECONFIG"),
        ("contexts: 7".to_owned(), "fix the file"),
        ("users:\n- name: a\n  user:\n    token: [s3cret]\n".to_owned(), "fix the file"),
        (no_user.to_string(), "names the user `responder`, which is not there"),
        (no_context.to_string(), "no context is chosen in"),
        (no_cluster.to_string(), "context `prod`"),
        (kubeconfig("http://127.0.0.1:1", json!({"auth-provider": {"name": "gcp"}})).to_string(), "kubectl removed in 1.26"),
        (kubeconfig("http://127.0.0.1:1", json!({"exec": {"apiVersion": "v1"}})).to_string(), "an exec section without a command"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = Cluster::connect(options(file.clone())).await.unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(&name) && !error.contains('\n') && !error.contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn in_cluster_is_used_where_it_is_asked_for_and_nowhere_else() {
    let connected = Cluster::connect(ConnectOptions { source: Source::InCluster, context: None, namespace: None }).await;
    // A CI runner may be a pod itself.
    match connected {
        Ok(cluster) => assert_eq!(cluster.context(), "in-cluster"),
        Err(error) => assert!(error.to_string().starts_with("this is not a pod with a service account"), "{error}"),
    }
}

#[test]
fn the_default_place_is_used_only_without_kubeconfig() {
    let home = Some(Path::new("/home/me"));
    assert_eq!(Source::kubeconfig(None, home), Source::Kubeconfig(vec![PathBuf::from("/home/me/.kube/config")]));
    assert_eq!(Source::kubeconfig(Some("".as_ref()), home), Source::Kubeconfig(vec![PathBuf::from("/home/me/.kube/config")]));
    assert_eq!(Source::kubeconfig(Some("/a:/b".as_ref()), home), Source::Kubeconfig(vec!["/a".into(), "/b".into()]));
}

#[tokio::test]
async fn an_edited_kubeconfig_moves_nothing() {
    let bench = Bench::new().await;
    let file = bench.dir.path().join("config");
    let mut moved = kubeconfig("http://127.0.0.1:1", json!({}));
    moved["contexts"][0]["context"]["namespace"] = json!("elsewhere");
    std::fs::write(&file, moved.to_string()).unwrap();
    let report = bench.read(status()).await;
    assert_eq!(kind(&report), "succeeded", "{}", why(&report));
    std::fs::remove_file(file).unwrap();
    assert_eq!(kind(&bench.read(status()).await), "succeeded");
}

#[tokio::test]
async fn a_plugin_runs_at_the_first_call_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = "echo \"$@ $PROFILE $KUBERNETES_EXEC_INFO\" >> \"$0.log\"\n\
                [ -t 0 ] && exit 9\n\
                echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"from-plugin\"}}'";
    let command = script(dir.path(), "login", text);
    let log = dir.path().join("login.log");
    let bench = Bench::at(Server::start().await, plugin(&command)).await;
    bench.server.json(&format!("GET {WEB}"), data("deployment.json"));
    assert!(!log.exists(), "connecting runs nothing");
    for _ in 0..2 {
        assert_eq!(kind(&bench.read(status()).await), "succeeded");
    }
    assert!(bench.server.seen().iter().all(|seen| seen.authorization == "Bearer from-plugin"));
    let runs = std::fs::read_to_string(&log).unwrap();
    assert_eq!(runs.lines().count(), 1, "{runs}");
    assert!(runs.starts_with("get-token prod {\"kind\":\"ExecCredential\"") && runs.contains("\"interactive\":false"), "{runs}");

    // A credential the server no longer takes is asked for once more, then it is the responder's turn.
    bench.server.on(&format!("GET {WEB}"), [refusal(401, "Unauthorized", "expired"), Answer::Json(200, data("deployment.json"))]);
    assert_eq!(kind(&bench.read(status()).await), "succeeded");
    bench.server.on(&format!("GET {WEB}"), [refusal(401, "Unauthorized", "expired")]);
    assert!(why(&bench.read(status()).await).contains("(401)"));
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 3);
}

#[tokio::test]
async fn an_expired_credential_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let text = "echo run >> \"$0.log\"\necho '{\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}}'";
    let command = script(dir.path(), "login", text);
    let bench = Bench::at(Server::start().await, plugin(&command)).await;
    bench.server.json(&format!("GET {WEB}"), data("deployment.json"));
    for _ in 0..2 {
        assert_eq!(kind(&bench.read(status()).await), "succeeded");
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("login.log")).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn a_plugin_that_fails_is_said_in_one_line_without_its_output() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        (
            script(dir.path(), "fails", "echo noise >&2; echo 'token expired, run login' >&2; exit 4"),
            "failed (exit status: 4): token expired, run login; log in again",
        ),
        (script(dir.path(), "garbage", "echo s3cret-not-json"), "did not answer with an ExecCredential"),
        (script(dir.path(), "empty", "echo '{\"status\":{}}'"), "answered with neither a token nor a certificate"),
        (dir.path().join("missing"), "can't be started: No such file or directory (os error 2); install it from example.org"),
    ];
    for (command, says) in cases {
        let bench = Bench::at(Server::start().await, plugin(&command)).await;
        for report in [bench.read(status()).await, bench.apply(json!({"rollout-pause": {"deployment": "web"}})).await] {
            let line = why(&report);
            assert_eq!(kind(&report), "unreachable", "{line}");
            assert!(
                line.starts_with("can't get Deployment web: the credential plugin `") && line.contains(says) && !line.contains("s3cret"),
                "{line}"
            );
        }
        assert_eq!(bench.server.lines(), Vec::<String>::new());
    }
    let mut user = plugin(Path::new("/bin/true"));
    user["exec"]["interactiveMode"] = json!("Always");
    let bench = Bench::at(Server::start().await, user).await;
    assert!(why(&bench.read(status()).await).contains("wants a terminal"));
}

#[tokio::test]
async fn a_plugin_that_hangs_is_ended_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let fifo = dir.path().join("started");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let text = format!("sleep 1000 & echo $! > {0}\necho go > {1}\nwait", pid.display(), fifo.display());
    let command = script(dir.path(), "hangs", &text);
    let bench = Bench::at(Server::start().await, plugin(&command)).await;
    let (conduct, _lines) = conduct(Duration::from_secs(60));
    let (cluster, running) = (bench.cluster.clone(), conduct.clone());
    let task = tokio::spawn(async move { cluster.read(&kube(status()), &running).await });
    // Reading a pipe waits for its writer.
    tokio::task::spawn_blocking(move || std::fs::read(fifo).unwrap()).await.unwrap();
    conduct.cancel.cancel();
    assert_eq!(kind(&task.await.unwrap()), "stopped");
    let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    // The child of the plugin is gone, or a zombie that its new parent has yet to take.
    let gone = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "));
    tokio::time::timeout(Duration::from_secs(20), async {
        while !gone() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the plugin's child still runs");
}
