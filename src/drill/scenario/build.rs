//! From a checked tree to the model. What is missing or wrong was reported already; here it becomes an empty value, so that lint can
//! look at the rest of the document.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::model::{
    About, Autopilot, Cause, Clock, Conclusion, Decoy, Drill, Due, Fail, Fault, Hint, Inject, Lapse, Levels, Milestone, Objective, Query,
    RatedBy, Role, Rubric, Success, Truth, Variant, World, WorldKind,
};
use crate::runbook::form::{Fields, plain};
use crate::runbook::model::{CommandId, RunbookId, StepId};
use crate::runbook::source::{Node, SourceFile, Spanned, Value};
use crate::timeline::drill::Sender;

/// Where a level says nothing else.
const USUAL_LIMIT: Duration = Duration::from_secs(1800);

pub fn drill(file: &SourceFile, root: &Node) -> Drill {
    let fields = Fields { file, node: root };
    let runbook = RunbookId(fields.text("runbook"));
    let service = fields.text("service");
    let part = |key: &str| fields.get(key).map(|node| Fields { file, node });
    Drill {
        id: fields.text("id"),
        title: fields.text("title"),
        summary: fields.text("summary"),
        opens: fields.maybe_text("opens").map_or_else(|| runbook.clone(), RunbookId),
        runbook,
        world: world(part("world")),
        clock: clock(&fields),
        limit: fields.duration("limit").unwrap_or(USUAL_LIMIT),
        briefing: fields.text("briefing"),
        roles: each(fields, "roles", |role| Role { name: role.text("name"), does: role.text("does") }),
        faults: each(fields, "faults", |fault| self::fault(fault, &service)),
        injects: each(fields, "injects", inject),
        decoys: each(fields, "decoys", decoy),
        hints: each(fields, "hints", hint),
        causes: each(fields, "causes", cause),
        success: success(part("success").unwrap_or(fields)),
        fail: each(fields, "fail", fail),
        objectives: each(fields, "objectives", objective),
        must_reach: fields.list("must_reach").filter_map(|node| milestone(Fields { file, node })).collect(),
        must_not_reach: fields.list("must_not_reach").filter_map(|node| milestone(Fields { file, node })).collect(),
        autopilot: part("autopilot").map(autopilot).unwrap_or_default(),
        hotwash: fields.list("hotwash").filter_map(Node::text).map(str::to_owned).collect(),
        levels: levels(part("levels")),
        service,
    }
}

fn each<T>(fields: Fields<'_>, key: &str, read: impl Fn(Fields<'_>) -> T) -> Vec<T> {
    fields.list(key).map(|node| read(Fields { file: fields.file, node })).collect()
}

fn world(fields: Option<Fields<'_>>) -> World {
    let kind = match fields.and_then(|fields| fields.maybe_text("kind")).as_deref() {
        Some("local") => WorldKind::Local,
        Some(_) | None => WorldKind::Cluster,
    };
    let seed = fields.and_then(|fields| fields.integer("seed")).and_then(|seed| u64::try_from(seed).ok()).unwrap_or(1);
    World { kind, baseline: fields.and_then(|fields| fields.maybe_text("baseline")).unwrap_or_else(|| "shop".to_owned()), seed }
}

fn clock(fields: &Fields<'_>) -> Clock {
    let Some(node) = fields.get("clock") else { return Clock::Real };
    let scaled = Fields { file: fields.file, node }.integer("scaled").and_then(|factor| u32::try_from(factor).ok());
    match (scaled, node.text()) {
        (Some(factor), _) => Clock::Scaled(factor),
        (None, Some("stepped")) => Clock::Stepped,
        (None, _) => Clock::Real,
    }
}

fn fault(fields: Fields<'_>, service: &str) -> Fault {
    Fault {
        id: fields.text("id"),
        kind: fields.spanned("kind").unwrap_or_else(|| fields.nothing()),
        service: fields.maybe_text("service").unwrap_or_else(|| service.to_owned()),
        at: fields.duration("at").unwrap_or_default(),
        with: fields.get("with").map(parameters).unwrap_or_default(),
        span: fields.place("id"),
    }
}

fn parameters(node: &Node) -> Map<String, Json> {
    node.entries().iter().map(|(key, value)| (key.value.clone(), plain(value))).collect()
}

fn due(fields: &Fields<'_>) -> Due {
    match fields.spanned("when") {
        Some(when) => Due::When(when),
        None => Due::At(fields.duration("at").unwrap_or_default()),
    }
}

fn inject(fields: Fields<'_>) -> Inject {
    let from = fields.maybe_text("from").unwrap_or_default();
    Inject {
        id: fields.text("id"),
        due: due(&fields),
        from: Sender::ALL.into_iter().find(|sender| sender.as_str() == from).unwrap_or(Sender::Pager),
        text: fields.text("text"),
        span: fields.place("id"),
    }
}

