//! No sequence of events, however late, doubled, lost or made up, sends a change that was not cleared.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::fixture::{self, Console, considered, honest, policy, report};
use crate::action::{Action, Ending, Hold, Planned, Preview, Verdict};
use crate::engine::change::Change;
use crate::engine::event::{Event, Intent, Prepared, Ran, Token};
use crate::engine::{Effect, Setup};
use crate::guard::Challenge;
use crate::guard::policy::DeclaredOnly;
use crate::runbook::model::{CommandId, Effect as Tag};
use crate::timeline::incident::Incident;
use crate::timeline::record::{Happening, Reading, Record, RunId};

const COMMANDS: [&str; 10] = ["error_rate", "logs", "seen", "rollout", "flaky", "scale", "delete", "restart", "ready_now", "top"];
const STEPS: [&str; 5] = ["look", "fix", "cure", "end", "on-host"];
const TEXTS: [&str; 6] = ["y", "checkout", "prod-eu", "", "n", "x"];

#[derive(Debug, Clone)]
enum Move {
    Person(Intent),
    /// What the confirmation asks for, after so many milliseconds of thought.
    RightAnswer(u64),
    /// The oldest record.
    Acknowledge,
    /// Any record that waits, out of order.
    AcknowledgeAny(usize),
    /// A record that was acknowledged before.
    AcknowledgeAgain(usize),
    /// The log never answers.
    Forget(usize),
    LoseLog,
    Prepare {
        which: usize,
        lie: Lie,
    },
    PrepareAgain(usize, Lie),
    Consider {
        token: u64,
        holds: Vec<usize>,
    },
    ConsiderNewest(Vec<usize>),
    Ran(RunId, Ending, Option<bool>, Option<bool>),
    /// The read or change that was sent last.
    Ends(Ending, Option<bool>),
    Applied(RunId, Ending),
    Measured(RunId),
    Wait(i64),
}

