//! What the screen remembers that the engine has no business knowing: focus, selection, scroll, half-typed text, streamed lines.
//! Nothing here is the truth about the incident, and nothing here decides what runs.

use std::collections::VecDeque;

use crossterm::event::{KeyEvent, MouseEvent};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::{Rect, Size};

use super::field::Field;
use super::keys::Keymap;
use super::layout;
use super::ring::{Position, Ring};
use super::surface::Arrival;
use super::theme::Theme;
use crate::engine::{Intent, Notice, State};
use crate::runbook::model::{Command, Effect, StepId};
use crate::timeline::record::{Record, RunId};

/// Runs whose lines are kept.
pub const RUNS: usize = 8;
/// Lines kept of one run; older ones are dropped and counted.
pub const LINES: usize = 10_000;
/// Events kept for the timeline pane.
pub const EVENTS: usize = 5_000;
/// Columns of the time of day before an event.
const TIME: u16 = 9;
/// Messages kept for reading again.
pub const MESSAGES: usize = 100;

/// What comes in.
#[derive(Debug, Clone)]
pub enum Input {
    Key(KeyEvent),
    Paste(String),
    Resize(u16, u16),
    Mouse(MouseEvent),
    /// One line of a run's output, cleaned and redacted.
    Line {
        run: RunId,
        stderr: bool,
        text: String,
    },
    /// The log has it. On resume, every record of the log comes in this way once.
    Recorded(Record),
    Told(Notice),
    Tick,
}

/// What goes out.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    Intent(Intent),
    /// For the clipboard, by OSC 52.
    Copy(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    Steps,
    #[default]
    Step,
    Output,
    Timeline,
}

impl Pane {
    pub const ALL: [Self; 4] = [Self::Steps, Self::Step, Self::Output, Self::Timeline];

    pub fn title(self) -> &'static str {
        match self {
            Self::Steps => "Steps",
            Self::Step => "Step",
            Self::Output => "Output",
            Self::Timeline => "Timeline",
        }
    }

    pub fn number(self) -> usize {
        match self {
            Self::Steps => 1,
            Self::Step => 2,
            Self::Output => 3,
            Self::Timeline => 4,
        }
    }
}

/// What the responder opened over the panes. One at most; dialogs and questions are the engine's and are not stored here.
#[derive(Debug, Default)]
pub enum Overlay {
    #[default]
    Nothing,
    Sheet {
        sheet: Sheet,
        scroll: usize,
    },
    Prompt {
        prompt: Prompt,
        field: Field,
    },
    /// Marked by what it is, not by its place: a list grows and shrinks under the responder's eyes.
    List {
        list: List,
        marked: Option<Choice>,
    },
    /// The whole output of one run.
    Pager(Pager),
    /// Asked to leave.
    Leaving,
}

/// Something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    Help,
    Card,
    Messages,
    /// What a drill is about.
    Briefing,
}

/// Something to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    Complete,
    Skip,
    Misfit,
    Note,
    OwnCommand(Effect),
    /// How the responder knows what became of a change.
    Rule {
        run: RunId,
        happened: bool,
    },
    Close,
}

/// Something to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Undo,
    Unknown,
    /// Whether a change of unknown outcome took effect.
    Verdict(RunId),
    Running,
    Findings,
    /// What may be stated as the cause in a drill.
    Causes,
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Run(RunId),
    Happened {
        run: RunId,
        happened: bool,
    },
    Step(StepId),
    /// By its id.
    Cause(String),
}

#[derive(Debug, Default)]
pub struct Pager {
    pub position: Position,
    /// Columns hidden at the left; only without wrapping.
    pub left: u16,
    pub wrap: Wrap,
    pub search: Search,
    /// The line the search is at.
    pub hit: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    #[default]
    Words,
    Cut,
}

#[derive(Debug, Default)]
pub enum Search {
    #[default]
    Off,
    Typing(Field),
    For(String),
}

/// The streamed lines of one run.
#[derive(Debug)]
pub struct Output {
    pub run: RunId,
    pub title: String,
    pub lines: Ring,
}

