//! ACTIONS: every key that does something, once. Router, footer, help and docs/KEYS.md read it.

/// What the keys mean now: exactly one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The panes.
    Console,
    /// A confirmation that takes `y`.
    Confirm,
    /// A confirmation that takes typed words.
    Recall,
    /// A line of text.
    Type,
    /// Yes or no.
    Tick,
    /// One of several.
    Choose,
    /// Something to read: help, service card, messages.
    Read,
    /// The whole output of a run.
    Pager,
    /// Leaving.
    Leave,
}

impl Mode {
    pub const ALL: [Self; 9] =
        [Self::Console, Self::Confirm, Self::Recall, Self::Type, Self::Tick, Self::Choose, Self::Read, Self::Pager, Self::Leave];

    /// First part of an action's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Confirm => "confirm",
            Self::Recall => "recall",
            Self::Type => "type",
            Self::Tick => "tick",
            Self::Choose => "choose",
            Self::Read => "read",
            Self::Pager => "pager",
            Self::Leave => "leave",
        }
    }

    /// As a heading in help and docs.
    pub fn title(self) -> &'static str {
        match self {
            Self::Console => "Panes",
            Self::Confirm => "Confirming a change with y",
            Self::Recall => "Confirming a change by typing",
            Self::Type => "Typing a line",
            Self::Tick => "A question: yes or no",
            Self::Choose => "A list to choose from",
            Self::Read => "Help, service card, messages",
            Self::Pager => "The whole output",
            Self::Leave => "Leaving",
        }
    }

    /// Whether letters go into a text field, so that none can be a key.
    pub fn types(self) -> bool {
        match self {
            Self::Recall | Self::Type => true,
            Self::Console | Self::Confirm | Self::Tick | Self::Choose | Self::Read | Self::Pager | Self::Leave => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Open,
    Start,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Left,
    Right,
    NextPane,
    PreviousPane,
    Steps,
    Step,
    Output,
    Timeline,
    NextStep,
    PreviousStep,
    Follow,
    Complete,
    Skip,
    Misfit,
    Note,
    OwnCommand,
    Undo,
    Outcomes,
    Stop,
    Whole,
    OlderRun,
    NewerRun,
    Copy,
    Card,
    Messages,
    Briefing,
    Hint,
    Diagnose,
    Help,
    Close,
    Quit,
    Yes,
    No,
    Accept,
    Back,
    Toggle,
    Search,
    NextMatch,
    PreviousMatch,
    Wrap,
}

/// Whether the footer has it, in the order of the table, as far as there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Footer {
    Shown,
    Hidden,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    pub mode: Mode,
    pub verb: Verb,
    /// With the mode before it (`console.start`), what settings call it.
    pub name: &'static str,
    pub keys: &'static [&'static str],
    /// A word or two, for the footer.
    pub label: &'static str,
    pub help: &'static str,
    pub footer: Footer,
}

impl Action {
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.mode.as_str(), self.name)
    }
}

/// An action that the footer shows.
const fn shown(mode: Mode, verb: Verb, name: &'static str, keys: &'static [&'static str], says: [&'static str; 2]) -> Action {
    Action { mode, verb, name, keys, label: says[0], help: says[1], footer: Footer::Shown }
}

/// An action that only help shows.
const fn quiet(mode: Mode, verb: Verb, name: &'static str, keys: &'static [&'static str], says: [&'static str; 2]) -> Action {
    Action { mode, verb, name, keys, label: says[0], help: says[1], footer: Footer::Hidden }
}

use Mode::{Choose, Confirm, Console, Leave, Pager, Read, Recall, Tick, Type};

const UP: &[&str] = &["up", "k"];
const DOWN: &[&str] = &["down", "j"];
const PAGE_UP: &[&str] = &["pgup", "ctrl-u"];
const PAGE_DOWN: &[&str] = &["pgdn", "ctrl-d"];
const BACK: &[&str] = &["esc", "ctrl-c"];

