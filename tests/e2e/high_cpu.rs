//! High CPU on a host: a fault saturates the main thread, the runbook finds it, one change switches it off, and the CPU falls.

use std::time::Instant;

use serde_json::{Value, json};

use crate::console::{Console, Home};
use crate::log::{Log, sha256, time};
use crate::pty::WIDE;
use crate::world::{self, Program, Prometheus, Server, Service};

pub const FLAG: &str = "sync-json";
const WINDOW: &str = "10s";
const SERVICE_CPU: &str = r#"sum(rate(process_cpu_seconds_total{service="shop"}[10s]))"#;

pub struct World {
    pub service: Service,
    prometheus: Prometheus,
    pub home: Home,
    _load: Program,
    _server: Server,
    _kept: tempfile::TempDir,
}

impl World {
    pub fn start() -> Self {
        let (kept, root) = world::directory();
        let (service, server) = world::service(&root, FLAG);
        let load = world::load(&service, "/report", None);
        let prometheus = Prometheus::start(&root, &service);
        let home = Home::new(&root, &card(&service, prometheus.port));
        // As many scrapes as a rate over the window needs.
        world::until("four scrapes", || prometheus.query("count_over_time(up[10s])", &now()).filter(|count| *count >= 5.0));
        Self { service, prometheus, home, _load: load, _server: server, _kept: kept }
    }

    pub fn arguments() -> [&'static str; 6] {
        ["run", "high-cpu", "-i", "window=10s", "-i", "lookback=20s"]
    }
}

