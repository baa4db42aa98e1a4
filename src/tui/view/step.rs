//! The step: why, the evidence it needs, its commands with the marked one enlarged, and the findings that hold.

use ratatui::layout::Rect;

use super::{Scene, frame};
use crate::action::{Ending, Hold, Verdict};
use crate::engine::change::Change;
use crate::engine::event::{Ready, Rendered};
use crate::engine::{Request, State};
use crate::runbook::model::{Command, CommandId, Effect, Requirement, Step};
use crate::timeline::incident::Outcome;
use crate::tui::keys::{Mode, Verb};
use crate::tui::model::Pane;
use crate::tui::paint::{Brush, Row};
use crate::tui::theme::Role;
use crate::tui::{clock, paint, tell};

/// Lines of what a command runs that the pane shows; the dialog and the copy have all of them.
const RUN_LINES: usize = 3;

pub fn draw(scene: &Scene, area: Rect, wide: bool, brush: &mut Brush) {
    let Some(step) = scene.state.current_step() else {
        frame(scene, (Pane::Step, area, wide), "", brush);
        return;
    };
    let steps: Vec<&Step> = scene.state.steps().collect();
    let number = steps.iter().position(|found| found.id == step.id).map_or(0, |at| at + 1);
    let inner = frame(scene, (Pane::Step, area, wide), &format!("{number} of {} · {}", steps.len(), step.phase.as_str()), brush);
    let content = content(scene, step);
    let height = usize::from(inner.height);
    // Unless it was scrolled by hand, the marked command is in view, and as much before it as fits.
    let (all, follow) = content.extent(inner.width, height);
    let skip = scene.model.step_scroll.unwrap_or(follow).min(all.saturating_sub(height));
    brush.rows(inner, &content.rows, skip);
    more(inner, (skip, all), brush);
}

/// How much there is above and below, on the frame.
pub fn more(inner: Rect, (skip, all): (usize, usize), brush: &mut Brush) {
    let below = all.saturating_sub(skip + usize::from(inner.height));
    let text = match (skip, below) {
        (0, 0) => return,
        (above, 0) => format!(" ↑ {above} more "),
        (0, below) => format!(" ↓ {below} more "),
        (above, below) => format!(" ↑ {above} · ↓ {below} more "),
    };
    brush.line_right(Rect { y: inner.bottom(), height: 1, ..inner }, &Row::new(Role::Key, text));
}

/// The rows of the pane and which of them are the marked command.
pub struct Content {
    pub rows: Vec<Row>,
    marked: std::ops::Range<usize>,
}

impl Content {
    /// Rows of the screen in all, and how many are hidden at the top while the marked command is followed.
    pub fn extent(&self, width: u16, height: usize) -> (usize, usize) {
        let (before, rest) = self.rows.split_at(self.marked.start);
        let (marked, after) = rest.split_at(self.marked.len());
        let [before, marked, after] = [before, marked, after].map(|rows| paint::measure(rows, width));
        (before + marked + after, (before + marked).saturating_sub(height).min(before))
    }
}

pub fn content(scene: &Scene, step: &Step) -> Content {
    let state = scene.state;
    let title = rendered_title(state, step);
    let mut rows = vec![Row::new(Role::Strong, title)];
    rows.extend(step.why.lines().map(Row::text));
    rows.extend(findings(scene, step));
    rows.extend(step.requires.iter().filter_map(|requirement| required(scene, requirement)));
    rows.push(Row::default());
    let chosen = scene.model.chosen_in(state);
    let mut marked = rows.len()..rows.len();
    for (number, command) in state.commands(step).enumerate() {
        let from = rows.len();
        rows.push(summary(scene, command, number == chosen));
        if number == chosen {
            rows.extend(details(scene, command));
            marked = from..rows.len();
        }
    }
    if state.commands(step).next().is_none() {
        rows.push(Row::new(Role::Faint, "This step has nothing to run on this target."));
    }
    Content { rows, marked }
}

fn rendered_title(state: &State, step: &Step) -> String {
    let considered = state.considered.as_ref().filter(|considered| considered.step == step.id);
    considered.map_or_else(|| step.title.value.clone(), |considered| considered.title.clone())
}

fn findings(scene: &Scene, step: &Step) -> Vec<Row> {
    let held = scene.state.incident.findings.iter().filter(|((of, _), _)| *of == step.id);
    let key = scene.model.keys.key(Mode::Console, Verb::Follow);
    held.map(|(_, held)| {
        let row = Row::new(Role::Finding, format!("▲ {}", held.means));
        match &held.go {
            Some(go) => row.and(Role::Text, format!(" → {go} ")).and(Role::Key, format!("({key})")),
            None => row,
        }
        .hang(2)
    })
    .collect()
}

