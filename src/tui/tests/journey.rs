//! Keys in, intents out, as data.

use super::fixture::{CONTEXT, Console, grave_wish, light_wish, wish};
use crate::action::ask::Answer;
use crate::action::{Ending, Identity};
use crate::engine::Intent;
use crate::runbook::model::{CommandId, Effect, StepId};
use crate::timeline::record::RunId;

fn start(id: &str) -> Intent {
    Intent::Start(CommandId::from(id))
}

fn go(id: &str) -> Intent {
    Intent::GoTo(StepId::from(id))
}

#[test]
fn from_the_panes() {
    let note = |text: &str, at: Option<&str>| Intent::Note { text: text.to_owned(), at: at.map(|at| at.parse().unwrap()) };
    let own = |line: &str, effect| Intent::AdHoc { line: line.to_owned(), effect };
    let cases: Vec<(&str, Vec<Intent>)> = vec![
        ("<enter>", vec![start("pods")]),
        ("j<enter>", vec![start("throttling")]),
        ("jjjjj<enter>", vec![start("traffic")]),
        ("jk<enter>", vec![start("pods")]),
        ("G<enter>", vec![start("traffic")]),
        ("x", vec![start("pods")]),
        ("J", vec![go("correlate")]),
        ("K", vec![]),
        ("1jj<enter>", vec![go("contain")]),
        ("1<enter>", vec![]),
        ("d<enter>", vec![]),
        ("d   <enter>", vec![]),
        ("dcpu 98 %<enter>", vec![Intent::Complete { observed: "cpu 98 %".to_owned() }]),
        ("dcpu<esc>", vec![]),
        ("Snot ours<enter>", vec![Intent::Skip { reason: "not ours".to_owned() }]),
        ("mcpu is idle<enter>", vec![Intent::Misfit { reason: "cpu is idle".to_owned() }]),
        ("npaged bob<enter>", vec![note("paged bob", None)]),
        // Six keys before the note ends, 1.1 s each.
        ("n-5m ok<enter>", vec![note("ok", Some("2026-03-01T03:07:08.8Z"))]),
        ("n03:01 ok<enter>", vec![note("ok", Some("2026-03-01T03:01:00Z"))]),
        ("n23:59 ok<enter>", vec![note("ok", Some("2026-02-28T23:59:00Z"))]),
        ("n-5m<enter>", vec![]),
        ("n-5x ok<enter>", vec![note("-5x ok", None)]),
        ("!uptime<enter>", vec![own("uptime", Effect::ReadOnly)]),
        ("!<tab>reboot<enter>", vec![own("reboot", Effect::Mutating)]),
        ("!<tab><tab>uptime<enter>", vec![own("uptime", Effect::ReadOnly)]),
        ("Eflag off<enter>", vec![Intent::Close { summary: "flag off".to_owned() }]),
        ("E<enter>", vec![]),
        ("q", vec![]),
        ("qq", vec![Intent::Leave]),
        ("q<esc>", vec![]),
        ("<ctrl-c>", vec![]),
        ("<ctrl-c><ctrl-c>", vec![Intent::Leave]),
        ("n<ctrl-c>", vec![]),
        ("c", vec![]),
        ("u", vec![]),
        ("r", vec![]),
        ("f", vec![]),
        ("?jjq", vec![]),
        ("s<pgdn>q", vec![]),
        ("Mq", vec![]),
        ("oq", vec![]),
    ];
    for (keys, expected) in cases {
        let mut console = Console::open();
        console.press(keys);
        assert_eq!(console.intents, expected, "keys {keys}");
    }
}

#[test]
fn enter_on_a_change_only_says_which_key_prepares_it() {
    let mut console = Console::open();
    console.at_contain();
    console.press("<enter>");
    assert_eq!(console.intents, []);
    assert!(console.screen().contains("this one changes the target: x shows its dialog"), "{}", console.screen());
}

