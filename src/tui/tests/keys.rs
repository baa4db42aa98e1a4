//! The table of actions holds together, and settings can't break it.

use std::collections::HashSet;

use super::fixture::{Console, light_wish, parse, wish};
use crate::action::ask::Answer;
use crate::engine::Intent;
use crate::tui::keys::{ACTIONS, Chord, KeyError, Mode, Verb, document};
use crate::tui::surface::surface;
use crate::tui::{Input, Keymap, Theme};

#[test]
fn every_default_key_can_be_read() {
    let keys = Keymap::default();
    for mode in Mode::ALL {
        for (action, chords) in keys.of(mode) {
            assert_eq!(chords.len(), action.keys.len(), "{} of {:?}", action.full_name(), action.keys);
            assert!(!chords.is_empty(), "{}", action.full_name());
        }
    }
}

#[test]
fn no_key_twice_in_a_mode_and_no_name_twice() {
    assert_eq!(Keymap::from_overrides(&[]), Ok(Keymap::default()));
    let names: HashSet<String> = ACTIONS.iter().map(super::super::keys::Action::full_name).collect();
    assert_eq!(names.len(), ACTIONS.len());
}

#[test]
fn letters_are_never_keys_where_they_are_text() {
    for (action, chords) in
        Mode::ALL.into_iter().flat_map(|mode| Keymap::default().of(mode).map(|(a, c)| (*a, c.clone())).collect::<Vec<_>>())
    {
        if action.mode.types() {
            assert!(!chords.iter().any(|chord| chord.types()), "{}", action.full_name());
        }
    }
}

#[test]
fn every_mode_can_be_left_by_escape_or_control_c() {
    for mode in Mode::ALL {
        let verb = Keymap::default().verb(mode, parse("<ctrl-c>")[0]);
        assert!(matches!(verb, Some(Verb::Back | Verb::Quit | Verb::Yes)), "{mode:?}");
        assert!(mode == Mode::Console || Keymap::default().verb(mode, parse("<esc>")[0]) == Some(Verb::Back), "{mode:?}");
    }
}

/// Each mode as a responder gets there.
fn in_mode(mode: Mode) -> Console {
    let question = |answer| {
        let mut console = Console::open();
        console.press("<enter>");
        console.prepared_question("Is it?", answer);
        console
    };
    let mut console = match mode {
        Mode::Confirm => Console::asked(light_wish("Pause")),
        Mode::Recall => Console::asked(wish("Scale")),
        Mode::Tick => question(Answer::Tick),
        Mode::Choose => question(Answer::Choice(vec!["a".to_owned(), "b".to_owned()])),
        Mode::Console | Mode::Type | Mode::Read | Mode::Pager | Mode::Leave => Console::open(),
    };
    match mode {
        Mode::Type => console.press("!"),
        Mode::Read => console.press("?"),
        Mode::Pager => console.press("o"),
        Mode::Leave => console.press("q"),
        Mode::Console | Mode::Confirm | Mode::Recall | Mode::Tick | Mode::Choose => {}
    }
    console.intents.clear();
    console
}

/// A mode is reached, and the keys the table gives it are those its footer and its router read.
#[test]
fn every_mode_is_reached_and_its_footer_comes_from_the_table() {
    for mode in Mode::ALL {
        let mut console = in_mode(mode);
        assert_eq!(surface(&console.model, console.state()).mode(), mode);
        let screen = console.screen();
        let footer = screen.lines().last().unwrap();
        let (first, chords) = Keymap::default().of(mode).next().map(|(action, chords)| (action, chords[0])).unwrap();
        assert!(footer.contains(&format!("{chords} {}", first.label)), "{mode:?}: {footer}");
    }
}

#[test]
fn help_lists_every_action() {
    let mut console = Console::open();
    console.resize(120, 200);
    console.press("?");
    let screen = console.screen();
    for action in ACTIONS {
        let words = action.help.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
        assert!(screen.contains(&words), "{}: {words}", action.full_name());
    }
}

