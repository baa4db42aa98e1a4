//! A drill on a terminal, with nothing else installed: the briefing first, then the same console, marked DRILL everywhere.

use serde_json::json;

use crate::console::Home;
use crate::pty::{Area, SMALL, WIDE};

fn home(dir: &tempfile::TempDir) -> Home {
    // A catalog that leads nowhere: a drill does not read it.
    Home::new(dir.path(), &json!({ "target": { "host": { "pid": 1 } } }))
}

fn begins(area: Area) {
    let dir = tempfile::tempdir().unwrap();
    let home = home(&dir);
    let mut console = home.open(area, &["drill", "bad-deploy", "--clock", "60x"]);
    console.wait("DRILL: briefing");
    console.wait("Nothing here is real");
    console.press("\x1b");
    console.wait("DRILL cluster");
    console.wait("context world");
    // The page comes by itself, and takes no key and no pane.
    console.wait("PAGER: checkout");
    console.press("b");
    console.wait("DRILL: briefing");
    console.press("\x1b");
    console.wait("Read how far the rollout is");
    console.succeeds("Read how far the rollout is");
    console.press("D");
    console.wait("State the cause");
    console.press("\r");
    console.wait("diagnosis by ann");
    console.press("H");
    console.wait("hint");
    console.close("practised enough");
    console.wait("timeline: ");
    let log = std::fs::read_dir(home.incident().join("log")).unwrap().next().unwrap().unwrap().path();
    let log = std::fs::read_to_string(log).unwrap();
    for kind in ["qrh.drill.began", "qrh.drill.injected", "qrh.drill.diagnosed", "qrh.drill.ended", "qrh.drill.revealed"] {
        assert!(log.contains(kind), "no {kind}:\n{log}");
    }
    assert!(log.contains("\"mode\":\"DRILL\""), "{log}");
    let listed = home.print(&["incidents"]);
    assert!(listed.contains("DRILL, closed"), "{listed}");
    let name = home.incident().file_name().unwrap().to_string_lossy().into_owned();
    assert!(home.print(&["export", &name]).contains("DRILL"));
}

#[test]
fn bad_deploy_on_a_wide_terminal() {
    begins(WIDE);
}

#[test]
fn bad_deploy_on_a_small_terminal() {
    begins(SMALL);
}

/// Played by itself in the panes: nobody presses a key.
#[test]
fn the_autopilot_plays_in_the_panes() {
    let dir = tempfile::tempdir().unwrap();
    let home = home(&dir);
    let console = home.open(WIDE, &["drill", "bad-deploy", "--autopilot", "--clock", "40x"]);
    console.wait("DRILL cluster");
    console.wait("PAGER: checkout");
    console.wait("diagnosis by autopilot");
    console.wait("DRILL mitigated");
}