/// What is typed, and the reason where one is given.
type Given = (String, Option<&'static str>);

#[test]
fn answers_to_dialogs() {
    let name = || CONTEXT.to_owned();
    let answers: Vec<(_, String, Option<Given>)> = vec![
        (light_wish("a"), "y".to_owned(), Some(("y".to_owned(), None))),
        (light_wish("a"), "n".to_owned(), None),
        (wish("b"), "checkout<enter>".to_owned(), Some(("checkout".to_owned(), None))),
        (wish("b"), "checkot<backspace>ut<enter>".to_owned(), Some(("checkout".to_owned(), None))),
        (wish("b"), "checkout".to_owned(), None),
        (grave_wish("c"), format!("{CONTEXT}<enter>node is lost<enter>"), Some((name(), Some("node is lost")))),
        (grave_wish("c"), format!("{CONTEXT}<tab>node is lost<enter>"), Some((name(), Some("node is lost")))),
        (grave_wish("c"), format!("<tab>node is lost<enter>{CONTEXT}<enter>"), Some((name(), Some("node is lost")))),
        (grave_wish("c"), format!("{CONTEXT}<enter><enter>"), None),
    ];
    for (wish, keys, expected) in answers {
        let mut console = Console::asked(wish);
        console.press(&keys);
        let given: Vec<(String, Option<String>)> = console
            .intents
            .iter()
            .map(|intent| {
                let Intent::Answer { text, reason, .. } = intent else { panic!("{keys}: {intent:?}") };
                (text.clone(), reason.clone())
            })
            .collect();
        let expected: Vec<_> = expected.into_iter().map(|(text, reason)| (text, reason.map(str::to_owned))).collect();
        assert_eq!(given, expected, "keys {keys}");
        assert_eq!(console.running.len(), given.len(), "keys {keys}");
    }
}

#[test]
fn a_wrong_name_is_typed_anew_and_the_reason_stays() {
    let mut console = Console::asked(grave_wish("c"));
    console.press("staging<enter>node is lost<enter>");
    assert!(console.running.is_empty());
    let screen = console.screen();
    assert!(screen.contains("node is lost") && !screen.contains("staging"), "{screen}");
    console.press(&format!("{CONTEXT}<enter>"));
    assert_eq!(console.running.len(), 1);
}

#[test]
fn replies_to_questions() {
    let choice = || Answer::Choice(vec!["expanded".to_owned(), "contracted".to_owned(), "none".to_owned()]);
    let cases: Vec<(Answer, &str, Option<serde_json::Value>)> = vec![
        (Answer::Text, "a new campaign<enter>", Some("a new campaign".into())),
        (Answer::Text, "<enter>", None),
        (Answer::Number, "42<enter>", Some(42.into())),
        (Answer::Number, "-0.5<enter>", Some((-0.5).into())),
        (Answer::Number, "many<enter>", None),
        (Answer::Number, "inf<enter>", None),
        (Answer::Number, "x<backspace>7<enter>", Some(7.into())),
        (Answer::Tick, "n", Some(false.into())),
        (Answer::Tick, "<enter>", None),
        (choice(), "j<enter>", Some("contracted".into())),
        (choice(), "jjjjk<enter>", Some("contracted".into())),
    ];
    for (answer, keys, expected) in cases {
        let mut console = Console::open();
        console.press("<enter>");
        console.prepared_question("What is the state of the migration?", answer.clone());
        console.intents.clear();
        console.press(keys);
        let expected: Vec<Intent> = expected.into_iter().map(Intent::Reply).collect();
        assert_eq!(console.intents, expected, "{answer:?} {keys}");
    }
}

#[test]
fn one_running_command_is_stopped_at_once_and_of_several_one_is_chosen() {
    let mut console = Console::open();
    console.press("<enter>");
    console.prepared_read("Pods");
    console.intents.clear();
    console.press("c");
    assert_eq!(console.intents, [Intent::Cancel(RunId(1))]);
    console.press("j<enter>");
    console.prepared_read("Throttling");
    console.intents.clear();
    console.press("c");
    assert_eq!(console.intents, []);
    assert!(console.screen().contains("Stop a command"), "{}", console.screen());
    console.press("j<enter>");
    assert_eq!(console.intents, [Intent::Cancel(RunId(2))]);
}

#[test]
fn a_list_that_shrinks_does_not_put_another_run_under_the_mark() {
    let mut console = Console::open();
    for (keys, title) in [("<enter>", "Pods"), ("j<enter>", "Throttling")] {
        console.press(keys);
        console.prepared_read(title);
    }
    console.press("c");
    let second = console.running.pop().unwrap();
    console.read_ends(Ending::Succeeded, &[]);
    console.running.push(second);
    console.intents.clear();
    console.press("<enter>");
    assert_eq!(console.intents, [], "#1 was marked and has ended");
    assert!(console.screen().contains("the marked one is no longer there"), "{}", console.screen());
}

#[test]
fn the_marked_of_many_choices_is_in_view() {
    let mut console = Console::open();
    console.press("<enter>");
    console.prepared_question("Which?", Answer::Choice((0..40).map(|number| format!("choice {number}.")).collect()));
    for number in 0..40 {
        assert!(console.screen().contains(&format!("› choice {number}.")), "{number}:\n{}", console.screen());
        console.press("j");
    }
}

/// A change that was cleared, sent and came to this end.
fn changed(ending: Ending) -> Console {
    let mut console = Console::asked(wish("Scale checkout out to 6"));
    console.press("checkout<enter>");
    console.change_ends(ending);
    console.intents.clear();
    console
}

#[test]
fn a_change_in_place_is_undone_through_its_own_dialog() {
    let mut console = changed(Ending::Succeeded);
    console.press("u");
    assert!(console.screen().contains("Undo a change"), "{}", console.screen());
    console.press("<enter>");
    assert_eq!(console.intents, [Intent::Undo(RunId(3))]);
    assert!(console.running.is_empty(), "choosing an undo runs nothing");
}

#[test]
fn an_unknown_outcome_is_ruled_with_a_reason() {
    let mut console = changed(Ending::Unknown("the API server went away".to_owned()));
    let screen = console.screen();
    assert!(screen.contains("1 OUTCOME UNKNOWN"), "{screen}");
    console.press("r<enter>j<enter>");
    assert!(console.screen().contains("IT DID NOT TAKE EFFECT"), "{}", console.screen());
    console.press("<enter>still 4 replicas<enter>");
    assert_eq!(console.intents, [Intent::Rule { run: RunId(3), happened: false, why: "still 4 replicas".to_owned() }]);
}

#[test]
fn ending_the_incident_shows_what_is_left() {
    let mut console = changed(Ending::Succeeded);
    console.press("E");
    let screen = console.screen();
    assert!(screen.contains("still in place, can be undone: #3"), "{screen}");
}

#[test]
fn a_finding_leads_on() {
    use crate::engine::event::Decided;
    let mut console = Console::open();
    console.findings = vec![Decided {
        step: StepId::from("confirm"),
        number: 0,
        holds: true,
        means: "The container is throttled, not busy".to_owned(),
        go: Some(StepId::from("contain")),
    }];
    console.press("<enter>");
    console.prepared_read("Pods");
    console.read_ends(Ending::Succeeded, &["1"]);
    console.intents.clear();
    let screen = console.screen();
    assert!(screen.contains("▲ The container is throttled, not busy → contain (f)"), "{screen}");
    console.press("f");
    assert_eq!(console.intents, [go("contain")]);
}

#[test]
fn copying_takes_what_a_person_would_type() {
    let mut console = Console::open();
    console.press("Y");
    assert_eq!(console.copied, ["kubectl -n shop get pods -l app=checkout"]);
    assert_eq!(console.intents, []);
}

#[test]
fn after_the_end_only_leaving_is_left() {
    let mut console = Console::open();
    console.press("Eflag off<enter>");
    assert!(console.quit);
    console.intents.clear();
    console.press("q");
    assert_eq!(console.intents, [Intent::Leave]);
    assert!(!console.model.needs_second_tick(console.state()), "no clock runs once it is closed");
}

#[test]
fn the_name_to_recall_is_nowhere_on_the_screen() {
    let mut console = Console::asked(grave_wish(&format!("Cordon the node of {}", CONTEXT.to_uppercase())));
    console.input(crate::tui::Input::Told(crate::engine::Notice::Problem(format!("{CONTEXT}: connection refused"))));
    for (width, height) in [(60, 15), (80, 24), (120, 40), (200, 60)] {
        console.resize(width, height);
        for _ in 0..30 {
            let screen = console.screen();
            assert!(screen.contains("TIER 3"), "{screen}");
            assert!(!screen.to_lowercase().contains(CONTEXT), "at {width}×{height}:\n{screen}");
            console.press("<down>");
        }
    }
    // Wrapping must not leave a part of it at the end of a row either.
    for width in 60..130 {
        let screen = console.at(width, 24);
        assert!(!screen.contains("prod-eu") && !screen.contains("prod-\n"), "at {width}:\n{screen}");
    }
    console.press("<esc>");
    assert!(console.at(120, 40).contains(CONTEXT), "and it is back once the dialog is gone");
}

#[test]
fn the_name_is_hidden_on_the_panes_and_the_timeline_too() {
    let mut console = Console::asked(wish("first"));
    console.press("<esc>!");
    console.press(&format!("kubectl --context {CONTEXT} get pods<enter>"));
    console.prepared_read(&format!("pods of {CONTEXT}"));
    console.line(&format!("NAME {CONTEXT}/checkout"));
    console.resize(120, 40);
    assert!(console.screen().contains(CONTEXT));
    console.press("x");
    console.prepared(grave_wish("Cordon"));
    // The dialog waits behind what the responder opens, and the name stays hidden there as well.
    console.model.overlay = crate::tui::model::Overlay::Sheet { sheet: crate::tui::model::Sheet::Card, scroll: 0 };
    assert!(!console.screen().contains(CONTEXT), "{}", console.screen());
    console.model.overlay = crate::tui::model::Overlay::Pager(crate::tui::model::Pager::default());
    assert!(!console.screen().contains(CONTEXT), "{}", console.screen());
    console.model.overlay = crate::tui::model::Overlay::Leaving;
    assert!(!console.screen().contains(CONTEXT), "{}", console.screen());
}

#[test]
fn a_host_is_recalled_by_its_own_name() {
    let mut wish = grave_wish("Drop the page cache");
    wish.write.identity = super::fixture::host();
    let Identity::Host(host) = super::fixture::host() else { panic!("a host") };
    let mut console = Console::asked(wish);
    let screen = console.screen();
    assert!(screen.contains("Name of the host, from memory") && !screen.contains(&host.host), "{screen}");
}
