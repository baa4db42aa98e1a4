//! `docs/COVERAGE.md` is held to the runbooks: what it names is there, for both kinds of target, and no row of the five runbooks is open.

use std::collections::BTreeMap;

use qrh::runbook::model::{Effect, Phase, StepId, TargetKind};

use crate::document::{IDS, file, runbook};

/// The rows that the shipped runbooks must carry.
const ROWS: [&str; 11] = ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4", "B5", "B6", "B7"];

/// Each table row's first cell and its text.
fn rows() -> BTreeMap<String, String> {
    let table = file("docs/COVERAGE.md");
    let text = table.slice(qrh::runbook::source::Span::new(0, usize::MAX)).to_owned();
    let rows = text.lines().filter(|line| line.starts_with('|')).filter_map(|line| {
        let (id, rest) = line.strip_prefix('|')?.split_once('|')?;
        Some((id.trim().to_owned(), rest.to_owned()))
    });
    rows.fold(BTreeMap::new(), |mut all, (id, rest)| {
        all.entry(id).or_insert_with(String::new).push_str(&rest);
        all
    })
}

/// `high-cpu/confirm` and `high-cpu/confirm/cpu_threads`, in backticks.
fn references(text: &str) -> Vec<(String, String, Option<String>)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| {
            let mut parts = word.split('/');
            let (book, step) = (parts.next()?, parts.next()?);
            IDS.contains(&book).then(|| (book.to_owned(), step.to_owned(), parts.next().map(str::to_owned)))
        })
        .collect()
}

#[test]
fn what_the_table_names_is_there_for_both_targets() {
    let books = IDS.map(|id| (id, runbook(id)));
    let mut named = 0;
    for (row, text) in rows() {
        for (book, step, command) in references(&text) {
            let (_, book) = books.iter().find(|(id, _)| *id == book).unwrap();
            let found = book.step(&StepId::from(step.as_str())).unwrap_or_else(|| panic!("{row}: {} has no step {step}", book.id));
            for target in TargetKind::ALL {
                let fits = found.commands.iter().any(|command| command.place.fits(target));
                assert!(fits, "{row}: {}/{step} has no command for a {}", book.id, target.as_str());
            }
            if let Some(command) = command {
                assert!(found.commands.iter().any(|found| found.id.as_str() == command), "{row}: {}/{step} has no {command}", book.id);
            }
            named += 1;
        }
    }
    assert!(named > 60, "only {named} references: has the form of the table changed?");
}

#[test]
fn no_row_of_the_shipped_runbooks_is_open() {
    let rows = rows();
    for id in ROWS {
        let row = rows.get(id).unwrap_or_else(|| panic!("no row {id}"));
        assert!(!row.contains("|open"), "{id} is open: {row}");
        // The lint and the tests do these two.
        assert!(matches!(id, "A3" | "A4") || !references(row).is_empty(), "{id} names no step: {row}");
    }
}

#[test]
fn every_step_of_a_runbook_stands_in_the_table() {
    let all: Vec<_> = rows().values().flat_map(|text| references(text)).collect();
    for id in IDS {
        for step in &runbook(id).steps {
            let generic = matches!(step.phase, Phase::Escalation | Phase::PostIncident);
            let named = all.iter().any(|(book, named, _)| book == id && named == step.id.as_str());
            assert!(named || generic, "{id}/{} is in no row", step.id);
        }
    }
}

#[test]
fn every_phase_is_there_and_every_change_can_be_measured_or_is_said_not_to_come_back() {
    for id in IDS {
        let book = runbook(id);
        for phase in Phase::ALL {
            let steps = book.steps.iter().filter(|step| step.phase == phase).count();
            assert!((1..=9).contains(&steps), "{id}: {steps} steps in {}", phase.as_str());
        }
        for step in &book.steps {
            assert!(step.why.len() <= 200, "{id}/{}: a why is one or two sentences", step.id);
            for command in &step.commands {
                assert!(command.title.value.chars().count() <= 60, "{id}/{}: {}", command.id, command.title.value);
                let bare = command.effect == Effect::Mutating && command.hazards.is_empty() && command.measure.is_empty();
                assert!(!bare, "{id}/{}: a change without hazards and measurements", command.id);
            }
        }
    }
}
