//! Every dialog, question, prompt and list as it is drawn.

use insta::assert_snapshot;

use super::fixture::{Console, grave_wish, light_wish, script_wish, wish};
use crate::action::ask::Answer;
use crate::action::{Ending, Verdict};

#[test]
fn tier_one() {
    let mut console = Console::asked(light_wish("Pause the rollout"));
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 00:01
     High CPU · phase 2/7 containment                                 TIER 1 WAITS
    ┌ TIER 1 · PRESS y · reversible, one object ───────────────────────────────────┐
    │CHANGE   Pause the rollout                                                    │
    │ON       LIVE context prod-eu-1 · namespace shop                              │
    │UNDO     can be undone: see below                                             │
    │REACH    1 object, 4 pods or processes                                        │
    │OBJECT   Deployment checkout · uid 6f1c9a52-8a1e-4a0e-9a55-1f6f0a6f2d11 ·     │
    │         generation 12 · version 81472 · as alice                             │
    │SERVER   https://prod-eu-1.k8s.example:6443                                   │
    │runs exactly                                                                  │
    │  PATCH deployments/checkout {"spec":{"paused":true}}                         │
    │  by hand: kubectl rollout pause deployment/checkout                          │
    │what the server says would change                                             │
    │  +  paused: true                                                             │
    │its undo                                                                      │
    │  PATCH deployments/checkout {"spec":{"paused":null}}                         │
    │now      p99 2100 ms                                                          │
    │──────────────────────────────────────────────────────────────────── ↓ 1 more │
    │Press y to run exactly this. Any other key runs nothing.                      │
    │Esc: nothing runs.                                                            │
    └──────────────────────────────────────────────────────────────────────────────┘

     y RUN IT  Esc nothing runs  ↓ more
    "#);
}

#[test]
fn tier_two() {
    let mut console = Console::asked(wish("Scale checkout out to 6"));
    console.press("check");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 00:06
     High CPU · phase 2/7 containment                                 TIER 2 WAITS
    ┏ TIER 2 · TYPE THE NAME · protected, more than one object, or capacity ━━━━━━━┓
    ┃CHANGE   Scale checkout out to 6                                              ┃
    ┃ON       LIVE context prod-eu-1 · namespace shop                              ┃
    ┃UNDO     can be undone: see below                                             ┃
    ┃HAZARD   ! An HPA owns the replica count: it may scale back within a minute   ┃
    ┃AGAINST  ! HorizontalPodAutoscaler checkout (2 to 5)                          ┃
    ┃REACH    1 object, 4 pods or processes                                        ┃
    ┃OBJECT   Deployment checkout · uid 6f1c9a52-8a1e-4a0e-9a55-1f6f0a6f2d11 ·     ┃
    ┃         generation 12 · version 81472 · as alice                             ┃
    ┃SERVER   https://prod-eu-1.k8s.example:6443                                   ┃
    ┃runs exactly                                                                  ┃
    ┃  PATCH /apis/apps/v1/namespaces/shop/deployments/checkout/scale              ┃
    ┃    {"spec":{"replicas":6}}                                                   ┃
    ┃  by hand: kubectl --context prod-eu-1 -n shop scale deployment/checkout      ┃
    ┃    --replicas=6 --current-replicas=4                                         ┃
    ┃what the server says would change                                             ┃
    ┃──────────────────────────────────────────────────────────────────── ↓ 8 more ┃
    ┃› Type checkout to run it: check                                              ┃
    ┃Then Enter. Esc: nothing runs.                                                ┃
    ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛

     Enter answer  Esc nothing runs  ↓ more
    "#);
}

