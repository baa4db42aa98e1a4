//! Text prompts and the runbook's questions: a box above the notice line, so that what it is about stays in view.

use ratatui::layout::{Margin, Position, Rect};

use super::Scene;
use crate::action::ask::Answer;
use crate::engine::state::Question;
use crate::runbook::model::Effect;
use crate::timeline::record::RunId;
use crate::tui::field::Field;
use crate::tui::keys::{Mode, Verb};
use crate::tui::model::Prompt;
use crate::tui::paint::{Brush, Row, Weight};
use crate::tui::surface::Dialog;
use crate::tui::theme::Role;

/// Rows about what is to be typed, at most, before the field.
const ABOUT: u16 = 12;

/// What stands in the box.
struct Page {
    title: String,
    role: Role,
    about: Vec<Row>,
    /// The row about it that must be in view.
    marked: usize,
    label: &'static str,
}

fn page(scene: &Scene, prompt: &Prompt) -> Page {
    let step = scene.state.current_step().map_or_else(String::new, |step| step.title.value.clone());
    let plain = |title: &str, about: &str, label| Page {
        title: title.to_owned(),
        role: Role::Focus,
        about: vec![Row::text(about)],
        marked: 0,
        label,
    };
    match prompt {
        Prompt::Complete => plain(&format!("Done: {step}"), "Say what you saw: the value, not just \"checked\".", "Saw: "),
        Prompt::Skip => plain(&format!("Skip: {step}"), "Why this step is left out.", "Because: "),
        Prompt::Misfit => plain(&format!("Does not fit: {step}"), "What you see that this step does not expect.", "I see: "),
        Prompt::Note => plain(
            "Note",
            &format!(
                "Begin with -5m (so long ago) or 14:05 ({}) to date it back.",
                scene.now.to_zoned(scene.model.zone.clone()).strftime("%Z")
            ),
            "Note: ",
        ),
        Prompt::OwnCommand(effect) => own_command(scene, *effect),
        Prompt::Rule { run, happened } => {
            let what = if *happened { "IT TOOK EFFECT" } else { "IT DID NOT TAKE EFFECT" };
            plain(&format!("{} {}: {what}", run, title(scene, *run)), "How you know.", "Because: ")
        }
        Prompt::Close => close(scene),
    }
}

fn own_command(scene: &Scene, effect: Effect) -> Page {
    let key = scene.model.keys.key(Mode::Type, Verb::Toggle);
    let (role, said) = match effect {
        Effect::ReadOnly => (Role::ReadOnly, "[RO] You say it only reads.".to_owned()),
        Effect::Mutating => (Role::Mutating, "[MUT] You say it CHANGES the target.".to_owned()),
    };
    let about = vec![
        Row::new(role, said).and(Role::Key, format!("  {key}")).and(Role::Text, " switches"),
        Row::new(
            Role::Faint,
            "It runs on the incident's target. A dialog shows it first, unless it is known to be unable to change anything.",
        ),
    ];
    Page { title: "A command of your own".to_owned(), role: Role::Focus, about, marked: 0, label: "$ " }
}

fn close(scene: &Scene) -> Page {
    let incident = &scene.state.incident;
    let left = |word: &str, role, runs: Vec<RunId>| -> Vec<Row> {
        runs.into_iter().map(|run| Row::new(role, format!("! {word}: {run} {}", title(scene, run))).hang(4)).collect()
    };
    let mut about = left("OUTCOME UNKNOWN", Role::Problem, incident.unknown());
    about.extend(left("still in place, can be undone", Role::Hazard, incident.outstanding()));
    let open = scene.state.steps().filter(|step| !incident.settled_steps().contains(&step.id)).count();
    if open > 0 {
        about.push(Row::text(format!("{open} steps are not settled.")));
    }
    about.push(Row::text("How it ended, in one line. This closes the incident."));
    Page { title: "End the incident".to_owned(), role: Role::Hazard, about, marked: 0, label: "Summary: " }
}

/// The title of a run.
pub fn title(scene: &Scene, run: RunId) -> String {
    scene.state.incident.runs.get(&run).map_or_else(String::new, |run| run.what.title().to_owned())
}

/// The box: its frame, the rows about it, the line of the field, the line under it.
fn boxed(page: &Page, body: Rect) -> (Rect, Rect, Rect, Rect) {
    let width = body.width.saturating_sub(2);
    let about = crate::tui::paint::measure(&page.about, width);
    let about = u16::try_from(about).unwrap_or(u16::MAX).min(ABOUT).min(body.height.saturating_sub(4));
    let height = about + 4;
    let frame = Rect { y: body.bottom().saturating_sub(height).max(body.y), height: height.min(body.height), ..body };
    let inner = frame.inner(Margin::new(1, 1));
    let field = Rect { y: inner.y + about, height: 1, ..inner };
    let under = Rect { y: field.y + 1, height: 1, ..inner };
    (frame, Rect { height: about, ..inner }, field, under)
}

