//! The confirmation: everything that is bound to the answer, in one block; then the line that answers it.
//!
//! An empty line is never an answer. The time an answer took counts from the block's printing, so a line that was typed before it is
//! refused by the engine as too early; each early line starts that time anew.

use jiff::Timestamp;

use super::Parsed;
use super::text::{between, block, wrap};
use crate::action::{Description, Identity, Preview};
use crate::engine::change::{Asking, Change};
use crate::engine::{ARMS_AFTER_MS, Challenge, Intent, Proposal, State, Tier, Wish};

/// The confirmation that was printed, and how far its answer has come.
#[derive(Debug)]
pub(super) struct Asked {
    digest: String,
    since: Timestamp,
    /// From here the answer's time counts.
    armed: Timestamp,
    printed: Timestamp,
    /// Tier 3: the name was right; its reason comes with the next line.
    name: Option<String>,
}

impl Asked {
    fn is(&self, asking: &Asking) -> bool {
        self.digest == asking.proposal.digest() && self.since == asking.since
    }
}

fn asking(state: &State) -> Option<&Asking> {
    match &state.change {
        Change::Asking(asking) => Some(asking),
        Change::Idle | Change::Committing(_) | Change::Running { .. } => None,
    }
}

pub(super) fn changed(asked: &mut Option<Asked>, state: &State, now: Timestamp) -> Vec<String> {
    let Some(asking) = asking(state) else {
        *asked = None;
        return Vec::new();
    };
    if asked.as_ref().is_some_and(|asked| asked.is(asking)) {
        return Vec::new();
    }
    let digest = asking.proposal.digest().to_owned();
    *asked = Some(Asked { digest, since: asking.since, armed: now, printed: now, name: None });
    let hidden = match asking.proposal.challenge() {
        Challenge::Recall { what, name } => Some((*what, name.as_str())),
        Challenge::Yes | Challenge::TypeName(_) => None,
    };
    let lines = show(super::mode(state), &asking.proposal);
    lines.into_iter().map(|line| hidden.map_or_else(|| line.clone(), |(what, name)| hide(&line, what, name))).collect()
}

/// Takes a name out of a line wherever it stands as a word: it is to be recalled, not read off.
fn hide(line: &str, what: &str, name: &str) -> String {
    let mut shown = String::new();
    let mut kept = 0;
    for (at, _) in line.match_indices(name).filter(|_| !name.is_empty()) {
        let end = at + name.len();
        if !line[..at].ends_with(is_inside) && !line[end..].starts_with(is_inside) {
            shown.extend([&line[kept..at], "<", what, ">"]);
            kept = end;
        }
    }
    shown + &line[kept..]
}

/// A letter that makes a longer word of a name beside it.
fn is_inside(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '-'
}

fn show(mode: &str, proposal: &Proposal) -> Vec<String> {
    let wish = proposal.wish();
    let tier = proposal.tier();
    let what = if proposal.declared() { "nothing enforces that this only reads" } else { tier.means() };
    let mut lines = vec![String::new(), format!("CONFIRM {mode}  tier {}: {what}", tier.number())];
    lines.extend(wrap("  what       ", &wish.title));
    lines.extend(place(&wish.write.identity, wish.write.planned.place.as_str()));
    lines.extend(description("  runs       ", &wish.describes));
    lines.extend(preview(&wish.preview));
    lines.extend(wrap("  reaches    ", &reach(wish)));
    lines.extend(each("  fights     ", &wish.fighters, "nothing known works against it"));
    lines.extend(each("  hazards    ", &wish.hazards, "none hold"));
    lines.extend(undo(wish, proposal.declared()));
    lines.push(format!("  time limit {}", super::text::span(std::time::Duration::from_millis(wish.write.planned.timeout_ms))));
    lines.extend(wrap("  ", &asks(proposal.challenge(), tier)));
    lines
}

fn place(identity: &Identity, place: &str) -> Vec<String> {
    let rows = match identity {
        Identity::Cluster(cluster) => {
            let object = cluster.object.as_ref().map_or_else(
                || "no single object".to_owned(),
                |object| format!("{} {}, uid {}, version {}", object.kind, object.name, object.uid, object.resource_version),
            );
            vec![
                ("context", cluster.context.clone()),
                ("server", cluster.server.clone()),
                ("namespace", cluster.namespace.clone()),
                ("identity", cluster.user.clone().unwrap_or_else(|| "the kubeconfig names no user".to_owned())),
                ("object", object),
            ]
        }
        Identity::Host(host) => {
            let process = host.process.as_ref().map_or_else(|| "none named".to_owned(), |process| format!("pid {}", process.pid));
            vec![("host", host.host.clone()), ("process", process)]
        }
        Identity::Here => vec![("from", "this machine".to_owned())],
    };
    let mut lines = vec![format!("  where      {place}")];
    lines.extend(rows.into_iter().map(|(name, value)| format!("  {name:<10} {value}")));
    lines
}

