//! A bad release on a host: the evidence is kept, the release before it is put back by its link and a restart, and errors stop. Where the
//! schema has no way back, nothing changes.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::console::{Console, Home};
use crate::log::{Log, time};
use crate::pty::WIDE;
use crate::world::{self, Program, Prometheus, Service};

const FAILING: &str =
    r#"sum(rate(http_requests_total{service="shop",status=~"5.."}[10s])) / sum(rate(http_requests_total{service="shop"}[10s]))"#;
const SWAP: &str = "Put the previous release back";

struct World {
    root: PathBuf,
    service: Service,
    prometheus: Prometheus,
    home: Home,
    _programs: [Program; 2],
    _kept: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let (kept, root) = world::directory();
        let (service, supervisor) = world::supervised(&root);
        let load = world::load(&service, "/checkout", Some("20"));
        let prometheus = Prometheus::start(&root, &service);
        let home = Home::new(
            &root,
            &json!({
                "owner": "team-shop",
                "url": service.url(),
                "prometheus": format!("http://127.0.0.1:{}", prometheus.port),
                "vars": {"log_file": service.log},
                "target": {"host": {
                    "pid_file": service.pid_file, "port": service.port, "releases": root.join("releases"), "current": root.join("current"),
                }},
            }),
        );
        home.write("policy.yaml", r#"{schema: qrh.policy/v1, protected: [{host: "*"}], declared_only: run}"#);
        world::until("errors", || prometheus.query(FAILING, &now()).filter(|share| *share > 0.15));
        Self { root, service, prometheus, home, _programs: [load, supervisor], _kept: kept }
    }

    fn open(&self) -> Console {
        let console = self.home.open(WIDE, &["run", "bad-deploy", "-i", "window=10s", "--policy", "policy.yaml"]);
        console.wait("LIVE host  shop");
        console.wait("facts read from the target");
        console
    }

