//! The end of a drill, as its trainee reads it: how it ended, what was hidden, and where to read on.

use std::fmt::Write as _;

use crate::drill::scenario::model::{Drill, Truth};
use crate::drill::scenario::{self, Against};
use crate::guard::ingest;
use crate::runbook::source::SourceFile;
use crate::timeline::drill::DrillOutcome;
use crate::timeline::incident::Incident;
use crate::timeline::record::Record;

/// How a drill ended; nothing: it is none, or its log does not hold its end.
pub fn outcome(incident: &Incident) -> Option<DrillOutcome> {
    incident.drill.ended.as_ref().map(|(_, ended)| ended.outcome)
}

pub fn end(records: &[&Record], name: &str) -> String {
    let incident = Incident::replay(records.iter().copied());
    let own = &incident.drill;
    let mut text = String::new();
    if let Some((_, ended)) = &own.ended {
        let _ = writeln!(text, "DRILL {}: {}", ended.outcome.as_str(), ended.why);
    }
    let drill = own.revealed.as_ref().and_then(|revealed| {
        let file = SourceFile::new("the drill as it was played", revealed.hidden.clone().into_bytes());
        scenario::load(&file, false, Against::Nothing).drill
    });
    if let Some(drill) = drill {
        reveal(&mut text, &drill, own.diagnosed.as_ref().map(|(_, diagnosed)| diagnosed.answer.as_str()));
    }
    let _ = writeln!(text, "For the hot wash: qrh export {name}");
    ingest::text(&text)
}

fn reveal(text: &mut String, drill: &Drill, diagnosed: Option<&str>) {
    for cause in drill.causes.iter().filter(|cause| cause.truth == Truth::Right) {
        let _ = writeln!(text, "  the cause      {} ({})", cause.says, cause.because);
    }
    let stated = diagnosed.and_then(|id| drill.cause(id));
    let said = match stated {
        None => "none was stated".to_owned(),
        Some(cause) if cause.truth == Truth::Right => format!("right: {}", cause.says),
        Some(cause) => format!("NOT RIGHT: {} ({})", cause.says, cause.because),
    };
    let _ = writeln!(text, "  your diagnosis {said}");
    for placed in &drill.faults {
        let (about, ends) = drill.world.kind.tells(&placed.kind);
        let _ = writeln!(text, "  what was wrong {}: {about}; {ends}", placed.kind.value);
    }
    for decoy in &drill.decoys {
        let _ = writeln!(text, "  led away       {}: {}", decoy.inject.text.trim(), decoy.truth);
    }
    for question in &drill.hotwash {
        let _ = writeln!(text, "  to talk about  {question}");
    }
}
