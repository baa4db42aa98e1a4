//! A second that is called steady changes no cell below the header, and the header drawn alone is the header of the whole.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixture::{Console, light_wish, text, wish};
use crate::action::Ending;
use crate::action::ask::Answer;
use crate::engine::Notice;
use crate::tui::{HEADER, Input, draw_header, steady};

/// The first command has been chosen.
fn chosen() -> Console {
    let mut console = Console::open();
    console.press("<enter>");
    console
}

/// Lets `seconds` pass one by one; gives how many of them were steady, each held to what is drawn.
fn pass(console: &mut Console, seconds: usize) -> usize {
    let area = Rect::new(0, 0, console.size.0, console.size.1);
    let mut count = 0;
    for _ in 0..seconds {
        let (at, before) = (console.now, console.draw());
        console.wait(1_000);
        console.input(Input::Tick);
        let place = steady(&console.model, console.state(), (at, console.now), area);
        let after = console.draw();
        if let Some(place) = place {
            assert_eq!(place.height, HEADER);
            let mut header = Buffer::empty(place);
            draw_header(&console.model, console.state(), console.now, &mut header);
            assert_eq!(text(&header), text(&after).lines().take(2).collect::<Vec<_>>().join("\n"));
            let body = usize::from(area.width) * usize::from(HEADER);
            assert!(before.content[body..] == after.content[body..], "{}\n{}", text(&before), text(&after));
            assert!(header.content[..] == after.content[..body]);
            count += 1;
        }
    }
    count
}

#[test]
fn an_idle_console_is_steady_most_of_the_time() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut console = Console::open();
        console.resize(width, height);
        console.input(Input::Told(Notice::Info("something to read".to_owned())));
        // The notice leaves once.
        assert_eq!(pass(&mut console, 150), 149);
    }
}

#[test]
fn ages_are_drawn_when_they_change() {
    let mut console = chosen();
    console.resize(120, 40);
    console.prepared_read("Pods and their restarts");
    assert_eq!(pass(&mut console, 5), 0, "what runs counts seconds");
    console.read_ends(Ending::Succeeded, &["checkout-6c9f 1/1 Running"]);
    let young = pass(&mut console, 600);
    let old = pass(&mut console, 600);
    assert!(young < 20, "to ten minutes an age counts seconds: {young}");
    assert!(old >= 580, "from then on minutes: {old}");
}

#[test]
fn nothing_is_steady_under_a_dialog() {
    let mut consoles = vec![Console::asked(wish("Scale")), Console::asked(light_wish("Scale"))];
    for keys in ["?", "s", "n", "q"] {
        let mut console = chosen();
        console.press(keys);
        consoles.push(console);
    }
    let mut console = chosen();
    console.prepared_question("What is the state of the migration?", Answer::Text);
    consoles.push(console);
    for mut console in consoles {
        assert_eq!(pass(&mut console, 5), 0, "{}", console.screen());
    }
}
