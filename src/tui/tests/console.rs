//! Output and timeline: streaming, holding, searching, limits.

use super::fixture::Console;
use crate::action::Ending;
use crate::tui::Input;
use crate::tui::model::{LINES, RUNS};

fn streaming(lines: usize) -> Console {
    let mut console = Console::open();
    console.press("<enter>");
    console.prepared_read("Pods and their restarts");
    for number in 0..lines {
        console.line(&format!("line {number}"));
    }
    console.press("3");
    console
}

#[test]
fn the_output_follows_its_tail_until_it_is_held() {
    let mut console = streaming(100);
    assert!(console.screen().contains("line 99"));
    console.press("k");
    console.line("line 100");
    let screen = console.screen();
    assert!(screen.contains("HELD") && !screen.contains("line 100"), "{screen}");
    console.press("G");
    let screen = console.screen();
    assert!(!screen.contains("HELD") && screen.contains("line 100"), "{screen}");
    console.press("g");
    assert!(console.screen().contains("line 0"));
}

#[test]
fn half_pages_leave_no_line_out() {
    let mut console = streaming(100);
    console.press("g");
    let mut seen = String::new();
    for _ in 0..30 {
        seen.push_str(&console.screen());
        console.press("<ctrl-d>");
    }
    for number in 0..100 {
        assert!(seen.contains(&format!("line {number}")), "line {number}");
    }
    console.press("<ctrl-u><pgup>");
    assert!(console.screen().contains("HELD"));
}

#[test]
fn every_row_of_one_endless_line_can_be_reached() {
    let mut console = streaming(1);
    let words: Vec<String> = (0..2_000).map(|number| format!("w{number}")).collect();
    console.line(&words.join(" "));
    console.press("g");
    let mut seen = String::new();
    for _ in 0..60 {
        seen.push_str(&console.screen());
        console.press("<pgdn>");
    }
    for word in &words {
        assert!(seen.contains(word.as_str()), "{word}");
    }
}

#[test]
fn lines_runs_and_bytes_are_limited_and_cuts_are_counted() {
    let mut console = streaming(LINES + 25);
    let screen = console.screen();
    assert!(screen.contains("25 older lines cut"), "{screen}");
    console.press("g");
    assert!(console.screen().contains("line 25"));
    for _ in 0..RUNS + 3 {
        console.read_ends(Ending::Succeeded, &[]);
        console.press("2<enter>");
        console.prepared_read("again");
        console.line("x");
    }
    assert_eq!(console.model.outputs.len(), RUNS);
    let huge = "y".repeat(64 * 1024);
    for _ in 0..200 {
        console.line(&huge);
    }
    let kept: usize = console.model.outputs.iter().map(|output| output.lines.len()).sum();
    assert!(kept < 80, "{kept} lines of 64 KiB are kept");
}

#[test]
fn lines_of_a_run_that_is_not_shown_do_not_disturb_the_one_held() {
    let mut console = streaming(100);
    console.press("g");
    console.press("2j<enter>");
    console.prepared_read("Throttling");
    console.line("from the other run");
    console.press("3");
    let screen = console.screen();
    assert!(screen.contains("line 0") && screen.contains("#1 Pods") && screen.contains("(1 of 2)"), "{screen}");
    console.press("]");
    let screen = console.screen();
    assert!(screen.contains("from the other run") && screen.contains("#2 Throttling"), "{screen}");
    console.press("[");
    assert!(console.screen().contains("#1 Pods"));
}

#[test]
fn standard_error_is_marked_by_a_character() {
    let mut console = streaming(1);
    let run = *console.running.last().unwrap();
    console.input(Input::Line { run, stderr: true, text: "permission denied".to_owned() });
    assert!(console.screen().contains("! permission denied"));
}

#[test]
fn the_whole_output_is_searched_from_its_newest_line() {
    let mut console = streaming(500);
    console.line("OOMKilled again");
    console.press("<enter>/LINE 1<enter>");
    let screen = console.screen();
    assert!(screen.contains("│line 199"), "{screen}");
    console.press("N");
    assert!(console.screen().lines().nth(3).unwrap().contains("line 198"), "{}", console.screen());
    console.press("n");
    assert!(console.screen().lines().nth(3).unwrap().contains("line 199"), "{}", console.screen());
    console.press("n");
    assert!(console.screen().contains("no newer line has `LINE 1`"), "{}", console.screen());
    console.press("/nothing like it<enter>");
    assert!(console.screen().contains("no older line has"), "{}", console.screen());
    console.press("<esc>");
    assert!(console.screen().contains("Pods and their restarts"), "the first Esc ends the search only");
    console.press("<esc>");
    assert!(console.screen().contains("[3 Output]"), "{}", console.screen());
}

#[test]
fn unwrapped_lines_move_sideways() {
    let mut console = streaming(1);
    let long: String = (0..40).map(|number| format!("col{number:02}.....")).collect::<Vec<_>>().concat();
    console.line(&long);
    console.press("ow");
    assert!(console.screen().contains("col00") && !console.screen().contains("col12"));
    console.press("ll");
    let screen = console.screen();
    assert!(!screen.contains("col00") && screen.contains("col04"), "{screen}");
    console.press("hh");
    assert!(console.screen().contains("col00"));
}

#[test]
fn a_held_step_list_and_the_wheel_move_only_marks_and_rows() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut console = streaming(100);
    console.resize(120, 40);
    console.intents.clear();
    let at = |kind, column, row| Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    console.input(at(MouseEventKind::ScrollUp, 60, 26));
    assert!(console.screen().contains("HELD"), "{}", console.screen());
    console.input(at(MouseEventKind::Down(MouseButton::Left), 5, 5));
    let screen = console.screen();
    assert!(screen.contains("▸1 Steps"), "{screen}");
    console.press("<enter>");
    assert_eq!(console.intents.len(), 1, "a click marks; Enter goes: {:?}", console.intents);
}

#[test]
fn records_of_a_log_come_back_as_a_timeline() {
    let mut console = streaming(3);
    console.read_ends(Ending::Succeeded, &[]);
    console.press("npaged the owners<enter>4");
    let screen = console.screen();
    for words in [
        "opened by alice",
        "→ step confirm",
        "▷ #1 Pods and their restarts [RO, read-only client]",
        "✓ succeeded · #1 pods",
        "✎ paged the owners",
    ] {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
}

#[test]
fn the_newest_message_is_shown_a_while_and_all_are_kept() {
    let mut console = Console::open();
    console.press("c");
    assert!(console.screen().contains("nothing is running"));
    console.wait(21_000);
    let screen = console.screen();
    assert!(!screen.contains("nothing is running") && screen.contains("Enter runs the marked read"), "{screen}");
    console.press("M");
    assert!(console.screen().contains("nothing is running"));
}
