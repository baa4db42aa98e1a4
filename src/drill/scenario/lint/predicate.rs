//! Expressions of a drill: each is CEL over names that are there, and the ids it compares with are those of something.

use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::fit::{command_is_there, step_is_there};
use super::name::unknown;
use super::variants;
use crate::drill::scenario::model::{Drill, Due, Inject, Query, RatedBy};
use crate::drill::scenario::scope::{FAULT, HEALTH, Known, PREDICATE, QUERY};
use crate::runbook::diagnostic::{Diagnostic, did_you_mean, quote};
use crate::runbook::form::expression::Piece;
use crate::runbook::lint::rule::Rule;
use crate::runbook::model::{CommandId, Expression, Runbook, StepId};
use crate::runbook::source::{SourceFile, Span, Spanned};
use crate::runbook::template::Variable;
use crate::timeline::drill::Sight;
use crate::timeline::record::EVENT_TYPES;

/// `'x' in steps`, and `data.step == 'x'`: the ids in them are held against what is there. Other forms are left alone.
static IN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"['"]([a-z0-9_-]+)['"]\s+in\s+(steps|leads|ran|changed|ever_changed|refused|messages)\b"#).ok());
static IS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\b(diagnosed|command|data\.(?:step|go|command|answer|what))\s*[!=]=\s*['"]([a-z0-9_-]+)['"]"#).ok());

pub(super) fn check(file: &SourceFile, drill: &Drill, runbooks: &[Arc<Runbook>], found: &mut Vec<Diagnostic>) {
    let mut reader = Reader { file, drill, runbooks, found };
    for expression in predicates(drill) {
        reader.read(expression, PREDICATE);
    }
    for query in queries(drill) {
        reader.event(query);
        if let Some(expression) = &query.matches {
            reader.read(expression, QUERY);
        }
    }
}

/// The messages of the drill and of both its levels.
fn messages(drill: &Drill) -> impl Iterator<Item = &Inject> + Clone {
    let own =
        variants(drill).into_iter().flat_map(|variant| variant.injects.iter().chain(variant.decoys.iter().map(|decoy| &decoy.inject)));
    drill.messages().chain(own)
}

fn predicates(drill: &Drill) -> Vec<&Expression> {
    let due = messages(drill).filter_map(|inject| match &inject.due {
        Due::When(expression) => Some(expression),
        Due::At(_) => None,
    });
    let mut all: Vec<&Expression> = due.collect();
    all.push(&drill.success.mitigated);
    all.extend(drill.fail.iter().map(|fail| &fail.when));
    all.extend(drill.autopilot.diagnoses.iter().map(|conclusion| &conclusion.when));
    all.retain(|expression| !expression.is_empty());
    all
}

fn queries(drill: &Drill) -> impl Iterator<Item = &Query> {
    let rubrics = drill.objectives.iter().filter_map(|objective| match &objective.by {
        RatedBy::Timeline(rubric) => Some(&**rubric),
        RatedBy::Person { .. } => None,
    });
    rubrics.flat_map(|rubric| rubric.shown_by.iter().chain(rubric.lowered_by.iter().map(|lapse| &lapse.query)))
}

struct Reader<'a> {
    file: &'a SourceFile,
    drill: &'a Drill,
    runbooks: &'a [Arc<Runbook>],
    found: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn read(&mut self, expression: &Expression, known: &[Known]) {
        let piece = Piece { file: self.file, text: expression, span: expression.span };
        match piece.references() {
            Err(error) => self.found.push(error),
            Ok(variables) => {
                let undefined: Vec<_> = variables.iter().filter_map(|variable| self.undefined(piece, variable, known)).collect();
                self.found.extend(undefined);
                self.ids(piece);
            }
        }
    }

    fn undefined(&self, piece: Piece<'_>, variable: &Variable, known: &[Known]) -> Option<Diagnostic> {
        let [root, rest @ ..] = variable.path.as_slice() else { return None };
        let names = |known: &[Known]| known.iter().map(|known| known.name).collect::<Vec<_>>();
        if !known.iter().any(|known| known.name == root) {
            return Some(missing(piece, variable, root, &names(known), "there are"));
        }
        let faults = || self.drill.faults.iter().map(|fault| fault.id.as_str()).collect::<Vec<_>>();
        let services = || self.drill.world.kind.services();
        let (whose, fields) = match (root.as_str(), rest) {
            ("faults", [id, ..]) if !faults().contains(&id.as_str()) => (id, faults()),
            ("services", [name, ..]) if !services().contains(&name.as_str()) => (name, services()),
            ("faults", [_, field, ..]) => (field, names(FAULT)),
            ("health", [field, ..]) | ("services", [_, field, ..]) => (field, names(HEALTH)),
            _ => return None,
        };
        let full = variable.path.get(..=variable.path.iter().position(|name| name == whose)?)?.join(".");
        (!fields.contains(&whose.as_str())).then(|| missing(piece, variable, &full, &fields, &format!("{root} has")))
    }

    fn ids(&mut self, piece: Piece<'_>) {
        let (Some(within), Some(equal)) = (&*IN, &*IS) else { return };
        for found in within.captures_iter(piece.text) {
            if let (Some(id), Some(list)) = (found.get(1), found.get(2)) {
                self.id(list.as_str(), id.as_str(), piece.place(id.start(), id.len()));
            }
        }
        for found in equal.captures_iter(piece.text) {
            if let (Some(name), Some(id)) = (found.get(1), found.get(2)) {
                self.id(name.as_str(), id.as_str(), piece.place(id.start(), id.len()));
            }
        }
    }

    fn id(&mut self, whose: &str, id: &str, span: Span) {
        let named = Spanned::new(id.to_owned(), span);
        match whose {
            "steps" | "leads" | "data.step" | "data.go" => self.found.extend(step_is_there(&StepId(named.value), span, self.runbooks)),
            "ran" | "changed" | "ever_changed" | "refused" | "command" | "data.command" => {
                self.found.extend(command_is_there(&CommandId(named.value), span, self.runbooks));
            }
            "diagnosed" | "data.answer" => unknown("cause", &named, self.drill.causes.iter().map(|cause| cause.id.as_str()), self.found),
            "data.what" => unknown("observation", &named, Sight::ALL.iter().map(|sight| sight.as_str()), self.found),
            "messages" => unknown("message", &named, messages(self.drill).map(|inject| inject.id.as_str()), self.found),
            _ => {}
        }
    }

    fn event(&mut self, query: &Query) {
        if query.event.is_empty() || EVENT_TYPES.contains(&query.event.as_str()) {
            return;
        }
        let hint =
            did_you_mean(&query.event, EVENT_TYPES.iter().copied()).unwrap_or_else(|| "docs/TIMELINE.md lists the events".to_owned());
        let message = format!("a timeline has no event {}", quote(&query.event));
        self.found.push(Diagnostic::new(Rule::UnknownEvent, query.event.span, message).hint(hint));
    }
}

fn missing(piece: Piece<'_>, variable: &Variable, name: &str, known: &[&str], there: &str) -> Diagnostic {
    let place = piece.place(variable.offset, variable.path.join(".").len());
    let last = name.rsplit('.').next().unwrap_or(name);
    let hint = did_you_mean(last, known.iter().copied()).unwrap_or_else(|| format!("{there} {}", known.join(", ")));
    Diagnostic::new(Rule::UndefinedVariable, place, format!("{} is not defined here", quote(name))).hint(hint)
}