/// Whether a change of this step would be refused for want of fresh evidence.
pub fn lacks_evidence(scene: &Scene, step: &Step) -> bool {
    let fresh = |requirement: &Requirement| {
        let outcome = scene.state.incident.results.get(&requirement.command.value);
        let good = outcome.filter(|outcome| outcome.finished.ending() == &Ending::Succeeded);
        good.is_some_and(|outcome| clock::between(outcome.at, scene.now) <= requirement.max_age)
    };
    step.requires.iter().any(|requirement| scene.state.command(&requirement.command.value).is_some() && !fresh(requirement))
}

/// Evidence a change of this step needs: fresh, stale or missing, in words.
fn required(scene: &Scene, requirement: &Requirement) -> Option<Row> {
    let id = &requirement.command.value;
    scene.state.command(id)?;
    let needs = format!("needs {id} within {}: ", clock::span(requirement.max_age));
    let (role, text) = match scene.state.incident.results.get(id) {
        None => (Role::Stale, "✗ NOT RUN YET".to_owned()),
        Some(outcome) if outcome.finished.ending() != &Ending::Succeeded => (Role::Bad, "✗ FAILED: run it again".to_owned()),
        Some(outcome) => {
            let age = clock::age(outcome.at, scene.now);
            if clock::between(outcome.at, scene.now) > requirement.max_age {
                (Role::Stale, format!("✗ STALE, {age} old: run it again"))
            } else {
                (Role::Good, format!("✓ fresh, {age} old"))
            }
        }
    };
    Some(Row::text(needs).and(role, text).hang(2))
}

/// The newest rendering of a command.
pub fn rendered<'a>(state: &'a State, id: &CommandId) -> Option<&'a Rendered> {
    state.considered.as_ref()?.commands.iter().find(|rendered| rendered.id == *id)
}

fn verdict<'a>(state: &'a State, id: &CommandId) -> Option<&'a Verdict> {
    match &rendered(state, id)?.ready {
        Ready::Now { verdict, .. } => Some(verdict),
        Ready::Needs(_) | Ready::NotNow(_) => None,
    }
}

/// Whether a command counts as a change: the author says so or qrh knows it to be one.
pub fn changes(state: &State, command: &Command) -> bool {
    command.effect == Effect::Mutating || matches!(verdict(state, &command.id), Some(Verdict::Changes(_)))
}

/// Whether a read is one by its author's word alone.
fn unheld(state: &State, command: &Command) -> bool {
    let declared = matches!(verdict(state, &command.id), Some(Verdict::Unknown(_) | Verdict::Reads(Hold::DeclaredOnly)));
    command.effect == Effect::ReadOnly && declared
}

fn summary(scene: &Scene, command: &Command, chosen: bool) -> Row {
    let state = scene.state;
    let title = rendered(state, &command.id).map_or_else(|| command.title.value.clone(), |rendered| rendered.title.clone());
    let mark = if chosen { "› " } else { "  " };
    let (badge, role) = if changes(state, command) {
        ("[MUT]", Role::Mutating)
    } else if unheld(state, command) {
        ("[RO?]", Role::Stale)
    } else {
        ("[RO] ", Role::ReadOnly)
    };
    let row = Row::new(Role::Key, mark).and(role, badge).and(if chosen { Role::Strong } else { Role::Text }, format!(" {title}"));
    let (role, text) = standing(scene, command);
    row.and(Role::Text, "  ").and(role, text).hang(8)
}

/// What the command is at: running, done and how long ago, not ready.
fn standing(scene: &Scene, command: &Command) -> (Role, String) {
    let (state, now) = (scene.state, scene.now);
    let request = Request::Command(command.id.clone());
    if let Some(reading) = state.reads.values().find(|reading| reading.command.as_ref() == Some(&command.id)) {
        let samples = if command.watch.is_some() { format!(", {} samples", reading.samples) } else { String::new() };
        return (Role::Notice, format!("▷ running {}{samples}", clock::elapsed(reading.began, now)));
    }
    if state.preparing.values().any(|preparing| *preparing == request) {
        return (Role::Notice, "… being made ready".to_owned());
    }
    if let Change::Running { request: running, began, .. } = &state.change
        && *running == request
    {
        return (Role::Mutating, format!("▶ RUNNING {}", clock::elapsed(*began, now)));
    }
    match (state.incident.results.get(&command.id), rendered(state, &command.id).map(|rendered| &rendered.ready)) {
        (Some(outcome), _) => {
            let (role, _) = tell::ending(&outcome.finished);
            let mark = mark(outcome);
            let value = outcome.finished.reading.as_ref().map_or_else(String::new, |reading| format!("{} · ", tell::amount(reading)));
            (role, format!("{mark} {value}{} ago", clock::age(outcome.at, now)))
        }
        (None, Some(Ready::Needs(_))) => (Role::Stale, "not ready".to_owned()),
        (None, Some(Ready::NotNow(_))) => (Role::Faint, "not now".to_owned()),
        (None, Some(Ready::Now { .. }) | None) => (Role::Faint, String::new()),
    }
}

fn mark(outcome: &Outcome) -> &'static str {
    match (outcome.finished.ending(), outcome.finished.expected) {
        (Ending::Succeeded, Some(false)) => "≠",
        (Ending::Succeeded, _) => "✓",
        (Ending::Failed(_) | Ending::Unreachable(_), _) => "✗",
        (Ending::Stopped, _) => "■",
        (Ending::Unknown(_) | Ending::Voided(_), _) => "?",
    }
}

