//! The header: where am I acting, what is the danger, how long has it been. Two rows that never move.

use ratatui::layout::Rect;

use super::Scene;
use crate::action::Identity;
use crate::engine::change::Change;
use crate::engine::state::Log;
use crate::engine::{State, Tier};
use crate::runbook::model::Phase;
use crate::timeline::incident::Incident;
use crate::timeline::record::Mode;
use crate::tui::clock;
use crate::tui::paint::{Brush, Row};
use crate::tui::surface::{Surface, asking};
use crate::tui::theme::Role;

pub fn draw(scene: &Scene, area: Rect, brush: &mut Brush) {
    let [first, second] = [Rect { height: 1, ..area }, Rect { y: area.y + 1, height: 1, ..area }];
    split(brush, first, &place(scene.state), &elapsed(scene));
    split(brush, second, &progress(scene.state), &alerts(scene));
}

/// The right part is never cut; the left one takes what remains.
fn split(brush: &mut Brush, area: Rect, left: &Row, right: &Row) {
    let width = u16::try_from(right.width()).unwrap_or(u16::MAX).min(area.width);
    brush.line_right(area, right);
    brush.line(Rect { width: (area.width - width).saturating_sub(1), ..area }, left);
}

fn place(state: &State) -> Row {
    let Some(opened) = &state.incident.opened else { return Row::new(Role::Faint, " opening …") };
    let role = match opened.mode {
        Mode::Live => Role::Live,
        Mode::Drill => Role::Drill,
    };
    let mut row = Row::new(role, format!(" {} {} ", opened.mode.as_str(), opened.target_kind.as_str()));
    if state.setup.read_only {
        row = row.and(Role::ReadOnly, " READ-ONLY");
    }
    row.and(Role::Strong, format!(" {}", opened.service_name)).and(Role::Text, format!(" · {}", acts_on(&state.incident, &opened.target)))
}

/// What is acted on now: on a host, the process that runs there by the last facts.
pub fn acts_on(incident: &Incident, target: &Identity) -> String {
    match (target, incident.process()) {
        (Identity::Host(host), Some(process)) => format!("host {} · process {process}", host.host),
        (Identity::Host(host), None) => format!("host {} · no process", host.host),
        (Identity::Cluster(_) | Identity::Here, _) => whole(target),
    }
}

/// The target with where it is reached.
fn whole(identity: &Identity) -> String {
    match server(identity) {
        Some(server) => format!("{} · {server}", target(identity)),
        None => target(identity),
    }
}

/// The API server, from the live client.
pub fn server(identity: &Identity) -> Option<&str> {
    match identity {
        Identity::Cluster(cluster) => Some(&cluster.server),
        Identity::Host(_) | Identity::Here => None,
    }
}

/// The target in a few words, the decisive part first.
pub fn target(identity: &Identity) -> String {
    match identity {
        Identity::Cluster(cluster) => format!("context {} · namespace {}", cluster.context, cluster.namespace),
        Identity::Host(host) => match &host.process {
            Some(process) => format!("host {} · process {}", host.host, process.pid),
            None => format!("host {} · no process", host.host),
        },
        Identity::Here => "this machine".to_owned(),
    }
}

fn elapsed(scene: &Scene) -> Row {
    let incident = &scene.state.incident;
    match (&incident.closed, incident.opened_at) {
        (Some(closed), Some(opened)) => Row::new(Role::Strong, format!(" CLOSED after {} ", clock::elapsed(opened, closed.at))),
        (None, Some(opened)) => Row::new(Role::Strong, format!(" open {} ", clock::elapsed(opened, scene.now))),
        (_, None) => Row::default(),
    }
}

fn progress(state: &State) -> Row {
    let title = state.incident.opened.as_ref().map_or("", |opened| opened.runbook_title.as_str());
    let row = Row::new(Role::Text, format!(" {title}"));
    let Some(step) = state.current_step() else { return row };
    let number = Phase::ALL.iter().position(|phase| *phase == step.phase).map_or(0, |at| at + 1);
    row.and(Role::Strong, format!(" · phase {number}/{} {}", Phase::ALL.len(), step.phase.as_str()))
}

/// What can't wait, gravest first.
fn alerts(scene: &Scene) -> Row {
    let state = scene.state;
    let mut row = Row::default();
    let mut say = |role: Role, text: String| row = std::mem::take(&mut row).and(Role::Text, " ").and(role, text);
    if matches!(state.log, Log::Lost(_)) {
        say(Role::Problem, " LOG LOST: no changes ".to_owned());
    }
    match &state.change {
        Change::Idle => {}
        Change::Asking(asking) => {
            let tier = asking.proposal.tier();
            let hidden = !matches!(scene.surface(), Surface::Confirm(_));
            let back = if hidden { ": Esc shows it" } else { "" };
            say(role(tier), format!(" TIER {} WAITS{back} ", tier.number()));
        }
        Change::Committing(_) => say(Role::Mutating, " CHANGE STARTS ".to_owned()),
        Change::Running { run, began, stopping, .. } => {
            let doing = if *stopping { "STOPPING" } else { "RUNS" };
            say(Role::Mutating, format!(" CHANGE {run} {doing} {} ", clock::elapsed(*began, scene.now)));
        }
    }
    let running = running_change(state);
    let unknown = state.incident.unknown().into_iter().filter(|run| Some(*run) != running).count();
    if unknown > 0 {
        say(Role::Problem, format!(" {unknown} OUTCOME{} UNKNOWN ", if unknown == 1 { "" } else { "S" }));
    }
    let waiting = state.question.is_some() && !matches!(scene.surface(), Surface::Question(_));
    if waiting {
        say(Role::Notice, "a question waits".to_owned());
    }
    if !state.preparing.is_empty() {
        say(Role::Notice, format!("{} preparing", state.preparing.len()));
    }
    if !state.reads.is_empty() {
        say(Role::Notice, format!("{} running", state.reads.len()));
    }
    row.and(Role::Text, " ")
}

fn running_change(state: &State) -> Option<crate::timeline::record::RunId> {
    match &state.change {
        Change::Running { run, .. } => Some(*run),
        Change::Idle | Change::Asking(_) | Change::Committing(_) => None,
    }
}

pub fn role(tier: Tier) -> Role {
    match tier {
        Tier::One => Role::TierOne,
        Tier::Two => Role::TierTwo,
        Tier::Three => Role::TierThree,
    }
}

/// Whether anything waits for an answer.
pub fn waits(state: &State) -> bool {
    asking(state).is_some() || state.question.is_some()
}
