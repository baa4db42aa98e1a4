//! The moments of an incident.

use jiff::SignedDuration;
use qrh::action::Ending;
use qrh::runbook::model::Phase;
use qrh::timeline::metrics::Metrics;
use qrh::timeline::record::{Happening, Mode, Record, Ruling, RunId};

use crate::sample::{after, finished, intended, opened, records};

fn at(second: i64, happening: Happening) -> Record {
    Record { time: after(second), happening }
}

fn held(step: &str, go: Option<&str>) -> Happening {
    Happening::FindingHeld { step: step.into(), number: 0, means: "m".into(), go: go.map(Into::into) }
}

#[test]
fn the_sample_has_every_moment() {
    let records = records(Mode::Live);
    let metrics = Metrics::of(&records);
    assert_eq!(metrics.detected, Some(after(-120)));
    assert_eq!(metrics.acknowledged, Some(after(0)));
    assert_eq!(metrics.diagnosed, Some(after(50)));
    assert_eq!(metrics.mitigated, Some(after(130)), "when the ruling said so: the run's own ending was unknown");
    assert_eq!(metrics.resolved, Some(after(210)));
    assert_eq!(metrics.time_to_acknowledge(), Some(SignedDuration::from_secs(120)));
    assert_eq!(metrics.time_to_mitigate(), Some(SignedDuration::from_secs(250)));
}

#[test]
fn without_detection_times_count_from_the_opening() {
    let mut opened = opened(Mode::Live);
    opened.detected = None;
    let records = [at(0, Happening::Opened(Box::new(opened))), at(5, held("look", Some("fix")))];
    let metrics = Metrics::of(&records);
    assert_eq!(metrics.time_to_acknowledge(), None);
    assert_eq!(metrics.time_to_diagnose(), Some(SignedDuration::from_secs(5)));
    assert_eq!((metrics.time_to_mitigate(), metrics.time_to_resolve()), (None, None));
}

#[test]
fn a_finding_counts_where_it_leads_on_or_diagnoses() {
    let diagnosis = at(1, Happening::StepEntered { step: "why".into(), phase: Phase::Diagnosis });
    assert_eq!(Metrics::of(&[at(2, held("look", None))]).diagnosed, None);
    assert_eq!(Metrics::of(&[diagnosis, at(2, held("look", None)), at(3, held("why", None))]).diagnosed, Some(after(3)));
}

#[test]
fn only_a_change_that_lasts_mitigates() {
    let undone = [
        at(1, intended(1, None)),
        at(2, finished(1, Ending::Succeeded, &[])),
        at(3, intended(2, Some(1))),
        at(4, finished(2, Ending::Succeeded, &[])),
    ];
    assert_eq!(Metrics::of(&undone).mitigated, None, "it was taken back, and taking back is no mitigation");
    let failed = [at(1, intended(1, None)), at(2, finished(1, Ending::Failed("no".into()), &[]))];
    assert_eq!(Metrics::of(&failed).mitigated, None);
    let ruled_out = Happening::Ruled { run: RunId(1), happened: false, by: Ruling::Person("ana".into()), why: "still old".into() };
    assert_eq!(Metrics::of(&[at(1, intended(1, None)), at(2, ruled_out)]).mitigated, None);
}

#[test]
fn a_clock_that_ran_backwards_gives_no_negative_time() {
    let mut early = opened(Mode::Live);
    early.detected = Some(after(60));
    assert_eq!(Metrics::of(&[at(0, Happening::Opened(Box::new(early)))]).time_to_acknowledge(), None);
}
