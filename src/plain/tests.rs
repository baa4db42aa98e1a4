//! Whole sessions as typed (`>`) and printed lines.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::text::{self, COLUMNS};
use super::word::{self, TABLE, Word};
use super::{Parsed, Session};
use crate::action::ask::{Answer, Ask};
use crate::action::{Ending, Preview};
use crate::engine::event::{Event, Prepared, Ready, Rendered};
use crate::engine::tests::fixture::{self, Console, considered, honest, report};
use crate::engine::{Effect, Intent, Notice, Setup, State};
use crate::runbook::model::Effect::{Mutating, ReadOnly};
use crate::runbook::model::TargetKind;
use crate::timeline::record::{Mode, RunId};

/// A person at the console: what they type goes in, all that is printed is kept. The log acknowledges at once; the target answers when
/// the test says so, but for rendering.
struct Sitting {
    console: Console,
    session: Session,
    page: String,
    reads: VecDeque<RunId>,
    applied: VecDeque<RunId>,
    quit: bool,
    /// Changes what the target makes of a request.
    spoil: fn(&mut Prepared),
}

impl Sitting {
    fn open() -> Self {
        Self::with(fixture::setup(), Mode::Live)
    }

    fn with(setup: Setup, mode: Mode) -> Self {
        let now = "2026-03-01T03:00:00Z".parse().unwrap();
        let opened = crate::timeline::record::Opened { mode, ..fixture::opened(TargetKind::Cluster) };
        let (state, effects) = State::open(setup, opened, now);
        let mut console = Console::holding(state, now);
        console.keep(effects);
        let mut sitting = Self {
            console,
            session: Session::new(),
            page: String::new(),
            reads: VecDeque::new(),
            applied: VecDeque::new(),
            quit: false,
            spoil: |_| {},
        };
        sitting.settle();
        sitting
    }

    /// As [`Sitting::open`], with fresh evidence and at a step; nothing of that is on the page.
    fn at(step: &str) -> Self {
        let mut sitting = Self::open();
        sitting.types("run error_rate");
        sitting.ends(Ending::Succeeded);
        sitting.types(&format!("step {step}"));
        sitting.page.clear();
        sitting
    }

    fn print(&mut self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            writeln!(self.page, "{line}").unwrap();
        }
    }

    fn changed(&mut self) {
        let lines = self.session.changed(self.console.state(), self.console.now);
        self.print(lines);
    }

    fn settle(&mut self) {
        loop {
            self.carry_out();
            if self.console.pending.is_empty() {
                break;
            }
            let record = self.console.acknowledge();
            let lines = self.session.recorded(self.console.state(), &record);
            self.print(lines);
            self.changed();
        }
        self.changed();
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.console.effects.pop_front() {
            match effect {
                Effect::Tell(notice) => {
                    let lines = self.session.told(&notice);
                    self.print(lines);
                }
                Effect::Consider { token, .. } => {
                    let considered = considered(self.console.state(), token, &[]);
                    self.console.send(Event::Considered(considered));
                }
                Effect::Prepare { token, request, .. } => {
                    let mut prepared = honest(&request);
                    (self.spoil)(&mut prepared);
                    self.console.send(Event::Prepared { token, result: Ok(Box::new(prepared)) });
                }
                Effect::Read { run, .. } => self.reads.push_back(run),
                Effect::Apply { run, .. } => self.applied.push_back(run),
                Effect::Stop(run) if self.reads.contains(&run) => self.console.ran(run, Ending::Stopped),
                Effect::Quit => self.quit = true,
                Effect::Append(_) | Effect::Look | Effect::Abandon(_) | Effect::Stop(_) | Effect::Measure { .. } | Effect::Exercise(_) => {}
            }
        }
    }

    fn send(&mut self, event: Event) {
        self.console.send(event);
        self.settle();
    }

    /// Types a line after two seconds.
    fn types(&mut self, line: &str) -> Option<String> {
        self.types_after(Duration::from_secs(2), line)
    }

    fn types_after(&mut self, time: Duration, line: &str) -> Option<String> {
        self.console.wait(time);
        let prompt = self.session.prompt(self.console.state());
        let Parsed { intents, say, copy } = self.session.input(self.console.state(), line, self.console.now);
        writeln!(self.page, "{prompt}{line}").unwrap();
        self.print(say);
        for intent in intents {
            self.send(Event::Person(intent));
        }
        copy
    }

    /// The oldest read ends.
    fn ends(&mut self, ending: Ending) {
        let run = self.reads.pop_front().expect("a read");
        self.console.ran(run, ending);
        self.settle();
    }

    fn applied(&mut self, ending: Ending) {
        let run = self.applied.pop_front().expect("a change");
        self.console.applied(run, ending);
        self.settle();
    }

    fn says(&mut self, run: u32, text: &str) {
        let lines = self.session.line(RunId(run), false, text);
        self.print(lines);
    }

    /// What is on the page; the page is turned.
    fn page(&mut self) -> String {
        let page = std::mem::take(&mut self.page);
        for line in page.lines() {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(line.is_ascii(), "{line:?}");
            assert!(line.len() <= COLUMNS + 20, "{line:?}");
        }
        page
    }

    fn intends(&mut self, line: &str) -> Parsed {
        self.session.input(self.console.state(), line, self.console.now)
    }
}

