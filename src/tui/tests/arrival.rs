//! Dialogs that have just arrived: what was typed before, held down or pasted never answers them.

use super::fixture::{CONTEXT, Console, grave_wish, held, light_wish, wish};
use crate::action::ask::Answer;
use crate::engine::{ARMS_AFTER_MS, Intent};
use crate::tui::Input;
use crate::tui::model::Pane;

fn arms() -> i64 {
    i64::try_from(ARMS_AFTER_MS).unwrap()
}

#[test]
fn a_key_before_the_dialog_arms_is_dropped_and_one_after_is_not() {
    for (after, answers) in [(0, false), (arms() - 1, false), (arms(), true), (arms() + 5_000, true)] {
        let mut console = Console::asked(light_wish("Pause the rollout"));
        console.wait(after);
        console.key("y");
        assert_eq!(console.intents.len(), usize::from(answers), "{after} ms after the first frame: {:?}", console.intents);
    }
}

#[test]
fn a_dialog_that_was_never_drawn_takes_no_answer() {
    let mut console = Console::asked(wish("first"));
    console.press("<esc>x");
    console.intents.clear();
    console.prepared(light_wish("Pause the rollout"));
    console.wait(60_000);
    console.key("y");
    assert_eq!(console.intents, []);
    console.press("y");
    assert!(matches!(console.intents.as_slice(), [Intent::Answer { .. }]), "{:?}", console.intents);
}

#[test]
fn a_burst_typed_ahead_is_dropped_to_its_end() {
    let mut console = Console::asked(wish("Scale checkout out to 6"));
    // 40 ms between keys, as typed by hand: the name and Enter arrive partly after the dialog would have armed.
    for key in ["c", "h", "e", "c", "k", "o", "u", "t", "<enter>"] {
        console.wait(40);
        console.key(key);
    }
    assert_eq!(console.intents, []);
    assert!(console.screen().contains("typed ahead or held down"), "{}", console.screen());
}

#[test]
fn the_answer_says_how_long_it_was_considered() {
    let mut console = Console::asked(light_wish("Pause the rollout"));
    console.wait(2_000);
    console.draw();
    console.wait(345);
    console.key("y");
    assert_eq!(console.intents, [Intent::Answer { text: "y".to_owned(), reason: None, considered_ms: 2_345 }]);
}

#[test]
fn a_key_reported_as_held_never_answers() {
    let mut console = Console::asked(light_wish("Pause the rollout"));
    for _ in 0..100 {
        console.wait(1_500);
        console.input(Input::Key(held("y")));
    }
    assert_eq!(console.intents, []);
}

#[test]
fn a_key_held_down_on_a_terminal_that_reports_only_presses_never_answers() {
    let mut console = Console::asked(light_wish("Pause the rollout"));
    console.press("<esc>x");
    console.intents.clear();
    console.key("y");
    console.wait(100);
    console.prepared(light_wish("Pause the rollout"));
    console.draw();
    // The keyboard begins to repeat half a second after the press, then 30 times a second.
    console.wait(500);
    for _ in 0..300 {
        console.key("y");
        console.wait(33);
    }
    assert_eq!(console.intents, []);
    assert!(console.screen().contains("typed ahead or held down"), "{}", console.screen());
    console.wait(1_000);
    console.key("y");
    assert_eq!(console.intents.len(), 1, "a clean press after it was let go does count");
}

#[test]
fn letting_a_key_go_is_not_a_key() {
    use crossterm::event::{KeyEvent, KeyEventKind};
    let mut console = Console::asked(light_wish("Pause the rollout"));
    console.wait(5_000);
    let released = KeyEvent { kind: KeyEventKind::Release, ..super::fixture::parse("y")[0] };
    console.input(Input::Key(released));
    assert_eq!(console.intents, []);
}

#[test]
fn a_paste_never_answers_a_dialog() {
    for (wish, pasted) in [(light_wish("a"), "y"), (wish("b"), "checkout"), (grave_wish("c"), CONTEXT)] {
        let mut console = Console::asked(wish);
        console.wait(5_000);
        console.input(Input::Paste(pasted.to_owned()));
        console.press("<enter>");
        console.input(Input::Paste(pasted.to_owned()));
        console.press("<enter>");
        assert_eq!(console.intents, [], "pasting {pasted}");
        assert!(console.screen().contains("a paste does not count here"), "{}", console.screen());
    }
}