/// How a preparation differs from an honest one.
#[derive(Debug, Clone)]
enum Lie {
    None,
    Effect(Tag),
    Action(&'static str),
    Claim(Verdict),
    Stop,
    Refused,
    NoWorkload,
    Failed,
}

fn intent() -> impl Strategy<Value = Intent> {
    let command = prop::sample::select(&COMMANDS[..]).prop_map(CommandId::from);
    let text = || prop::sample::select(&TEXTS[..]).prop_map(str::to_owned);
    let run = || (0_u32..9).prop_map(RunId);
    let effect = prop_oneof![Just(Tag::ReadOnly), Just(Tag::Mutating)];
    prop_oneof![
        8 => command.prop_map(Intent::Start),
        2 => prop::sample::select(&STEPS[..]).prop_map(|step| Intent::GoTo(step.into())),
        3 => (text(), prop::option::of(text()), 0_u64..1_000)
            .prop_map(|(text, reason, considered_ms)| Intent::Answer { text, reason, considered_ms }),
        1 => Just(Intent::Decline),
        1 => prop_oneof![Just(json!(true)), Just(json!("text")), Just(json!(3))].prop_map(Intent::Reply),
        1 => text().prop_map(|observed| Intent::Complete { observed }),
        1 => text().prop_map(|reason| Intent::Skip { reason }),
        1 => text().prop_map(|reason| Intent::Misfit { reason }),
        1 => (text(), prop::option::of(-9_000_i64..9_000)).prop_map(|(text, at)| {
            Intent::Note { text, at: at.map(|at| Timestamp::from_second(1_772_334_000 + at).unwrap()) }
        }),
        2 => (text(), effect).prop_map(|(line, effect)| Intent::AdHoc { line, effect }),
        2 => run().prop_map(Intent::Undo),
        1 => run().prop_map(Intent::Cancel),
        2 => (run(), any::<bool>(), text()).prop_map(|(run, happened, why)| Intent::Rule { run, happened, why }),
        1 => text().prop_map(|summary| Intent::Close { summary }),
        1 => Just(Intent::Leave),
    ]
}

fn ending() -> impl Strategy<Value = Ending> {
    let why = || "why".to_owned();
    prop_oneof![
        4 => Just(Ending::Succeeded),
        1 => Just(Ending::Failed(why())),
        1 => Just(Ending::Unreachable(why())),
        1 => Just(Ending::Stopped),
        1 => Just(Ending::Unknown(why())),
        1 => Just(Ending::Voided(why())),
    ]
}

fn lie() -> impl Strategy<Value = Lie> {
    let hold = prop_oneof![Just(Hold::ReadClient), Just(Hold::DeclaredOnly), Just(Hold::NoEffect)];
    prop_oneof![
        8 => Just(Lie::None),
        1 => prop_oneof![Just(Lie::Effect(Tag::ReadOnly)), Just(Lie::Effect(Tag::Mutating))],
        2 => prop::sample::select(&COMMANDS[..]).prop_map(Lie::Action),
        1 => hold.prop_map(|hold| Lie::Claim(Verdict::Reads(hold))),
        1 => Just(Lie::Claim(Verdict::Changes("so it says".to_owned()))),
        1 => Just(Lie::Stop),
        1 => Just(Lie::Refused),
        1 => Just(Lie::NoWorkload),
        1 => Just(Lie::Failed),
    ]
}

fn a_move() -> impl Strategy<Value = Move> {
    let run = || (0_u32..9).prop_map(RunId);
    let holds = || prop::collection::vec(0_usize..3, 0..3);
    prop_oneof![
        14 => intent().prop_map(Move::Person),
        10 => (0_u64..2_000).prop_map(Move::RightAnswer),
        20 => Just(Move::Acknowledge),
        3 => any::<usize>().prop_map(Move::AcknowledgeAny),
        2 => any::<usize>().prop_map(Move::AcknowledgeAgain),
        1 => any::<usize>().prop_map(Move::Forget),
        1 => Just(Move::LoseLog),
        14 => (any::<usize>(), lie()).prop_map(|(which, lie)| Move::Prepare { which, lie }),
        2 => (any::<usize>(), lie()).prop_map(|(which, lie)| Move::PrepareAgain(which, lie)),
        1 => (0_u64..30, holds()).prop_map(|(token, holds)| Move::Consider { token, holds }),
        2 => holds().prop_map(Move::ConsiderNewest),
        2 => (run(), ending(), any::<Option<bool>>(), any::<Option<bool>>())
            .prop_map(|(run, ending, expected, until)| Move::Ran(run, ending, expected, until)),
        10 => (ending(), any::<Option<bool>>()).prop_map(|(ending, said)| Move::Ends(ending, said)),
        2 => (run(), ending()).prop_map(|(run, ending)| Move::Applied(run, ending)),
        1 => run().prop_map(Move::Measured),
        8 => (-400_i64..2_000).prop_map(Move::Wait),
        1 => (0_i64..90_000).prop_map(Move::Wait),
    ]
}

/// Who is there, and what the team allows.
#[derive(Debug, Clone, Copy)]
struct House {
    person: bool,
    read_only: bool,
    declared_only: DeclaredOnly,
}

fn a_house() -> impl Strategy<Value = House> {
    let declared = prop_oneof![4 => Just(DeclaredOnly::Ask), 1 => Just(DeclaredOnly::Run), 1 => Just(DeclaredOnly::Refuse)];
    (prop::bool::weighted(0.9), prop::bool::weighted(0.1), declared).prop_map(|(person, read_only, declared_only)| House {
        person,
        read_only,
        declared_only,
    })
}

fn setup(house: House) -> Setup {
    let House { person, read_only, declared_only } = house;
    Setup { person, read_only, policy: policy(|policy| policy.declared_only = declared_only).into(), ..fixture::setup() }
}

/// A console with somebody who watches every promise.
struct Watched {
    console: Console,
    /// Intents that came out of a right answer, with what was shown.
    intended: BTreeMap<RunId, Planned>,
    recorded: BTreeSet<RunId>,
    applied: BTreeSet<RunId>,
    log_lost: bool,
    closed: bool,
    /// Requests to make something ready, open and past.
    requests: Vec<(Token, crate::engine::Request)>,
    answered: Vec<(Token, crate::engine::Request)>,
    newest: Option<Token>,
    sent: Vec<(RunId, bool)>,
}

/// What the machine held when an event came in.
struct Before {
    /// The change on the screen, where this event is the right answer to it.
    cleared: Option<Planned>,
    records: usize,
    acknowledges: Option<RunId>,
}

impl Watched {
    fn new(setup: Setup) -> Self {
        let mut console = Console::opening(setup);
        console.settle();
        let mut watched = Self {
            console,
            intended: BTreeMap::new(),
            recorded: BTreeSet::new(),
            applied: BTreeSet::new(),
            log_lost: false,
            closed: false,
            requests: Vec::new(),
            answered: Vec::new(),
            newest: None,
            sent: Vec::new(),
        };
        // Evidence for the changes of `fix`, where a person would have read it.
        for event in [Move::Person(Intent::Start("error_rate".into())), Move::Prepare { which: 0, lie: Lie::None }] {
            watched.play(event).unwrap();
        }
        watched.play(Move::Acknowledge).unwrap();
        watched.play(Move::Ends(Ending::Succeeded, None)).unwrap();
        watched
    }