#[test]
fn reads_a_change_its_undo_and_the_end() {
    let mut sitting = Sitting::open();
    sitting.types("1");
    sitting.says(1, "value 0.093");
    sitting.ends(Ending::Succeeded);
    sitting.types("done errors at 9.3 %");
    sitting.types("1");
    sitting.types("checkout");
    sitting.says(2, "deployment.apps/checkout scaled");
    sitting.applied(Ending::Succeeded);
    sitting.types("changes");
    sitting.types("undo 2");
    sitting.types("checkout");
    sitting.applied(Ending::Succeeded);
    sitting.types("close back to three replicas");
    assert!(sitting.quit);
    assert_snapshot!(sitting.page());
}

#[test]
fn the_gravest_tier_hides_the_name_and_takes_a_reason() {
    let mut sitting = Sitting::at("fix");
    sitting.types("run delete");
    let block = sitting.page.clone();
    assert!(block.contains("CONFIRM") && !block.contains("prod-eu"), "{block}");
    sitting.types("");
    sitting.types("y");
    sitting.types("prod-eu");
    sitting.types("the pod hangs in its shutdown");
    assert_eq!(sitting.applied.len(), 1);
    assert_snapshot!(sitting.page());
}

#[test]
fn a_confirmation_shows_all_that_is_bound_to_it() {
    let mut sitting = Sitting::with(fixture::setup(), Mode::Drill);
    sitting.types("run error_rate");
    sitting.ends(Ending::Succeeded);
    sitting.page.clear();
    sitting.spoil = |prepared| {
        prepared.wish.preview = Preview::Diff(vec!["- replicas: 3".to_owned(), "+ replicas: 5".to_owned()]);
        prepared.wish.fighters = vec!["HPA checkout (2 to 4 replicas) will put the count back within 15 s".to_owned()];
        prepared.wish.hazards = vec!["The database takes 40 connections and each replica opens 12".to_owned(), "It is Friday".to_owned()];
        prepared.wish.reach.objects = 2;
    };
    sitting.types("run scale");
    sitting.types("n");
    assert_eq!(sitting.applied.len(), 0);
    assert_snapshot!(sitting.page());
}

#[test]
fn lines_typed_ahead_never_confirm() {
    let mut sitting = Sitting::at("cure");
    // The whole paste is there before the block is printed, and keeps coming for a second.
    sitting.types_after(Duration::ZERO, "1");
    for _ in 0..20 {
        sitting.types_after(Duration::from_millis(50), "y");
        sitting.types_after(Duration::ZERO, "");
    }
    assert_eq!(sitting.applied.len(), 0);
    sitting.types_after(Duration::from_millis(299), "y");
    assert_eq!(sitting.applied.len(), 0, "each early line starts the time anew");
    sitting.types_after(Duration::from_millis(300), "y");
    assert_eq!(sitting.applied.len(), 1);
}

#[test]
fn a_pasted_name_and_reason_do_not_count_as_thought() {
    let mut sitting = Sitting::at("fix");
    sitting.types("run delete");
    sitting.types("prod-eu");
    sitting.types_after(Duration::from_millis(1), "because");
    assert_eq!(sitting.applied.len(), 0);
    assert!(sitting.page().contains("answered before"));
}

#[test]
fn an_answer_before_the_block_is_printed_is_too_early() {
    let mut sitting = Sitting::at("cure");
    sitting.console.start("restart");
    sitting.console.wait(Duration::from_secs(9));
    assert_eq!(sitting.intends("y").intents, [Intent::Answer { text: "y".to_owned(), reason: None, considered_ms: 0 }]);
}

#[test]
fn every_line_answers_an_open_confirmation() {
    let mut sitting = Sitting::at("cure");
    sitting.types("1");
    for line in ["quit", "help", "note x", "2", "! rm x", "yes", "Y"] {
        sitting.types(line);
        assert!(matches!(&sitting.intends(line).intents[..], [Intent::Answer { .. }]), "{line}");
    }
    assert!(!sitting.quit && sitting.applied.is_empty());
    for line in ["", "  ", "\t"] {
        assert!(sitting.intends(line).intents.is_empty());
    }
    sitting.types("no");
    assert!(sitting.page().contains("nothing ran"));
}

