//! Every pane as it is drawn, at 80×24 and 120×40.

use insta::assert_snapshot;

use super::fixture::Console;
use crate::action::Ending;
use crate::engine::event::Decided;
use crate::engine::{Event, Notice};
use crate::runbook::model::StepId;
use crate::tui::Input;

/// An incident under way: a result, a running read, a finding that holds.
fn under_way() -> Console {
    let mut console = Console::open();
    console.findings = vec![Decided {
        step: StepId::from("confirm"),
        number: 0,
        holds: true,
        means: "The container is throttled, not busy: more CPU will not help, more replicas will".to_owned(),
        go: Some(StepId::from("contain")),
    }];
    console.press("<enter>");
    console.prepared_read("Pods and their restarts");
    console.line("NAME                        READY  STATUS   RESTARTS  AGE");
    console.line("checkout-6c9f7d5b8-2xk9p    1/1    Running  0         4d");
    console.line("checkout-6c9f7d5b8-9qmzt    0/1    Running  7         4d");
    console.wait(640);
    console.read_ends(Ending::Succeeded, &["checkout-6c9f7d5b8-9qmzt    0/1    Running  7         4d"]);
    console.wait(95_000);
    console.press("jj<enter>");
    console.prepared_read("Is traffic higher than usual?");
    console.line("sum(rate(http_requests_total[5m]))  412.7 req/s");
    console.wait(3_000);
    console
}

