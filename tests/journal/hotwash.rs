//! The hot wash of a drill, from its log alone.

use qrh::action::Ending;
use qrh::drill::score::of_log;
use qrh::export::hotwash::hotwash;
use qrh::timeline::chain::Chain;
use qrh::timeline::drill::{Began, Diagnosed, DrillOutcome, Ended, Hinted, Injected, Observed, Rated, Rating, Revealed, Sender, Sight};
use qrh::timeline::envelope::Envelope;
use qrh::timeline::identifier::Digest;
use qrh::timeline::record::{Happening, Mode, Record};

use crate::sample::{after, finished, incident, intended, opened, seal, writer};

const DRILL: &str = include_str!("../../runbooks/drills/bad-deploy.yaml");

fn observed(what: Sight, of: Option<&str>) -> Happening {
    Happening::DrillObserved(Observed { what, service: "checkout".into(), of: of.map(str::to_owned), detail: String::new() })
}

/// Somebody who blamed payments first, took a hint, rolled back, and saw it last.
fn events() -> Vec<(i64, Happening)> {
    let hidden_sha256 = Digest::of(DRILL.as_bytes()).to_string();
    let says = |answer: &str| Happening::DrillDiagnosed(Diagnosed { answer: answer.into(), by: "ana".into() });
    let rated = Rated {
        objective: "tell-partners".into(),
        rating: Rating::MajorChallenges,
        by: "max".into(),
        why: "It said | when, and not <b>what</b>".into(),
    };
    vec![
        (0, Happening::Opened(Box::new(opened(Mode::Drill)))),
        (
            0,
            Happening::DrillBegan(Began {
                drill: "bad-deploy".into(),
                level: "hard".into(),
                seed: 7,
                world: "cluster".into(),
                hidden_sha256,
            }),
        ),
        (5, observed(Sight::FaultBegan, Some("release"))),
        (40, observed(Sight::Unhealthy, None)),
        (180, Happening::DrillInjected(Injected { inject: Some("page".into()), from: Sender::Pager, text: "SLO".into() })),
        (
            290,
            Happening::DrillInjected(Injected { inject: Some("provider-news".into()), from: Sender::Chat, text: "Could be that?".into() }),
        ),
        (300, says("payments-down")),
        (320, Happening::StepSkipped { step: "preserve".into(), reason: "in a hurry".into() }),
        (500, Happening::Refused { command: "undo_rollout".into(), why: "nobody said how far the migration is".into() }),
        (930, Happening::DrillHinted(Hinted { hint: 1, text: "Compare by version".into(), penalty: 10 })),
        (960, says("release")),
        (980, intended(1, None)),
        (990, finished(1, Ending::Succeeded, &[])),
        (1020, observed(Sight::FaultCured, Some("release"))),
        (1050, observed(Sight::Mitigated, None)),
        (1350, observed(Sight::Durable, None)),
        (1360, Happening::DrillEnded(Ended { outcome: DrillOutcome::Mitigated, why: "it lasted for 300 s".into() })),
        (1360, Happening::DrillRevealed(Revealed { hidden: DRILL.into(), sha256: String::new() })),
        (1400, Happening::DrillRated(rated)),
    ]
}

fn log(events: Vec<(i64, Happening)>) -> Vec<Envelope> {
    let records = events.into_iter().map(|(second, happening)| Record { time: after(second), happening });
    seal(&mut Chain::start(incident(), writer()), records.collect()).0
}

fn page(events: Vec<(i64, Happening)>) -> String {
    let (drill, score) = of_log(&log(events)).unwrap();
    hotwash(&drill, &score)
}

#[test]
fn a_whole_drill() {
    insta::assert_snapshot!(page(events()));
}

#[test]
fn every_proof_is_an_event_of_the_log() {
    let log = log(events());
    let (drill, score) = of_log(&log).unwrap();
    let page = hotwash(&drill, &score);
    let ids: Vec<String> = log.iter().map(|envelope| envelope.id.to_string()).collect();
    let named: Vec<&str> = page.split('`').filter(|word| word.len() == 26 && word.chars().all(|c| c.is_ascii_alphanumeric())).collect();
    assert!(named.len() >= 10, "{page}");
    assert!(named.iter().all(|id| ids.iter().any(|known| known == id)), "{page}");
}

#[test]
fn what_was_changed_after_it_was_sealed_is_said() {
    let mut events = events();
    for (_, happening) in &mut events {
        if let Happening::DrillRevealed(revealed) = happening {
            revealed.hidden = revealed.hidden.replace("penalty: 10", "penalty: 1");
        }
    }
    let page = page(events);
    assert!(page.starts_with("# DRILL: hot wash: ") && page.contains("> **DRILL.**"), "{page}");
    assert!(page.contains("| Sealed | **BROKEN**: what was revealed is not what was sealed at the start |"), "{page}");
}

#[test]
fn nobody_is_ranked() {
    let page = page(events()).to_lowercase();
    for word in ["total score", "out of 100", "ranking", "best", "worst", "grade"] {
        assert!(!page.contains(word), "{word}: {page}");
    }
}
