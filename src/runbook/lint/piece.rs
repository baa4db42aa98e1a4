//! Every template, script and expression of a document, with what may be used in it.

use crate::runbook::model::{ActionSpec, Command, Runbook, Step, Symptom};
use crate::runbook::source::{Node, Span, Spanned, Value};
use crate::runbook::vocabulary::action::shape_of;
use crate::runbook::vocabulary::{Kind, Shape};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Template,
    Script,
    Expression,
}

/// What a piece can use beyond the names that are everywhere.
#[derive(Debug, Clone, Copy)]
pub(super) enum Within<'a> {
    /// Nothing more.
    Runbook,
    /// `out`, `exit` and `lines` of the action it stands beside.
    Result,
    /// `remember` of the command whose undo it is.
    Undo(&'a Command),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub form: Form,
    pub text: &'a str,
    pub span: Span,
    pub within: Within<'a>,
    /// The command it belongs to, where it does.
    pub command: Option<&'a Command>,
}

pub(super) fn pieces(runbook: &Runbook) -> Vec<Piece<'_>> {
    let mut gathered = Gathered { pieces: Vec::new() };
    for symptom in &runbook.symptoms {
        gathered.symptom(symptom);
    }
    for step in &runbook.steps {
        gathered.step(step);
    }
    gathered.pieces
}

struct Gathered<'a> {
    pieces: Vec<Piece<'a>>,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, form: Form, text: &'a Spanned<String>, within: Within<'a>) {
        self.pieces.push(Piece { form, text: &text.value, span: text.span, within, command: None });
    }

    fn symptom(&mut self, symptom: &'a Symptom) {
        if let Some(probe) = &symptom.probe {
            self.action(probe, Within::Runbook);
        }
        if let Some(when) = &symptom.when {
            self.add(Form::Expression, when, Within::Result);
        }
    }

    fn step(&mut self, step: &'a Step) {
        self.add(Form::Template, &step.title, Within::Runbook);
        for command in &step.commands {
            let first = self.pieces.len();
            self.command(command);
            self.pieces[first..].iter_mut().for_each(|piece| piece.command = Some(command));
        }
        for finding in &step.findings {
            self.add(Form::Expression, &finding.when, Within::Runbook);
            self.add(Form::Template, &finding.means, Within::Runbook);
        }
    }

    fn command(&mut self, command: &'a Command) {
        self.add(Form::Template, &command.title, Within::Runbook);
        if let Some(when) = &command.when {
            self.add(Form::Expression, when, Within::Runbook);
        }
        self.action(&command.action, Within::Runbook);
        let results = command.capture.iter().map(|(_, expression)| expression).chain(&command.expect);
        let results = results.chain(command.value.iter().map(|value| &value.value)).chain(command.watch.iter().map(|watch| &watch.until));
        for expression in results {
            self.add(Form::Expression, expression, Within::Result);
        }
        for (_, expression) in &command.remember {
            self.add(Form::Expression, expression, Within::Runbook);
        }
        if let Some(undo) = &command.undo {
            self.action(undo, Within::Undo(command));
        }
        for hazard in &command.hazards {
            if let Some(when) = &hazard.when {
                self.add(Form::Expression, when, Within::Runbook);
            }
            self.add(Form::Template, &hazard.says, Within::Runbook);
        }
    }

    fn action(&mut self, action: &'a ActionSpec, within: Within<'a>) {
        if let Some(shape) = shape_of(action) {
            self.object(&action.fields, shape, within);
        }
    }

    fn object(&mut self, node: &'a Node, shape: &Shape, within: Within<'a>) {
        for (key, value) in node.entries() {
            if let Some(known) = shape.key(&key.value) {
                self.value(value, &known.kind, within);
            }
        }
    }

    fn value(&mut self, node: &'a Node, kind: &Kind, within: Within<'a>) {
        let form = match (kind, &node.value) {
            (Kind::Nullable(inner) | Kind::List { of: inner, .. } | Kind::Map { of: inner, .. }, _) => {
                node.items().iter().for_each(|item| self.value(item, inner, within));
                node.entries().iter().for_each(|(_, value)| self.value(value, inner, within));
                if matches!(kind, Kind::Nullable(_)) && node.text().is_some() {
                    self.value(node, inner, within);
                }
                return;
            }
            (Kind::Json, Value::List(_) | Value::Map(_)) => {
                node.items().iter().for_each(|item| self.value(item, kind, within));
                return node.entries().iter().for_each(|(_, value)| self.value(value, kind, within));
            }
            (Kind::Template | Kind::Argument | Kind::Filled(_) | Kind::Json, Value::Text(_)) => Form::Template,
            (Kind::Script, Value::Text(_)) => Form::Script,
            (Kind::Expression, Value::Text(_)) => Form::Expression,
            _ => return,
        };
        if let Some(text) = node.text() {
            self.pieces.push(Piece { form, text, span: node.span, within, command: None });
        }
    }
}
