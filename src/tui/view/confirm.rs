//! The confirmation: what, where, how far, what can go wrong, whether it can be taken back, exactly what runs; then the prompt.
//! Target and danger stand at the top and the prompt at the bottom, always; only the details between them scroll.

use ratatui::layout::{Margin, Position, Rect};

use super::{Scene, header, step};
use crate::action::{Identity, Preview};
use crate::engine::change::Asking;
use crate::engine::{Challenge, Request, Tier, Wish};
use crate::runbook::model::Command;
use crate::tui::field::Field;
use crate::tui::keys::{Mode, Verb};
use crate::tui::paint::{self, Brush, Row, Weight};
use crate::tui::surface::{Dialog, Part};
use crate::tui::tell;
use crate::tui::theme::Role;

/// Columns beyond which lines get hard to read.
const WIDEST: u16 = 110;
const LABEL: u16 = 9;

/// The places of the dialog, prompt first: it is anchored to the bottom.
struct Places {
    inner: Rect,
    rule: Rect,
    answer: Rect,
    reason: Option<Rect>,
    complaint: Rect,
}

fn frame_of(body: Rect) -> Rect {
    let width = body.width.min(WIDEST);
    Rect { x: body.x + (body.width - width) / 2, width, ..body }
}

fn places(asking: &Asking, body: Rect) -> Places {
    let inner = frame_of(body).inner(Margin::new(1, 1));
    let from_bottom = |rows: u16| Rect { y: inner.bottom().saturating_sub(rows).max(inner.y), height: 1, ..inner };
    let complaint = from_bottom(1);
    match asking.proposal.challenge() {
        Challenge::Recall { .. } => Places { inner, rule: from_bottom(4), answer: from_bottom(3), reason: Some(from_bottom(2)), complaint },
        Challenge::Yes | Challenge::TypeName(_) => Places { inner, rule: from_bottom(3), answer: from_bottom(2), reason: None, complaint },
    }
}

pub fn draw(scene: &Scene, asking: &Asking, body: Rect, brush: &mut Brush) {
    let tier = asking.proposal.tier();
    let role = header::role(tier);
    let means = if asking.proposal.declared() { "a read that nothing enforces" } else { tier.means() };
    let title = Row::new(role, format!(" TIER {} · {} · {means} ", tier.number(), asks(asking.proposal.challenge())));
    brush.frame(frame_of(body), &title, (border(tier), weight(tier)));
    let places = places(asking, body);
    let grave = gravest(scene, asking);
    let halves = halves(&grave, &places);
    match halves.fit {
        Fit::Whole => {
            brush.rows(halves.top, &grave, 0);
        }
        Fit::Cut => {
            for (y, row) in (halves.top.y..halves.top.bottom()).zip(&grave) {
                brush.line(Rect { y, height: 1, ..halves.top }, row);
            }
        }
    }
    details(scene, asking, &halves, brush);
    prompt(scene, asking, &places, brush);
}

/// Whether the gravest rows found room in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Whole,
    /// One row each, as many as there is room for; from the first that is cut or missing, they are the first of what scrolls.
    Cut,
}

struct Halves {
    top: Rect,
    between: Rect,
    fit: Fit,
    /// Rows of the screen that are not shown again among the details.
    above: usize,
}

/// The rooms for what is gravest and for the details. The details have at least two rows, so that it shows that there are some.
fn halves(grave: &[Row], places: &Places) -> Halves {
    let inner = places.inner;
    let room = places.rule.y.saturating_sub(inner.y);
    let most = room.saturating_sub(2);
    let needed = u16::try_from(paint::measure(grave, inner.width)).unwrap_or(u16::MAX);
    let whole = |row: &&Row| row.width() <= usize::from(inner.width);
    let (height, fit, above) = if needed <= most {
        (needed, Fit::Whole, usize::from(needed))
    } else {
        (most, Fit::Cut, grave.iter().take(usize::from(most)).take_while(whole).count())
    };
    let between = Rect { y: inner.y + height, height: room - height, ..inner };
    Halves { top: Rect { height, ..inner }, between, fit, above }
}

/// How far the details can be scrolled, and how many rows of them show at once.
pub fn extent(scene: &Scene, asking: &Asking, body: Rect) -> (usize, u16) {
    let halves = halves(&gravest(scene, asking), &places(asking, body));
    let rows = all_rows(scene, asking);
    let height = halves.between.height;
    (paint::measure(&rows, halves.between.width).saturating_sub(halves.above + usize::from(height)), height)
}

fn asks(challenge: &Challenge) -> &'static str {
    match challenge {
        Challenge::Yes => "PRESS y",
        Challenge::TypeName(_) => "TYPE THE NAME",
        Challenge::Recall { .. } => "TYPE FROM MEMORY",
    }
}

fn weight(tier: Tier) -> Weight {
    match tier {
        Tier::One => Weight::Plain,
        Tier::Two => Weight::Thick,
        Tier::Three => Weight::Double,
    }
}

fn border(tier: Tier) -> Role {
    match tier {
        Tier::One => Role::Focus,
        Tier::Two => Role::Hazard,
        Tier::Three => Role::Bad,
    }
}

