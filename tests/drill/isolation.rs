//! Nothing outside a drill's world is reachable, whatever the environment, a runbook or a redirect says. A trap on this machine counts who
//! comes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use qrh::action::Ending;
use qrh::action::http::Http;
use qrh::action::promql::Promql;
use qrh::target::http::Client;
use qrh::target::kube::{Cluster, ConnectOptions, Source};
use qrh::target::stream::Conduct;
use qrh::target::{Clock, Fence, prometheus};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::home::Home;

/// Takes every connection, counts it, and answers with this.
struct Trap {
    address: SocketAddr,
    came: Arc<AtomicUsize>,
}

impl Trap {
    fn set(answer: impl Fn(SocketAddr) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (came, answer) = (Arc::new(AtomicUsize::new(0)), answer(address));
        let count = Arc::clone(&came);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { address, came }
    }

    fn silent() -> Self {
        Self::set(|_| "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".to_owned())
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

fn conduct() -> (Conduct, mpsc::Receiver<qrh::target::stream::Line>) {
    let (lines, waiting) = mpsc::channel(1024);
    (Conduct { lines, cancel: CancellationToken::new(), timeout: Duration::from_secs(10) }, waiting)
}

fn get(url: &str) -> Http {
    serde_json::from_value(json!({ "url": url })).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Sends to an address from within a fence, and gives how that ended.
fn send(fence: &Fence, url: &str) -> Ending {
    let client = Client::within(fence.clone(), Clock::Machine);
    let (conduct, _lines) = conduct();
    runtime().block_on(client.send(&get(url), &conduct)).ending
}

fn is_refused(ending: &Ending) -> bool {
    matches!(ending, Ending::Failed(why) if why.contains("this is a drill") && why.contains("nothing was sent"))
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}")),
        Just("127.0.0.1".to_owned()),
        Just("localhost".to_owned()),
        Just("[::1]".to_owned()),
        Just("[::ffff:127.0.0.1]".to_owned()),
        Just("2130706433".to_owned()),
        Just("0x7f.1".to_owned()),
        Just("127.0.0.1.nip.io".to_owned()),
        "[a-z]{1,12}(\\.[a-z]{2,8}){0,2}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Any address but the world's is refused by name; the world's own in any spelling that is a number is not.
    #[test]
    fn no_other_address_is_reached(host in host(), port in 1_u16.., user in "([a-z]{1,5}(:[a-z]{1,5})?@)?", tls in any::<bool>()) {
        let (world, trap) = (SocketAddr::from(([127, 0, 0, 1], 9)), Trap::silent());
        let fence = Fence::around([world]);
        // Half of the time the port of something that would answer.
        let port = if port % 2 == 0 { trap.address.port() } else { port };
        let url = format!("{}://{user}{host}:{port}/path", if tls { "https" } else { "http" });
        let within = port == 9 && matches!(host.as_str(), "127.0.0.1" | "2130706433" | "0x7f.1");
        if !within {
            let ending = send(&fence, &url);
            // What is no address at all is refused as such.
            prop_assert!(is_refused(&ending) || matches!(&ending, Ending::Failed(why) if why.contains("is not an")), "{url}: {ending:?}");
        }
        prop_assert_eq!(trap.came(), 0, "{}", url);
    }
}

#[test]
fn a_redirect_leads_nowhere_else() {
    let trap = Trap::silent();
    for target in [
        format!("http://{}/", trap.address),
        format!("https://{}/", trap.address),
        format!("//{}/", trap.address),
        format!("http://localhost:{}/", trap.address.port()),
    ] {
        let world = Trap::set(|_| format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
        let ending = send(&Fence::around([world.address]), &format!("http://{}/start", world.address));
        assert_eq!((world.came(), trap.came()), (1, 0), "{target}");
        assert!(matches!(ending, Ending::Failed(_)), "{target}: {ending:?}");
    }
}

#[test]
fn a_query_and_a_cluster_outside_are_refused() {
    let trap = Trap::silent();
    let fence = Fence::around([SocketAddr::from(([127, 0, 0, 1], 9))]);
    let promql: Promql = serde_json::from_value(json!({ "query": "up", "server": format!("http://{}", trap.address) })).unwrap();
    let (conduct, _lines) = conduct();
    let client = Client::within(fence.clone(), Clock::Machine);
    let ending = runtime().block_on(prometheus::query(&client, &promql, &conduct)).ending;
    assert!(is_refused(&ending), "{ending:?}");
    let kubeconfig = |cluster: serde_json::Value, user: serde_json::Value| {
        json!({
            "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "world", "context": {"cluster": "c", "user": "u"}}], "current-context": "world",
        })
    };
    let outside = format!("https://{}", trap.address);
    for config in [
        kubeconfig(json!({ "server": outside }), json!({})),
        kubeconfig(json!({ "server": "https://127.0.0.1:9", "proxy-url": format!("http://{}", trap.address) }), json!({})),
        kubeconfig(
            json!({ "server": "https://127.0.0.1:9" }),
            json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "true", "interactiveMode": "Never" } }),
        ),
    ] {
        let options = ConnectOptions { source: Source::Text(config.to_string()), context: None, namespace: None };
        let connected = runtime().block_on(Cluster::connect_within(options, &fence, Clock::Machine));
        let refused = connected.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("this is a drill"), "{config}: {refused}");
    }
    assert_eq!(trap.came(), 0);
}

