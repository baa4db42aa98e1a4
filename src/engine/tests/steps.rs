//! Steps, findings, notes and the end of an incident.

use std::time::Duration;

use super::fixture::*;
use crate::action::Ending;
use crate::engine::Effect;
use crate::engine::event::{Event, Intent, Token};
use crate::timeline::incident::StepState;
use crate::timeline::record::{Happening, RunId};

fn at_step(console: &Console) -> &str {
    console.state().incident.step.as_ref().unwrap().as_str()
}

fn done() -> Intent {
    Intent::Complete { observed: "errors at 9 %".to_owned() }
}

#[test]
fn an_incident_opens_at_the_first_step_its_target_has() {
    let mut console = Console::opening(setup());
    console.settle();
    assert_eq!((console.happened(), at_step(&console)), (vec!["opened", "entered"], "look"));
    assert!(console.considering().is_some(), "and has it rendered");
    assert_eq!(console.state().steps().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["look", "fix", "cure", "end"]);
}

#[test]
fn a_settled_step_leads_to_the_next_that_is_open() {
    let mut console = Console::open();
    console.intend(Intent::GoTo(step_id("cure")));
    console.settle();
    for (intent, next) in [
        (Intent::Misfit { reason: "no such workload".to_owned() }, "end"),
        (done(), "look"),
        (Intent::Skip { reason: "known".to_owned() }, "fix"),
    ] {
        console.intend(intent);
        console.settle();
        assert_eq!(at_step(&console), next);
    }
    console.effects.clear();
    console.intend(done());
    console.settle();
    assert_eq!(at_step(&console), "fix");
    assert!(console.heard().contains("every step is settled"));
    let steps = &console.state().incident.steps;
    assert_eq!(steps[&step_id("look")], StepState::Skipped { reason: "known".to_owned() });
    assert_eq!(steps[&step_id("fix")], StepState::Completed { observed: "errors at 9 %".to_owned() });
}

#[test]
fn a_step_is_answered_with_what_was_seen() {
    let mut console = Console::open();
    for intent in
        [Intent::Complete { observed: " ".to_owned() }, Intent::Skip { reason: String::new() }, Intent::Misfit { reason: String::new() }]
    {
        console.intend(intent);
        assert!(console.heard().contains("say what you see"));
    }
    console.intend(Intent::GoTo(step_id("nowhere")));
    assert!(console.heard().contains("no step nowhere"));
    console.intend(Intent::GoTo(step_id("on-host")));
    assert!(console.heard().contains("for this target"));
    assert!(console.pending.is_empty());
}

#[test]
fn findings_are_recorded_when_they_come_and_when_they_go() {
    let mut console = Console::opening(setup());
    console.settle();
    console.consider(&[0]);
    console.settle();
    assert_eq!(console.happened().last(), Some(&"held"));
    console.read("error_rate");
    console.consider(&[0]);
    assert!(console.pending.is_empty(), "what is known already is not news");
    console.read("error_rate");
    console.consider(&[1]);
    console.settle();
    assert_eq!(console.happened()[console.log.len() - 2..], ["lifted", "held"]);
    let held = &console.state().incident.findings;
    assert_eq!(held.values().map(|held| held.means.as_str()).collect::<Vec<_>>(), ["It is the release"]);
}

#[test]
fn a_finding_leads_where_its_author_says_unless_the_step_does_not_fit() {
    for (intent, next) in
        [(done(), "cure"), (Intent::Misfit { reason: "it is not".to_owned() }, "fix"), (Intent::Skip { reason: "no".to_owned() }, "fix")]
    {
        let mut console = Console::opening(setup());
        console.settle();
        console.consider(&[0, 1]);
        console.settle();
        assert_eq!(console.state().next_step().unwrap().id.as_str(), "cure");
        console.intend(intent);
        console.settle();
        assert_eq!(at_step(&console), next);
    }
}

#[test]
fn a_stale_rendering_is_ignored() {
    let mut console = Console::opening(setup());
    console.settle();
    let old = console.considering().unwrap();
    console.read("error_rate");
    let new = console.considering().unwrap();
    for token in [old, Token(new.0 + 1), Token(0)] {
        let considered = considered(console.state(), token, &[0, 1]);
        console.send(Event::Considered(considered));
        assert!(console.state().considered.is_none() && console.pending.is_empty());
    }
    let considered = considered(console.state(), new, &[]);
    console.send(Event::Considered(considered));
    assert!(console.state().considered.is_some());
}

