//! What the world sends: streamed lines and records of the log.

use crate::engine::{Notice, State};
use crate::timeline::record::{Finished, Happening, Record, RunId};
use crate::tui::keys::{Mode, Verb};
use crate::tui::model::{LINES, Model, Output, RUNS};
use crate::tui::ring::{Position, Ring};
use crate::tui::theme::Role;
use crate::tui::{clock, tell};

pub fn line(model: &mut Model, state: &State, run: RunId, stderr: bool, text: String) {
    let role = if stderr { Role::Stderr } else { Role::Text };
    // The mark is a character: colour alone would not tell on every screen.
    let text = if stderr { format!("! {text}") } else { text };
    let title = || state.incident.runs.get(&run).map_or_else(String::new, |run| run.what.title().to_owned());
    if !model.outputs.iter().any(|output| output.run == run) {
        open(model, run, title());
    }
    if let Some(output) = model.outputs.iter_mut().find(|output| output.run == run) {
        output.lines.push(role, text);
    }
}

/// The output pane turns to a new run, unless the responder holds it on another.
fn open(model: &mut Model, run: RunId, title: String) {
    if model.outputs.len() == RUNS {
        model.outputs.pop_front();
    }
    model.outputs.push_back(Output { run, title, lines: Ring::new(LINES) });
    let held = model.shown_run.is_some_and(|shown| model.outputs.iter().any(|output| output.run == shown));
    if !held {
        model.shown_run = None;
        model.output_at = Position::Tail;
    }
}

pub fn recorded(model: &mut Model, record: &Record) {
    let Some((role, text)) = tell::tell(&record.happening) else { return };
    let time = clock::time_of_day(record.time, &model.zone);
    let text: Vec<&str> = text.lines().collect();
    model.events.push(role, format!("{time} {}", text.join(" / ")));
    announce(model, record);
    if let Happening::Started(started) = &record.happening {
        open(model, started.run, started.title.clone());
    } else if let Happening::Intended(intended) = &record.happening {
        open(model, intended.run, intended.title.clone());
    } else if let Happening::Finished(finished) = &record.happening {
        end(model, finished);
    } else if let Happening::StepEntered { .. } = &record.happening {
        model.marked = None;
        model.step_scroll = None;
    }
}

/// What a drill brings is said on the notice line as well: no key is taken for it, and nothing is covered.
fn announce(model: &mut Model, record: &Record) {
    let said = if let Happening::DrillInjected(injected) = &record.happening {
        format!("{}: {}", injected.from.as_str().to_uppercase(), injected.text)
    } else if let Happening::DrillHinted(hinted) = &record.happening {
        format!("hint {}: {}", hinted.hint, hinted.text)
    } else if let Happening::DrillDiagnosed(diagnosed) = &record.happening {
        format!("diagnosis by {}: {}", diagnosed.by, diagnosed.answer)
    } else if let Happening::DrillEnded(ended) = &record.happening {
        let key = model.keys.key(Mode::Console, Verb::Close);
        format!("the drill is over, {}: {}. {key} closes it", ended.outcome.as_str(), ended.why)
    } else {
        return;
    };
    model.say(Notice::Info(said), record.time);
}

/// How it ended, as the last line. Lines that were not streamed here (a resumed incident) come from the report's tail.
fn end(model: &mut Model, finished: &Finished) {
    let Some(output) = model.outputs.iter_mut().find(|output| output.run == finished.run) else { return };
    let report = &finished.report;
    if output.lines.is_empty() {
        for line in &report.tail {
            output.lines.push(Role::Text, line.as_str());
        }
        let missing = report.lines.saturating_sub(report.tail.len() as u64);
        if missing > 0 {
            output.lines.push(Role::Stale, format!("({missing} earlier lines are not here)"));
        }
    }
    let (role, said) = tell::ending(finished);
    let mut said = format!("{said} · {}", clock::span(std::time::Duration::from_millis(finished.took_ms)));
    if let Some(exit) = report.exit {
        said = format!("{said} · exit {exit}");
    }
    if report.cut_bytes > 0 {
        said = format!("{said} · {} bytes cut", report.cut_bytes);
    }
    if report.redacted > 0 {
        said = format!("{said} · {} secrets hidden", report.redacted);
    }
    output.lines.push(role, said);
    for why in &finished.undecided {
        output.lines.push(Role::Stale, format!("? not decided: {why}"));
    }
}