    fn cleared_by(&self, event: &Event) -> Option<Planned> {
        let Event::Person(Intent::Answer { text, reason, considered_ms }) = event else { return None };
        let Change::Asking(asking) = &self.console.state().change else { return None };
        let setup = &self.console.state().setup;
        let (expected, needs_reason) = match asking.proposal.challenge() {
            Challenge::Yes => ("y", false),
            Challenge::TypeName(name) => (name.as_str(), false),
            Challenge::Recall { name, .. } => (name.as_str(), true),
        };
        let on_screen = self.console.now.duration_since(asking.since).as_millis();
        let in_time = *considered_ms >= 300 && !(0..300).contains(&on_screen);
        let reasoned = !needs_reason || reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
        let right = text == expected && !text.is_empty() && in_time && reasoned;
        (right && setup.person && !setup.read_only && !asking.proposal.declared()).then(|| asking.proposal.wish().write.planned.clone())
    }

    fn send(&mut self, event: Event) -> Result<(), TestCaseError> {
        let acknowledges = match &event {
            Event::Recorded(Record { happening: Happening::Intended(intended), .. }) => Some(intended.run),
            _ => None,
        };
        self.closed |= matches!(&event, Event::Recorded(Record { happening: Happening::Closed { .. }, .. }));
        self.log_lost |= matches!(event, Event::LogLost { .. });
        self.recorded.extend(acknowledges);
        let before = Before { cleared: self.cleared_by(&event), records: self.console.pending.len(), acknowledges };
        self.console.send(event);
        self.check(before)
    }

    fn check(&mut self, before: Before) -> Result<(), TestCaseError> {
        let mut cleared = before.cleared;
        for record in self.console.pending.iter().skip(before.records) {
            if let Happening::Intended(intended) = &record.happening {
                let shown = cleared.take();
                prop_assert!(shown.is_some(), "an intent without a right answer of its own");
                let shown = shown.unwrap();
                prop_assert_eq!(&shown.action, &intended.action);
                prop_assert!(self.intended.insert(intended.run, shown).is_none(), "two intents for one run");
                prop_assert!(!self.log_lost && !self.closed);
            }
        }
        for effect in std::mem::take(&mut self.console.effects) {
            match effect {
                Effect::Apply { run, cleared, .. } => self.check_apply(run, cleared.planned(), before.acknowledges)?,
                Effect::Read { run, admitted, .. } => {
                    let action = &admitted.read().planned.action;
                    prop_assert!(!matches!(action.classify(), Verdict::Changes(_)), "{action:?} as a read");
                    prop_assert!(!matches!(action, Action::Ask(_)), "a question for the target");
                    self.sent.push((run, true));
                }
                Effect::Prepare { token, request, .. } => self.requests.push((token, request)),
                Effect::Consider { token, .. } => self.newest = Some(token),
                Effect::Append(_)
                | Effect::Look
                | Effect::Abandon(_)
                | Effect::Stop(_)
                | Effect::Measure { .. }
                | Effect::Tell(_)
                | Effect::Exercise(_)
                | Effect::Quit => {}
            }
        }
        prop_assert!(self.console.state().reads.len() <= crate::engine::state::READS);
        Ok(())
    }