fn description(head: &str, description: &Description) -> Vec<String> {
    let mut lines = block(head, description.runs.iter().cloned());
    if let Some(by_hand) = &description.by_hand {
        lines.extend(block("  by hand    ", by_hand.lines().map(str::to_owned)));
    }
    lines
}

fn preview(preview: &Preview) -> Vec<String> {
    match preview {
        Preview::Diff(diff) => {
            let mut lines = vec!["  allowed    the server accepted it as a dry run, which would do:".to_owned()];
            lines.extend(diff.iter().map(|line| format!("    {line}")));
            lines
        }
        Preview::None(why) => wrap("  preview    ", &format!("no dry run exists: {why}")),
        Preview::Refused(why) => wrap("  preview    ", &format!("the server refuses it: {why}")),
    }
}

fn reach(wish: &Wish) -> String {
    let objects = match wish.reach.objects {
        1 => "1 object".to_owned(),
        count => format!("{count} objects"),
    };
    match wish.reach.pods {
        Some(1) => format!("{objects}, 1 pod or process"),
        Some(pods) => format!("{objects}, {pods} pods or processes"),
        None => format!("{objects}; pods or processes behind them not known"),
    }
}

fn each(head: &str, texts: &[String], none: &str) -> Vec<String> {
    if texts.is_empty() { wrap(head, none) } else { texts.iter().flat_map(|text| wrap(head, text)).collect() }
}

fn undo(wish: &Wish, declared: bool) -> Vec<String> {
    match (&wish.undo_describes, declared) {
        (Some(undo), _) => block("  undo       ", undo.runs.iter().cloned()),
        (None, true) => wrap("  undo       ", "nothing to undo if it only reads"),
        (None, false) => wrap("  undo       ", "none: it can't be taken back"),
    }
}

fn asks(challenge: &Challenge, tier: Tier) -> String {
    let answer = match challenge {
        Challenge::Yes => "type y".to_owned(),
        Challenge::TypeName(name) => format!("type {name}"),
        Challenge::Recall { what, .. } => format!("type the name of the {what}, which is not shown here, and then a reason"),
    };
    format!("To run it at tier {}: {answer}. n leaves it. An empty line does nothing.", tier.number())
}

pub(super) fn prompt(asked: Option<&Asked>, state: &State) -> Option<String> {
    let asking = asking(state)?;
    let reason = asked.is_some_and(|asked| asked.is(asking) && asked.name.is_some());
    Some(match asking.proposal.challenge() {
        Challenge::Yes => "y or n> ".to_owned(),
        Challenge::TypeName(name) => format!("{name} or n> "),
        Challenge::Recall { .. } if reason => "why> ".to_owned(),
        Challenge::Recall { what, .. } => format!("name of the {what} or n> "),
    })
}

/// What a line answers; nothing where no confirmation is open.
pub(super) fn answer(asked: &mut Option<Asked>, state: &State, line: &str, now: Timestamp) -> Option<Parsed> {
    let asking = asking(state)?;
    let line = line.trim();
    if line.is_empty() {
        return Some(Parsed::problem("an empty line confirms nothing; nothing ran"));
    }
    if matches!(line, "n" | "no") {
        return Some(Parsed::intent(Intent::Decline));
    }
    let Some(asked) = asked.as_mut().filter(|asked| asked.is(asking)) else {
        // The block was not printed yet, so this line can't be meant for it.
        return Some(Parsed::intent(reply(line, None, 0)));
    };
    let waited = millis(asked.armed, now);
    asked.armed = now;
    if waited < ARMS_AFTER_MS {
        return Some(Parsed::intent(reply(line, None, waited)));
    }
    let considered = millis(asked.printed, now).max(waited);
    Some(match (asking.proposal.challenge(), asked.name.take()) {
        (Challenge::Recall { .. }, Some(name)) => Parsed::intent(reply(&name, Some(line), considered)),
        (Challenge::Recall { name, .. }, None) if name == line => {
            asked.name = Some(line.to_owned());
            Parsed::say(vec!["  right. Why is it needed? The next line is the reason; n leaves it.".to_owned()])
        }
        (Challenge::Recall { .. } | Challenge::Yes | Challenge::TypeName(_), _) => Parsed::intent(reply(line, None, considered)),
    })
}

fn reply(text: &str, reason: Option<&str>, considered_ms: u64) -> Intent {
    Intent::Answer { text: text.to_owned(), reason: reason.map(str::to_owned), considered_ms }
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(between(from, to).as_millis()).unwrap_or(u64::MAX)
}