#[test]
fn without_a_person_the_lines_confirm_nothing() {
    let mut sitting = Sitting::with(Setup { person: false, ..fixture::setup() }, Mode::Live);
    sitting.types("run restart");
    sitting.types("y");
    assert!(sitting.applied.is_empty());
    assert!(sitting.page().contains("not a terminal"));
}

#[test]
fn an_unknown_outcome_and_its_ruling() {
    let mut sitting = Sitting::at("fix");
    sitting.types("1");
    sitting.types("checkout");
    sitting.applied(Ending::Unknown("the connection was lost".to_owned()));
    sitting.types("run restart");
    sitting.types("where");
    sitting.types("outcome 2 no");
    sitting.types("outcome 2 no still three replicas");
    sitting.types("changes");
    assert_snapshot!(sitting.page());
}

#[test]
fn a_question_takes_its_reply_and_lets_commands_through() {
    let mut sitting = Sitting::open();
    sitting.page.clear();
    sitting.types("run seen");
    sitting.types("perhaps");
    sitting.types("");
    sitting.types(":note looks slow");
    sitting.types("yes");
    sitting.types("run seen_too");
    sitting.types(".");
    assert_snapshot!(sitting.page());
}

#[test]
fn replies_are_read_as_the_question_means_them() {
    for (answer, line, value) in [
        (Answer::Text, "3", json!("3")),
        (Answer::Number, "3", json!(3)),
        (Answer::Number, "2.5", json!(2.5)),
        (Answer::Number, "nan", json!("nan")),
        (Answer::Tick, "No", json!(false)),
        (Answer::Choice(vec!["api".to_owned(), "2".to_owned()]), "1", json!("api")),
        (Answer::Choice(vec!["api".to_owned(), "2".to_owned()]), "2", json!("2")),
        (Answer::Choice(vec!["api".to_owned()]), "0", json!("0")),
    ] {
        let mut sitting = Sitting::open();
        sitting.types("run seen");
        let ask = Ask { question: "Which?".to_owned(), answer };
        sitting.console.state_mut().question.as_mut().unwrap().ask = ask;
        assert_eq!(sitting.intends(line).intents, [Intent::Reply(value)], "{line}");
    }
}

#[test]
fn what_can_be_read_at_any_time() {
    let mut sitting = Sitting::open();
    sitting.page.clear();
    for line in ["help", "steps", "card", "facts", "changes", "where", "timeline 2", "output 1", "next", "steps"] {
        sitting.types(line);
    }
    assert_snapshot!(sitting.page());
}

#[test]
fn an_unknown_line_runs_nothing_and_says_what_is_near() {
    let mut sitting = Sitting::open();
    sitting.page.clear();
    for line in ["doen errors", "frobnicate", "skpi", "99", "step 9", "undo x", "outcome", "timeline many", "", "Y"] {
        sitting.types(line);
        assert!(sitting.console.pending.is_empty());
    }
    assert_snapshot!(sitting.page());
}

#[test]
fn each_command_says_what_it_wants() {
    let mut sitting = Sitting::open();
    let now = sitting.console.now;
    let minutes = |count| now - jiff::SignedDuration::from_mins(count);
    let note = |text: &str, at| Intent::Note { text: text.to_owned(), at };
    let text = |text: &str| text.to_owned();
    for (line, intent) in [
        ("2", Intent::Start("logs".into())),
        ("run 2", Intent::Start("logs".into())),
        ("run scale", Intent::Start("scale".into())),
        ("RUN scale", Intent::Start("scale".into())),
        ("step 2", Intent::GoTo("fix".into())),
        ("step cure", Intent::GoTo("cure".into())),
        ("next", Intent::GoTo("fix".into())),
        ("done 9 %", Intent::Complete { observed: text("9 %") }),
        ("skip  known", Intent::Skip { reason: text("known") }),
        ("misfit no", Intent::Misfit { reason: text("no") }),
        ("note it is 14:02", note("it is 14:02", None)),
        ("note -5m it broke", note("it broke", Some(minutes(5)))),
        ("note -2h it broke", note("it broke", Some(minutes(120)))),
        ("note 02:58 it broke", note("it broke", Some(minutes(2)))),
        ("note 23:50 it broke", note("it broke", Some(minutes(190)))),
        ("note 03:10 it will break", note("it will break", Some(minutes(-10)))),
        ("note -5x it broke", note("-5x it broke", None)),
        ("note 25:00 it broke", note("25:00 it broke", None)),
        ("!rm -r /tmp/x", Intent::AdHoc { line: text("rm -r /tmp/x"), effect: Mutating }),
        ("! rm x", Intent::AdHoc { line: text("rm x"), effect: Mutating }),
        ("? uptime", Intent::AdHoc { line: text("uptime"), effect: ReadOnly }),
        ("undo 3", Intent::Undo(RunId(3))),
        ("stop #3", Intent::Cancel(RunId(3))),
        ("outcome 3 yes the pods are new", Intent::Rule { run: RunId(3), happened: true, why: text("the pods are new") }),
        ("close all is well", Intent::Close { summary: text("all is well") }),
        ("quit", Intent::Leave),
    ] {
        assert_eq!(sitting.intends(line).intents, [intent], "{line}");
    }
}