    fn check_apply(&mut self, run: RunId, planned: &Planned, acknowledges: Option<RunId>) -> Result<(), TestCaseError> {
        let setup = &self.console.state().setup;
        prop_assert!(setup.person && !setup.read_only);
        prop_assert!(!self.log_lost && !self.closed, "sent after the log was lost or the incident closed");
        prop_assert_eq!(acknowledges, Some(run), "sent by something else than its own intent on disk");
        prop_assert!(self.recorded.contains(&run));
        prop_assert_eq!(self.intended.get(&run), Some(planned), "not what was shown");
        prop_assert!(self.applied.insert(run), "sent twice");
        self.sent.push((run, false));
        Ok(())
    }

    fn prepared(&mut self, (token, request): (Token, crate::engine::Request), lie: &Lie) -> Result<(), TestCaseError> {
        let mut prepared = honest(&request);
        match lie {
            Lie::None => {}
            Lie::Effect(effect) => prepared.wish.effect = *effect,
            Lie::Action(command) => prepared.wish.write.planned.action = fixture::action(command),
            Lie::Claim(verdict) => prepared.verdict = verdict.clone(),
            Lie::Stop => prepared.wish.stops.push("stop".to_owned()),
            Lie::Refused => prepared.wish.preview = Preview::Refused("no".to_owned()),
            Lie::NoWorkload => prepared.wish.workload = String::new(),
            Lie::Failed => return self.send(Event::Prepared { token, result: Err("unreachable".to_owned()) }),
        }
        let result: Result<Box<Prepared>, String> = Ok(Box::new(prepared));
        self.send(Event::Prepared { token, result })
    }

    fn play(&mut self, a_move: Move) -> Result<(), TestCaseError> {
        match a_move {
            Move::Person(intent) => self.send(Event::Person(intent)),
            Move::RightAnswer(considered_ms) => self.answer(considered_ms),
            Move::Acknowledge => self.acknowledge(0),
            Move::AcknowledgeAny(which) => self.acknowledge(which),
            Move::AcknowledgeAgain(which) => {
                let record = pick(&self.console.log, which).cloned();
                record.map_or(Ok(()), |record| self.send(Event::Recorded(record)))
            }
            Move::Forget(which) => {
                let count = self.console.pending.len().max(1);
                self.console.pending.remove(which % count);
                Ok(())
            }
            Move::LoseLog => self.send(Event::LogLost { why: "no space".to_owned() }),
            Move::Prepare { which, lie } => {
                if self.requests.is_empty() {
                    return Ok(());
                }
                let request = self.requests.remove(which % self.requests.len());
                self.answered.push(request.clone());
                self.prepared(request, &lie)
            }
            Move::PrepareAgain(which, lie) => {
                let request = pick(&self.answered, which).cloned();
                request.map_or(Ok(()), |request| self.prepared(request, &lie))
            }
            Move::Consider { token, holds } => self.consider(Token(token), &holds),
            Move::ConsiderNewest(holds) => self.newest.map_or(Ok(()), |token| self.consider(token, &holds)),
            Move::Ran(run, ending, expected, until) => {
                self.send(Event::Ran(Box::new(Ran { expected, until, ..Ran::plain(run, report(ending)) })))
            }
            Move::Ends(ending, said) => self.end(ending, said),
            Move::Applied(run, ending) => self.send(Event::Applied(Box::new(Ran::plain(run, report(ending))))),
            Move::Measured(run) => {
                let reading = Reading { command: "error_rate".into(), value: None, unit: String::new() };
                self.send(Event::Measured { run, readings: vec![reading] })
            }
            Move::Wait(millis) => {
                self.console.now += SignedDuration::from_millis(millis);
                Ok(())
            }
        }
    }