#[test]
fn every_answer_renders_the_step_anew() {
    let mut console = Console::open();
    console.read("error_rate");
    assert!(console.considering().is_some());
    console.intend(Intent::Note { text: "a note".to_owned(), at: None });
    console.settle();
    assert!(console.considering().is_none(), "a note changes no step");
}

#[test]
fn a_note_lies_in_the_present_or_the_past() {
    let mut console = Console::open();
    let earlier = console.now - jiff::SignedDuration::from_mins(5);
    console.intend(Intent::Note { text: " seen on the dashboard ".to_owned(), at: Some(earlier) });
    console.intend(Intent::Note { text: "now".to_owned(), at: None });
    console.settle();
    let notes: Vec<_> = console.log.iter().filter(|record| name(&record.happening) == "noted").map(|record| record.time).collect();
    assert_eq!(notes, [earlier, console.now]);
    assert!(console.log.iter().any(|record| record.happening == Happening::Noted { text: "seen on the dashboard".to_owned() }));
    for (text, at) in [("tomorrow", Some(console.now + jiff::SignedDuration::from_secs(1))), ("  ", None)] {
        console.said();
        console.intend(Intent::Note { text: text.to_owned(), at });
        assert_eq!(console.said().len(), 1);
        assert!(console.pending.is_empty());
    }
}

#[test]
fn closing_says_what_is_left_and_ends_everything() {
    let mut console = Console::at("fix");
    let kept = console.change("scale");
    console.applied(kept, Ending::Succeeded);
    console.settle();
    let lost = console.lose("restart");
    console.intend(Intent::Close { summary: " ".to_owned() });
    assert!(console.heard().contains("say how it ended"));
    console.intend(Intent::Close { summary: "rolled back".to_owned() });
    console.settle();
    let closed = Happening::Closed { summary: "rolled back".to_owned(), not_undone: vec![kept], unknown: vec![lost] };
    assert_eq!(console.log.last().unwrap().happening, closed);
    assert!(console.quits());
    for intent in [done(), Intent::Start(id("error_rate")), Intent::Note { text: "late".to_owned(), at: None }, Intent::Undo(kept)] {
        console.intend(intent);
        assert!(console.heard().contains("closed"));
    }
    assert!(console.pending.is_empty());
    console.intend(Intent::Leave);
    assert!(console.quits());
}

#[test]
fn closing_stops_what_still_reads_and_forgets_what_is_made_ready() {
    let mut console = Console::open();
    console.start("error_rate");
    console.start("seen");
    console.start("seen_too");
    console.settle();
    let read = console.reading().unwrap();
    console.start("read_0");
    console.intend(Intent::Start(id("read_1")));
    let (token, request) = console.prepare();
    console.intend(Intent::Close { summary: "over".to_owned() });
    assert!(console.take(|effect| matches!(effect, Effect::Stop(run) if *run == read).then_some(())).is_some());
    assert!(console.take(|effect| matches!(effect, Effect::Abandon(given_up) if *given_up == token).then_some(())).is_some());
    console.send(Event::Prepared { token, result: Ok(Box::new(honest(&request))) });
    console.settle();
    assert!(!console.happened().contains(&"closed"), "one read has not ended yet");
    console.intend(Intent::Start(id("restart")));
    assert!(console.heard().contains("being closed"));
    console.wait(Duration::from_secs(3));
    console.ran(read, Ending::Stopped);
    console.settle();
    assert_eq!(console.happened().last(), Some(&"closed"));
    assert_eq!(console.happened().iter().filter(|name| **name == "started").count(), 4);
    assert_eq!(console.happened().iter().filter(|name| **name == "finished").count(), 4, "each start has its end");
    assert!(console.quits());
}

#[test]
fn a_change_made_ready_while_the_incident_closes_is_never_asked() {
    let mut console = Console::at("cure");
    console.intend(Intent::Start(id("restart")));
    let (token, request) = console.prepare();
    console.intend(Intent::Close { summary: "over".to_owned() });
    console.send(Event::Prepared { token, result: Ok(Box::new(honest(&request))) });
    console.answer("y");
    console.settle();
    assert_eq!((console.applying(), console.happened().last()), (None, Some(&"closed")));
}

#[test]
fn leaving_keeps_the_incident_open() {
    let mut console = Console::open();
    console.intend(Intent::Leave);
    assert!(console.quits() && console.pending.is_empty());
    assert!(console.state().incident.closed.is_none());
    assert_eq!(console.state().incident.next_run(), RunId(1));
}