#[test]
fn every_word_of_the_table_is_understood() {
    for entry in &TABLE {
        assert_eq!(word::split(entry.name).unwrap().0, entry.word, "{}", entry.name);
        assert!(word::help().iter().any(|line| line.contains(entry.name)));
        assert_eq!(TABLE.iter().filter(|other| other.name == entry.name || other.word == entry.word).count(), 1, "{}", entry.name);
    }
    assert_eq!(word::split("12").unwrap().0, Word::Run);
}

#[test]
fn copying_gives_what_a_person_would_type() {
    let mut sitting = Sitting::open();
    assert_eq!(sitting.types("copy 2").as_deref(), Some("kubectl do"));
    assert_eq!(sitting.types("copy scale"), None);
    assert!(sitting.page().contains("another step"));
}

#[test]
fn a_step_is_printed_once_and_then_only_what_changed() {
    let mut sitting = Sitting::at("fix");
    sitting.types("run error_rate");
    sitting.ends(Ending::Succeeded);
    assert!(!sitting.page().contains("STEP"), "the same step with the same commands");
    let state = sitting.console.state_mut();
    state.considered.as_mut().unwrap().commands[1] =
        Rendered { id: "delete".into(), title: "Delete".to_owned(), ready: Ready::Needs("a pod".to_owned()) };
    sitting.changed();
    assert_snapshot!(sitting.page());
}

#[test]
fn nothing_from_outside_drives_the_terminal() {
    let mut sitting = Sitting::at("cure");
    let evil = "\u{1b}[2J\u{9b}31m\u{202e}evil\u{7}\rx";
    sitting.spoil = |prepared| {
        prepared.wish.title = "\u{1b}]0;owned\u{7}".to_owned();
        prepared.wish.hazards = vec!["\u{1b}[2J".to_owned()];
        prepared.wish.describes.runs = vec!["rm\r\u{1b}[1Auptime".to_owned()];
    };
    sitting.types("1");
    sitting.says(7, evil);
    let lines = sitting.session.told(&Notice::Problem(evil.to_owned()));
    sitting.print(lines);
    sitting.types("n");
    sitting.types("note \u{1b}[2J");
    let echoed = sitting.page.replace("> note \u{1b}[2J", "");
    assert!(!echoed.chars().any(|letter| (letter.is_control() && letter != '\n') || letter == '\u{202e}'), "{echoed:?}");
}

#[test]
fn output_is_cut_where_it_would_flood_and_says_so() {
    let mut session = Session::new();
    let printed: usize = (0..10_000).map(|number| session.line(RunId(1), false, &number.to_string()).len()).sum();
    assert_eq!(printed, 2_002, "a head, the lines, and one that says that there are more");
    assert_eq!(session.line(RunId(2), true, "a\tb"), ["  #2", "  | stderr: a  b"]);
}

#[test]
fn the_end_of_a_run_can_be_read_again() {
    let mut sitting = Sitting::open();
    sitting.types("1");
    let mut ran = report(Ending::Failed("exit 1".to_owned()));
    (ran.cut_bytes, ran.redacted, ran.lines, ran.exit) = (12, 1, 500, Some(1));
    sitting.page.clear();
    sitting
        .send(Event::Ran(Box::new(crate::engine::event::Ran { expected: Some(false), ..crate::engine::event::Ran::plain(RunId(1), ran) })));
    sitting.types("output 1");
    assert_snapshot!(sitting.page());
}

#[test]
fn times_and_distances() {
    for (millis, said) in [(850, "850 ms"), (4_250, "4.2 s"), (59_900, "59 s"), (720_000, "12 min"), (11_100_000, "3 h 05 min")] {
        assert_eq!(text::span(Duration::from_millis(millis)), said);
    }
    for (one, other, far) in [("note", "note", 0), ("ntoe", "note", 2), ("", "note", 4), ("steps", "step", 1)] {
        assert_eq!(text::distance(one, other), far);
    }
}