#[test]
fn no_single_key_of_any_mode_but_yes_in_a_dialog_lets_a_change_run() {
    for mode in Mode::ALL {
        let chords: HashSet<String> = ACTIONS.iter().flat_map(|action| action.keys.iter().map(|key| (*key).to_owned())).collect();
        for chord in chords {
            let mut console = in_mode(mode);
            console.draw();
            console.wait(5_000);
            let name = if chord.chars().count() > 1 { format!("<{chord}>") } else { chord.clone() };
            console.input(Input::Key(parse(&name)[0]));
            let answered = console.intents.iter().any(|intent| matches!(intent, Intent::Answer { .. }));
            assert_eq!(answered, mode == Mode::Confirm && chord == "y", "{chord} in {mode:?}");
            assert!(console.running.is_empty() || (mode == Mode::Confirm && chord == "y"), "{chord} in {mode:?}");
        }
    }
}

fn overridden(pairs: &[(&str, &str)]) -> Result<Keymap, Vec<KeyError>> {
    let pairs: Vec<(String, String)> = pairs.iter().map(|(name, keys)| ((*name).to_owned(), (*keys).to_owned())).collect();
    Keymap::from_overrides(&pairs)
}

#[test]
fn keys_can_be_given_to_other_actions() {
    let keys = overridden(&[("console.start", "X f5 ctrl-x"), ("console.note", "x")]).unwrap();
    let mut console = Console::with(Theme::shipped("dark").unwrap(), keys);
    assert!(console.screen().contains("X prepare"), "{}", console.screen());
    console.press("X");
    assert_eq!(console.intents.len(), 1);
    console.press("xhello<enter>");
    assert_eq!(console.intents[1], Intent::Note { text: "hello".to_owned(), at: None });
}

#[test]
fn every_mistake_in_the_keys_of_the_settings_is_told() {
    let cases: Vec<(&[(&str, &str)], &str)> = vec![
        (&[("start", "X")], "there is no action `start` (is `console.start` meant?)"),
        (&[("console.launch", "X")], "there is no action `console.launch`;"),
        (&[("console.start", "hyper-x")], "`hyper-x` of console.start is not a key"),
        (&[("console.start", "")], "console.start has no key"),
        (&[("console.start", "q")], "`q` is both console.start and console.quit"),
        (&[("console.start", "X"), ("console.note", "X")], "`X` is both console.start and console.note"),
        (&[("recall.answer", "a")], "recall.answer can't be `a`"),
        (&[("confirm.yes", "enter")], "confirm.yes stays as it is"),
        (&[("confirm.decline", "y")], "`y` is both confirm.yes and confirm.decline"),
    ];
    for (pairs, expected) in cases {
        let errors = overridden(pairs).unwrap_err();
        assert!(errors.iter().any(|error| error.to_string().contains(expected)), "{pairs:?}: {errors:?}");
    }
    let two = overridden(&[("start", "X"), ("console.note", "hyper-n")]).unwrap_err();
    assert_eq!(two.len(), 2, "all at once: {two:?}");
}

#[test]
fn keys_are_read_as_they_are_written() {
    for (written, shown) in
        [("ctrl-d", "Ctrl-D"), ("G", "G"), ("shift-tab", "Shift-Tab"), ("pgdn", "PgDn"), ("alt-enter", "Alt-Enter"), ("-", "-")]
    {
        let chord: Chord = written.parse().unwrap();
        assert_eq!(chord.to_string(), shown);
    }
    for wrong in ["", "ctrl-", "ctrl-D", "xx", "f99", "\u{7}", " "] {
        assert!(wrong.parse::<Chord>().is_err(), "{wrong:?}");
    }
}

#[test]
fn the_document_of_keys_is_made_from_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/KEYS.md");
    let made = document(&Keymap::default());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        #[allow(clippy::disallowed_methods)]
        std::fs::write(path, &made).unwrap();
    }
    #[allow(clippy::disallowed_methods)]
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == made, "docs/KEYS.md is not what the table says: run this test with UPDATE_DOCS=1");
}
