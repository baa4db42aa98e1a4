//! The commands of the line front end: one table, which the parser, the help and "did you mean" read.

use super::text::distance;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Help,
    Where,
    Steps,
    Step,
    Next,
    Run,
    Done,
    Skip,
    Misfit,
    Note,
    OwnRead,
    OwnChange,
    Stop,
    Output,
    Copy,
    Changes,
    Undo,
    Outcome,
    Timeline,
    Card,
    Facts,
    Brief,
    Hint,
    Diagnose,
    Close,
    Quit,
}

pub(super) struct Entry {
    pub word: Word,
    pub name: &'static str,
    pub takes: &'static str,
    pub says: &'static str,
}

const fn entry(word: Word, name: &'static str, takes: &'static str, says: &'static str) -> Entry {
    Entry { word, name, takes, says }
}

pub(super) const TABLE: [Entry; 26] = [
    entry(Word::Help, "help", "", "these commands"),
    entry(Word::Where, "where", "", "what is acted on, what runs, what is open, how long it has been"),
    entry(Word::Steps, "steps", "", "all steps by phase"),
    entry(Word::Step, "step", "N|ID", "go to a step"),
    entry(Word::Next, "next", "", "go to the next step"),
    entry(Word::Run, "run", "N|ID", "start a command; its number alone does the same"),
    entry(Word::Done, "done", "TEXT", "this step is done: what you saw"),
    entry(Word::Skip, "skip", "TEXT", "leave this step out: why"),
    entry(Word::Misfit, "misfit", "TEXT", "this does not fit what you see: why"),
    entry(Word::Note, "note", "[-5m|HH:MM] TEXT", "a note, now or at an earlier time (UTC)"),
    entry(Word::OwnRead, "?", "LINE", "a command of your own that only reads"),
    entry(Word::OwnChange, "!", "LINE", "a command of your own that changes something"),
    entry(Word::Stop, "stop", "RUN", "stop what runs"),
    entry(Word::Output, "output", "RUN", "the last lines a run gave"),
    entry(Word::Copy, "copy", "N|ID", "copy what a command runs"),
    entry(Word::Changes, "changes", "", "every change, its outcome, and whether it can be undone"),
    entry(Word::Undo, "undo", "RUN", "take a change back"),
    entry(Word::Outcome, "outcome", "RUN yes|no WHY", "say whether a change with an unknown outcome happened"),
    entry(Word::Timeline, "timeline", "[N]", "the last N events (20)"),
    entry(Word::Card, "card", "", "the service's card"),
    entry(Word::Facts, "facts", "", "what was read about the target"),
    entry(Word::Brief, "brief", "", "in a drill: what it is about, and the causes to choose from"),
    entry(Word::Hint, "hint", "", "in a drill: the next hint; it costs points"),
    entry(Word::Diagnose, "diagnose", "N|ID", "in a drill: state the cause"),
    entry(Word::Close, "close", "TEXT", "end the incident: how it ended"),
    entry(Word::Quit, "quit", "", "leave; the incident stays open"),
];

/// What a line begins with, and the rest of it.
pub(super) fn split(line: &str) -> Result<(Word, &str), String> {
    let line = line.trim();
    for (sign, word) in [("!", Word::OwnChange), ("?", Word::OwnRead)] {
        if let Some(rest) = line.strip_prefix(sign) {
            return Ok((word, rest.trim()));
        }
    }
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if is_number(first) {
        return Ok((Word::Run, line));
    }
    let found = TABLE.iter().find(|entry| entry.name.eq_ignore_ascii_case(first));
    found.map(|entry| (entry.word, rest.trim())).ok_or_else(|| unknown(first))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn unknown(said: &str) -> String {
    let said: String = said.chars().take(40).collect();
    let near = TABLE.iter().map(|entry| (distance(&said.to_lowercase(), entry.name), entry)).min_by_key(|(far, _)| *far);
    match near {
        Some((far, entry)) if far <= 2 && far < entry.name.len() => {
            format!("there is no command \"{said}\"; did you mean \"{}\"? Nothing ran.", entry.name)
        }
        Some(_) | None => format!("there is no command \"{said}\"; \"help\" lists them. Nothing ran."),
    }
}

pub(super) fn help() -> Vec<String> {
    let mut lines: Vec<String> =
        TABLE.iter().map(|entry| format!("  {:<24} {}", format!("{} {}", entry.name, entry.takes), entry.says)).collect();
    lines.push("An empty line runs nothing. RO reads, MUT changes something and asks first.".to_owned());
    lines
}