/// The marked command at full size.
fn details(scene: &Scene, command: &Command) -> Vec<Row> {
    let state = scene.state;
    let mut rows = vec![held(state, command)];
    match rendered(state, &command.id).map(|rendered| &rendered.ready) {
        None => rows.push(indented(Role::Faint, "being rendered …")),
        Some(Ready::Needs(why)) => rows.push(indented(Role::Stale, &format!("not ready: {why}"))),
        Some(Ready::NotNow(why)) => rows.push(indented(Role::Stale, &format!("not now: {why}"))),
        Some(Ready::Now { describes, .. }) => {
            rows.extend(describes.runs.iter().take(RUN_LINES).map(|line| indented(Role::Strong, &format!("$ {line}"))));
            if describes.runs.len() > RUN_LINES {
                rows.push(indented(Role::Faint, &format!("… {} lines more: its dialog has all", describes.runs.len() - RUN_LINES)));
            }
            rows.extend(describes.by_hand.iter().map(|line| indented(Role::Faint, &format!("by hand: {line}"))));
        }
    }
    rows.extend(state.incident.results.get(&command.id).map(|outcome| last(scene, outcome)));
    if changes(state, command) {
        rows.extend(precautions(command));
    }
    rows.push(how(scene, command));
    rows
}

fn indented(role: Role, text: &str) -> Row {
    Row::text("      ").and(role, text).hang(8)
}

/// What makes a read unable to write, or why it is a change.
fn held(state: &State, command: &Command) -> Row {
    let place = command.place.as_str();
    let (role, text) = match (command.effect, verdict(state, &command.id)) {
        (Effect::ReadOnly, Some(Verdict::Reads(Hold::DeclaredOnly) | Verdict::Unknown(_))) => {
            (Role::Stale, "read-only: declared only, nothing enforces it".to_owned())
        }
        (Effect::ReadOnly, Some(Verdict::Reads(hold))) => (Role::ReadOnly, format!("read-only, held by: {}", hold.as_str())),
        (Effect::ReadOnly, Some(Verdict::Changes(why))) => (Role::Bad, format!("TAGGED READ-ONLY, BUT {why}: treated as a change")),
        (Effect::ReadOnly, None) => (Role::ReadOnly, "read-only".to_owned()),
        (Effect::Mutating, _) => (Role::Hazard, "CHANGES THE TARGET: asks first".to_owned()),
    };
    Row::text("      ").and(role, text).and(Role::Faint, format!(" · on {place}")).hang(8)
}

fn last(scene: &Scene, outcome: &Outcome) -> Row {
    let (role, said) = tell::ending(&outcome.finished);
    let report = &outcome.finished.report;
    let mut said = format!("{said} {} ago", clock::age(outcome.at, scene.now));
    if let Some(exit) = report.exit {
        said = format!("{said} · exit {exit}");
    }
    let value = outcome.finished.reading.as_ref().map(tell::reading);
    let row = Row::text("      last: ").and(role, said);
    match value.or_else(|| report.tail.iter().rev().find(|line| !line.trim().is_empty()).cloned()) {
        Some(value) => row.and(Role::Text, format!(" · {}", value.trim())),
        None => row,
    }
    .hang(12)
}

/// What to know before preparing a change; which of it holds now is decided when it is prepared.
fn precautions(command: &Command) -> Vec<Row> {
    let mut rows = Vec::new();
    for hazard in &command.hazards {
        let word = if hazard.stop { "forbidden if: " } else { "hazard: " };
        rows.push(indented(Role::Hazard, &format!("! {word}{}", hazard.says.value)));
    }
    match &command.irreversible {
        Some(why) => rows.push(indented(Role::Bad, &format!("CAN'T BE UNDONE: {why}"))),
        None if command.undo.is_none() => rows.push(indented(Role::Bad, "CAN'T BE UNDONE by qrh")),
        None => rows.push(indented(Role::Faint, "can be undone")),
    }
    rows.extend(command.verify.as_ref().map(|verify| indented(Role::Faint, &format!("verified by {}", verify.value))));
    rows
}

fn how(scene: &Scene, command: &Command) -> Row {
    let keys = &scene.model.keys;
    let reads = scene.state.reads.values().any(|reading| reading.command.as_ref() == Some(&command.id));
    let (key, text) = if reads {
        (keys.key(Mode::Console, Verb::Stop), " stops it")
    } else if unheld(scene.state, command) {
        (keys.key(Mode::Console, Verb::Open), " shows its dialog, unless the policy vouches for it")
    } else if changes(scene.state, command) {
        (keys.key(Mode::Console, Verb::Start), " shows the dialog; nothing runs before its answer")
    } else {
        (keys.key(Mode::Console, Verb::Open), " runs it")
    };
    Row::text("      ").and(Role::Key, key).and(Role::Text, text).hang(8)
}
