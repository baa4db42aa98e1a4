//! A person is not made to wait for the first page: what comes before it is played at once, and stands in the log with its own times.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use qrh::app::drill::story::Tempo;
use qrh::app::drill::{Audience, Player, Script, Stage, raise};
use qrh::drill::scenario::model::Level;
use qrh::drill::scenario::{self, Against};
use qrh::runbook::source::SourceFile;
use qrh::timeline::drill::Sight;
use qrh::timeline::incident::Incident;
use qrh::timeline::record::{Happening, Record};

async fn stage(player: Player, tempo: Tempo) -> Stage {
    let document = std::fs::read_to_string(crate::home::shipped("bad-deploy")).unwrap();
    let file = SourceFile::new("bad-deploy", document.clone().into_bytes());
    let drill = Arc::new(scenario::load(&file, false, Against::Nothing).drill.unwrap());
    let script = Script {
        drill: drill.at(Level::Basic),
        level: Level::Basic,
        seed: 3,
        document,
        tempo,
        player,
        audience: Audience::Nobody,
        facilitated: false,
        actor: "ann".to_owned(),
    };
    raise(script).await.unwrap()
}

fn sights(records: &[Record]) -> Vec<Sight> {
    records
        .iter()
        .filter_map(|record| if let Happening::DrillObserved(seen) = &record.happening { Some(seen.what) } else { None })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_comes_in_seconds_before_the_page() {
    let came = Timestamp::now();
    let mut stage = stage(Player::Person, Tempo::Flowing(1.0)).await;
    let began = stage.clock().now();
    let records = stage.play_overture(&Incident::default());
    assert!(sights(&records).contains(&Sight::FaultBegan) && sights(&records).contains(&Sight::Unhealthy), "{records:?}");
    assert!(!records.iter().any(|record| matches!(record.happening, Happening::DrillInjected(_))), "the page is still to come");
    assert!(records.windows(2).all(|pair| pair[0].time <= pair[1].time), "in the order of their times");
    let document = std::fs::read_to_string(crate::home::shipped("bad-deploy")).unwrap();
    let drill = scenario::load(&SourceFile::new("x", document.into_bytes()), false, Against::Nothing).drill.unwrap();
    let page = drill.at(Level::Basic).first_page().unwrap();
    let passed = Duration::try_from(stage.clock().now().duration_since(began)).unwrap();
    let left = page.saturating_sub(passed);
    assert!(left <= Duration::from_secs(8), "{left:?} to the page");
    assert!(stage.clock().now() >= came, "whoever comes in sees the machine's time");
    assert!(records.iter().all(|record| record.time <= stage.clock().now()), "nothing of what is still to come");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autopilot_lives_through_all_of_it() {
    let mut stage = stage(Player::Autopilot, Tempo::Stepped).await;
    let began = stage.clock().now();
    assert!(stage.play_overture(&Incident::default()).is_empty());
    assert_eq!(stage.clock().now(), began);
}