#[test]
fn all_panes() {
    assert_snapshot!(under_way().at(120, 40), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · https://prod-eu-1.k8s.example:6443            open 01:43
     High CPU · phase 1/7 first-checks                                                                            1 running
    ┌ 1 Steps · 0 of 8 settled ────────┐┌▸2 Step · 1 of 8 · first-checks ──────────────────────────────────────────────────┐
    │first-checks                      ││Confirm that the CPU is saturated                                                 │
    │ ▶· ▲ Confirm that the CPU is sat…││Know what is true before anything is changed.                                     │
    │    Correlate with deploys and tr…││▲ The container is throttled, not busy: more CPU will not help, more replicas will│
    │containment                       ││  → contain (f)                                                                   │
    │    Scale out while the event loo…││                                                                                  │
    │diagnosis                         ││  [RO]  Pods and their restarts  ✓ 1 min 41 s ago                                 │
    │    Profile one replica           ││  [RO?] CPU throttling of the container                                           │
    │recovery                          ││› [RO]  Is traffic higher than usual?  ▷ running 00:03                            │
    │    Put the previous version back ││      read-only, held by: read-only client · on here                              │
    │verification                      ││      $ GET /api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout             │
    │    Latency and CPU are back to n…││      by hand: kubectl -n shop get pods -l app=checkout                           │
    │escalation                        ││      c stops it                                                                  │
    │    Call the owners of the service││                                                                                  │
    │post-incident                     ││                                                                                  │
    │    Write down what was learned   ││                                                                                  │
    │                                  ││                                                                                  │
    │                                  ││                                                                                  │
    │                                  │└──────────────────────────────────────────────────────────────────────────────────┘
    │                                  │┌ 3 Output · #2 Is traffic higher than usual? (2 of 2) · running ──────────────────┐
    │                                  ││sum(rate(http_requests_total[5m]))  412.7 req/s                                   │
    │                                  ││                                                                                  │
    │                                  ││                                                                                  │
    │                                  ││                                                                                  │
    │                                  ││                                                                                  │
    │                                  ││                                                                                  │
    │                                  ││                                                                                  │
    │                                  │└──────────────────────────────────────────────────────────────────────────────────┘
    │                                  │┌ 4 Timeline · 8 events, UTC ──────────────────────────────────────────────────────┐
    │                                  ││         more replicas will                                                       │
    │                                  ││03:12:01 · facts read from the target                                             │
    │                                  ││03:12:01 ▷ #1 Pods and their restarts [RO, read-only client]                      │
    │                                  ││03:12:01 ✓ succeeded · #1 pods · 640 ms                                           │
    │                                  ││03:13:40 · facts read from the target                                             │
    │                                  ││03:13:40 ▷ #2 Is traffic higher than usual? [RO, read-only client]                │
    └──────────────────────────────────┘└──────────────────────────────────────────────────────────────────────────────────┘
     A finding holds: f follows it.
     Enter run read  x prepare  d done  f follow  n note  c stop  ? help  s service  Tab pane  q leave  S skip  m misfit
    "#);
}

#[test]
fn the_steps() {
    let mut console = under_way();
    console.press("Snot needed<enter>");
    console.press("ddeploy at 03:02<enter>1");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 02:16
     High CPU · phase 2/7 containment                                     1 running
    ┌[1 Steps] 2 Step  3 Output  4 Timeline  · 2 of 8 settled ─────────────────────┐
    │first-checks                                                                  │
    │  – ▲ Confirm that the CPU is saturated                                       │
    │  ✓ Correlate with deploys and traffic                                        │
    │containment                                                                   │
    │›▶· Scale out while the event loop still turns                                │
    │diagnosis                                                                     │
    │    Profile one replica                                                       │
    │recovery                                                                      │
    │    Put the previous version back                                             │
    │verification                                                                  │
    │    Latency and CPU are back to normal                                        │
    │escalation                                                                    │
    │    Call the owners of the service                                            │
    │post-incident                                                                 │
    │    Write down what was learned                                               │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
     A change here needs the evidence marked ✗: run that first.
     Enter run read  x prepare  d done  f follow  n note  c stop  ? help  s service…
    "#);
}

#[test]
fn a_step_with_reads() {
    assert_snapshot!(under_way().at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 01:43
     High CPU · phase 1/7 first-checks                                    1 running
    ┌ 1 Steps [2 Step] 3 Output  4 Timeline  · 1 of 8 · first-checks ──────────────┐
    │Confirm that the CPU is saturated                                             │
    │Know what is true before anything is changed.                                 │
    │▲ The container is throttled, not busy: more CPU will not help, more replicas │
    │  will → contain (f)                                                          │
    │                                                                              │
    │  [RO]  Pods and their restarts  ✓ 1 min 41 s ago                             │
    │  [RO?] CPU throttling of the container                                       │
    │› [RO]  Is traffic higher than usual?  ▷ running 00:03                        │
    │      read-only, held by: read-only client · on here                          │
    │      $ GET /api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout         │
    │      by hand: kubectl -n shop get pods -l app=checkout                       │
    │      c stops it                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
     A finding holds: f follows it.
     Enter run read  x prepare  d done  f follow  n note  c stop  ? help  s service…
    "#);
}

/// Evidence that is fresh, stale and missing; the change is marked and enlarged.
#[test]
fn a_step_with_changes() {
    let mut console = under_way();
    console.read_ends(Ending::Succeeded, &["412.7 req/s"]);
    console.wait(1_000_000);
    console.at_contain();
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 18:23
     High CPU · phase 2/7 containment
    ┌ 1 Steps [2 Step] 3 Output  4 Timeline  · 3 of 8 · containment ───────────────┐
    │Scale out while the event loop still turns                                    │
    │Know what is true before anything is changed.                                 │
    │needs pods within 15 min: ✗ STALE, 18 min old: run it again                   │
    │needs throttling within 5 min: ✗ NOT RUN YET                                  │
    │                                                                              │
    │› [MUT] Scale checkout out to 6                                               │
    │      CHANGES THE TARGET: asks first · on here                                │
    │      $ PATCH deployments/checkout {"spec":{"replicas":6}}                    │
    │      by hand: kubectl -n shop get pods -l app=checkout                       │
    │      ! hazard: An HPA owns the replica count                                 │
    │      can be undone                                                           │
    │      verified by pods                                                        │
    │      x shows the dialog; nothing runs before its answer                      │
    │  [MUT] Cordon the node                                                       │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
     A change here needs the evidence marked ✗: run that first.
     Enter run read  x prepare  d done  f follow  n note  c stop  ? help  s service…
    "#);
}

#[test]
fn the_output() {
    let mut console = under_way();
    console.press("3[");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 01:45
     High CPU · phase 1/7 first-checks                                    1 running
    ┌ 1 Steps  2 Step [3 Output] 4 Timeline  · #1 Pods and their restarts (1 of 2)…┐
    │NAME                        READY  STATUS   RESTARTS  AGE                     │
    │checkout-6c9f7d5b8-2xk9p    1/1    Running  0         4d                      │
    │checkout-6c9f7d5b8-9qmzt    0/1    Running  7         4d                      │
    │✓ succeeded · 640 ms                                                          │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
     A finding holds: f follows it.
     Enter run read  x prepare  d done  f follow  n note  c stop  ? help  s service…
    "#);
}

#[test]
fn the_timeline() {
    let mut console = under_way();
    console.press("nTraffic doubled at 03:05 with the campaign mail, marketing confirms<enter>4");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 03:00
     High CPU · phase 1/7 first-checks                                    1 running
    ┌ 1 Steps  2 Step  3 Output [4 Timeline] · 9 events, UTC ──────────────────────┐
    │03:12:00 opened by alice: High CPU on checkout (LIVE)                         │
    │03:12:00 → step confirm (first-checks)                                        │
    │03:12:01 ▲ confirm: The container is throttled, not busy: more CPU will not   │
    │         help, more replicas will                                             │
    │03:12:01 · facts read from the target                                         │
    │03:12:01 ▷ #1 Pods and their restarts [RO, read-only client]                  │
    │03:12:01 ✓ succeeded · #1 pods · 640 ms                                       │
    │03:13:40 · facts read from the target                                         │
    │03:13:40 ▷ #2 Is traffic higher than usual? [RO, read-only client]            │
    │03:14:58 ✎ Traffic doubled at 03:05 with the campaign mail, marketing confirms│
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
     A finding holds: f follows it.
     Enter run read  x prepare  d done  f follow  n note  c stop  ? help  s service…
    "#);
}

#[test]
fn a_drill_on_a_host_that_may_only_read() {
    let mut console = Console::drill_read_only();
    let screen = console.at(80, 24);
    assert_snapshot!(screen.lines().take(2).collect::<Vec<_>>().join("\n"), @r#"
    DRILL host  READ-ONLY checkout · host web-17 · process 4711         open 00:00
    High CPU · phase 1/7 first-checks
    "#);
    console.resize(60, 15);
    assert!(console.screen().contains("DRILL host  READ-ONLY"), "{}", console.screen());
}

#[test]
fn a_lost_log_and_an_unknown_outcome_are_said_in_words() {
    let mut console = Console::asked(super::fixture::wish("Scale checkout out to 6"));
    console.press("checkout<enter>");
    assert_snapshot!(console.screen().lines().take(2).collect::<Vec<_>>().join("\n"), @r#"
    LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 00:11
    High CPU · phase 2/7 containment                         CHANGE #3 RUNS 00:00
    "#);
    console.change_ends(Ending::Unknown("the connection was lost".to_owned()));
    console.event(Event::LogLost { why: "no space left on device".to_owned() });
    let screen = console.screen();
    let ends: Vec<&str> = screen.lines().take(2).chain(screen.lines().rev().take(2)).collect();
    assert_snapshot!(ends.join("\n"), @r#"
    LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 00:11
    High CPU · phase 2/7 containment     LOG LOST: no changes   1 OUTCOME UNKNOWN
    Enter run read  x prepare  d done  f follow  n note  c stop  ? help  s service…
    03:12:11 ! the log can't be written, so no change runs any more; … M all of it
    "#);
}

#[test]
fn help() {
    let mut console = Console::open();
    console.press("?");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 00:01
     High CPU · phase 1/7 first-checks
    ┌ Keys ────────────────────────────────────────────────────────────────────────┐
    │Marks: ▶ here  ✓ done  – skipped  ≠ does not fit, or not as expected  ▲       │
    │       finding holds  ✗ failed  ? unknown                                     │
    │[RO]  can only read, by what is named beside it                               │
    │[RO?] said to only read; nothing enforces it                                  │
    │[MUT] changes the target: always asks first                                   │
    │                                                                              │
    │Panes                                                                         │
    │  Enter                 Run the marked read-only command, go to the marked    │
    │                        step, or show the whole output; never starts a change │
    │  x                     Make the marked command ready; a change is shown in a │
    │                        dialog first, and nothing runs before its answer      │
    │  d                     Complete the step: say what you saw                   │
    │  f                     Go where a finding that holds sends you               │
    │  n                     Add a note to the timeline, now or backdated          │
    │  c                     Stop a running command; asks which where several run  │
    │  ? F1                  All keys                                              │
    │  s                     The service card: owner, dashboard, logs, rollback,   │
    │                        dependencies, target, facts                           │
    └─────────────────────────────────────────────────────────────────── ↓ 96 more ┘

     Esc back  ↓ down  ↑ up
    "#);
}

#[test]
fn the_service_card() {
    let mut console = under_way();
    console.press("s");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 01:44
     High CPU · phase 1/7 first-checks                                    1 running
    ┌ Service card ────────────────────────────────────────────────────────────────┐
    │service                 checkout                                              │
    │target                  LIVE context prod-eu-1 · namespace shop ·             │
    │                        https://prod-eu-1.k8s.example:6443                    │
    │kind of target          cluster                                               │
    │runbook                 High CPU (high-cpu)                                   │
    │                                                                              │
    │name                    checkout                                              │
    │owner                   team-payments                                         │
    │dashboard               https://grafana.example/d/checkout                    │
    │logs                    https://logs.example/checkout                         │
    │slo                     99.9 % under 300 ms                                   │
    │dependencies            postgres, payments-api                                │
    │rollback command        kubectl rollout undo deployment/checkout              │
    │                                                                              │
    │facts                   read 4 s ago                                          │
    │  replicas              4                                                     │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘

     Esc back  ↓ down  ↑ up
    "#);
}

#[test]
fn the_whole_output_with_a_search() {
    let mut console = under_way();
    console.press("3[o/running<enter>");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 01:56
     High CPU · phase 1/7 first-checks                                    1 running
    ┌ #1 Pods and their restarts (1 of 2) · succeeded ─────────────────────────────┐
    │NAME                        READY  STATUS   RESTARTS  AGE                     │
    │checkout-6c9f7d5b8-2xk9p    1/1    Running  0         4d                      │
    │checkout-6c9f7d5b8-9qmzt    0/1    Running  7         4d                      │
    │✓ succeeded · 640 ms                                                          │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │/running                                                                      │
    └───────────────────────────────────────────────────────────── HELD: G follows ┘

     Esc back  / search  n next  N previous  w wrap  G newest
    "#);
}

#[test]
fn messages() {
    let mut console = Console::open();
    console.input(Input::Told(Notice::Problem(
        "Pods: the API server at https://10.0.0.1:6443 refused the connection; the last data stays".to_owned(),
    )));
    console.wait(60_000);
    console.input(Input::Told(Notice::Info("nothing ran".to_owned())));
    console.press("M");
    assert_snapshot!(console.at(80, 24), @r#"
     LIVE cluster  checkout · context prod-eu-1 · namespace shop · htt…  open 01:01
     High CPU · phase 1/7 first-checks
    ┌ Messages ────────────────────────────────────────────────────────────────────┐
    │ 03:13:00 nothing ran                                                         │
    │ 03:12:00 ! Pods: the API server at https://10.0.0.1:6443 refused the         │
    │          connection; the last data stays                                     │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
     03:13:00 nothing ran
     Esc back  ↓ down  ↑ up
    "#);
}
