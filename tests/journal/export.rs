//! The Markdown export.

use jiff::tz::TimeZone;
use qrh::action::Ending;
use qrh::export::markdown::{Options, markdown};
use qrh::timeline::chain::Chain;
use qrh::timeline::record::{Happening, Mode, Record};

use crate::sample::{after, finished, incident, intended, note, opened, records, seal, started, writer};

fn export(records: Vec<Record>, options: &Options) -> String {
    let mut chain = Chain::start(incident(), writer());
    let (envelopes, _) = seal(&mut chain, records);
    markdown(&envelopes, &[chain.head()], options)
}

fn open(mode: Mode) -> Record {
    Record { time: after(0), happening: Happening::Opened(Box::new(opened(mode))) }
}

fn at(second: i64, happening: Happening) -> Record {
    Record { time: after(second), happening }
}

#[test]
fn a_whole_incident() {
    insta::assert_snapshot!(export(records(Mode::Live), &Options::default()));
}

#[test]
fn a_drill_that_was_left_open_says_both() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let records = vec![open(Mode::Drill), at(10, intended(1, None)), at(20, started(2, "Look again"))];
    let text = export(records, &Options { zone: Some(zone) });
    assert!(text.starts_with("# DRILL: Bad deploy: checkout\n\n> **DRILL.**"), "{text}");
    assert!(text.contains("| Closed | **INCOMPLETE**: not closed |"), "{text}");
    assert!(text.contains("## Unknown outcomes\n\nNobody knows yet whether these happened:\n\n- #1 Roll back to revision 41\n"), "{text}");
    assert!(text.contains("| 2026-11-23 18:40:00 UTC (2026-11-23 19:40:00 +01:00 Europe/Berlin) by ana |"), "{text}");
    assert!(text.contains("\n| 2026-11-23 18:40:10 | 2026-11-23 19:40:10 +01:00 | change | #1 Roll back"), "{text}");
}

#[test]
fn an_undone_change_is_not_still_changed() {
    let records = vec![
        open(Mode::Live),
        at(1, intended(1, None)),
        at(2, finished(1, Ending::Succeeded, &[])),
        at(3, intended(2, Some(1))),
        at(4, finished(2, Ending::Succeeded, &[])),
    ];
    let text = export(records, &Options::default());
    assert!(text.contains("## Still changed\n\nNothing that was changed from here is still in effect.\n"), "{text}");
    assert!(text.contains("takes back #1)"), "{text}");
}

#[test]
fn an_empty_log_is_an_honest_page() {
    let text = markdown(&[], &[], &Options::default());
    assert!(text.starts_with("# Incident without an opening\n"), "{text}");
}

#[test]
fn a_note_told_later_stands_where_it_happened() {
    let mut chain = Chain::start(incident(), writer());
    let (mut envelopes, _) = seal(&mut chain, vec![open(Mode::Live), at(600, note("second").happening)]);
    let (later, _) = chain.seal(at(300, Happening::Noted { text: "first".into() }), crate::sample::seed(after(900), 9)).unwrap();
    envelopes.push(later);
    let text = markdown(&envelopes, &[], &Options::default());
    let (first, second) = (text.find("note | first *(told later)* |").unwrap(), text.find("note | second |").unwrap());
    assert!(first < second);
}

/// Text from the target that would draw, run or hide something.
const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "<!-- hidden",
    "a | b | c",
    "a \\| b",
    "line\n\n# heading\n| row |",
    "`code` ``more``",
    "[text](javascript:alert(1)) ![i](http://x/y.png)",
    "*bold* _italic_ ~~gone~~",
    "&lt;b&gt; &amp;",
    "</details></td></table>",
    "\u{1b}[31mred\u{7}",
    "1. list\r\n- item",
];

#[test]
fn hostile_text_stays_text() {
    for hostile in HOSTILE {
        let mut first = opened(Mode::Live);
        first.runbook_title = hostile.into();
        first.service_name = hostile.into();
        first.actor = hostile.into();
        let mut change = intended(1, None);
        if let Happening::Intended(intended) = &mut change {
            intended.describes.runs = vec![hostile.into()];
            intended.reason = Some(hostile.into());
            intended.title = hostile.into();
        }
        let records = vec![
            at(0, Happening::Opened(Box::new(first))),
            at(1, change),
            at(2, finished(1, Ending::Failed(hostile.into()), &[hostile, "````", "~~~"])),
            at(3, note(hostile).happening),
            at(4, Happening::Closed { summary: hostile.into(), not_undone: vec![], unknown: vec![] }),
        ];
        let text = export(records, &Options::default());
        assert_rows_whole(&text, hostile);
        let (outside, fenced) = split_fences(&text);
        for tag in ["<script", "<!--", "</table", "</td"] {
            assert!(!without_spans(&outside).contains(tag), "{hostile:?} gave {tag} in\n{outside}");
        }
        let bare = without_spans(&outside);
        assert_eq!((bare.matches("<details>").count(), bare.matches("</details>").count()), (1, 1), "{outside}");
        assert_eq!(fenced.lines().count(), 3, "the tail's lines, and nothing else:\n{fenced}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\r']), "{text}");
    }
}

/// Every row of a table has as many cells as its header.
fn assert_rows_whole(text: &str, hostile: &str) {
    let mut cells = None;
    for line in split_fences(text).0.lines() {
        if !line.starts_with("| ") {
            cells = None;
            continue;
        }
        // In a table a bar is text exactly where a backslash stands before it, also inside code.
        let bars = line.replace("\\|", "").matches('|').count();
        assert_eq!(*cells.get_or_insert(bars), bars, "{hostile:?} broke the row {line}");
    }
}

/// The text outside fenced blocks, and the blocks' content.
fn split_fences(text: &str) -> (String, String) {
    let (mut outside, mut inside, mut fence) = (String::new(), String::new(), None);
    for line in text.lines() {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            Some(open) if ticks >= open && line.chars().all(|c| c == '`') => fence = None,
            None => outside = outside + line + "\n",
            Some(_) => inside = inside + line + "\n",
        }
    }
    assert_eq!(fence, None, "a block was left open");
    (outside, inside)
}

/// Code spans taken out: what they hold is shown as it is.
fn without_spans(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.replace("\\`", "");
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].chars().take_while(|c| *c == '`').count();
        let after = &rest[start + ticks..];
        let fence = "`".repeat(ticks);
        let end = after.match_indices(&fence).find(|(at, _)| !after[..*at].ends_with('`') && !after[at + ticks..].starts_with('`'));
        let (end, _) = end.expect("every code span is closed");
        out.push_str(&rest[..start]);
        rest = after[end + ticks..].to_owned();
    }
    out + &rest
}