pub const ACTIONS: &[Action] = &[
    shown(
        Console,
        Verb::Open,
        "open",
        &["enter"],
        ["run read", "Run the marked read-only command, go to the marked step, or show the whole output; never starts a change"],
    ),
    shown(
        Console,
        Verb::Start,
        "start",
        &["x"],
        ["prepare", "Make the marked command ready; a change is shown in a dialog first, and nothing runs before its answer"],
    ),
    shown(Console, Verb::Complete, "complete", &["d"], ["done", "Complete the step: say what you saw"]),
    shown(Console, Verb::Follow, "follow", &["f"], ["follow", "Go where a finding that holds sends you"]),
    shown(Console, Verb::Note, "note", &["n"], ["note", "Add a note to the timeline, now or backdated"]),
    shown(Console, Verb::Stop, "stop", &["c"], ["stop", "Stop a running command; asks which where several run"]),
    shown(Console, Verb::Help, "help", &["?", "f1"], ["help", "All keys"]),
    shown(
        Console,
        Verb::Card,
        "card",
        &["s"],
        ["service", "The service card: owner, dashboard, logs, rollback, dependencies, target, facts"],
    ),
    shown(Console, Verb::NextPane, "next-pane", &["tab"], ["pane", "The next pane"]),
    shown(Console, Verb::Quit, "quit", &["q", "ctrl-c"], ["leave", "Leave the console; the incident stays open"]),
    shown(Console, Verb::Skip, "skip", &["S"], ["skip", "Skip the step: say why"]),
    shown(Console, Verb::Misfit, "misfit", &["m"], ["misfit", "The step does not fit what you see: say what you see"]),
    shown(Console, Verb::Undo, "undo", &["u"], ["undo", "Changes that can be taken back"]),
    shown(Console, Verb::Outcomes, "outcomes", &["r"], ["outcomes", "Changes whose outcome is unknown: say what became of them"]),
    shown(
        Console,
        Verb::OwnCommand,
        "own-command",
        &["!"],
        ["own command", "A command line of your own, read-only unless you say otherwise"],
    ),
    shown(Console, Verb::Whole, "whole-output", &["o"], ["output", "The whole output of the run, with search"]),
    shown(Console, Verb::Close, "close", &["E"], ["end incident", "End the incident: needs a summary"]),
    quiet(Console, Verb::PreviousPane, "previous-pane", &["shift-tab"], ["previous pane", "The pane before"]),
    quiet(Console, Verb::Steps, "steps", &["1"], ["steps", "The list of steps"]),
    quiet(Console, Verb::Step, "step", &["2"], ["step", "The step"]),
    quiet(Console, Verb::Output, "output", &["3"], ["output", "The output"]),
    quiet(Console, Verb::Timeline, "timeline", &["4"], ["timeline", "The timeline"]),
    quiet(Console, Verb::NextStep, "next-step", &["J"], ["next step", "Go to the step after this one"]),
    quiet(Console, Verb::PreviousStep, "previous-step", &["K"], ["previous step", "Go to the step before this one"]),
    quiet(Console, Verb::Up, "up", UP, ["up", "Mark the one above, or scroll up"]),
    quiet(Console, Verb::Down, "down", DOWN, ["down", "Mark the one below, or scroll down"]),
    quiet(Console, Verb::PageUp, "page-up", PAGE_UP, ["page up", "Scroll up by half the pane"]),
    quiet(Console, Verb::PageDown, "page-down", PAGE_DOWN, ["page down", "Scroll down by half the pane"]),
    quiet(Console, Verb::Top, "top", &["g", "home"], ["top", "To the beginning"]),
    quiet(Console, Verb::Bottom, "bottom", &["G", "end"], ["end", "To the end; output and timeline follow again"]),
    quiet(Console, Verb::OlderRun, "older-run", &["[", "left"], ["older run", "The output of the run before"]),
    quiet(Console, Verb::NewerRun, "newer-run", &["]", "right"], ["newer run", "The output of the run after"]),
    quiet(Console, Verb::Copy, "copy", &["Y"], ["copy", "Copy what the marked command would run to the clipboard"]),
    quiet(Console, Verb::Briefing, "briefing", &["b"], ["briefing", "In a drill: what it is about"]),
    quiet(Console, Verb::Hint, "hint", &["H"], ["hint", "In a drill: the next hint; it costs points"]),
    quiet(Console, Verb::Diagnose, "diagnose", &["D"], ["diagnose", "In a drill: state the cause; asks which"]),
    quiet(Console, Verb::Messages, "messages", &["M"], ["messages", "Read earlier messages again"]),
    shown(Confirm, Verb::Yes, "yes", &["y"], ["RUN IT", "Run exactly what is shown"]),
    shown(Confirm, Verb::Back, "decline", BACK, ["nothing runs", "Leave the dialog; nothing runs"]),
    shown(Confirm, Verb::Down, "down", DOWN, ["more", "Scroll the details down"]),
    quiet(Confirm, Verb::Up, "up", UP, ["up", "Scroll the details up"]),
    quiet(Confirm, Verb::PageDown, "page-down", PAGE_DOWN, ["page down", "Scroll the details down by a page"]),
    quiet(Confirm, Verb::PageUp, "page-up", PAGE_UP, ["page up", "Scroll the details up by a page"]),
    shown(Recall, Verb::Accept, "answer", &["enter"], ["answer", "Give the typed answer; does nothing while a field is empty"]),
    shown(Recall, Verb::Back, "decline", BACK, ["nothing runs", "Leave the dialog; nothing runs"]),
    quiet(Recall, Verb::Toggle, "other-field", &["tab", "shift-tab"], ["other field", "Between the name and the reason"]),
    shown(Recall, Verb::Down, "down", &["down"], ["more", "Scroll the details down"]),
    quiet(Recall, Verb::Up, "up", &["up"], ["up", "Scroll the details up"]),
    quiet(Recall, Verb::PageDown, "page-down", &["pgdn"], ["page down", "Scroll the details down by a page"]),
    quiet(Recall, Verb::PageUp, "page-up", &["pgup"], ["page up", "Scroll the details up by a page"]),
    shown(Type, Verb::Accept, "accept", &["enter"], ["keep", "Keep the line; does nothing while it is empty"]),
    shown(Type, Verb::Back, "back", BACK, ["leave it", "Leave without keeping it"]),
    quiet(Type, Verb::Toggle, "toggle", &["tab"], ["read/change", "A command of your own: between read-only and mutating"]),
    shown(Tick, Verb::Yes, "yes", &["y"], ["yes", "Answer yes"]),
    shown(Tick, Verb::No, "no", &["n"], ["no", "Answer no"]),
    shown(Tick, Verb::Back, "back", BACK, ["leave it", "Leave the question unanswered"]),
    shown(Choose, Verb::Accept, "accept", &["enter"], ["choose", "Take the marked one"]),
    shown(Choose, Verb::Down, "down", DOWN, ["down", "Mark the one below"]),
    shown(Choose, Verb::Up, "up", UP, ["up", "Mark the one above"]),
    shown(Choose, Verb::Back, "back", &["esc", "ctrl-c", "q"], ["leave it", "Leave without choosing"]),
    shown(Read, Verb::Back, "back", &["esc", "ctrl-c", "q"], ["back", "Back to the panes"]),
    shown(Read, Verb::Down, "down", DOWN, ["down", "Scroll down"]),
    shown(Read, Verb::Up, "up", UP, ["up", "Scroll up"]),
    quiet(Read, Verb::PageDown, "page-down", &["pgdn", "ctrl-d", "space"], ["page down", "Scroll down by a page"]),
    quiet(Read, Verb::PageUp, "page-up", PAGE_UP, ["page up", "Scroll up by a page"]),
    quiet(Read, Verb::Top, "top", &["g", "home"], ["top", "To the beginning"]),
    quiet(Read, Verb::Bottom, "bottom", &["G", "end"], ["end", "To the end"]),
    shown(Pager, Verb::Back, "back", &["esc", "ctrl-c", "q"], ["back", "Back to the panes; clears the search first"]),
    shown(Pager, Verb::Search, "search", &["/"], ["search", "Search in the output, whatever the case"]),
    shown(Pager, Verb::NextMatch, "next-match", &["n"], ["next", "The next hit, towards newer lines"]),
    shown(Pager, Verb::PreviousMatch, "previous-match", &["N"], ["previous", "The hit before, towards older lines"]),
    shown(Pager, Verb::Wrap, "wrap", &["w"], ["wrap", "Between wrapped lines and one row a line"]),
    shown(Pager, Verb::Bottom, "bottom", &["G", "end"], ["newest", "To the newest line, and follow it"]),
    quiet(Pager, Verb::Top, "top", &["g", "home"], ["oldest", "To the oldest line kept"]),
    quiet(Pager, Verb::Down, "down", DOWN, ["down", "Scroll down"]),
    quiet(Pager, Verb::Up, "up", UP, ["up", "Scroll up"]),
    quiet(Pager, Verb::PageDown, "page-down", &["pgdn", "ctrl-d", "space"], ["page down", "Scroll down by half a page"]),
    quiet(Pager, Verb::PageUp, "page-up", PAGE_UP, ["page up", "Scroll up by half a page"]),
    quiet(Pager, Verb::Left, "left", &["left", "h"], ["left", "Unwrapped lines: towards their beginning"]),
    quiet(Pager, Verb::Right, "right", &["right", "l"], ["right", "Unwrapped lines: towards their end"]),
    quiet(Pager, Verb::OlderRun, "older-run", &["["], ["older run", "The output of the run before"]),
    quiet(Pager, Verb::NewerRun, "newer-run", &["]"], ["newer run", "The output of the run after"]),
    shown(Leave, Verb::Yes, "yes", &["q", "ctrl-c"], ["leave", "Leave; the incident stays open"]),
    shown(Leave, Verb::Back, "back", &["esc"], ["stay", "Stay"]),
];
