//! Names inside templates and expressions: each is defined where it is used, and what is defined is used.

use std::collections::BTreeSet;

use super::piece::{Form, Piece, Within, pieces};
use super::rule::Rule;
use super::{Shape, sites};
use crate::runbook::catalog;
use crate::runbook::diagnostic::{Diagnostic, did_you_mean, quote};
use crate::runbook::form::expression::{self as form, advised};
use crate::runbook::model::TargetKind;
use crate::runbook::read::build::Draft;
use crate::runbook::source::{SourceFile, Span};
use crate::runbook::template::{self, Variable};

/// What a command's result has.
const RESULT: &[&str] = &["out", "exit", "lines"];

pub(super) fn check(file: &SourceFile, draft: &Draft<'_>, shape: Shape, found: &mut Vec<Diagnostic>) {
    let mut names = Names::new(draft);
    for piece in pieces(&draft.runbook) {
        let spot = Spot { file, piece };
        for variable in spot.variables(found) {
            names.used.insert(variable.path.join("."));
            found.extend(names.undefined(&spot, &variable).or_else(|| elsewhere(draft, &spot, &variable)));
        }
    }
    if shape == Shape::Sound && found.iter().all(|found| !matches!(found.rule, Rule::BadTemplate | Rule::BadExpression)) {
        names.unused(draft, found);
    }
}

/// One piece and how its offsets map to the file.
struct Spot<'a> {
    file: &'a SourceFile,
    piece: Piece<'a>,
}

impl Spot<'_> {
    fn here(&self) -> form::Piece<'_> {
        form::Piece { file: self.file, text: self.piece.text, span: self.piece.span }
    }

    fn place(&self, offset: usize, length: usize) -> Span {
        self.here().place(offset, length)
    }

    /// What it refers to; nothing where it can't be read, which is reported.
    fn variables(&self, found: &mut Vec<Diagnostic>) -> Vec<Variable> {
        let text = self.piece.text;
        if self.piece.form == Form::Expression {
            return self.here().references().unwrap_or_else(|error| {
                found.push(error);
                Vec::new()
            });
        }
        let variables = match template::variables(text) {
            Ok(variables) => variables,
            Err(error) => {
                let hint = "write {% raw %}…{% endraw %} around braces that are not for qrh";
                let hint = error.message.contains("closed").then_some(hint);
                found.push(advised(Rule::BadTemplate, self.place(error.offset, 2), &error.message, hint));
                return Vec::new();
            }
        };
        if self.piece.form == Form::Script {
            let hint = "let the placeholder stand alone between spaces: qrh quotes it as one word";
            let place = |offset| self.place(offset, 2);
            let errors = template::check_script(text).into_iter();
            found.extend(errors.map(|error| advised(Rule::UnquotablePlaceholder, place(error.offset), &error.message, Some(hint))));
        }
        variables
    }
}

/// A name that one kind of target has, in a command that is offered on the other too. Only plain templates are judged: an expression or a
/// condition may look at `target.kind` first.
fn elsewhere(draft: &Draft<'_>, spot: &Spot<'_>, variable: &Variable) -> Option<Diagnostic> {
    let text = spot.piece.text;
    let command =
        spot.piece.command.filter(|_| spot.piece.form != Form::Expression && !text.contains("{%") && !text.contains("default"))?;
    let [root, name, ..] = variable.path.as_slice() else { return None };
    let lacks = |target: &TargetKind| command.place.fits(*target) && catalog::lacks(*target, root, name);
    let target = draft.runbook.targets.iter().copied().find(lacks)?;
    let place = spot.place(variable.offset, variable.path.join(".").len());
    let message = format!("{} is not known where the target is a {}", quote(&format!("{root}.{name}")), target.as_str());
    let other = if target == TargetKind::Host { TargetKind::Cluster } else { TargetKind::Host };
    let hint = format!("add `on: {}` to the command, or use service.name or service.vars", other.as_str());
    Some(Diagnostic::new(Rule::UndefinedVariable, place, message).hint(hint))
}

struct Names<'a> {
    inputs: BTreeSet<&'a str>,
    captures: BTreeSet<&'a str>,
    commands: BTreeSet<&'a str>,
    used: BTreeSet<String>,
}

