//! The line front end over the same engine: numbered lines in, plain lines out, for screen readers, dumb terminals, pipes and tests.
//! State, records and typed lines come in; lines to print and intents go out. No terminal, no files, no clock.
//!
//! Every line that leaves here is free of control characters, whoever wrote it.

mod confirm;
mod drill;
mod history;
mod input;
mod listing;
mod question;
mod record;
mod step;
mod text;
mod word;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::engine::{Intent, Notice, State};
use crate::runbook::model::StepId;
use crate::timeline::record::{Happening, Mode, Record, RunId};
use confirm::Asked;
use history::History;

/// One console on lines. What it remembers is only what was printed; what is true is in the engine's state.
#[derive(Debug, Default)]
pub struct Session {
    step: Option<step::Shown>,
    asked: Option<Asked>,
    question: Option<RunId>,
    history: History,
    /// A drill's briefing was printed.
    briefed: bool,
}

/// What a typed line comes to.
#[derive(Debug, Default, PartialEq)]
pub struct Parsed {
    pub intents: Vec<Intent>,
    pub say: Vec<String>,
    /// Text for the clipboard.
    pub copy: Option<String>,
}

impl Parsed {
    fn intent(intent: Intent) -> Self {
        Self { intents: vec![intent], ..Self::default() }
    }

    fn say(lines: Vec<String>) -> Self {
        Self { say: lines, ..Self::default() }
    }

    fn problem(text: &str) -> Self {
        Self::say(text::wrap("!! ", text))
    }
}

impl Session {
    pub fn new() -> Self {
        Self::default()
    }

    /// Lines for a record the log has acknowledged. Those of a log that is resumed go through here as well, so that `timeline` and
    /// `output` know them.
    pub fn recorded(&mut self, state: &State, record: &Record) -> Vec<String> {
        let lines = safe(record::lines(state, record));
        self.history.keep(record, &lines);
        // The step's block, the notice, or the answer to the person's own line says it already.
        let is_said = matches!(
            record.happening,
            Happening::StepEntered { .. } | Happening::FactsRead { .. } | Happening::Refused { .. } | Happening::Declined { .. }
        );
        if is_said { Vec::new() } else { lines }
    }

    pub fn told(&mut self, notice: &Notice) -> Vec<String> {
        safe(match notice {
            Notice::Info(text) => text::wrap("-- ", text),
            Notice::Problem(text) => text::wrap("!! ", text),
        })
    }

    /// A line of output as it comes. After [`history::LINES`] lines of one run the rest is counted and said when it ends.
    pub fn line(&mut self, run: RunId, stderr: bool, text: &str) -> Vec<String> {
        safe(self.history.line(run, stderr, text))
    }

    /// After every event: the step when it is another one or its commands changed, a question, a confirmation.
    pub fn changed(&mut self, state: &State, now: Timestamp) -> Vec<String> {
        let mut lines = Vec::new();
        if state.setup.drill.is_some() && !std::mem::replace(&mut self.briefed, true) {
            lines.extend(drill::briefing(state));
        }
        lines.extend(step::changed(&mut self.step, state));
        lines.extend(question::changed(&mut self.question, state));
        lines.extend(confirm::changed(&mut self.asked, state, now));
        safe(lines)
    }

    /// What stands before the line to type.
    pub fn prompt(&self, state: &State) -> String {
        let prompt = confirm::prompt(self.asked.as_ref(), state).or_else(|| question::prompt(state)).unwrap_or_else(|| {
            format!("{} {} {}> ", mode(state), state.setup.workload, state.incident.step.as_ref().map_or("-", StepId::as_str))
        });
        text::safe(&prompt)
    }

    /// A typed line, without its newline.
    pub fn input(&mut self, state: &State, line: &str, now: Timestamp) -> Parsed {
        let mut parsed = match confirm::answer(&mut self.asked, state, line, now) {
            Some(parsed) => parsed,
            None => question::answer(state, line).unwrap_or_else(|line| input::command(&self.history, state, line, now)),
        };
        parsed.say = safe(parsed.say);
        parsed
    }
}

fn safe(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    lines.into_iter().map(|line| text::safe(&line)).collect()
}

fn mode(state: &State) -> &'static str {
    state.incident.opened.as_ref().map_or(Mode::Live, |opened| opened.mode).as_str()
}