    fn answer(&mut self, considered_ms: u64) -> Result<(), TestCaseError> {
        let Change::Asking(asking) = &self.console.state().change else { return Ok(()) };
        let text = match asking.proposal.challenge() {
            Challenge::Yes => "y".to_owned(),
            Challenge::TypeName(name) | Challenge::Recall { name, .. } => name.clone(),
        };
        self.console.now += SignedDuration::from_millis(i64::try_from(considered_ms).unwrap());
        self.send(Event::Person(Intent::Answer { text, reason: Some("it burns".to_owned()), considered_ms }))
    }

    fn acknowledge(&mut self, which: usize) -> Result<(), TestCaseError> {
        let count = self.console.pending.len().max(1);
        let Some(record) = self.console.pending.remove(which % count) else { return Ok(()) };
        self.console.log.push(record.clone());
        self.send(Event::Recorded(record))
    }

    fn consider(&mut self, token: Token, holds: &[usize]) -> Result<(), TestCaseError> {
        if self.console.state().current_step().is_none() {
            return Ok(());
        }
        let considered = considered(self.console.state(), token, holds);
        self.send(Event::Considered(considered))
    }

    fn end(&mut self, ending: Ending, said: Option<bool>) -> Result<(), TestCaseError> {
        let Some((run, reads)) = self.sent.pop() else { return Ok(()) };
        let ran = Box::new(Ran { expected: said, until: said, ..Ran::plain(run, report(ending)) });
        self.send(if reads { Event::Ran(ran) } else { Event::Applied(ran) })
    }
}

fn pick<T>(of: &[T], which: usize) -> Option<&T> {
    of.get(which.checked_rem(of.len())?)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_events_starts_an_uncleared_change(house in a_house(), moves in prop::collection::vec(a_move(), 0..120)) {
        let mut watched = Watched::new(setup(house));
        for a_move in moves {
            watched.play(a_move)?;
        }
    }

    #[test]
    fn replaying_the_log_gives_what_was_on_the_screen(house in a_house(), moves in prop::collection::vec(a_move(), 0..80)) {
        let mut watched = Watched::new(setup(house));
        for a_move in moves {
            match a_move {
                // A sound log answers in order, once each.
                Move::AcknowledgeAny(_) | Move::AcknowledgeAgain(_) | Move::Forget(_) | Move::LoseLog => watched.play(Move::Acknowledge)?,
                other => watched.play(other)?,
            }
        }
        while !watched.console.pending.is_empty() {
            watched.play(Move::Acknowledge)?;
        }
        prop_assert_eq!(&Incident::replay(&watched.console.log), &watched.console.state().incident);
        let written: Vec<String> = watched.console.log.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
        let read: Vec<Record> = written.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(&Incident::replay(&read), &watched.console.state().incident);
    }
}

/// The property is worth something only where changes do get sent, undone, lost and blocked on the way.
#[test]
fn the_sequences_reach_what_they_are_to_test() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut applied = 0;
    for _ in 0..400 {
        let moves = prop::collection::vec(a_move(), 120).new_tree(&mut runner).unwrap().current();
        let mut watched = Watched::new(fixture::setup());
        for a_move in moves {
            watched.play(a_move).unwrap();
        }
        applied += watched.applied.len();
    }
    assert!(applied >= 100, "only {applied} changes in 400 sequences");
}
