//! What a command's own expressions make of its result: captures, `expect`, `value`, a watch's `until`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::action::{Ending, Report};
use crate::engine::event::Ran;
use crate::engine::scope;
use crate::runbook::expression;
use crate::runbook::model::{Command, Name};
use crate::timeline::record::{Output, Reading, RunId};

/// Decides every expression of the command over its report. Runs on a blocking thread.
pub fn judge(run: RunId, command: Option<&Command>, report: Report, output: Option<Output>, known: &Value) -> Ran {
    let mut ran = Ran::plain(run, report);
    ran.output = output;
    let Some(command) = command else { return ran };
    if !matches!(ran.report.ending, Ending::Succeeded | Ending::Failed(_)) {
        return ran;
    }
    let scope = scope::with_result(known, &ran.report);
    let mut undecided = Vec::new();
    let mut truth = |what: &str, source: &str| match expression::truth(source, &scope) {
        Ok(truth) => Some(truth),
        Err(error) => {
            undecided.push(format!("{what} `{source}`: {}", error.why));
            None
        }
    };
    ran.expected = command.expect.as_ref().and_then(|expect| truth("expect", &expect.value));
    ran.until = command.watch.as_ref().and_then(|watch| truth("until", &watch.until.value));
    ran.captured = captures(command, &scope, &mut undecided);
    ran.reading = reading(command, &scope, &mut undecided);
    ran.undecided = undecided;
    ran
}

fn captures(command: &Command, scope: &Value, undecided: &mut Vec<String>) -> BTreeMap<Name, Value> {
    let mut captured = BTreeMap::new();
    for (name, source) in &command.capture {
        match expression::evaluate(&source.value, scope) {
            Ok(value) => {
                captured.insert(name.clone(), value);
            }
            Err(error) => undecided.push(format!("capture {name} `{}`: {}", source.value, error.why)),
        }
    }
    captured
}

/// The command's number, or a reading without one where it could not be read.
pub fn reading(command: &Command, scope: &Value, undecided: &mut Vec<String>) -> Option<Reading> {
    let measured = command.value.as_ref()?;
    let value = match expression::evaluate(&measured.value.value, scope) {
        Ok(value) => value.as_f64(),
        Err(error) => {
            undecided.push(format!("value `{}`: {}", measured.value.value, error.why));
            None
        }
    };
    Some(Reading { command: command.id.clone(), value, unit: measured.unit.clone() })
}
