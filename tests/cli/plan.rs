//! `qrh plan`, and clusters that are not there: nothing is asked before a person asks it.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::sandbox::{Sandbox, Service, finish, runbook};

/// A port of this machine that counts who knocks.
struct Counted {
    port: u16,
    calls: Arc<AtomicUsize>,
}

impl Counted {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                counter.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        Self { port, calls }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// A kubeconfig whose credential plugin leaves a mark when it runs.
fn kubeconfig(sandbox: &Sandbox, port: u16) -> String {
    let mark = sandbox.path("plugin-ran");
    let text = format!(
        "apiVersion: v1
kind: Config
clusters:
  - name: one
    cluster: {{ server: 'http://127.0.0.1:{port}' }}
users:
  - name: ann
    user:
      exec: {{ apiVersion: client.authentication.k8s.io/v1, command: touch, args: ['{}'], interactiveMode: Never }}
contexts:
  - name: staging
    context: {{ cluster: one, user: ann, namespace: shop }}
current-context: staging
",
        mark.display()
    );
    sandbox.write("kubeconfig", &text).to_str().unwrap().to_owned()
}

const TARGET: [&str; 6] = ["--context", "staging", "--namespace", "shop", "--workload", "web"];

#[test]
fn a_plan_shows_every_command_and_runs_none() {
    let sandbox = Sandbox::new();
    let server = Counted::listen();
    let mark = sandbox.path("mark");
    sandbox.write(
        "config/qrh/services.yaml",
        &format!(
            "schema: qrh.services/v1\nservices:\n  web:\n    vars: {{ mark: '{}' }}\n    target: {{ cluster: {{ context: staging, namespace: shop, workload: web }} }}\n",
            mark.display()
        ),
    );
    let mut command = sandbox.command(["plan", &runbook("pods")]);
    command.env("KUBECONFIG", kubeconfig(&sandbox, server.port));
    finish(command, "")
        .with(0)
        .says("Pods on web: nothing here has run")
        .says("tier 0 (read-only client)")
        .says("kubectl")
        .says(&format!("touch {}", mark.display()))
        .says("tier 3")
        .says("can't be undone: a mark stays")
        .says("only when: pods.exit == 0")
        .says("hazard when facts.gitops.managed: Something puts it back")
        .says("tier 2")
        .says("undo: ")
        .says("verified by: pods");
    assert_eq!(server.calls(), 0);
    assert!(!mark.exists() && !sandbox.path("plugin-ran").exists() && !sandbox.path("state").exists());
}

#[test]
fn a_plan_says_what_a_command_still_needs_and_what_policy_refuses() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    sandbox.policy("refuse:\n  - { action: shell, why: no scripts here }\nprotected: [{ host: '*' }]\n");
    sandbox
        .qrh(["plan", &runbook("switch"), "--pid", &service.pid(), "--input", &sandbox.world()])
        .with(0)
        .says("tier 1 (declared only)")
        .says("refused: policy refuses shell here: no scripts here")
        .says("tier 3");
    sandbox.qrh(["plan", "high-cpu", "--pid", &service.pid()]).with(0).says("needs: ");
    sandbox.qrh(["plan", &runbook("switch"), "--pid", &service.pid()]).with(2).complains("dir: needed");
    assert_eq!(sandbox.read("world/flag"), "on\n");
}

#[test]
fn a_console_opens_while_its_cluster_is_away() {
    let sandbox = Sandbox::new();
    // Nobody listens on a port that was just let go.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = kubeconfig(&sandbox, port);
    let text = sandbox.read("kubeconfig");
    sandbox.write("kubeconfig", &text.replace(text.split("    user:\n").nth(1).unwrap().lines().next().unwrap(), "      token: t"));
    sandbox.policy("declared_only: run\n");
    let mut command = sandbox.command(["run", &runbook("pods"), "--plain"].into_iter().chain(TARGET));
    command.env("KUBECONFIG", &config);
    finish(command, "where\n1\n? echo from this machine\nnote still here\n")
        .with(0)
        .says("context staging")
        .says("UNREACHABLE")
        .says("| from this machine")
        .says("NOTE: still here")
        .says("The incident stays open");
    let own = sandbox.data("qrh.command.started").into_iter().find(|started| started["ad_hoc"] == true).unwrap();
    assert_eq!(own["place"], "here", "a cluster has no shell of its own");
}

#[test]
fn a_kubeconfig_that_can_not_be_used_is_told_before_anything_is_made() {
    let sandbox = Sandbox::new();
    let pods = runbook("pods");
    let args = || ["run", &pods, "--plain"].into_iter().chain(TARGET);
    sandbox.qrh(args()).with(3).complains("there is no kubeconfig").complains("no-kubeconfig");
    let mut command = sandbox.command(args());
    let config = kubeconfig(&sandbox, 1);
    sandbox.write("kubeconfig", &sandbox.read("kubeconfig").replace("name: staging", "name: production"));
    command.env("KUBECONFIG", config);
    finish(command, "").with(3).complains("there is no context `staging`").complains("production");
    assert!(!sandbox.path("state").exists());
}
