//! An objective's rating: from the timeline by its rubric, or by a facilitator's hand, which counts above the rubric.

use super::{Log, Proof};
use crate::drill::scenario::model::{About, Objective, Query, RatedBy, Rubric};
use crate::drill::scenario::scope;
use crate::runbook::vocabulary::shape::duration_text;
use crate::timeline::drill::{Rated, Rating};
use crate::timeline::envelope::Envelope;
use crate::timeline::record::Happening;
use crate::timeline::story;

/// How an objective went.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub objective: String,
    pub says: String,
    pub about: About,
    /// Absent: it is a person's to rate, and nobody did.
    pub rating: Option<Rating>,
    /// Each a sentence.
    pub why: Vec<String>,
    /// The events that prove it. Empty where nothing happened, which is itself what is rated.
    pub proofs: Vec<Proof>,
    /// Who rated it; absent: the rubric.
    pub by: Option<String>,
}

pub(super) fn rate(objective: &Objective, log: &Log<'_>) -> Outcome {
    let mut outcome = Outcome {
        objective: objective.id.clone(),
        says: objective.says.clone(),
        about: objective.about,
        rating: None,
        why: Vec::new(),
        proofs: Vec::new(),
        by: None,
    };
    match &objective.by {
        RatedBy::Timeline(rubric) => by_rubric(rubric, log, &mut outcome),
        RatedBy::Person { looks_for } => outcome.why.push(format!("A facilitator looks for: {looks_for}")),
    }
    if let Some((envelope, rated)) = by_hand(&objective.id, log) {
        outcome.rating = Some(rated.rating);
        outcome.why.push(rated.why.clone());
        outcome.proofs.push(Proof::of(envelope));
        outcome.by = Some(rated.by.clone());
    }
    outcome
}

/// The last one counts.
fn by_hand<'a>(objective: &str, log: &Log<'a>) -> Option<(&'a Envelope, &'a Rated)> {
    let rated = |envelope: &'a Envelope| {
        let Happening::DrillRated(rated) = &envelope.record.happening else { return None };
        (rated.objective == objective).then_some((envelope, rated))
    };
    log.envelopes.iter().rev().find_map(rated)
}

fn by_rubric(rubric: &Rubric, log: &Log<'_>, outcome: &mut Outcome) {
    let since_page = log.envelopes.iter().filter(|envelope| !log.after(envelope.record.time).is_negative());
    let shown = since_page.clone().find(|envelope| rubric.shown_by.iter().any(|query| fits(query, envelope, log)));
    let mut rating = match shown {
        None => {
            outcome.why.push("Nothing in the timeline shows it.".to_owned());
            Rating::Unable
        }
        Some(envelope) => {
            outcome.proofs.push(Proof::of(envelope));
            timely(rubric, envelope, log, outcome)
        }
    };
    for lapse in &rubric.lowered_by {
        let found: Vec<Proof> = log.envelopes.iter().filter(|envelope| fits(&lapse.query, envelope, log)).map(Proof::of).collect();
        if !found.is_empty() {
            rating = rating.lowered();
            outcome.why.push(lapse.because.clone());
            outcome.proofs.extend(found);
        }
    }
    outcome.rating = Some(rating);
}

fn timely(rubric: &Rubric, envelope: &Envelope, log: &Log<'_>, outcome: &mut Outcome) -> Rating {
    let after = std::time::Duration::try_from(log.after(envelope.record.time)).unwrap_or_default();
    let taken = story::spent(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    let (rating, limit) = if after <= rubric.performed {
        (Rating::Performed, format!("within {}", duration_text(rubric.performed)))
    } else if after <= rubric.some {
        (Rating::SomeChallenges, format!("after {} and within {}", duration_text(rubric.performed), duration_text(rubric.some)))
    } else {
        (Rating::MajorChallenges, format!("after {}", duration_text(rubric.some)))
    };
    outcome.why.push(format!("Shown {taken} after the page, {limit}."));
    rating
}

/// A condition that can't be decided does not fit.
fn fits(query: &Query, envelope: &Envelope, log: &Log<'_>) -> bool {
    let happening = &envelope.record.happening;
    if happening.kind() != query.event.value {
        return false;
    }
    let Some(matches) = &query.matches else { return true };
    let scope = scope::query(&envelope.record, log.command(happening), log.after(envelope.record.time));
    scope::holds(matches, &scope).unwrap_or(false)
}