#[test]
fn tier_two_where_there_is_room() {
    let mut console = Console::asked(wish("Scale checkout out to 6"));
    assert_snapshot!(console.at(120, 40), @r#"
    LIVE cluster  checkout · context prod-eu-1 · namespace shop · https://prod-eu-1.k8s.example:6443            open 00:01
    High CPU · phase 2/7 containment                                                                         TIER 2 WAITS
        ┏ TIER 2 · TYPE THE NAME · protected, more than one object, or capacity ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
        ┃CHANGE   Scale checkout out to 6                                                                            ┃
        ┃ON       LIVE context prod-eu-1 · namespace shop                                                            ┃
        ┃UNDO     can be undone: see below                                                                           ┃
        ┃HAZARD   ! An HPA owns the replica count: it may scale back within a minute                                 ┃
        ┃AGAINST  ! HorizontalPodAutoscaler checkout (2 to 5)                                                        ┃
        ┃REACH    1 object, 4 pods or processes                                                                      ┃
        ┃OBJECT   Deployment checkout · uid 6f1c9a52-8a1e-4a0e-9a55-1f6f0a6f2d11 · generation 12 · version 81472 · as┃
        ┃         alice                                                                                              ┃
        ┃SERVER   https://prod-eu-1.k8s.example:6443                                                                 ┃
        ┃runs exactly                                                                                                ┃
        ┃  PATCH /apis/apps/v1/namespaces/shop/deployments/checkout/scale {"spec":{"replicas":6}}                    ┃
        ┃  by hand: kubectl --context prod-eu-1 -n shop scale deployment/checkout --replicas=6 --current-replicas=4  ┃
        ┃what the server says would change                                                                           ┃
        ┃   spec:                                                                                                    ┃
        ┃  -  replicas: 4                                                                                            ┃
        ┃  +  replicas: 6                                                                                            ┃
        ┃its undo                                                                                                    ┃
        ┃  PATCH /apis/apps/v1/namespaces/shop/deployments/checkout/scale {"spec":{"replicas":4}}                    ┃
        ┃now      p99 2100 ms                                                                                        ┃
        ┃verify   pods                                                                                               ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃                                                                                                            ┃
        ┃────────────────────────────────────────────────────────────────────────────────────────────────────────────┃
        ┃› Type checkout to run it:                                                                                  ┃
        ┃Then Enter. Esc: nothing runs.                                                                              ┃
        ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛

    Enter answer  Esc nothing runs  ↓ more
    "#);
}

#[test]
fn tier_three() {
    let mut console = Console::asked(grave_wish("Delete the pod that does not answer"));
    console.press("prod<tab>the node is lost");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context ••••• · namespace shop · https:/…  open 00:24
     High CPU · phase 2/7 containment                                 TIER 3 WAITS
    ╔ TIER 3 · TYPE FROM MEMORY · irreversible, or as wide as a node or host ══════╗
    ║CHANGE   Delete the pod that does not answer                                  ║
    ║ON       LIVE context ••••• · namespace shop                                  ║
    ║DANGER   CAN'T BE UNDONE: there is no undo for it                             ║
    ║HAZARD   ! An HPA owns the replica count: it may scale back within a minute   ║
    ║AGAINST  ! HorizontalPodAutoscaler checkout (2 to 5)                          ║
    ║REACH    1 object, 4 pods or processes                                        ║
    ║OBJECT   Deployment checkout · uid 6f1c9a52-8a1e-4a0e-9a55-1f6f0a6f2d11 ·     ║
    ║         generation 12 · version 81472 · as alice                             ║
    ║SERVER   https://•••••.k8s.example:6443                                       ║
    ║runs exactly                                                                  ║
    ║  PATCH /apis/apps/v1/namespaces/shop/deployments/checkout/scale              ║
    ║    {"spec":{"replicas":6}}                                                   ║
    ║  by hand: kubectl --context ••••• -n shop scale deployment/checkout          ║
    ║    --replicas=6 --current-replicas=4                                         ║
    ║──────────────────────────────────────────────────────────────────── ↓ 3 more ║
    ║  Name of the context, from memory: prod                                      ║
    ║› Why it must be done: the node is lost                                       ║
    ║Hidden on purpose. Tab: other line. Enter: answer. Esc: nothing runs.         ║
    ╚══════════════════════════════════════════════════════════════════════════════╝

     Enter answer  Esc nothing runs  ↓ more
    "#);
}

#[test]
fn tier_three_where_there_is_room() {
    let mut console = Console::asked(grave_wish("Delete the pod that does not answer"));
    assert_snapshot!(console.at(120, 40), @r#"
    LIVE cluster  checkout · context ••••• · namespace shop · https://•••••.k8s.example:6443                    open 00:01
    High CPU · phase 2/7 containment                                                                         TIER 3 WAITS
        ╔ TIER 3 · TYPE FROM MEMORY · irreversible, or as wide as a node or host ════════════════════════════════════╗
        ║CHANGE   Delete the pod that does not answer                                                                ║
        ║ON       LIVE context ••••• · namespace shop                                                                ║
        ║DANGER   CAN'T BE UNDONE: there is no undo for it                                                           ║
        ║HAZARD   ! An HPA owns the replica count: it may scale back within a minute                                 ║
        ║AGAINST  ! HorizontalPodAutoscaler checkout (2 to 5)                                                        ║
        ║REACH    1 object, 4 pods or processes                                                                      ║
        ║OBJECT   Deployment checkout · uid 6f1c9a52-8a1e-4a0e-9a55-1f6f0a6f2d11 · generation 12 · version 81472 · as║
        ║         alice                                                                                              ║
        ║SERVER   https://•••••.k8s.example:6443                                                                     ║
        ║runs exactly                                                                                                ║
        ║  PATCH /apis/apps/v1/namespaces/shop/deployments/checkout/scale {"spec":{"replicas":6}}                    ║
        ║  by hand: kubectl --context ••••• -n shop scale deployment/checkout --replicas=6 --current-replicas=4      ║
        ║preview  none: the API has no dry run for this verb                                                         ║
        ║now      p99 2100 ms                                                                                        ║
        ║verify   pods                                                                                               ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║                                                                                                            ║
        ║────────────────────────────────────────────────────────────────────────────────────────────────────────────║
        ║› Name of the context, from memory:                                                                         ║
        ║  Why it must be done:                                                                                      ║
        ║Hidden on purpose. Tab: other line. Enter: answer. Esc: nothing runs.                                       ║
        ╚════════════════════════════════════════════════════════════════════════════════════════════════════════════╝

    Enter answer  Esc nothing runs  ↓ more
    "#);
}

#[test]
fn tier_three_where_there_is_none() {
    let mut console = Console::asked(grave_wish("Delete the pod that does not answer"));
    assert_snapshot!(console.at(60, 15), @r#"
     LIVE cluster  checkout · context ••••• · name…  open 00:01
     High CPU · phase 2/7 containment             TIER 3 WAITS
    ╔ TIER 3 · TYPE FROM MEMORY · irreversible, or as wide as …╗
    ║CHANGE   Delete the pod that does not answer              ║
    ║ON       LIVE context ••••• · namespace shop              ║
    ║DANGER   CAN'T BE UNDONE: there is no undo for it         ║
    ║HAZARD   ! An HPA owns the replica count: it may scale    ║
    ║         back within a minute                             ║
    ║─────────────────────────────────────────────── ↓ 15 more ║
    ║› Name of the context, from memory:                       ║
    ║  Why it must be done:                                    ║
    ║Hidden on purpose. Tab: other line. Enter: answer. Esc: n…║
    ╚══════════════════════════════════════════════════════════╝

     Enter answer  Esc nothing runs  ↓ more
    "#);
}

#[test]
fn a_read_that_nothing_enforces() {
    let mut console = Console::open();
    console.press("j<enter>");
    let wish = script_wish("CPU throttling of the container");
    console.prepared_as(wish, Verdict::Unknown("scripts are not examined".to_owned()));
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 00:02
     High CPU · phase 1/7 first-checks                                TIER 1 WAITS
    ┌ TIER 1 · PRESS y · a read that nothing enforces ─────────────────────────────┐
    │READ     CPU throttling of the container                                      │
    │ON       LIVE host web-17 · process 4711                                      │
    │DANGER   read-only by its author's word alone: nothing stops it from changing │
    │         something                                                            │
    │REACH    1 object, 4 pods or processes                                        │
    │PROCESS  pid 4711, started at tick 99120                                      │
    │runs exactly                                                                  │
    │  sh -eu -c 'cat /sys/fs/cgroup/cpu.stat'                                     │
    │preview  none: a script has no dry run                                        │
    │now      p99 2100 ms                                                          │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │──────────────────────────────────────────────────────────────────────────────│
    │Press y to run exactly this. Any other key runs nothing.                      │
    │Esc: nothing runs.                                                            │
    └──────────────────────────────────────────────────────────────────────────────┘

     y RUN IT  Esc nothing runs  ↓ more
    "#);
}

#[test]
fn a_key_that_came_too_early() {
    let mut console = Console::asked(light_wish("Pause the rollout"));
    console.key("y");
    let screen = console.screen();
    assert_snapshot!(screen.lines().rev().take(5).collect::<Vec<_>>().join("\n"), @r#"
     y RUN IT  Esc nothing runs  ↓ more

    └──────────────────────────────────────────────────────────────────────────────┘
    │! typed ahead or held down: it does not count. Wait a second, then answer.    │
    │Press y to run exactly this. Any other key runs nothing.                      │
    "#);
}

fn asked(answer: Answer) -> Console {
    let mut console = Console::open();
    console.press("<enter>");
    console.prepared_question("How far has the migration of the schema gone?", answer);
    console
}

/// The rows of the screen over which a box lies.
fn bottom(console: &mut Console, rows: usize) -> String {
    let screen = console.at(80, 24);
    let lines: Vec<&str> = screen.lines().collect();
    lines[lines.len() - rows..].join("\n")
}

#[test]
fn questions() {
    let mut console = asked(Answer::Choice(vec!["expanded".to_owned(), "contracted".to_owned(), "there is none".to_owned()]));
    console.press("j");
    assert_snapshot!(bottom(&mut console, 12), @r#"
    │  [RO]  Is traffic higher than usual?                                         │
    │                                                                              │
    ┌ Question: Pods and their restarts ───────────────────────────────────────────┐
    │How far has the migration of the schema gone?                                 │
    │  expanded                                                                    │
    │› contracted                                                                  │
    │  there is none                                                               │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     Enter choose  ↓ down  ↑ up  Esc leave it
    "#);
    assert_snapshot!(bottom(&mut asked(Answer::Tick), 9), @r#"
    │                                                                              │
    ┌ Question: Pods and their restarts ───────────────────────────────────────────┐
    │How far has the migration of the schema gone?                                 │
    │y yes   n no                                                                  │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     y yes  n no  Esc leave it
    "#);
    let mut console = asked(Answer::Number);
    console.press("four<enter>");
    assert_snapshot!(bottom(&mut console, 8), @r#"
    │                                                                              │
    ┌ Question: Pods and their restarts ───────────────────────────────────────────┐
    │How far has the migration of the schema gone?                                 │
    │Number: four                                                                  │
    │! a number is needed                                                          │
    └──────────────────────────────────────────────────────────────────────────────┘

     Enter keep  Esc leave it
    "#);
}

#[test]
fn prompts() {
    let prompt = |keys: &str, rows| {
        let mut console = Console::open();
        console.press(keys);
        bottom(&mut console, rows)
    };
    assert_snapshot!(prompt("d", 8), @r#"
    │                                                                              │
    ┌ Done: Confirm that the CPU is saturated ─────────────────────────────────────┐
    │Say what you saw: the value, not just "checked".                              │
    │Saw:                                                                          │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     Enter keep  Esc leave it
    "#);
    assert_snapshot!(prompt("n-5m", 8), @r#"
    │                                                                              │
    ┌ Note ────────────────────────────────────────────────────────────────────────┐
    │Begin with -5m (so long ago) or 14:05 (UTC) to date it back.                  │
    │Note: -5m                                                                     │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     Enter keep  Esc leave it
    "#);
    assert_snapshot!(prompt("!<tab>systemctl restart checkout", 10), @r#"
    │                                                                              │
    ┌ A command of your own ───────────────────────────────────────────────────────┐
    │[MUT] You say it CHANGES the target.  Tab switches                            │
    │It runs on the incident's target. A dialog shows it first, unless it is known │
    │to be unable to change anything.                                              │
    │$ systemctl restart checkout                                                  │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     Enter keep  Esc leave it
    "#);
    assert_snapshot!(prompt("q", 9), @r#"
    │                                                                              │
    ┌ Leave the console? ──────────────────────────────────────────────────────────┐
    │The incident stays open: `qrh resume` goes on with it.                        │
    │q leaves   Esc stays                                                          │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     q leave  Esc stay
    "#);
}

#[test]
fn lists() {
    let changed = |ending| {
        let mut console = Console::asked(wish("Scale checkout out to 6"));
        console.press("checkout<enter>");
        console.change_ends(ending);
        console
    };
    let mut console = changed(Ending::Succeeded);
    console.press("u");
    assert_snapshot!(bottom(&mut console, 9), @r#"
    │      verified by pods                                                        │
    ┌ Undo a change ───────────────────────────────────────────────────────────────┐
    │Choosing one shows the dialog of its undo; nothing runs before its answer.    │
    │› #3 Scale checkout out to 6                                                  │
    │    1 s ago · undo: PATCH /apis/apps/v1/namespaces/shop/deployments/checkout/…│
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     Enter choose  ↓ down  ↑ up  Esc leave it
    "#);
    console.press("<esc>E");
    assert_snapshot!(bottom(&mut console, 10), @r#"
    │      can be undone                                                           │
    ┌ End the incident ────────────────────────────────────────────────────────────┐
    │! still in place, can be undone: #3 Scale checkout out to 6                   │
    │8 steps are not settled.                                                      │
    │How it ended, in one line. This closes the incident.                          │
    │Summary:                                                                      │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     Enter keep  Esc leave it
    "#);
    let mut console = changed(Ending::Unknown("timed out after 30 s".to_owned()));
    console.press("r<enter>");
    assert_snapshot!(bottom(&mut console, 10), @r#"
    ┌ What became of it ───────────────────────────────────────────────────────────┐
    │Choose what you know to be true; then say how you know.                       │
    │› It took effect                                                              │
    │    #3 Scale checkout out to 6                                                │
    │  It did not take effect                                                      │
    │    #3 Scale checkout out to 6                                                │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
     03:12:11 ! Scale checkout out to 6: outcome unknown (timed out after 30 s); ru…
     Enter choose  ↓ down  ↑ up  Esc leave it
    "#);
}
