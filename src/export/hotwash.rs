//! A drill's hot wash as GitHub-flavoured Markdown: what to talk about afterwards, each statement with the events that prove it.
//! It rates what was practised, not people: no sum, no rank.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::escape::{cell_code, code, words};
use crate::drill::scenario::model::{Drill, Truth};
use crate::drill::score::{Defect, Proof, Score, Seal};
use crate::timeline::story;

/// Events named for one statement; further ones are counted.
const PROOFS: usize = 5;

/// `drill` is at the level it was played at.
pub fn hotwash(drill: &Drill, score: &Score) -> String {
    let mut out = String::new();
    // Writing to a String can't fail; the pieces share one Result so that each stays readable.
    let _ = write_all(&mut out, drill, score);
    out
}

fn write_all(out: &mut String, drill: &Drill, score: &Score) -> std::fmt::Result {
    head(out, drill, score)?;
    hidden(out, drill, score)?;
    times(out, score)?;
    diagnosis(out, drill, score)?;
    mitigation(out, drill, score)?;
    objectives(out, score)?;
    acts(out, score)?;
    hints(out, score)?;
    decoys(out, drill, score)?;
    defects(out, drill, score)?;
    writeln!(out, "## To talk about\n")?;
    for question in &drill.hotwash {
        writeln!(out, "- {}", words(question))?;
    }
    writeln!(out, "\nThis page rates what was practised, not people. It has no sum and makes no rank.")
}

fn head(out: &mut String, drill: &Drill, score: &Score) -> std::fmt::Result {
    writeln!(out, "# DRILL: hot wash: {}\n", words(&drill.title))?;
    writeln!(out, "> **DRILL.** This was an exercise in a simulated world. Nothing here happened to a real system.\n")?;
    let mut row = |name: &str, value: String| writeln!(out, "| {name} | {value} |");
    row("Drill", cell_code(&drill.id))?;
    row("---", "---".to_owned())?;
    if let Some(began) = &score.began {
        row("Level", words(&began.level))?;
        row("World", format!("{}, seed {}", words(&began.world), began.seed))?;
    }
    row("Runbook", played(drill, score))?;
    let ended = score.ended.as_ref().map(|ended| format!("{}: {}", ended.outcome.as_str(), words(&ended.why)));
    row("Ended", ended.unwrap_or_else(|| "**INCOMPLETE**: not ended".to_owned()))?;
    row(
        "Sealed",
        match score.seal {
            Seal::Kept => "what was hidden is what was sealed at the start".to_owned(),
            Seal::Broken => "**BROKEN**: what was revealed is not what was sealed at the start".to_owned(),
            Seal::Closed => "nothing was revealed".to_owned(),
        },
    )?;
    writeln!(out)
}

fn played(drill: &Drill, score: &Score) -> String {
    match &score.played {
        Some(played) if *played == drill.runbook => cell_code(played.as_str()),
        Some(played) => format!("{}; the one that fits is {}", cell_code(played.as_str()), cell_code(drill.runbook.as_str())),
        None => format!("not recorded; the one that fits is {}", cell_code(drill.runbook.as_str())),
    }
}

fn hidden(out: &mut String, drill: &Drill, score: &Score) -> std::fmt::Result {
    writeln!(out, "## What was hidden\n")?;
    for cause in drill.causes.iter().filter(|cause| cause.truth == Truth::Right) {
        writeln!(out, "**{}** {}\n", words(&cause.says), words(&cause.because))?;
    }
    for fault in &score.hidden {
        writeln!(out, "- {} ({} on {}): {}", code(&fault.id), words(&fault.kind), words(&fault.service), words(fault.about))?;
        writeln!(out, "  - it ends when: {}", words(fault.ends))?;
    }
    writeln!(out)
}

fn times(out: &mut String, score: &Score) -> std::fmt::Result {
    writeln!(out, "## How long it took\n\n| Milestone | Took | Counted |\n| --- | --- | --- |")?;
    let rows = [
        ("Detect", score.times.detect, "from the first harm to the page"),
        ("Acknowledge", score.times.acknowledge, "from the page to the first thing done"),
        ("Find a lead", score.times.lead, "from the page to the first finding that leads on"),
        ("Diagnose", score.times.diagnose, "from the page to the right cause, stated and kept"),
        ("Mitigate", score.times.mitigate, "from the page to when the harm had stopped for good"),
    ];
    for (name, took, counted) in rows {
        writeln!(out, "| {name} | {} | {counted} |", took.map_or_else(|| "not reached".to_owned(), spent))?;
    }
    writeln!(out)
}

fn diagnosis(out: &mut String, drill: &Drill, score: &Score) -> std::fmt::Result {
    writeln!(out, "## Diagnosis\n")?;
    if score.diagnosis.answers.is_empty() {
        writeln!(out, "No cause was stated.")?;
    }
    for answer in &score.diagnosis.answers {
        let verdict = match answer.truth {
            Truth::Right => "the cause",
            Truth::Wrong => "not the cause",
        };
        let because = drill.cause(&answer.cause).map_or("", |cause| cause.because.as_str());
        writeln!(out, "- {}, {verdict}: {} {}", clock(answer.proof.at), words(&answer.says), proofs(&[answer.proof]))?;
        writeln!(out, "  - {}", words(because))?;
    }
    writeln!(out)
}