fn decoy(fields: Fields<'_>) -> Decoy {
    Decoy { inject: inject(fields), truth: fields.text("truth") }
}

fn hint(fields: Fields<'_>) -> Hint {
    Hint { after: fields.duration("after").unwrap_or_default(), text: fields.text("text"), penalty: points(&fields) }
}

fn points(fields: &Fields<'_>) -> u32 {
    fields.integer("penalty").and_then(|points| u32::try_from(points).ok()).unwrap_or(0)
}

fn is_true(fields: &Fields<'_>, key: &str) -> bool {
    fields.get(key).is_some_and(|node| node.value == Value::Bool(true))
}

fn cause(fields: Fields<'_>) -> Cause {
    Cause {
        id: fields.text("id"),
        says: fields.text("says"),
        truth: if is_true(&fields, "right") { Truth::Right } else { Truth::Wrong },
        because: fields.text("because"),
        span: fields.place("id"),
    }
}

fn success(fields: Fields<'_>) -> Success {
    Success {
        mitigated: fields.spanned("mitigated").unwrap_or_else(|| fields.nothing()),
        durable_for: fields.duration("durable_for").unwrap_or_default(),
    }
}

fn fail(fields: Fields<'_>) -> Fail {
    Fail {
        id: fields.text("id"),
        when: fields.spanned("when").unwrap_or_else(|| fields.nothing()),
        why: fields.text("why"),
        ends: is_true(&fields, "ends"),
    }
}

fn objective(fields: Fields<'_>) -> Objective {
    let about = fields.maybe_text("about").unwrap_or_default();
    let by = match fields.get("rated") {
        Some(node) => RatedBy::Timeline(Box::new(rubric(Fields { file: fields.file, node }))),
        None => RatedBy::Person { looks_for: fields.text("looks_for") },
    };
    Objective {
        id: fields.text("id"),
        says: fields.text("says"),
        about: About::ALL.into_iter().find(|known| known.as_str() == about).unwrap_or(About::Diagnosis),
        by,
        span: fields.place("id"),
    }
}

fn rubric(fields: Fields<'_>) -> Rubric {
    Rubric {
        shown_by: each(fields, "shown_by", query),
        performed: fields.duration("performed").unwrap_or_default(),
        some: fields.duration("some").unwrap_or_default(),
        lowered_by: each(fields, "lowered_by", |lapse| Lapse { query: query(lapse), because: lapse.text("because") }),
    }
}

fn query(fields: Fields<'_>) -> Query {
    Query { event: fields.spanned("event").unwrap_or_else(|| fields.nothing()), matches: fields.spanned("where") }
}

fn milestone(fields: Fields<'_>) -> Option<Milestone> {
    let step = |name: Spanned<String>| Spanned::new(StepId(name.value), name.span);
    let command = |name: Spanned<String>| Spanned::new(CommandId(name.value), name.span);
    let of = |key: &str| fields.spanned(key);
    (of("step").map(|name| Milestone::Step(step(name))))
        .or_else(|| of("command").map(|name| Milestone::Command(command(name))))
        .or_else(|| of("lead").map(|name| Milestone::Lead(step(name))))
}

fn autopilot(fields: Fields<'_>) -> Autopilot {
    let named = |node: &Node| Some(Spanned::new(CommandId(node.text()?.to_owned()), node.span));
    Autopilot {
        answers: fields.entries("answers").iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        confirm: fields.list("confirm").filter_map(named).collect(),
        diagnoses: each(fields, "diagnoses", |conclusion| Conclusion {
            when: conclusion.spanned("when").unwrap_or_else(|| conclusion.nothing()),
            cause: conclusion.spanned("cause").unwrap_or_else(|| conclusion.nothing()),
        }),
    }
}

fn levels(fields: Option<Fields<'_>>) -> Levels {
    let of = |level: &str| {
        let fields = fields?;
        fields.get(level).map(|node| variant(Fields { file: fields.file, node }))
    };
    Levels { basic: of("basic").unwrap_or_default(), hard: of("hard").unwrap_or_default() }
}

fn variant(fields: Fields<'_>) -> Variant {
    let named = |node: &Node| Some(Spanned::new(node.text()?.to_owned(), node.span));
    Variant {
        says: fields.text("says"),
        without: fields.list("without").filter_map(named).collect(),
        faults: fields.entries("faults").iter().map(|(id, with)| (id.clone(), parameters(with))).collect(),
        injects: each(fields, "injects", inject),
        decoys: each(fields, "decoys", decoy),
        hints: fields.get("hints").map(|_| each(fields, "hints", hint)),
        limit: fields.duration("limit"),
    }
}