fn card(service: &Service, prometheus: u16) -> Value {
    json!({
        "owner": "team-shop",
        "slo": "99.9 % under 300 ms",
        "url": service.url(),
        "prometheus": format!("http://127.0.0.1:{prometheus}"),
        "target": {"host": {"pid_file": service.pid_file, "port": service.port}},
    })
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// CPU that the main thread of a process has used, in seconds, and when that was read.
struct Used {
    seconds: f64,
    at: Instant,
}

impl Used {
    fn read(pid: u32) -> Self {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u32 = fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap();
        // A hundred ticks a second, whatever the kernel's own clock: part of Linux's interface.
        Self { seconds: f64::from(ticks) / 100.0, at: Instant::now() }
    }

    /// Holds what qrh showed (`main_cores`, over at least five of the `took` seconds) against this and a later reading around it: it can't
    /// have used more than was used in all, nor less than is left when the time outside of qrh's sample was used in full. One hundredth of
    /// a second each for the ticks' rounding, and one of a core for its own.
    fn assert_agrees(&self, later: &Self, main_cores: f64, took: f64) {
        let (used, span) = (later.seconds - self.seconds, (later.at - self.at).as_secs_f64());
        let most = (used + 0.02) / 5.0 + 0.01;
        let least = (used - 0.02 - (span - 5.0)) / took - 0.01;
        assert!(main_cores <= most, "{main_cores} cores shown, at most {most} were used");
        assert!(main_cores >= least, "{main_cores} cores shown, at least {least} were used");
    }
}

/// Runs the comparison of threads and holds it to what the test reads around it. Its JSON.
fn threads(world: &World, console: &mut Console, command: &str, title: &str) -> Value {
    let before = Used::read(world.service.pid());
    let ending = console.vouch(title);
    let later = Used::read(world.service.pid());
    assert!(!ending.starts_with('✗'), "{ending}");
    let log = world.home.log();
    let finished = log.all("command.finished").into_iter().rfind(|event| event["data"]["command"] == command).unwrap();
    let out = finished["data"]["report"]["out"].clone();
    let took = f64::from(u32::try_from(finished["data"]["took_ms"].as_u64().unwrap()).unwrap()) / 1000.0;
    let main_cores = out["main_cores"].as_f64().unwrap();
    before.assert_agrees(&later, main_cores, took);
    // What is on the screen is what was recorded.
    let shown = format!("{main_cores:.3}");
    assert!(console.terminal.screen().contains(&shown), "{shown} is not on the screen:\n{}", console.terminal.screen());
    out
}

/// Every answer that is none: nothing may change by it.
fn refuse_to_be_hurried(world: &World, console: &mut Console) {
    let unchanged = |what: &str| {
        assert!(world.service.flag(FLAG), "{what} switched the flag off");
        assert!(world.service.told("flag_changed").is_empty(), "{what} changed a flag");
        assert!(world.home.log().all("change.intended").is_empty(), "{what} was recorded as an intent");
    };
    console.mark("Switch sync-json off");
    console.press("\r");
    console.wait("this one changes the target");
    unchanged("Enter on the change");
    console.press("xyyyy\ryyyy");
    console.wait("Press y to run exactly this");
    console.beat();
    unchanged("typed ahead");
    for (keys, what) in [("\r", "Enter"), (" ", "space"), ("Y", "a capital Y"), ("shop\r", "a name"), ("\x1b[200~y\x1b[201~", "a paste")] {
        console.press(keys);
        console.beat();
        unchanged(what);
        console.wait("Press y to run exactly this");
    }
    console.wait("a paste does not count here");
    console.press("\x1b");
    console.terminal.wait_gone("Press y to run exactly this");
    unchanged("leaving the dialog");
}

#[test]
fn the_fault_is_found_switched_off_and_seen_to_be_gone() {
    let world = World::start();
    let mut console = world.home.open(WIDE, &World::arguments());
    console.wait("LIVE host  shop");
    console.wait(&format!("process {}", world.service.pid()));
    console.wait("facts read from the target");
    // How saturated it is depends on what else this machine does; the runbook's own condition decides.
    let first = (0..8).find_map(|_| {
        let out = threads(&world, &mut console, "cpu_threads", "Compare the main thread");
        (out["main_cores"].as_f64() >= Some(0.9)).then_some(out)
    });
    let first = first.expect("this machine never gave the service 0.9 of a core: is it busy with something else?");
    console.wait("The main thread is saturated");
    console.wait("A finding holds: f follows it.");

    let asked = now();
    console.succeeds("Cores all its processes use");
    let shown = reading(&world.home.log(), "service_cpu");
    let own = [asked, now()].map(|time| world.prometheus.query(SERVICE_CPU, &time).unwrap());
    assert!(own.iter().all(|own| (own - shown).abs() < 0.15), "qrh shows {shown} cores, Prometheus says {own:?}");

    console.go_to("Switch the cause off", "6 of 10");
    console.succeeds("List the switches");
    console.reply("Choose the switch", FLAG);
    console.succeeds("Read sync-json");
    refuse_to_be_hurried(&world, &mut console);
    console.propose("Switch sync-json off", 1);
    console.wait("PUT http://127.0.0.1:");
    console.wait("What the switch turns off is gone for every user");
    console.press("y");
    console.ended_well();
    assert!(!world.service.flag(FLAG));
    console.succeeds("See that sync-json is off");
    console.wait("sync-json is off: see whether");

    console.go_to("See that it stays normal", "8 of 10");
    let last = threads(&world, &mut console, "cpu_threads_now", "Compare the main thread");
    let [first, last] = [first, last].map(|out| out["main_cores"].as_f64().unwrap());
    assert!(last < first / 2.0, "{first} cores before, {last} after");

    console.press("u");
    console.wait("Undo a change");
    console.wait("Switch sync-json off");
    console.press("\x1b");
    console.terminal.wait_gone("Undo a change");
    console.close("sync-json off; CPU is back");
    let ended = console.terminal.end();
    assert_eq!(ended.code(), 0, "{}", ended.screen);
    ended.assert_given_back();
    assert!(ended.screen.contains("Closed. For the review: qrh export"), "{}", ended.screen);

    let log = world.home.log();
    assert_plot(&log);
    assert_change(&world, &log);
    assert_told(&world, &log, first, last);
}

fn reading(log: &Log, command: &str) -> f64 {
    log.one("command.finished", "command", command)["data"]["reading"]["value"].as_f64().unwrap()
}

/// What happened, in the order in which it happened.
fn assert_plot(log: &Log) {
    let read = |command: &str| [format!("command.started {command}"), format!("command.finished {command}")];
    let mut plot = vec!["incident.opened".to_owned(), "step.entered confirm".into()];
    plot.extend(read("cpu_threads"));
    plot.extend(read("service_cpu"));
    plot.push("step.entered mitigate".into());
    plot.extend(["flags", "which_flag", "flag_state"].iter().flat_map(|command| read(command)));
    plot.extend(["command.declined switch_off".into(), "change.intended switch_off".into(), "measure.read before".into()]);
    plot.extend(["command.finished switch_off".into(), "measure.read after".into()]);
    plot.extend(read("flag_off"));
    plot.push("step.entered verify".into());
    plot.extend(read("cpu_threads_now"));
    plot.push("incident.closed".into());
    assert_eq!(log.plot(), plot);
}

/// The change: on disk before it was made, bound to what was shown, and exactly what the service saw.
fn assert_change(world: &World, log: &Log) {
    log.assert_private();
    let opened = &log.events[0]["data"];
    assert_eq!((&opened["mode"], &opened["runbook"], &opened["actor"]), (&json!("LIVE"), &json!("high-cpu"), &actor()));
    assert_eq!(opened["target"]["host"]["process"]["pid"], world.service.pid());
    assert_eq!(opened["inputs"]["window"], WINDOW);
    assert_eq!(opened["runbook_sha256"], sha256(&std::fs::read(log.dir.join("runbook.yaml")).unwrap()));

    let intended = log.one("change.intended", "command", "switch_off");
    let data = &intended["data"];
    assert_eq!((&data["tier"], &data["confirmed"], &data["effect"]), (&json!(1), &json!("y"), &json!("mutating")));
    assert!(data["considered_ms"].as_u64() >= Some(300), "{data}");
    let digest = data["digest"].as_str().unwrap();
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    assert_eq!(data["remembered"], json!({"enabled": true}));
    let runs = json!([format!("PUT {}/flags/{FLAG}", world.service.url()), "{\"enabled\":false}"]);
    let undo = json!([format!("PUT {}/flags/{FLAG}", world.service.url()), "{\"enabled\":true}"]);
    assert_eq!((&data["describes"]["runs"], &data["undo_describes"]["runs"]), (&runs, &undo));

    let finished = log.one("command.finished", "command", "switch_off");
    assert_eq!(finished["causationid"], intended["id"]);
    assert_eq!(finished["data"]["report"]["out"], json!({"name": FLAG, "enabled": false, "previous": true}));
    let told = world.service.told("flag_changed");
    let [told] = told.as_slice() else { panic!("one change was expected, not {told:?}") };
    assert_eq!((&told["flag"], &told["enabled"]), (&json!(FLAG), &json!(false)));
    // The service tells milliseconds, cut.
    let (before, at, after) = (time(&intended["recordedtime"]), time(&told["timestamp"]), time(&finished["recordedtime"]));
    assert!(before <= at + 1_000_000 && at <= after, "intended {before}, happened {at}, finished {after}");
    assert!(intended["sequence"].as_u64() < finished["sequence"].as_u64());

    let closed = &log.all("incident.closed")[0]["data"];
    assert_eq!((&closed["summary"], &closed["not_undone"]), (&json!("sync-json off; CPU is back"), &json!([data["run"]])));
}

fn actor() -> Value {
    format!("ann@{}", rustix::system::uname().nodename().to_str().unwrap()).into()
}

/// What export and the list of incidents make of it.
fn assert_told(world: &World, log: &Log, first: f64, last: f64) {
    let name = log.dir.file_name().unwrap().to_str().unwrap();
    let document = world.home.print(&["export", name]);
    let measured: Vec<&Value> = log.all("measure.read").into_iter().map(|event| &event["data"]["readings"]).collect();
    assert_eq!(measured.len(), 2);
    for text in ["Switch sync-json off", "confirmed (tier 1, y)", "sync-json off; CPU is back", "The main thread is saturated"] {
        assert!(document.contains(text), "{text:?} is not in the document:\n{document}");
    }
    for command in ["service_cpu", "p99", "loop_lag"] {
        let line = document.lines().find(|line| line.contains(&format!("{command} ")) && line.contains('→'));
        assert!(line.is_some(), "no reading of {command} before and after:\n{document}");
    }
    for value in [first, last] {
        assert!(document.contains(&format!("\"main_cores\": {value:.3}")), "{value} is not in the document:\n{document}");
    }
    let incidents = world.home.print(&["incidents"]);
    assert!(incidents.contains(name) && incidents.contains("closed"), "{incidents}");
    assert!(!world.home.print(&["incidents", "--open"]).contains(name));
}