/// The environment of somebody who works on a real cluster, through a real proxy.
#[test]
fn the_environment_of_real_work_is_not_looked_at() {
    let (home, trap) = (Home::new(), Trap::silent());
    let real = json!({
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{}", trap.address)}}], "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "world", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}], "current-context": "world",
    });
    let kubeconfig = home.write("real/config", &real.to_string());
    home.write(".kube/config", &real.to_string());
    let services = home.write("real/services.yaml", "not: [a catalog");
    let policy = home.write("real/policy.yaml", "not: [a policy");
    let proxy = format!("http://{}", trap.address);
    let mut command = home.command(&["drill", "bad-deploy"]);
    command.env("KUBECONFIG", kubeconfig).env("QRH_SERVICES", services).env("QRH_POLICY", policy);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, &proxy);
    }
    let ended = crate::home::ended(&mut command);
    assert_eq!(ended.code, 0, "{}\n{}", ended.out, ended.err);
    assert!(ended.out.contains("DRILL ended, mitigated"), "{}", ended.out);
    assert_eq!(trap.came(), 0);
}

const DRILL: &str = r"
schema: qrh.drill/v1
id: bad-deploy
title: Ways out
summary: For tests.
runbook: bad-deploy
service: checkout
world: { kind: cluster, seed: 3 }
limit: 10m
briefing: Try to leave.
faults:
  - { id: release, kind: bad-release }
injects:
  - { id: page, at: 30s, from: pager, text: errors }
causes:
  - { id: release, says: the release, right: true, because: only it fails }
  - { id: other, says: something else, because: nothing shows it }
success: { mitigated: faults.release.cured, durable_for: 60s }
objectives:
  - { id: tell, says: tell people, about: communication, looks_for: a message }
autopilot:
  diagnoses:
    - { when: after > 90, cause: release }
hotwash: [what now]
levels:
  basic: { says: easy }
  hard: { says: harder }
";

/// A team's runbook may name whatever it likes.
#[test]
fn a_runbook_that_leads_out_of_the_world_is_refused_at_the_door() {
    let (home, trap) = (Home::new(), Trap::silent());
    let runbook = format!(
        r#"
schema: qrh.runbook/v1
id: bad-deploy
title: Leads out
summary: For tests.
targets: [cluster]
steps:
  - id: detect
    phase: first-checks
    title: Try the ways out
    why: A drill must hold.
    commands:
      - {{ id: outside, title: Ask outside, effect: read-only, http: {{ url: "http://{0}/" }} }}
      - {{ id: elsewhere, title: Ask another Prometheus, effect: read-only, promql: {{ query: up, server: "http://{0}" }} }}
      - {{ id: by_hand, title: Ask by a program, effect: read-only, on: here, run: [curl, "http://{0}/"] }}
      - {{ id: by_shell, title: Ask by a shell, effect: read-only, on: here, shell: "curl http://{0}/" }}
"#,
        trap.address
    );
    home.write("runbooks/bad-deploy.yaml", &runbook);
    home.write("runbooks/drills/bad-deploy.yaml", DRILL);
    let ended = home.run(&["--runbooks", "runbooks", "test", "runbooks/drills/bad-deploy.yaml", "--level", "basic", "--keep", "kept"]);
    assert!(ended.out.contains("FAILED"), "{}\n{}", ended.out, ended.err);
    let records = home.records("kept");
    for command in ["outside", "elsewhere", "by_hand", "by_shell"] {
        let finished = |record: &&serde_json::Value| record["type"] == "qrh.command.finished" && record["data"]["command"] == command;
        let told = records.iter().find(finished).unwrap_or_else(|| panic!("{command} did not run")).to_string();
        assert!(told.contains("this is a drill"), "{command}: {told}");
    }
    assert_eq!(trap.came(), 0);
}
