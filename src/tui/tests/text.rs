//! Themes, masks and times.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::style::Color;

use super::fixture::Console;
use crate::tui::theme::{Role, SHIPPED};
use crate::tui::{Keymap, Theme, clock, paint};

#[test]
fn the_shipped_themes_are_sound() {
    for (name, _) in SHIPPED {
        assert_eq!(Theme::shipped(name).unwrap().name(), name);
    }
    assert!(Theme::shipped("neon").unwrap_err().contains("shipped are dark, light and mono"));
}

#[test]
fn mono_uses_no_colour_at_all() {
    let mono = Theme::shipped("mono").unwrap();
    for role in Role::ALL {
        let style = mono.style(*role);
        assert_eq!((style.fg, style.bg), (None, None), "{}", role.as_str());
    }
    let mut console = Console::with(mono, Keymap::default());
    console.resize(120, 40);
    assert!(console.draw().content().iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
}

#[test]
fn the_same_words_stand_on_the_screen_in_every_theme() {
    let mut console = Console::with(Theme::shipped("mono").unwrap(), Keymap::default());
    let mono = console.at(120, 40);
    for (name, _) in SHIPPED {
        let mut console = Console::with(Theme::shipped(name).unwrap(), Keymap::default());
        assert_eq!(console.at(120, 40), mono, "{name}");
    }
}

#[test]
fn a_wrong_theme_says_what_is_wrong() {
    let dark = SHIPPED[0].1;
    for (from, to, expected) in [
        ("hazard: bold yellow", "hazard: bold yelow", "style of `hazard`: `yelow` is not understood"),
        ("hazard: bold yellow", "hazrd: bold yellow", "there is no role `hazrd`"),
        ("  hazard: bold yellow\n", "", "has no style for `hazard`"),
        ("live: bold white on red", "live: bold white on", "`on` is followed by a colour"),
        ("schema: qrh.theme/v1", "schema: qrh.theme/v9", "not a theme file"),
        ("  text: none", "  text: none\n  text: none", "not a theme file"),
        ("name: dark", "name: dark\ncolour: red", "not a theme file"),
    ] {
        assert!(dark.contains(from), "{from}");
        let error = Theme::parse(&dark.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn a_name_is_masked_whatever_its_case_and_however_often() {
    for (text, name, masked) in [
        ("prod-eu", "prod-eu", "•••••"),
        ("a PROD-EU b prod-eu.", "prod-eu", "a ••••• b •••••."),
        ("https://prod-eu.example", "prod-eu", "https://•••••.example"),
        ("ÄÖÜ und äöü", "äöü", "••••• und •••••"),
        ("İstanbul host", "i̇stanbul", "••••• host"),
        ("nothing here", "prod-eu", "nothing here"),
        ("a host named a", "a", "••••• host named •••••"),
        ("pprodd", "prod", "p•••••d"),
    ] {
        assert_eq!(paint::masked(text, Some(name)), masked);
        assert_eq!(paint::masked(text, None), text);
    }
}

#[test]
fn times_are_read_at_a_glance() {
    let now: Timestamp = "2026-03-01T03:12:00Z".parse().unwrap();
    for (seconds, elapsed, age) in [
        (0, "00:00", "0 s"),
        (59, "00:59", "59 s"),
        (60, "01:00", "1 min"),
        (249, "04:09", "4 min 09 s"),
        (3_599, "59:59", "59 min"),
        (3_600, "1:00:00", "1 h"),
        (7_500, "2:05:00", "2 h 05 min"),
        (200_000, "2d 07:33:20", "2 d"),
    ] {
        let since = now - Duration::from_secs(seconds);
        assert_eq!(clock::elapsed(since, now), elapsed);
        assert_eq!(clock::age(since, now), age);
    }
    assert_eq!(clock::elapsed(now + Duration::from_secs(5), now), "00:00", "a clock that went backwards");
    assert_eq!(clock::span(Duration::from_millis(340)), "340 ms");
}