fn labelled(label: &str, role: Role, text: impl Into<String>) -> Row {
    Row::new(Role::Faint, format!("{label:<width$}", width = usize::from(LABEL))).and(role, text).hang(LABEL)
}

/// What must be read, in the order in which it matters.
fn gravest(scene: &Scene, asking: &Asking) -> Vec<Row> {
    let wish = asking.proposal.wish();
    let mode = scene.state.incident.opened.as_ref().map_or("", |opened| opened.mode.as_str());
    let what = if asking.proposal.declared() { "READ" } else { "CHANGE" };
    let mut rows = vec![
        labelled(what, Role::Strong, &*wish.title),
        labelled("ON", Role::Strong, format!("{mode} {}", header::target(&wish.write.identity))),
    ];
    if asking.proposal.declared() {
        rows.push(labelled("DANGER", Role::Bad, "read-only by its author's word alone: nothing stops it from changing something"));
    } else {
        rows.push(undoing(scene, asking));
    }
    rows.extend(wish.hazards.iter().map(|hazard| labelled("HAZARD", Role::Hazard, format!("! {hazard}"))));
    rows.extend(wish.fighters.iter().map(|fighter| labelled("AGAINST", Role::Hazard, format!("! {fighter}"))));
    rows.push(labelled("REACH", Role::Text, reach(wish)));
    rows.extend(object(&wish.write.identity));
    rows.extend(header::server(&wish.write.identity).map(|server| labelled("SERVER", Role::Text, server)));
    rows
}

fn undoing(scene: &Scene, asking: &Asking) -> Row {
    if asking.proposal.wish().write.undo.is_some() {
        return labelled("UNDO", Role::Good, "can be undone: see below");
    }
    let why = command(scene, asking).and_then(|command| command.irreversible.clone());
    labelled("DANGER", Role::Bad, format!("CAN'T BE UNDONE: {}", why.unwrap_or_else(|| "there is no undo for it".to_owned())))
}

fn command<'a>(scene: &Scene<'a>, asking: &Asking) -> Option<&'a Command> {
    match &asking.request {
        Request::Command(id) => scene.state.command(id).map(|(_, command)| command),
        Request::Undo { .. } | Request::AdHoc { .. } => None,
    }
}

fn reach(wish: &Wish) -> String {
    let objects = match wish.reach.objects {
        1 => "1 object".to_owned(),
        objects => format!("{objects} objects"),
    };
    match wish.reach.pods {
        Some(1) => format!("{objects}, 1 pod or process"),
        Some(pods) => format!("{objects}, {pods} pods or processes"),
        None => objects,
    }
}

fn object(identity: &Identity) -> Option<Row> {
    match identity {
        Identity::Cluster(cluster) => {
            let user = cluster.user.as_ref().map_or_else(String::new, |user| format!(" · as {user}"));
            let object = cluster.object.as_ref().map_or_else(
                || "no single object".to_owned(),
                |object| {
                    let generation = object.generation.map_or_else(String::new, |generation| format!(" · generation {generation}"));
                    format!("{} {} · uid {}{generation} · version {}", object.kind, object.name, object.uid, object.resource_version)
                },
            );
            Some(labelled("OBJECT", Role::Text, format!("{object}{user}")))
        }
        Identity::Host(host) => {
            let process = host.process.as_ref()?;
            Some(labelled("PROCESS", Role::Text, format!("pid {}, started at tick {}", process.pid, process.started_ticks)))
        }
        Identity::Here => None,
    }
}

/// What scrolls: the details, after the gravest where those were cut above.
fn details(scene: &Scene, asking: &Asking, halves: &Halves, brush: &mut Brush) {
    let (area, above) = (halves.between, halves.above);
    let rows = all_rows(scene, asking);
    let all = brush.measure(&rows, area.width).saturating_sub(above);
    let scroll = scene.dialog().map_or(0, |dialog| dialog.scroll);
    let skip = scroll.min(all.saturating_sub(usize::from(area.height)));
    brush.rows(area, &rows, above + skip);
    let rule = Rect { y: area.bottom(), height: 1, ..area };
    brush.line(rule, &Row::new(Role::Border, "─".repeat(usize::from(rule.width))));
    step::more(area, (skip, all), brush);
}

fn all_rows(scene: &Scene, asking: &Asking) -> Vec<Row> {
    let mut rows = gravest(scene, asking);
    rows.extend(detail_rows(scene, asking));
    rows
}

/// Everything else that is shown, in full.
fn detail_rows(scene: &Scene, asking: &Asking) -> Vec<Row> {
    let wish = asking.proposal.wish();
    let mut rows = vec![Row::new(Role::Faint, "runs exactly")];
    rows.extend(wish.describes.runs.iter().map(|line| Row::new(Role::Strong, format!("  {line}")).hang(4)));
    rows.extend(wish.describes.by_hand.iter().map(|line| Row::new(Role::Faint, format!("  by hand: {line}")).hang(4)));
    rows.extend(preview(&wish.preview));
    rows.extend(undo_rows(wish));
    rows.extend(asking.prepared.before.iter().map(|reading| labelled("now", Role::Text, tell::reading(reading))));
    let verify = command(scene, asking).and_then(|command| command.verify.as_ref());
    rows.extend(verify.map(|verify| labelled("verify", Role::Text, verify.value.to_string())));
    rows
}