fn show(page: &Page, field: Option<&Field>, complaint: Option<&str>, body: Rect, brush: &mut Brush) {
    let (frame, about, line, under) = boxed(page, body);
    brush.frame(frame, &Row::new(page.role, format!(" {} ", page.title)), (page.role, Weight::Plain));
    brush.rows(about, &page.about, (page.marked + 1).saturating_sub(usize::from(about.height)));
    if let Some(field) = field {
        brush.line(line, &Row::new(Role::Strong, page.label));
        brush.typed(after(line, page.label), field);
    }
    if let Some(complaint) = complaint {
        brush.line(under, &Row::new(Role::Problem, format!("! {complaint}")));
    }
}

fn after(line: Rect, label: &str) -> Rect {
    let width = u16::try_from(Row::text(label).width()).unwrap_or(u16::MAX).min(line.width);
    Rect { x: line.x + width, width: line.width - width, ..line }
}

fn cursor_in(page: &Page, field: &Field, body: Rect) -> Position {
    let (_, _, line, _) = boxed(page, body);
    let room = after(line, page.label);
    let (_, column) = field.window(room.width);
    Position::new((room.x + column).min(room.right().saturating_sub(1)), room.y)
}

pub fn draw(scene: &Scene, prompt: &Prompt, field: &Field, body: Rect, brush: &mut Brush) {
    let complaint = scene.model.complaint.as_deref();
    show(&page(scene, prompt), Some(field), complaint, body, brush);
}

pub fn cursor(scene: &Scene, prompt: &Prompt, field: &Field, body: Rect) -> Position {
    cursor_in(&page(scene, prompt), field, body)
}

fn question_page(scene: &Scene, question: &Question, selected: usize) -> Page {
    let mut about: Vec<Row> = question.ask.question.lines().map(|line| Row::new(Role::Strong, line)).collect();
    let mut marked = 0;
    let label = match &question.ask.answer {
        Answer::Text => "Answer: ",
        Answer::Number => "Number: ",
        Answer::Tick => {
            about.push(Row::new(Role::Key, "y").and(Role::Text, " yes   ").and(Role::Key, "n").and(Role::Text, " no"));
            ""
        }
        Answer::Choice(choices) => {
            marked = about.len() + selected;
            about.extend(choices.iter().enumerate().map(|(number, choice)| {
                let mark = if number == selected { "› " } else { "  " };
                let role = if number == selected { Role::Selected } else { Role::Text };
                Row::new(Role::Key, mark).and(role, &**choice).hang(4)
            }));
            ""
        }
    };
    let title = scene.state.command(&question.command).map_or_else(|| question.command.to_string(), |(_, found)| found.title.value.clone());
    Page { title: format!("Question: {title}"), role: Role::Focus, about, marked, label }
}

pub fn question(scene: &Scene, question: &Question, body: Rect, brush: &mut Brush) {
    let blank = Dialog::default();
    let dialog = scene.dialog().unwrap_or(&blank);
    let page = question_page(scene, question, dialog.selected);
    let field = types(&question.ask.answer).then_some(&dialog.answer);
    show(&page, field, dialog.complaint.as_deref(), body, brush);
}

fn types(answer: &Answer) -> bool {
    match answer {
        Answer::Text | Answer::Number => true,
        Answer::Tick | Answer::Choice(_) => false,
    }
}

pub fn question_cursor(scene: &Scene, question: &Question, body: Rect) -> Option<Position> {
    let blank = Dialog::default();
    let dialog = scene.dialog().unwrap_or(&blank);
    let page = question_page(scene, question, dialog.selected);
    types(&question.ask.answer).then(|| cursor_in(&page, &dialog.answer, body))
}

pub fn leaving(scene: &Scene, body: Rect, brush: &mut Brush) {
    let keys = &scene.model.keys;
    let mut about = vec![Row::text("The incident stays open: `qrh resume` goes on with it.")];
    let reads = scene.state.reads.len();
    if reads > 0 {
        about.push(Row::new(Role::Hazard, format!("{reads} running commands will be stopped.")));
    }
    let outstanding = scene.state.incident.outstanding().len();
    if outstanding > 0 {
        about.push(Row::text(format!("{outstanding} changes stay in place.")));
    }
    let (leave, stay) = (keys.key(Mode::Leave, Verb::Yes), keys.key(Mode::Leave, Verb::Back));
    about.push(Row::new(Role::Key, leave).and(Role::Text, " leaves   ").and(Role::Key, stay).and(Role::Text, " stays"));
    let page = Page { title: "Leave the console?".to_owned(), role: Role::Focus, about, marked: 0, label: "" };
    show(&page, None, None, body, brush);
}