#[derive(Debug)]
pub struct Message {
    pub at: Timestamp,
    pub notice: Notice,
}

#[derive(Debug)]
pub struct Model {
    pub(super) theme: Theme,
    pub(super) keys: Keymap,
    pub(super) zone: TimeZone,
    pub(super) size: Size,
    pub(super) pane: Pane,
    pub(super) overlay: Overlay,
    /// Why the prompt's line was not taken.
    pub(super) complaint: Option<String>,
    /// The step marked in the list; the current one unless said.
    pub(super) marked: Option<StepId>,
    /// The command marked in the current step, and the step it belongs to.
    pub(super) chosen: (Option<StepId>, usize),
    /// Rows hidden at the top of the step pane; nothing: follow the marked command.
    pub(super) step_scroll: Option<usize>,
    pub(super) outputs: VecDeque<Output>,
    /// The run shown; nothing: the newest.
    pub(super) shown_run: Option<RunId>,
    pub(super) output_at: Position,
    pub(super) events: Ring,
    pub(super) events_at: Position,
    pub(super) messages: VecDeque<Message>,
    pub(super) arrival: Arrival,
}

impl Model {
    pub fn new(theme: Theme, keys: Keymap) -> Self {
        Self {
            theme,
            keys,
            zone: TimeZone::UTC,
            size: Size::new(80, 24),
            pane: Pane::default(),
            overlay: Overlay::Nothing,
            complaint: None,
            marked: None,
            chosen: (None, 0),
            step_scroll: None,
            outputs: VecDeque::new(),
            shown_run: None,
            output_at: Position::Tail,
            events: Ring::new(EVENTS).hanging(TIME),
            events_at: Position::Tail,
            messages: VecDeque::new(),
            arrival: Arrival::default(),
        }
    }

    /// Times of day in this zone; UTC unless said.
    #[must_use]
    pub fn in_zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// Opens a drill's briefing, before anything else is on the screen.
    pub fn brief(&mut self) {
        self.overlay = Overlay::Sheet { sheet: Sheet::Briefing, scroll: 0 };
    }

    /// To be called after each frame has reached the terminal: dialogs take answers only some time after their first frame.
    pub fn shown(&mut self, state: &State, now: Timestamp) {
        if layout::is_too_small(self.area()) {
            return;
        }
        self.arrival.shown(super::surface::surface(self, state).arriving(), now);
    }

    /// Whether something on the screen counts seconds.
    pub fn needs_second_tick(&self, state: &State) -> bool {
        state.incident.opened_at.is_some() && state.incident.closed.is_none() && !layout::is_too_small(self.area())
    }

    pub(super) fn area(&self) -> Rect {
        Rect::new(0, 0, self.size.width, self.size.height)
    }

    /// The output on the screen.
    pub(super) fn output(&self) -> Option<&Output> {
        let shown = self.shown_run.and_then(|run| self.outputs.iter().find(|output| output.run == run));
        shown.or_else(|| self.outputs.back())
    }

    /// The step marked in the list.
    pub(super) fn marked_step<'a>(&'a self, state: &'a State) -> Option<&'a StepId> {
        self.marked.as_ref().or(state.incident.step.as_ref())
    }

    /// The number of the marked command in the current step.
    pub(super) fn chosen_in(&self, state: &State) -> usize {
        let commands = state.current_step().map_or(0, |step| state.commands(step).count());
        let (step, number) = &self.chosen;
        if step.as_ref() == state.incident.step.as_ref() { (*number).min(commands.saturating_sub(1)) } else { 0 }
    }

    /// The marked command.
    pub(super) fn command<'a>(&self, state: &'a State) -> Option<&'a Command> {
        let step = state.current_step()?;
        state.commands(step).nth(self.chosen_in(state))
    }

    /// Says something on the notice line.
    pub(super) fn say(&mut self, notice: Notice, at: Timestamp) {
        if self.messages.len() == MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(Message { at, notice });
    }
}