#[test]
fn a_paste_outside_a_text_field_is_dropped_and_said() {
    let mut console = Console::open();
    console.intents.clear();
    console.input(Input::Paste("xEqy\n".to_owned()));
    assert_eq!(console.intents, []);
    assert!(console.screen().contains("the paste was dropped"), "{}", console.screen());
}

#[test]
fn enter_and_capital_y_never_run_a_change() {
    for keys in ["<enter>", "Y", "<enter><enter><enter>", "Y<enter>", " "] {
        let mut console = Console::asked(light_wish("Pause the rollout"));
        console.press(keys);
        assert_eq!(console.intents, [], "{keys}");
    }
    for wish in [wish("b"), grave_wish("c")] {
        let mut console = Console::asked(wish);
        console.press("<enter><enter><tab><enter> <enter>");
        assert_eq!(console.intents, []);
    }
}

#[test]
fn a_dialog_does_not_open_under_the_fingers() {
    let mut console = Console::asked(wish("first"));
    console.press("<esc>xn");
    console.intents.clear();
    console.key("tr");
    console.prepared(light_wish("Pause the rollout"));
    console.draw();
    console.wait(5_000);
    console.key("y");
    let screen = console.screen();
    assert!(screen.contains("Note: try") && screen.contains("TIER 1 WAITS"), "{screen}");
    console.press("<enter>");
    assert_eq!(console.intents, [Intent::Note { text: "try".to_owned(), at: None }]);
    // Only now is it on the screen, and only from now on does the clock of the dialog run.
    console.key("y");
    console.draw();
    console.wait(100);
    console.key("y");
    assert_eq!(console.intents.len(), 1);
}

#[test]
fn what_was_typed_into_one_dialog_does_not_reach_the_next() {
    let mut console = Console::asked(wish("first"));
    console.press("checkout<esc>x");
    console.prepared(wish("first"));
    console.intents.clear();
    console.press("<enter>");
    assert_eq!(console.intents, []);
    assert!(!console.screen().contains("to run it: checkout"), "{}", console.screen());
}

#[test]
fn what_can_not_be_seen_can_not_be_answered() {
    let mut console = Console::asked(light_wish("Pause the rollout"));
    console.wait(5_000);
    console.resize(50, 10);
    console.press("y");
    assert_eq!(console.intents, []);
    console.press("<ctrl-c>");
    assert_eq!(console.intents, [Intent::Decline]);
}

#[test]
fn interrupting_declines_at_once() {
    let mut console = Console::asked(grave_wish("Cordon"));
    console.key("<ctrl-c>");
    assert_eq!(console.intents, [Intent::Decline]);
}

#[test]
fn a_question_takes_no_keys_typed_before_it_was_there() {
    let mut console = Console::open();
    console.press("<enter>");
    console.prepared_question("Is the traffic real?", Answer::Tick);
    console.intents.clear();
    console.draw();
    console.wait(100);
    console.key("y");
    assert_eq!(console.intents, []);
    console.press("y");
    assert_eq!(console.intents, [Intent::Reply(true.into())]);
}

#[test]
fn of_a_dialog_and_a_question_escape_leaves_the_one_in_view() {
    let mut console = Console::asked(wish("Scale"));
    console.event(crate::engine::Event::Person(Intent::Start("pods".into())));
    console.prepared_question("Is the traffic real?", Answer::Text);
    let screen = console.screen();
    assert!(screen.contains("TIER 2 ·") && screen.contains("a question waits"), "{screen}");
    console.press("<esc>");
    let screen = console.screen();
    assert!(screen.contains("Is the traffic real?") && !screen.contains("TIER 2"), "{screen}");
    console.press("yes<enter>");
    assert_eq!(console.intents, [Intent::Decline, Intent::Reply("yes".into())]);
}

#[test]
fn the_mouse_answers_nothing() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut console = Console::asked(light_wish("Pause the rollout"));
    console.wait(5_000);
    for row in 0..24 {
        for column in 0..80 {
            let kind = MouseEventKind::Down(MouseButton::Left);
            console.input(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
        }
    }
    assert_eq!(console.intents, []);
    assert_eq!(console.model.pane, Pane::Step);
}
