//! Everything is down: no process, nothing listens, no Prometheus. The console opens, says where it is, answers each command with one
//! clear line, and waits for nothing.

use serde_json::json;

use crate::console::{Console, Home};
use crate::pty::WIDE;
use crate::world;

/// A read that fails for a reason, told in one line.
fn fails(console: &mut Console, title: &str, reason: &str) {
    let ending = console.read(title);
    assert!(ending.starts_with('✗') && ending.contains(reason), "{title}: {ending}\n{}", console.terminal.screen());
    console.wait("LIVE host  shop");
}

#[test]
fn each_command_says_so_in_one_line() {
    let (_kept, root) = world::directory();
    let [service, prometheus] = [world::refusing_port(), world::refusing_port()];
    let home = Home::new(
        &root,
        &json!({
            "owner": "team-shop",
            "url": format!("http://127.0.0.1:{service}"),
            "prometheus": format!("http://127.0.0.1:{prometheus}"),
            "target": {"host": {"pid_file": root.join("missing.pid"), "port": service}},
        }),
    );
    let mut console = home.open(WIDE, &["run", "high-cpu"]);
    console.wait("LIVE host  shop");
    console.wait("no process");
    console.wait("facts read from the target");
    // What needs the process can't be made ready, and says what it lacks.
    console.mark("Compare the main thread");
    console.press("\r");
    console.wait("facts.process.pid");
    for title in ["Cores all its processes use", "Requests a second", "Event-loop delay, p99", "Request latency, p99"] {
        fails(&mut console, title, "unreachable");
    }
    fails(&mut console, "See whether the event loop still answers", "unreachable");
    console.go_to("Switch the cause off", "6 of 10");
    fails(&mut console, "List the switches", "unreachable");
    console.leave();
    let ended = console.terminal.end();
    assert_eq!(ended.code(), 0, "{}", ended.screen);
    ended.assert_given_back();
    let log = home.log();
    assert!(log.events[0]["data"]["target"]["host"]["process"].is_null(), "{}", log.events[0]);
    for finished in log.all("command.finished") {
        let ending = &finished["data"]["report"]["ending"];
        assert_eq!(ending["ending"], "unreachable", "{finished}");
        let why = ending["why"].as_str().unwrap();
        assert!(!why.contains('\n') && why.contains("127.0.0.1"), "{why:?} does not say what was not reached");
    }
}

#[test]
fn a_service_that_dies_under_the_console_is_told_too() {
    let (_kept, root) = world::directory();
    let (service, server) = world::service(&root, "");
    let target = json!({"host": {"pid_file": service.pid_file, "port": service.port}});
    let home = Home::new(&root, &json!({"owner": "team-shop", "url": service.url(), "target": target}));
    let mut console = home.open(WIDE, &["run", "high-cpu"]);
    console.wait(&format!("process {}", service.pid()));
    console.wait("facts read from the target");
    console.succeeds("See whether the event loop still answers");
    drop(server);
    let ending = console.read("See whether the event loop still answers");
    assert!(ending.starts_with("✗ unreachable"), "{ending}");
    console.leave();
    assert_eq!(console.terminal.end().code(), 0);
}