fn mitigation(out: &mut String, drill: &Drill, score: &Score) -> std::fmt::Result {
    writeln!(out, "## Mitigation\n")?;
    let mitigation = &score.mitigation;
    match mitigation.first {
        None => writeln!(out, "The harm did not stop.")?,
        Some(first) => writeln!(out, "- The harm stopped at {}. {}", clock(first.at), proofs(&[first]))?,
    }
    if !mitigation.relapses.is_empty() {
        writeln!(out, "- It came back {}. {}", count(mitigation.relapses.len(), "time"), proofs(&mitigation.relapses))?;
    }
    match (mitigation.durable, mitigation.lasting) {
        (Some(durable), _) => writeln!(out, "- It lasted for {} s, as asked. {}", drill.success.durable_for.as_secs(), proofs(&[durable]))?,
        (None, Some(_)) => writeln!(out, "- The drill was over before it had lasted for {} s.", drill.success.durable_for.as_secs())?,
        (None, None) => {}
    }
    writeln!(out)
}

fn objectives(out: &mut String, score: &Score) -> std::fmt::Result {
    writeln!(out, "## Objectives\n\n| Objective | About | Rating | Why | Proof |\n| --- | --- | --- | --- | --- |")?;
    for outcome in &score.objectives {
        let rating = outcome.rating.map_or("Not rated", |rating| rating.as_str());
        let by = outcome.by.as_ref().map(|by| format!(", by {}", words(by))).unwrap_or_default();
        let why: Vec<String> = outcome.why.iter().map(|why| words(why)).collect();
        writeln!(
            out,
            "| {} | {} | **{rating}**{by} | {} | {} |",
            words(&outcome.says),
            outcome.about.as_str(),
            why.join("<br>"),
            proofs(&outcome.proofs)
        )?;
    }
    writeln!(out)
}

fn acts(out: &mut String, score: &Score) -> std::fmt::Result {
    writeln!(out, "## Unsafe or unexpected\n")?;
    if score.unsafe_acts.is_empty() {
        writeln!(out, "Nothing.")?;
    }
    for found in &score.unsafe_acts {
        writeln!(out, "- {}, {}: {} {}", clock(found.proof.at), found.act.as_str(), words(&found.says), proofs(&[found.proof]))?;
    }
    writeln!(out)
}

fn hints(out: &mut String, score: &Score) -> std::fmt::Result {
    writeln!(out, "## Hints\n")?;
    if score.hints.is_empty() {
        return writeln!(out, "None was taken.\n");
    }
    for (at, hint) in &score.hints {
        writeln!(out, "- {}: {} ({} points)", clock(*at), words(&hint.text), hint.penalty)?;
    }
    writeln!(out, "\nTogether {} points.\n", score.penalty)
}

/// Those that came: what nobody was told led nobody away.
fn decoys(out: &mut String, drill: &Drill, score: &Score) -> std::fmt::Result {
    let came: Vec<_> = drill.decoys.iter().filter(|decoy| score.messages.contains(&decoy.inject.id)).collect();
    if came.is_empty() {
        return Ok(());
    }
    writeln!(out, "## What led away\n")?;
    for decoy in came {
        writeln!(out, "- \"{}\"\n  - {}", words(&decoy.inject.text), words(&decoy.truth))?;
    }
    writeln!(out)
}

fn defects(out: &mut String, drill: &Drill, score: &Score) -> std::fmt::Result {
    writeln!(out, "## About the runbook\n")?;
    if score.defects.is_empty() {
        writeln!(out, "It was followed, and led where it has to.")?;
    }
    for defect in &score.defects {
        match defect {
            Defect::Misfit { step, reason, proof } => {
                writeln!(out, "- {} did not fit: {} {}", code(step.as_str()), words(reason), proofs(&[*proof]))?;
            }
            Defect::Skipped { step, reason, proof } => {
                writeln!(out, "- {} was skipped: {} {}", code(step.as_str()), words(reason), proofs(&[*proof]))?;
            }
            Defect::Missed { milestone } => {
                writeln!(out, "- Not reached: {}. Did {} not lead there?", words(milestone), code(drill.runbook.as_str()))?;
            }
            Defect::Met { milestone } => writeln!(out, "- Reached, and must not be: {}.", words(milestone))?,
        }
    }
    writeln!(out)
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn spent(duration: SignedDuration) -> String {
    story::spent(u64::try_from(duration.as_millis()).unwrap_or(0))
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

/// The ids of events, to find them in the log.
fn proofs(proofs: &[Proof]) -> String {
    let mut ids: Vec<String> = proofs.iter().take(PROOFS).map(|proof| code(&proof.event.to_string())).collect();
    if proofs.len() > PROOFS {
        ids.push(format!("and {} more", proofs.len() - PROOFS));
    }
    ids.join(" ")
}
