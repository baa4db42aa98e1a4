//! Text fit for any terminal and for a screen reader: no control characters, prose at most 100 columns, times in words.

use std::time::Duration;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

/// Prose is wrapped here. What runs is never wrapped: it must stay one line to be compared and copied.
pub(super) const COLUMNS: usize = 100;

/// The last door before the terminal: whatever the text's origin, it can't drive the terminal or turn its letters round.
pub(super) fn safe(text: &str) -> String {
    text.chars().map(|letter| if drives(letter) { '?' } else { letter }).collect()
}

fn drives(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line for each line of a text; tabs become two spaces.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| line.replace('\t', "  "))
}

/// `head` and then the text, wrapped; further lines are indented as far as the head is wide.
pub(super) fn wrap(head: &str, text: &str) -> Vec<String> {
    let indent = " ".repeat(head.width());
    let mut wrapped = Vec::new();
    let mut line = head.to_owned();
    let mut bare = true;
    for word in text.split_whitespace() {
        if !bare && line.width() + 1 + word.width() > COLUMNS {
            wrapped.push(std::mem::replace(&mut line, indent.clone()));
            bare = true;
        }
        if !bare {
            line.push(' ');
        }
        line.push_str(word);
        bare = false;
    }
    wrapped.push(line.trim_end().to_owned());
    wrapped
}

/// `head` before the first line, as many spaces before the others; no line is wrapped.
pub(super) fn block(head: &str, lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let indent = " ".repeat(head.width());
    let shown = lines.into_iter().enumerate().map(|(number, line)| format!("{}{line}", if number == 0 { head } else { &indent }));
    shown.map(|line| line.trim_end().to_owned()).collect()
}

/// Time of day, UTC.
pub(super) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// Time from one moment to a later one; none where the clock went back.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// `850 ms`, `4.2 s`, `12 min`, `3 h 05 min`.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..10 => format!("{}.{} s", seconds, time.subsec_millis() / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How many letters must be put in, taken out or replaced to make one word of the other.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = number + 1;
        for (place, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