    /// The link, the process and the release that answers.
    fn state(&self) -> (PathBuf, u32, Value) {
        let link = std::fs::read_link(self.root.join("current")).unwrap();
        (link, self.service.pid(), self.service.ask("/healthz")["version"].clone())
    }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// The value of the last run of a command, as it was recorded.
fn value(log: &Log, command: &str) -> f64 {
    let finished = log.all("command.finished").into_iter().rfind(|event| event["data"]["command"] == command).unwrap();
    finished["data"]["reading"]["value"].as_f64().unwrap_or_else(|| panic!("{finished:#}"))
}

fn keep_the_evidence(console: &mut Console) {
    console.go_to("Keep the bad version", "3 of 9");
    console.succeeds("Keep the last ten minutes of the log");
    console.succeeds("Keep a list of the bad release's files");
    console.succeeds("Keep when the process started");
}

fn choose(console: &mut Console, migration: &str) {
    console.go_to("Decide where to go back to", "4 of 9");
    console.choose("Ask how far database migrations", migration);
    console.succeeds("Note the release to go back to");
}

#[test]
fn the_release_before_it_is_put_back() {
    let world = World::start();
    let before = world.state();
    assert_eq!((&before.0, &before.2), (&PathBuf::from("releases/1.4.2"), &json!("1.4.2")));
    let mut console = world.open();
    console.succeeds("Read the running release");
    let asked = now();
    console.succeeds("Share of requests that fail");
    let failing = value(&world.home.log(), "errors");
    for own in [asked, now()].map(|time| world.prometheus.query(FAILING, &time).unwrap() * 100.0) {
        assert!((own - failing).abs() < 10.0 && failing > 10.0, "qrh shows {failing} % failing, Prometheus says {own} %");
    }

    choose(&mut console, "none");
    console.go_to("Put the previous version back", "5 of 9");
    console.mark(SWAP);
    console.press("x");
    console.wait("log_kept");
    console.beat();
    assert!(!console.terminal.screen().contains("TIER 2 ·"), "the evidence was not kept, but a change is offered");
    assert_eq!(world.state(), before);
    keep_the_evidence(&mut console);

    console.go_to("Put the previous version back", "5 of 9");
    console.mark(SWAP);
    // Typed ahead: the right answer, before there is a question. Its first letter opens the service card, and the dialog waits behind it.
    console.press("xshop\r");
    console.wait("TIER 2 WAITS");
    console.press("\x1b");
    console.wait("› Type shop to run it:");
    console.beat();
    for keys in ["\r", "y\r"] {
        console.press(keys);
        console.beat();
        assert_eq!(world.state(), before, "{keys:?} ran it");
    }
    assert!(world.home.log().all("change.intended").is_empty());
    // A wrong answer may have closed the dialog: it is opened anew.
    console.press("\x1b");
    console.terminal.wait_gone("› Type shop to run it:");
    console.propose(SWAP, 2);
    console.press("shop");
    console.wait("› Type shop to run it: shop");
    console.press("\r");
    console.ended_well();
    let after = world.state();
    assert_eq!((&after.0, &after.2), (&PathBuf::from("releases/1.4.1"), &json!("1.4.1")));
    assert_ne!(after.1, before.1, "the process is still the old one");
    // The header names what is acted on, and that is another process now.
    console.wait(&format!("process {}", after.1));
    console.terminal.wait_gone(&format!("process {} ", before.1));
    console.succeeds("See which release runs now");

    console.go_to("Compare with before", "7 of 9");
    // No failing series is left once the old process is out of the window.
    world::until("the errors' end", || world.prometheus.query(FAILING, &now()).is_none_or(|share| share < 0.01).then_some(()));
    console.succeeds("Share of requests that fail");
    assert!(value(&world.home.log(), "errors_now") < 1.0);
    console.press("u");
    console.wait("Undo a change");
    console.wait(SWAP);
    console.press("\x1b");
    console.terminal.wait_gone("Undo a change");
    console.close("1.4.1 is back");
    let ended = console.terminal.end();
    assert_eq!(ended.code(), 0, "{}", ended.screen);
    assert_told(&world, &world.home.log(), before.1);
}

/// The evidence first, then the intent, then the new process; the document names what was done.
fn assert_told(world: &World, log: &Log, old: u32) {
    let intended = log.one("change.intended", "command", "swap_release");
    let data = &intended["data"];
    assert_eq!((&data["tier"], &data["confirmed"]), (&json!(2), &json!("name typed")));
    assert_eq!(data["identity"]["host"]["process"]["pid"], old);
    assert!(data["remembered"]["release"].as_str().unwrap().ends_with("1.4.2"), "{data}");
    assert!(!data["undo"].is_null(), "{data}");
    for kept in ["log_kept", "release_kept", "process_kept"] {
        let kept = log.one("command.finished", "command", kept);
        assert!(kept["sequence"].as_u64() < intended["sequence"].as_u64());
    }
    // The log of the bad version is with the incident, though its process is gone.
    let kept = &log.one("command.finished", "command", "log_kept")["data"]["output"];
    let file = std::fs::read(log.dir.join("out").join(kept["file"].as_str().unwrap().trim_start_matches("out/"))).unwrap();
    assert_eq!(crate::log::sha256(&file), kept["sha256"]);
    assert!(String::from_utf8_lossy(&file).contains("\"version\":\"1.4.2\""));
    let supervisor = std::fs::read_to_string(world.root.join("state/supervisor.log")).unwrap();
    let ended = supervisor.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|line| line["event"] == "exit").unwrap();
    let finished = log.one("command.finished", "command", "swap_release");
    assert_eq!(ended["pid"], old);
    let (before, at, after) = (time(&intended["recordedtime"]), time(&ended["timestamp"]), time(&finished["recordedtime"]));
    assert!(before <= at + 1_000_000 && at <= after, "intended {before}, happened {at}, finished {after}");
    let name = log.dir.file_name().unwrap().to_str().unwrap();
    let document = world.home.print(&["export", name]);
    for text in [SWAP, "confirmed (tier 2, name typed)", "1.4.1 is back", "can be taken back"] {
        assert!(document.contains(text), "{text:?} is not in the document:\n{document}");
    }
}

#[test]
fn where_the_schema_has_no_way_back_nothing_changes() {
    let world = World::start();
    let before = world.state();
    let mut console = world.open();
    choose(&mut console, "contracted");
    keep_the_evidence(&mut console);
    console.go_to("Put the previous version back", "5 of 9");
    console.mark(SWAP);
    console.press("x");
    console.wait("a hazard forbids it");
    console.beat();
    console.press("shop\ry\x1b");
    console.beat();
    assert_eq!(world.state(), before);
    let log = world.home.log();
    let refused = log.one("command.refused", "command", "swap_release");
    assert!(refused["data"]["why"].as_str().unwrap().contains("can't read the new schema"), "{refused}");
    assert!(log.all("change.intended").is_empty());
    console.leave();
    let ended = console.terminal.end();
    assert_eq!(ended.code(), 0, "{}", ended.screen);
    ended.assert_given_back();
    assert!(ended.screen.contains("The incident stays open"), "{}", ended.screen);
}