fn preview(preview: &Preview) -> Vec<Row> {
    match preview {
        Preview::None(why) => vec![labelled("preview", Role::Stale, format!("none: {why}"))],
        Preview::Refused(why) => vec![labelled("preview", Role::Bad, format!("the server would refuse it: {why}"))],
        Preview::Diff(lines) => {
            let role = |line: &str| match line.chars().next() {
                Some('+') => Role::Added,
                Some('-') => Role::Removed,
                Some(_) | None => Role::Text,
            };
            let lines = lines.iter().map(|line| Row::new(role(line), format!("  {line}")).hang(4));
            std::iter::once(Row::new(Role::Faint, "what the server says would change")).chain(lines).collect()
        }
    }
}

fn undo_rows(wish: &Wish) -> Vec<Row> {
    let Some(undo) = &wish.undo_describes else { return Vec::new() };
    let lines = undo.runs.iter().map(|line| Row::text(format!("  {line}")).hang(4));
    std::iter::once(Row::new(Role::Faint, "its undo")).chain(lines).collect()
}

fn prompt(scene: &Scene, asking: &Asking, places: &Places, brush: &mut Brush) {
    let blank = Dialog::default();
    let dialog = scene.dialog().unwrap_or(&blank);
    match asking.proposal.challenge() {
        Challenge::Yes => {
            let row =
                Row::new(Role::Strong, "Press ").and(Role::Key, "y").and(Role::Strong, " to run exactly this. Any other key runs nothing.");
            brush.line(places.answer, &row);
        }
        Challenge::TypeName(name) => {
            let label = Row::new(Role::Strong, "› Type ").and(Role::Key, &**name).and(Role::Strong, " to run it: ");
            typed(places.answer, &label, &dialog.answer, brush);
        }
        Challenge::Recall { what, .. } => {
            let mark = |part| if dialog.part == part { "› " } else { "  " };
            let label = Row::new(Role::Strong, format!("{}{}", mark(Part::Answer), name_label(what)));
            typed(places.answer, &label, &dialog.answer, brush);
            if let Some(area) = places.reason {
                let label = Row::new(Role::Strong, format!("{}{REASON}", mark(Part::Reason)));
                typed(area, &label, &dialog.reason, brush);
            }
        }
    }
    if let Some(complaint) = &dialog.complaint {
        brush.line(places.complaint, &Row::new(Role::Problem, format!("! {complaint}")));
    } else {
        brush.line(places.complaint, &Row::new(Role::Faint, hint(scene, asking.proposal.challenge())));
    }
}

const REASON: &str = "Why it must be done: ";

fn name_label(what: &str) -> String {
    format!("Name of the {what}, from memory: ")
}

fn hint(scene: &Scene, challenge: &Challenge) -> String {
    let key = |mode, verb| scene.model.keys.key(mode, verb);
    match challenge {
        Challenge::Yes => format!("{}: nothing runs.", key(Mode::Confirm, Verb::Back)),
        Challenge::TypeName(_) => format!("Then {}. {}: nothing runs.", key(Mode::Recall, Verb::Accept), key(Mode::Recall, Verb::Back)),
        Challenge::Recall { .. } => {
            let [enter, tab, esc] = [Verb::Accept, Verb::Toggle, Verb::Back].map(|verb| key(Mode::Recall, verb));
            format!("Hidden on purpose. {tab}: other line. {enter}: answer. {esc}: nothing runs.")
        }
    }
}

fn typed(area: Rect, label: &Row, field: &Field, brush: &mut Brush) {
    brush.line(area, label);
    let width = u16::try_from(label.width()).unwrap_or(u16::MAX).min(area.width);
    brush.typed(Rect { x: area.x + width, width: area.width - width, ..area }, field);
}

pub fn cursor(scene: &Scene, asking: &Asking, body: Rect) -> Option<Position> {
    let blank = Dialog::default();
    let dialog = scene.dialog().unwrap_or(&blank);
    let places = places(asking, body);
    let (area, label, field) = match asking.proposal.challenge() {
        Challenge::Yes => return None,
        Challenge::TypeName(name) => (places.answer, Row::text(format!("› Type {name} to run it: ")), &dialog.answer),
        Challenge::Recall { what, .. } => match dialog.part {
            Part::Answer => (places.answer, Row::text(format!("  {}", name_label(what))), &dialog.answer),
            Part::Reason => (places.reason?, Row::text(format!("  {REASON}")), &dialog.reason),
        },
    };
    let width = u16::try_from(label.width()).unwrap_or(u16::MAX).min(area.width);
    let (_, column) = field.window(area.width - width);
    Some(Position::new((area.x + width + column).min(area.right().saturating_sub(1)), area.y))
}
