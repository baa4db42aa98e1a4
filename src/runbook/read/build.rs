//! From a checked tree to the model. What is missing or wrong was reported already; here it becomes an empty value, so that lint can
//! look at the rest of the document.

use std::time::Duration;

use crate::runbook::form::{self, Fields, plain};
use crate::runbook::model::{
    ActionKind, ActionSpec, Card, Command, CommandId, Effect, Finding, Hazard, Input, InputKind, Measured, Name, Phase, Place, Requirement,
    Retry, Runbook, RunbookId, Step, StepId, Symptom, TargetKind, Watch,
};
use crate::runbook::source::{Node, SourceFile, Span, Spanned, Value};
use crate::runbook::vocabulary::action::{entry, kind_named};

/// A runbook and the nodes it was read from, side by side: lint needs the places of keys that the model does not keep.
pub struct Draft<'a> {
    pub runbook: Runbook,
    pub root: &'a Node,
    pub steps: Vec<StepNode<'a>>,
}

pub struct StepNode<'a> {
    pub node: &'a Node,
    /// Beside `Step::commands`, one for one.
    pub commands: Vec<&'a Node>,
}

pub fn draft<'a>(file: &'a SourceFile, root: &'a Node) -> Draft<'a> {
    let fields = Fields { file, node: root };
    let steps: Vec<_> = root.get("steps").map_or(&[][..], Node::items).iter().map(|node| step(Fields { file, node })).collect();
    let (steps, nodes) = steps.into_iter().unzip();
    let runbook = Runbook {
        id: RunbookId(fields.text("id")),
        title: fields.text("title"),
        summary: fields.text("summary"),
        targets: fields.list("targets").filter_map(|node| target(node.text()?)).collect(),
        symptoms: fields.list("symptoms").map(|node| symptom(Fields { file, node })).collect(),
        inputs: fields.entries("inputs").iter().map(|(name, node)| input(file, name, node)).collect(),
        card: fields.get("card").map(|node| card(Fields { file, node })).unwrap_or_default(),
        steps,
    };
    Draft { runbook, root, steps: nodes }
}

fn target(text: &str) -> Option<TargetKind> {
    TargetKind::ALL.into_iter().find(|kind| kind.as_str() == text)
}

fn symptom(fields: Fields<'_>) -> Symptom {
    Symptom {
        says: fields.text("says"),
        probe: fields.get("probe").and_then(|node| action(fields.file, node)),
        when: fields.spanned("when"),
        weight: fields.integer("weight").and_then(|weight| u8::try_from(weight).ok()).unwrap_or(1),
    }
}

fn input(file: &SourceFile, name: &Spanned<String>, node: &Node) -> Input {
    let fields = Fields { file, node };
    let kind = match fields.get("type") {
        Some(node) if !node.entries().is_empty() => {
            let choice = Fields { file, node };
            InputKind::Choice(choice.list("choice").filter_map(Node::text).map(str::to_owned).collect())
        }
        Some(node) => match node.text() {
            Some("number") => InputKind::Number,
            Some("bool") => InputKind::Bool,
            Some("duration") => InputKind::Duration,
            _ => InputKind::Text,
        },
        None => InputKind::Text,
    };
    Input { name: Name(name.value.clone()), kind, default: fields.get("default").map(plain), help: fields.text("help"), span: name.span }
}

pub fn card(fields: Fields<'_>) -> Card {
    Card {
        owner: fields.maybe_text("owner"),
        dashboard: fields.maybe_text("dashboard"),
        logs: fields.maybe_text("logs"),
        trace_query: fields.maybe_text("trace_query"),
        slo: fields.maybe_text("slo"),
        dependencies: fields.list("dependencies").filter_map(Node::text).map(str::to_owned).collect(),
        rollback_command: fields.maybe_text("rollback_command"),
        feature_flags: fields.maybe_text("feature_flags"),
        recent_deploy_command: fields.maybe_text("recent_deploy_command"),
    }
}

fn step(fields: Fields<'_>) -> (Step, StepNode<'_>) {
    let commands = fields.get("commands").map_or(&[][..], Node::items);
    let step = Step {
        id: StepId(fields.text("id")),
        phase: fields.get("phase").and_then(Node::text).and_then(phase).unwrap_or(Phase::FirstChecks),
        title: fields.spanned("title").unwrap_or_else(|| fields.nothing()),
        why: fields.text("why"),
        requires: fields.list("requires").filter_map(|node| requirement(Fields { file: fields.file, node })).collect(),
        commands: commands.iter().map(|node| command(Fields { file: fields.file, node })).collect(),
        findings: fields.list("findings").filter_map(|node| finding(Fields { file: fields.file, node })).collect(),
        span: fields.place("id"),
    };
    (step, StepNode { node: fields.node, commands: commands.iter().collect() })
}

fn phase(text: &str) -> Option<Phase> {
    Phase::ALL.into_iter().find(|phase| phase.as_str() == text)
}

