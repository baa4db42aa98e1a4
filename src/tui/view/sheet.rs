//! Sheets to read: all keys, the service card with target and facts, earlier messages.

use ratatui::layout::Rect;
use serde_json::Value;

use super::{Scene, footer, header, step};
use crate::tui::clock;
use crate::tui::keys::{Mode, Verb};
use crate::tui::model::Sheet;
use crate::tui::paint::{Brush, Row, Weight};
use crate::tui::theme::Role;

/// Columns of the names at the left.
const NAMES: usize = 24;
/// Levels of a nested value that are shown as lines; deeper ones as JSON.
const LEVELS: usize = 3;

pub fn draw(scene: &Scene, sheet: Sheet, scroll: usize, body: Rect, brush: &mut Brush) {
    let title = match sheet {
        Sheet::Help => " Keys ",
        Sheet::Card => " Service card ",
        Sheet::Messages => " Messages ",
        Sheet::Briefing => " DRILL: briefing ",
    };
    let inner = brush.frame(body, &Row::new(Role::Focus, title), (Role::Focus, Weight::Plain));
    let rows = rows(scene, sheet);
    let all = brush.measure(&rows, inner.width);
    let skip = scroll.min(all.saturating_sub(usize::from(inner.height)));
    brush.rows(inner, &rows, skip);
    step::more(inner, (skip, all), brush);
}

pub fn rows(scene: &Scene, sheet: Sheet) -> Vec<Row> {
    match sheet {
        Sheet::Help => help(scene),
        Sheet::Card => card(scene),
        Sheet::Messages => messages(scene),
        Sheet::Briefing => briefing(scene),
    }
}

fn named(name: &str, role: Role, text: impl Into<String>) -> Row {
    let hang = u16::try_from(NAMES).unwrap_or(u16::MAX);
    Row::new(Role::Faint, format!("{name:<NAMES$}")).and(role, text).hang(hang)
}

fn help(scene: &Scene) -> Vec<Row> {
    let mut rows = vec![
        Row::text("Marks: ▶ here  ✓ done  – skipped  ≠ does not fit, or not as expected  ▲ finding holds  ✗ failed  ? unknown").hang(7),
        Row::new(Role::ReadOnly, "[RO] ").and(Role::Text, " can only read, by what is named beside it"),
        Row::new(Role::Stale, "[RO?]").and(Role::Text, " said to only read; nothing enforces it"),
        Row::new(Role::Mutating, "[MUT]").and(Role::Text, " changes the target: always asks first"),
    ];
    for mode in Mode::ALL {
        rows.push(Row::default());
        rows.push(Row::new(Role::Strong, mode.title()));
        for (action, chords) in scene.model.keys.of(mode) {
            let chords: Vec<String> = chords.iter().map(ToString::to_string).collect();
            let hang = u16::try_from(NAMES).unwrap_or(u16::MAX);
            let row = Row::new(Role::Key, format!("  {:<width$}", chords.join(" "), width = NAMES - 2));
            rows.push(row.and(Role::Text, action.help).hang(hang));
        }
    }
    rows
}

fn card(scene: &Scene) -> Vec<Row> {
    let state = scene.state;
    let mut rows = Vec::new();
    if let Some(opened) = &state.incident.opened {
        rows.push(named("service", Role::Strong, &*opened.service_name));
        rows.push(named("target", Role::Strong, format!("{} {}", opened.mode.as_str(), header::acts_on(&state.incident, &opened.target))));
        rows.push(named("kind of target", Role::Text, opened.target_kind.as_str()));
        rows.push(named("runbook", Role::Text, format!("{} ({})", opened.runbook_title, opened.runbook)));
        rows.extend(opened.inputs.iter().map(|(name, value)| named(&format!("input {name}"), Role::Text, plain(value))));
        rows.push(Row::default());
        rows.extend(lines("", &opened.service, 0));
    }
    rows.push(Row::default());
    match &state.incident.facts {
        None => rows.push(named("facts", Role::Faint, "not read yet")),
        Some((at, facts)) => {
            rows.push(named("facts", Role::Strong, format!("read {} ago", clock::age(*at, scene.now))));
            rows.extend(lines("  ", facts, 0));
        }
    }
    rows
}

/// A value as lines: one for each field, nested fields under their name.
fn lines(prefix: &str, value: &Value, level: usize) -> Vec<Row> {
    let Value::Object(fields) = value else { return vec![named(prefix, Role::Text, plain(value))] };
    let of_field = |(name, value): (&String, &Value)| -> Vec<Row> {
        let label = format!("{prefix}{}", name.replace('_', " "));
        match value {
            Value::Null => Vec::new(),
            Value::Object(nested) if level < LEVELS && !nested.is_empty() => {
                let mut rows = vec![Row::new(Role::Faint, label)];
                rows.extend(lines(&format!("{prefix}  "), value, level + 1));
                rows
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                vec![named(&label, Role::Text, plain(value))]
            }
        }
    };
    fields.iter().flat_map(of_field).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.lines().collect::<Vec<_>>().join(" / "),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn briefing(scene: &Scene) -> Vec<Row> {
    let Some(drill) = &scene.state.setup.drill else { return Vec::new() };
    let mut rows = vec![
        Row::new(Role::Drill, " DRILL ").and(Role::Strong, format!(" {} ({})", drill.title, drill.level)),
        Row::text("Nothing here is real, and nothing real can be reached from here."),
        Row::default(),
    ];
    rows.extend(drill.text.lines().map(Row::text));
    rows.push(Row::default());
    rows.extend(drill.roles.iter().map(|role| named("role", Role::Text, role.as_str())));
    let keys = |verb| scene.model.keys.key(Mode::Console, verb);
    rows.push(named("this page again", Role::Text, keys(Verb::Briefing)));
    rows.push(named("a hint, at a price", Role::Text, keys(Verb::Hint)));
    rows.push(named("state the cause", Role::Text, keys(Verb::Diagnose)));
    rows.extend(drill.causes.iter().map(|(id, says)| named(&format!("  {id}"), Role::Text, says.as_str())));
    rows.push(named("begin", Role::Strong, scene.model.keys.key(Mode::Read, Verb::Back)));
    rows
}

fn messages(scene: &Scene) -> Vec<Row> {
    if scene.model.messages.is_empty() {
        return vec![Row::new(Role::Faint, "None yet.")];
    }
    scene.model.messages.iter().rev().map(|message| footer::said(scene, message)).collect()
}
