//! Renders a step and decides every finding with what is known now. Runs on a blocking thread: templates and expressions take time.

use serde_json::Value;

use crate::action::{Action, Identity};
use crate::engine::event::{Considered, Decided, Ready, Rendered, Token};
use crate::runbook::expression;
use crate::runbook::model::{ActionSpec, Command, Runbook, StepId, TargetKind};
use crate::runbook::{render, template};

/// What a step looks like now.
pub struct View<'a> {
    pub runbook: &'a Runbook,
    pub kind: TargetKind,
    /// The pinned target, for what is shown as the call.
    pub target: &'a Identity,
    pub scope: &'a Value,
}

pub fn consider(view: &View<'_>, token: Token, id: &StepId) -> Considered {
    let step = view.runbook.step(id);
    let commands = step.map(|step| step.commands.iter().filter(|command| command.place.fits(view.kind)).collect::<Vec<_>>());
    Considered {
        token,
        step: id.clone(),
        title: step.map_or_else(|| id.0.clone(), |step| text(&step.title.value, view.scope)),
        commands: commands.unwrap_or_default().into_iter().map(|command| rendered(view, command)).collect(),
        findings: findings(view),
    }
}

fn rendered(view: &View<'_>, command: &Command) -> Rendered {
    Rendered { id: command.id.clone(), title: text(&command.title.value, view.scope), ready: ready(view, command) }
}

fn ready(view: &View<'_>, command: &Command) -> Ready {
    if let Some(when) = &command.when {
        match expression::truth(&when.value, view.scope) {
            Ok(true) => {}
            Ok(false) => return Ready::NotNow(format!("only when {}", when.value)),
            Err(undecided) => return Ready::NotNow(undecided.why),
        }
    }
    match action(&command.action, view.scope) {
        Ok(action) => Ready::Now { describes: action.describe(view.target), verdict: action.classify() },
        Err(why) => Ready::Needs(why),
    }
}

/// A spec with its templates filled in, as the typed action. The error says what is missing.
pub fn action(spec: &ActionSpec, scope: &Value) -> Result<Action, String> {
    let value = render::render_action(spec, scope).map_err(|error| error.message)?;
    serde_json::from_value(value).map_err(|error| format!("{} is not complete: {error}", spec.kind.as_str()))
}

/// A text for the screen: where it can't be rendered yet, as its author wrote it.
pub fn text(source: &str, scope: &Value) -> String {
    template::render(source, scope).unwrap_or_else(|_| source.to_owned())
}

fn findings(view: &View<'_>) -> Vec<Decided> {
    let all: Vec<_> = view.runbook.steps.iter().flat_map(|step| step.findings.iter().enumerate().map(move |found| (step, found))).collect();
    let sources: Vec<&str> = all.iter().map(|(_, (_, finding))| finding.when.value.as_str()).collect();
    let truths = expression::evaluate_all(&sources, view.scope);
    all.into_iter()
        .zip(truths)
        .map(|((step, (number, finding)), truth)| Decided {
            step: step.id.clone(),
            number,
            holds: truth == Ok(Value::Bool(true)),
            means: text(&finding.means.value, view.scope),
            go: finding.go.as_ref().map(|go| go.value.clone()),
        })
        .collect()
}