fn requirement(fields: Fields<'_>) -> Option<Requirement> {
    let command = fields.spanned("command").map(|name| Spanned::new(CommandId(name.value), name.span))?;
    Some(Requirement { command, max_age: fields.duration("max_age").unwrap_or_default() })
}

fn finding(fields: Fields<'_>) -> Option<Finding> {
    Some(Finding {
        when: fields.spanned("when")?,
        means: fields.spanned("means").unwrap_or_else(|| fields.nothing()),
        go: fields.spanned("go").map(|name| Spanned::new(StepId(name.value), name.span)),
    })
}

/// Where a command acts: as said, or as its kind usually does.
fn place(fields: &Fields<'_>, kind: ActionKind) -> Place {
    let said = fields.get("on").and_then(Node::text).and_then(|text| Place::ALL.into_iter().find(|place| place.as_str() == text));
    said.or(entry(kind).place).unwrap_or(Place::Here)
}

fn command(fields: Fields<'_>) -> Command {
    let action = action(fields.file, fields.node).unwrap_or_else(|| no_action(fields.node.span));
    let names = |key: &'static str| {
        fields.list(key).filter_map(|node| Some(Spanned::new(CommandId(node.text()?.to_owned()), node.span))).collect::<Vec<_>>()
    };
    Command {
        id: CommandId(fields.text("id")),
        title: fields.spanned("title").unwrap_or_else(|| fields.nothing()),
        effect: effect(fields.node).unwrap_or(Effect::ReadOnly),
        place: place(&fields, action.kind),
        when: fields.spanned("when"),
        capture: fields.expressions("capture"),
        expect: fields.spanned("expect"),
        value: fields.get("value").and_then(|node| measured(fields.file, node)),
        watch: fields.get("watch").and_then(|node| watch(Fields { file: fields.file, node })),
        retry: fields.get("retry").map(|node| retry(Fields { file: fields.file, node })),
        timeout: fields.duration("timeout").unwrap_or(Duration::from_secs(30)),
        remember: fields.expressions("remember"),
        undo: fields.get("undo").and_then(|node| self::action(fields.file, node)),
        irreversible: fields.maybe_text("irreversible"),
        verify: fields.spanned("verify").map(|name| Spanned::new(CommandId(name.value), name.span)),
        measure: names("measure"),
        hazards: fields.list("hazards").map(|node| hazard(Fields { file: fields.file, node })).collect(),
        span: fields.place("id"),
        action,
    }
}

/// The author's tag, where it is there and one of the two.
pub fn effect(node: &Node) -> Option<Effect> {
    let text = node.get("effect")?.text()?;
    Effect::ALL.into_iter().find(|effect| effect.as_str() == text)
}

fn no_action(span: Span) -> ActionSpec {
    ActionSpec { kind: ActionKind::Compute, verb: None, fields: Node::new(Value::Map(Vec::new()), span), span }
}

fn measured(file: &SourceFile, node: &Node) -> Option<Measured> {
    let fields = Fields { file, node };
    match node.text() {
        Some(text) => Some(Measured { value: Spanned::new(text.to_owned(), node.span), unit: String::new() }),
        None => Some(Measured { value: fields.spanned("of")?, unit: fields.text("unit") }),
    }
}

fn watch(fields: Fields<'_>) -> Option<Watch> {
    Some(Watch {
        every: fields.duration("every").unwrap_or(Duration::from_secs(2)),
        until: fields.spanned("until")?,
        hold: fields.duration("hold").unwrap_or_default(),
        timeout: fields.duration("timeout").unwrap_or(Duration::from_secs(60)),
    })
}

fn retry(fields: Fields<'_>) -> Retry {
    Retry {
        times: fields.integer("times").and_then(|times| u8::try_from(times).ok()).unwrap_or(1),
        delay: fields.duration("delay").unwrap_or(Duration::from_secs(2)),
    }
}

fn hazard(fields: Fields<'_>) -> Hazard {
    Hazard {
        when: fields.spanned("when"),
        says: fields.spanned("says").unwrap_or_else(|| fields.nothing()),
        stop: fields.get("stop").is_some_and(|node| node.value == Value::Bool(true)),
    }
}

/// The one action among a map's keys. Short forms become the map they stand for; bare numbers and words become text as written.
pub fn action(file: &SourceFile, node: &Node) -> Option<ActionSpec> {
    let (key, body, kind) = node.entries().iter().find_map(|(key, body)| Some((key, body, kind_named(&key.value)?)))?;
    let (verb, body, kind_body) = match body.entries() {
        [(verb, fields)] if kind == ActionKind::Kube => (Some(verb.value.clone()), fields, None),
        _ => (None, body, Some(&entry(kind).body)),
    };
    if kind == ActionKind::Kube && verb.is_none() {
        return None;
    }
    let shape = verb.as_deref().and_then(crate::runbook::vocabulary::kube::verb_named).map(|verb| &verb.shape);
    let fields = match (shape, kind_body) {
        (Some(shape), _) => form::object(file, body, shape),
        (None, Some(kind)) => form::normal(file, body, kind),
        (None, None) => return None,
    };
    Some(ActionSpec { kind, verb, fields, span: key.span })
}
