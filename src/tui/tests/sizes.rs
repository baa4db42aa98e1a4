//! No size of the terminal breaks anything, and the danger is always in view.

use super::fixture::{CONTEXT, Console, grave_wish, light_wish, wish};
use crate::action::Ending;
use crate::action::ask::Answer;
use crate::tui::{Input, cursor};

/// Consoles in every state there is something to draw for.
fn consoles() -> Vec<(String, Console)> {
    let mut consoles: Vec<(String, Console)> = ["", "1", "3", "4", "?", "s", "M", "n", "d", "E", "!", "o", "o/abc", "q", "oww"]
        .iter()
        .map(|keys| {
            let mut console = Console::open();
            console.press("<enter>");
            console.prepared_read("Pods and their restarts");
            for number in 0..8 {
                console.line(&format!("{number} ワイド文字 e\u{301} 👩‍👩‍👧 \t{}", "long ".repeat(60)));
            }
            console.press(keys);
            ((*keys).to_owned(), console)
        })
        .collect();
    for wish in [light_wish("a"), wish("b"), grave_wish("c")] {
        consoles.push((wish.title.clone(), Console::asked(wish)));
    }
    for answer in [Answer::Text, Answer::Tick, Answer::Choice(vec!["one".to_owned(); 30])] {
        let mut console = Console::open();
        console.press("<enter>");
        console.prepared_question("What is the state of the migration?", answer);
        consoles.push(("question".to_owned(), console));
    }
    consoles
}

#[test]
fn every_size_down_to_one_cell_draws() {
    for (name, mut console) in consoles() {
        for width in [1, 2, 3, 7, 13, 20, 40, 59, 60, 61, 79, 80, 109, 110, 111, 250] {
            for height in [1, 2, 3, 5, 9, 14, 15, 16, 23, 24, 29, 30, 31, 70] {
                let screen = console.at(width, height);
                let small = width < 60 || height < 15;
                assert!(small || screen.contains("LIVE"), "{name} at {width}×{height}:\n{screen}");
                let place = cursor(&console.model, console.state(), ratatui::layout::Rect::new(0, 0, width, height));
                assert!(place.is_none_or(|place| place.x < width && place.y < height), "{name} at {width}×{height}: {place:?}");
            }
        }
    }
}

#[test]
fn an_area_that_is_not_the_screen_is_kept_to() {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    let console = Console::asked(wish("Scale"));
    let mut buffer = Buffer::empty(Rect::new(0, 0, 100, 40));
    crate::tui::view(&console.model, console.state(), console.now, Rect::new(5, 3, 80, 24), &mut buffer);
    for y in 0..40 {
        for x in 0..100 {
            let inside = (5..85).contains(&x) && (3..27).contains(&y);
            assert!(inside || buffer[(x, y)].symbol() == " ", "{x},{y}");
        }
    }
    // Larger than the buffer: clipped.
    crate::tui::view(&console.model, console.state(), console.now, Rect::new(0, 0, 200, 90), &mut buffer);
}

#[test]
fn too_small_is_said_in_one_line() {
    let mut console = Console::open();
    assert_eq!(console.at(59, 15).trim_end(), "qrh needs 60×15, this is 59×15: make it larger");
    assert!(!console.model.needs_second_tick(console.state()), "nothing on the screen counts seconds");
    console.resize(60, 15);
    assert!(console.model.needs_second_tick(console.state()));
}

#[test]
fn danger_target_and_prompt_are_in_view_at_every_size_and_scroll() {
    let mut grave = grave_wish("Cordon");
    grave.describes.runs = (0..12).map(|number| format!("line {number} {}", "x".repeat(300))).collect();
    grave.hazards = (0..3).map(|number| format!("hazard {number}")).collect();
    for (width, height) in [(60, 15), (80, 24), (120, 40)] {
        let mut console = Console::asked(grave.clone());
        console.resize(width, height);
        for _ in 0..150 {
            let screen = console.screen();
            if screen.contains("verify   pods") {
                break;
            }
            for words in ["TIER 3", "Cordon", "LIVE context", "CAN'T BE UNDONE", "from memory", "Why it must be done"] {
                assert!(screen.contains(words), "{words} at {width}×{height}:\n{screen}");
            }
            console.press("<pgdn>");
        }
        assert!(
            console.screen().contains("verify   pods"),
            "the end of the details can be reached at {width}×{height}:\n{}",
            console.screen()
        );
    }
}

#[test]
fn every_line_of_a_dialog_can_be_reached_where_little_fits() {
    let mut grave = grave_wish("Cordon");
    grave.hazards = (0..12).map(|number| format!("hazard {number} holds")).collect();
    let mut console = Console::asked(grave);
    console.resize(60, 15);
    let mut seen = String::new();
    for _ in 0..60 {
        seen.push_str(&console.screen());
        console.press("<down>");
    }
    for number in 0..12 {
        assert!(seen.contains(&format!("hazard {number} holds")), "hazard {number}");
    }
}

#[test]
fn wide_and_combined_characters_stay_within_the_frame() {
    let mut console = Console::open();
    console.press("<enter>");
    console.prepared_read("Pods");
    for _ in 0..30 {
        console.line("ワイドな文字列がここにあります、とても長い行ですから折り返します。さらに続きます。もっと続きます。");
    }
    console.press("3");
    let screen = console.screen();
    for line in screen.lines().skip(3).take(18) {
        assert!(line.starts_with('│') && line.ends_with('│'), "{line}");
        assert_eq!(unicode_width::UnicodeWidthStr::width(line), 80, "{line}");
    }
}

#[test]
fn a_finished_run_of_which_no_line_was_seen_shows_the_tail_it_kept() {
    let mut console = Console::open();
    console.press("<enter>");
    console.prepared_read("Pods");
    console.read_ends(Ending::Failed("exit status 1".to_owned()), &["first", "second"]);
    console.press("3");
    let screen = console.screen();
    assert!(screen.contains("first") && screen.contains("✗ failed: exit status 1"), "{screen}");
}

#[test]
fn text_with_control_characters_can_not_reach_the_cells() {
    let mut console = Console::open();
    console.press("<enter>");
    console.prepared_read("Pods \u{1b}[31m");
    console.line("\u{1b}]52;c;ZXZpbA==\u{7}red \u{1b}[2J\u{9b}31m \r back");
    console.input(Input::Told(crate::engine::Notice::Problem("\u{1b}[2Jboom".to_owned())));
    console.resize(120, 40);
    let buffer = console.draw();
    assert!(buffer.content().iter().all(|cell| !cell.symbol().contains(char::is_control)));
    assert!(console.screen().contains(CONTEXT));
}
