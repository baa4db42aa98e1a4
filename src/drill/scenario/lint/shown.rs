//! What a drill is worth to its trainee: nothing shown gives the cause away, the levels differ, and what matters is rated.

use super::{key, place};
use crate::drill::scenario::model::{About, Drill, Level};
use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::form::plain;
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::Node;

pub(super) fn check(drill: &Drill, root: &Node, found: &mut Vec<Diagnostic>) {
    for (name, text) in [("id", &drill.id), ("title", &drill.title), ("summary", &drill.summary), ("briefing", &drill.briefing)] {
        if let Some(word) = secrets(drill).into_iter().find(|word| says(text, word)) {
            let message = format!("`{name}` names `{word}`, and a trainee reads it before the drill");
            found.push(Diagnostic::new(Rule::GivesAway, place(root, name), message).hint("say what people notice, not what is behind it"));
        }
    }
    let differs = |level: &str| {
        root.get("levels").and_then(|levels| levels.get(level)).map(|level| {
            let mut level = plain(level);
            if let Some(fields) = level.as_object_mut() {
                fields.remove("says");
            }
            level
        })
    };
    if differs("basic").is_some() && differs("basic") == differs("hard") {
        let message = "nothing differs between the two levels";
        let hint = "give the hard one weaker signs, decoys or fewer hints";
        found.push(Diagnostic::new(Rule::LevelsAlike, key(root, "levels"), message).hint(hint));
    }
    for about in [About::Diagnosis, About::Mitigation] {
        if !drill.objectives.iter().any(|objective| objective.about == about) {
            let message = format!("no objective is about {}", about.as_str());
            let hint = format!("add one with `about: {}`: the two are rated apart", about.as_str());
            found.push(Diagnostic::new(Rule::NothingRated, key(root, "objectives"), message).hint(hint));
        }
    }
}

/// Words that only who wrote the drill knows.
fn secrets(drill: &Drill) -> Vec<String> {
    let mut words = Vec::new();
    for fault in Level::ALL.iter().flat_map(|level| drill.at(*level).faults) {
        words.push(fault.kind.value.clone());
        let made = drill.world.kind.make(&fault).ok();
        words.extend(made.and_then(|made| made.flag().map(str::to_owned)));
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether text has a word, joined as it is or by spaces.
fn says(text: &str, word: &str) -> bool {
    let plain = |text: &str| {
        format!(" {} ", text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " ")).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    format!(" {} ", plain(text)).contains(&format!(" {} ", plain(word)))
}
