//! The streamed output of one run, following its tail unless held.

use ratatui::layout::Rect;

use super::{Scene, frame};
use crate::timeline::incident::{Incident, RunState};
use crate::timeline::record::RunId;
use crate::tui::keys::{Mode, Verb};
use crate::tui::model::{Output, Pane};
use crate::tui::paint::{Brush, Row};
use crate::tui::ring::{Position, Ring, Window};
use crate::tui::theme::Role;

pub fn draw(scene: &Scene, area: Rect, wide: bool, brush: &mut Brush) {
    let output = scene.model.output();
    let detail = output.map_or_else(String::new, |output| title(scene, output));
    let inner = frame(scene, (Pane::Output, area, wide), &detail, brush);
    match output {
        None => brush.line(inner, &Row::new(Role::Faint, "What commands print appears here.")),
        Some(output) => {
            ring(&output.lines, scene.model.output_at, inner, brush);
            status(scene, &output.lines, scene.model.output_at, inner, brush);
        }
    }
}

/// `#3 Pods and their restarts · running`, with the place among the runs kept.
pub fn title(scene: &Scene, output: &Output) -> String {
    let outputs = &scene.model.outputs;
    let at = outputs.iter().position(|found| found.run == output.run).map_or(0, |at| at + 1);
    let of = if outputs.len() > 1 { format!(" ({at} of {})", outputs.len()) } else { String::new() };
    format!("{} {}{of} · {}", output.run, output.title, standing(&scene.state.incident, output.run))
}

fn standing(incident: &Incident, run: RunId) -> &'static str {
    match incident.runs.get(&run).map(|run| &run.state) {
        Some(RunState::Open) | None => "running",
        Some(RunState::Ended(ending)) => match ending {
            crate::action::Ending::Succeeded => "succeeded",
            crate::action::Ending::Failed(_) => "FAILED",
            crate::action::Ending::Unreachable(_) => "UNREACHABLE",
            crate::action::Ending::Stopped => "stopped",
            crate::action::Ending::Unknown(_) => "OUTCOME UNKNOWN",
            crate::action::Ending::Voided(_) => "nothing ran",
        },
        Some(RunState::Ruled { happened: true }) => "ruled: took effect",
        Some(RunState::Ruled { happened: false }) => "ruled: no effect",
        Some(RunState::Undone { .. }) => "undone",
    }
}

/// The rows of a ring that fit, from its position.
pub fn ring(ring: &Ring, position: Position, inner: Rect, brush: &mut Brush) {
    let window = Window { width: inner.width, height: inner.height, wraps: true };
    let (mut line, mut skip) = ring.top(position, window);
    let mut y = inner.y;
    while y < inner.bottom() {
        let Some(entry) = ring.get(line) else { return };
        let room = Rect { y, height: inner.bottom() - y, ..inner };
        y += brush.rows(room, &[ring.row(entry)], skip);
        skip = 0;
        line += 1;
    }
}

/// On the frame: whether it follows, what was cut.
pub fn status(scene: &Scene, ring: &Ring, position: Position, inner: Rect, brush: &mut Brush) {
    let mut row = Row::default();
    if ring.dropped() > 0 {
        row = row.and(Role::Stale, format!(" {} older lines cut ", ring.dropped()));
    }
    if position != Position::Tail {
        row = row.and(Role::Key, format!(" HELD: {} follows ", scene.model.keys.key(Mode::Console, Verb::Bottom)));
    }
    brush.line_right(Rect { y: inner.bottom(), height: 1, ..inner }, &row);
}
