//! A question of the runbook: while it is open a line is its reply, and `:` before a line makes it a command.

use serde_json::{Number, Value};

use super::Parsed;
use super::text::wrap;
use crate::action::ask::{Answer, Ask};
use crate::engine::{Intent, State};
use crate::timeline::record::RunId;

pub(super) fn changed(shown: &mut Option<RunId>, state: &State) -> Vec<String> {
    let open = state.question.as_ref();
    let before = std::mem::replace(shown, open.map(|question| question.run));
    let Some(question) = open.filter(|question| before != Some(question.run)) else { return Vec::new() };
    let mut lines = vec![String::new()];
    lines.extend(wrap(&format!("QUESTION {}  ", question.run), &question.ask.question));
    if let Answer::Choice(choices) = &question.ask.answer {
        lines.extend(choices.iter().enumerate().map(|(number, choice)| format!("{:>3}  {choice}", number + 1)));
    }
    lines.push(format!("  {}; \".\" leaves it, \":\" before a line makes it a command", question.ask.answer.expects()));
    lines
}

pub(super) fn prompt(state: &State) -> Option<String> {
    let question = state.question.as_ref()?;
    Some(format!("{} answer> ", question.run))
}

/// The reply; the line to be taken as a command, where it is not one.
pub(super) fn answer<'a>(state: &State, line: &'a str) -> Result<Parsed, &'a str> {
    let Some(question) = &state.question else { return Err(line) };
    let line = line.trim();
    if let Some(command) = line.strip_prefix(':') {
        return Err(command);
    }
    Ok(match line {
        "" => Parsed::problem(&question.ask.answer.expects()),
        "." => Parsed::intent(Intent::Decline),
        _ => Parsed::intent(Intent::Reply(value(&question.ask, line))),
    })
}

/// What a line says in terms of the question. What does not fit is handed on as it is: the engine says what is needed.
fn value(ask: &Ask, line: &str) -> Value {
    let said = || Value::String(line.to_owned());
    match &ask.answer {
        Answer::Text => said(),
        Answer::Number => {
            let whole = line.parse::<i64>().ok().map(Number::from);
            whole.or_else(|| line.parse().ok().and_then(Number::from_f64)).map_or_else(said, Value::Number)
        }
        Answer::Tick => match line.to_ascii_lowercase().as_str() {
            "y" | "yes" => Value::Bool(true),
            "n" | "no" => Value::Bool(false),
            _ => said(),
        },
        Answer::Choice(choices) => {
            let named = choices.iter().find(|choice| choice.as_str() == line);
            let numbered = || line.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
            named.or_else(numbered).map_or_else(said, |choice| Value::String(choice.clone()))
        }
    }
}