impl<'a> Names<'a> {
    fn new(draft: &'a Draft<'a>) -> Self {
        Self {
            inputs: draft.runbook.inputs.iter().map(|input| input.name.as_str()).collect(),
            captures: sites(draft).flat_map(|site| &site.command.capture).map(|(name, _)| name.as_str()).collect(),
            commands: sites(draft).map(|site| site.command.id.as_str()).filter(|id| !id.is_empty()).collect(),
            used: BTreeSet::new(),
        }
    }

    fn undefined(&self, spot: &Spot<'_>, variable: &Variable) -> Option<Diagnostic> {
        let (root, rest) = variable.path.split_first()?;
        let second = rest.first().map(String::as_str);
        let problem = |name: &str, hint: String| {
            let place = spot.place(variable.offset, variable.path.join(".").len());
            Some(Diagnostic::new(Rule::UndefinedVariable, place, format!("{} is not defined here", quote(name))).hint(hint))
        };
        let field = |known: &[&str]| match second {
            Some(name) if !known.contains(&name) => {
                let hint = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| format!("{root} has {}", known.join(", ")));
                problem(&format!("{root}.{name}"), hint)
            }
            Some(_) | None => None,
        };
        match root.as_str() {
            "facts" => None,
            "service" => field(&catalog::service_names()),
            "target" => field(&catalog::target_names()),
            "inputs" => field(&self.inputs.iter().copied().collect::<Vec<_>>()),
            "remember" => match spot.piece.within {
                Within::Undo(command) => field(&command.remember.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()),
                Within::Runbook | Within::Result => problem(root, "`remember` is there only in the undo of the same command".to_owned()),
            },
            name if RESULT.contains(&name) => match spot.piece.within {
                Within::Result => None,
                Within::Runbook | Within::Undo(_) => {
                    let hint = format!("`{name}` alone is there only in capture, expect, value and watch; elsewhere write COMMAND.{name}");
                    problem(root, hint)
                }
            },
            name if self.commands.contains(name) => field(RESULT),
            name if self.inputs.contains(name) || self.captures.contains(name) => None,
            name => problem(name, self.nearest(name)),
        }
    }

    fn nearest(&self, name: &str) -> String {
        let roots = ["service", "target", "facts", "inputs", "out", "exit", "lines"].into_iter();
        let all = roots.chain(self.inputs.iter().copied()).chain(self.captures.iter().copied()).chain(self.commands.iter().copied());
        did_you_mean(name, all).unwrap_or_else(|| {
            "there are service, target, facts, inputs, captured names, and the ids of commands with .out, .exit and .lines".to_owned()
        })
    }

    /// Whether a root, or its form under `inputs`, is used anywhere.
    fn uses(&self, path: &str) -> bool {
        self.used.iter().any(|used| used.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    fn unused(&self, draft: &Draft<'_>, found: &mut Vec<Diagnostic>) {
        let all_inputs = self.used.contains("inputs");
        for input in &draft.runbook.inputs {
            if !all_inputs && !self.uses(input.name.as_str()) && !self.uses(&format!("inputs.{}", input.name)) {
                let message = format!("nothing uses the input `{}`", input.name);
                found.push(
                    Diagnostic::new(Rule::UnusedInput, input.span, message).hint("use it in a template or an expression, or leave it out"),
                );
            }
        }
        for site in sites(draft) {
            for (key, _) in site.node.get("capture").map_or(&[][..], |node| node.entries()) {
                if !self.uses(&key.value) {
                    let message = format!("nothing uses the captured value `{}`", key.value);
                    found.push(Diagnostic::new(Rule::UnusedCapture, key.span, message).hint("use it, or leave it out"));
                }
            }
            for (key, _) in site.node.get("remember").map_or(&[][..], |node| node.entries()) {
                if site.command.undo.is_some() && !self.used.contains("remember") && !self.uses(&format!("remember.{}", key.value)) {
                    let message = format!("the undo does not use the remembered value `{}`", key.value);
                    found.push(Diagnostic::new(Rule::UnusedCapture, key.span, message).hint("use it in the undo, or leave it out"));
                }
            }
        }
    }
}
