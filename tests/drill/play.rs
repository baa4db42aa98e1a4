//! Every shipped drill leads from its page to the diagnosis and the mitigation by its runbook, at both levels.

use std::collections::BTreeSet;

use crate::home::{Home, shipped};

/// Plays a drill at both levels and gives the first run's log.
fn plays(id: &str) {
    let home = Home::new();
    let ended = home.run(&["test", &shipped(id), "--keep", "kept"]);
    assert_eq!(ended.code, 0, "{}\n{}", ended.out, ended.err);
    assert_eq!(ended.out.matches("ok     ").count(), 2, "{}", ended.out);
    for dir in std::fs::read_dir(home.path("kept")).unwrap() {
        let records = crate::home::log(&dir.unwrap().path());
        let types: Vec<&str> = records.iter().map(|record| record["type"].as_str().unwrap()).collect();
        assert_eq!(&types[..2], ["qrh.incident.opened", "qrh.drill.began"], "{id}");
        assert_eq!((&records[0]["data"]["mode"], &records[0]["data"]["actor"]), (&"DRILL".into(), &"autopilot".into()), "{id}");
        let find = |kind: &str| records.iter().find(|record| record["type"] == kind).unwrap_or_else(|| panic!("{id}: no {kind}"));
        let (began, revealed) = (find("qrh.drill.began"), find("qrh.drill.revealed"));
        assert_eq!(began["data"]["hidden_sha256"], revealed["data"]["sha256"], "{id}: what was sealed is what was revealed");
        assert_eq!(types.last(), Some(&"qrh.incident.closed"), "{id}");
    }
}

macro_rules! drills {
    ($($name:ident: $id:literal),+ $(,)?) => {
        $(#[test]
        fn $name() {
            plays($id);
        })+

        #[test]
        fn every_shipped_drill_is_played_here() {
            let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/drills");
            let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
            let shipped: BTreeSet<String> = files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
            let played: BTreeSet<String> = [$($id),+].into_iter().chain(crate::local::PLAYED).map(str::to_owned).collect();
            assert_eq!(shipped, played);
            let listed = Home::new().run(&["drill"]).out;
            assert!(shipped.iter().all(|id| listed.contains(&format!("  {id} "))), "{listed}");
        }
    };
}

drills! {
    bad_deploy: "bad-deploy",
    cpu_and_errors: "cpu-and-errors",
    dependency_outage: "dependency-outage",
    errors_in_waves: "errors-in-waves",
    event_loop_latency: "event-loop-latency",
    high_cpu: "high-cpu",
    high_memory: "high-memory",
    it_came_back: "it-came-back",
    price_errors: "price-errors",
    sudden_restarts: "sudden-restarts",
}

#[test]
fn without_a_terminal_a_drill_plays_itself_and_says_where_its_timeline_is() {
    let home = Home::new();
    let ended = home.run(&["drill", "bad-deploy"]);
    assert_eq!(ended.code, 0, "{}\n{}", ended.out, ended.err);
    let place = |text: &str| ended.out.find(text).unwrap_or_else(|| panic!("no {text:?} in:\n{}", ended.out));
    assert!(place("== DRILL ") < place("DRILL STEP 1/"), "the briefing comes first");
    assert!(place("PAGER: ") < place("DRILL ended, mitigated"));
    assert!(place("CLOSED: mitigated") < place("timeline: "));
    let listed = home.run(&["incidents"]).out;
    assert!(listed.contains("DRILL, closed"), "{listed}");
    let name = listed.split_whitespace().next().unwrap();
    let exported = home.run(&["export", name]);
    assert!(exported.out.contains("DRILL"), "{}", exported.out);
    let again = home.run(&["resume", name]);
    assert_eq!(again.code, 1, "{}", again.err);
    for way in [format!("qrh export {name}"), "qrh drill bad-deploy --level basic --seed ".to_owned()] {
        assert!(again.err.contains(&way), "what can be done is said: {}", again.err);
    }
    let nothing = home.run(&["resume"]);
    assert!(nothing.err.contains("no incident is open"), "a drill is no incident to go on with: {}", nothing.err);
}

/// A runbook that does not lead there fails, by name of what was missed.
#[test]
fn a_runbook_that_no_longer_leads_there_fails_its_drill() {
    let home = Home::new();
    let runbook = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/bad-deploy.yaml")).unwrap();
    let broken = runbook.replace("go: stop }", "go: escalate }").replace("go: roll-back }", "go: escalate }");
    assert_ne!(runbook, broken, "the runbook's leads are written in another way by now: correct this test");
    home.write("runbooks/bad-deploy.yaml", &broken);
    let ended = home.run(&["--runbooks", "runbooks", "test", &shipped("bad-deploy"), "--level", "basic"]);
    assert_eq!(ended.code, 1, "{}\n{}", ended.out, ended.err);
    assert!(ended.out.contains("FAILED bad-deploy") && ended.out.contains("must be reached and was not"), "{}", ended.out);
}

#[test]
fn a_time_nobody_can_play_in_is_refused_and_so_are_drills_that_are_not_there() {
    let home = Home::new();
    for (arguments, says) in [
        (&["drill", "no-such-drill"][..], "there is no drill `no-such-drill`"),
        (&["drill", "bad-deploy", "--clock", "backwards"], "--clock backwards"),
        (&["drill", "bad-deploy", "--clock", "0x"], "--clock 0x"),
        (&["test", "no-such-runbook"], "there is no drill `no-such-runbook`"),
        (&["facilitate"], "no incident is open"),
    ] {
        let ended = home.run(arguments);
        assert!(ended.code == 2 || ended.code == 1, "{arguments:?}: {}", ended.code);
        assert!(ended.err.contains(says), "{arguments:?}: {}", ended.err);
    }
}
