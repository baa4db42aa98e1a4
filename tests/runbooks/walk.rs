//! Works a runbook from top to bottom as a responder would who runs every read and no change: asks are answered, results and captures
//! are kept, and every expression and template is decided with what is known then. What can't be is a problem, collected.

use std::time::Duration;

use qrh::action::ask::Answer;
use qrh::action::kube::Kube;
use qrh::action::{Action, Ending, Report};
use qrh::runbook::catalog::{Service, service_scope, target_scope};
use qrh::runbook::model::{Command, Effect, Expression, Place, Runbook, TargetKind};
use qrh::runbook::{expression, render, template};
use qrh::target::http::Client;
use qrh::target::kube::Cluster;
use qrh::target::{host, prometheus};
use serde_json::{Map, Value, json};

use crate::bench::{Bench, conduct, why};

/// Queries whose value may be no number on a quiet service: nothing divided by nothing.
const MAY_BE_EMPTY: &[&str] = &["gc_ratio"];

/// Who answers for the cluster.
pub enum Kubes {
    /// A host service needs none.
    None,
    Recorded(Box<Bench>),
    /// One that runs everything there is to run, with metrics of its own.
    Running(Box<Cluster>),
}

/// What answers.
pub struct Hands {
    pub service: Service,
    pub facts: Value,
    pub cluster: Kubes,
    pub http: Client,
    /// Answers to questions, before the usual ones.
    pub said: Vec<(&'static str, String)>,
    /// Commands that rightly find nothing there.
    pub empty: &'static [&'static str],
}

impl Hands {
    fn runs(&self) -> bool {
        matches!(self.cluster, Kubes::Running(_))
    }
}

pub struct Walk<'a> {
    runbook: &'a Runbook,
    hands: &'a Hands,
    kind: TargetKind,
    scope: Map<String, Value>,
    pub problems: Vec<String>,
    /// The findings that hold, as `STEP: MEANING`.
    pub found: Vec<String>,
    pub ran: usize,
}

impl<'a> Walk<'a> {
    pub fn new(runbook: &'a Runbook, hands: &'a Hands) -> Self {
        let mut scope = Map::new();
        scope.insert("service".to_owned(), service_scope(&hands.service));
        scope.insert("target".to_owned(), target_scope(&hands.service.target));
        scope.insert("facts".to_owned(), hands.facts.clone());
        for input in &runbook.inputs {
            // Short spans: the world is some seconds old.
            let value = match input.name.as_str() {
                "window" if !hands.runs() => json!("4s"),
                "lookback" if !hands.runs() => json!("5s"),
                _ => input.default.clone().unwrap(),
            };
            scope.insert(input.name.0.clone(), value);
        }
        scope.insert("inputs".to_owned(), Value::Object(scope.clone()));
        Self { runbook, hands, kind: hands.service.target.kind(), scope, problems: Vec::new(), found: Vec::new(), ran: 0 }
    }

    pub fn scope(&self) -> Value {
        Value::Object(self.scope.clone())
    }

    pub async fn all(&mut self) {
        let (runbook, kind) = (self.runbook, self.kind);
        for symptom in &runbook.symptoms {
            self.symptom(symptom).await;
        }
        for step in &runbook.steps {
            for command in step.commands.iter().filter(|command| command.place.fits(kind)) {
                self.command(command).await;
            }
        }
        let scope = self.scope();
        for step in &runbook.steps {
            for (index, finding) in step.findings.iter().enumerate() {
                let place = format!("{} finding {}", step.id, index + 1);
                if self.decide(&place, &finding.when, &scope) == Some(Value::Bool(true)) {
                    self.words(&place, &finding.means.value, &scope);
                    let means = template::render(&finding.means.value, &scope).unwrap_or_default();
                    self.found.push(format!("{}: {means}", step.id));
                }
            }
        }
    }

    fn problem(&mut self, place: &str, what: impl std::fmt::Display) {
        self.problems.push(format!("{} on {}: {place}: {what}", self.runbook.id, self.kind.as_str()));
    }

    /// The value, or a problem; nothing where it names what this kind of target does not have.
    fn decide(&mut self, place: &str, source: &Expression, scope: &Value) -> Option<Value> {
        match expression::evaluate_within(&source.value, scope, Duration::from_secs(5)) {
            Ok(value) => Some(value),
            Err(undecided) => {
                if !self.names_what_is_not_here(&source.value, scope) {
                    self.problem(place, format!("`{}` is undecided: {}", source.value, undecided.why));
                }
                None
            }
        }
    }

    fn names_what_is_not_here(&self, source: &str, scope: &Value) -> bool {
        expression::check(source).unwrap().iter().any(|variable| {
            let pointer = format!("/{}", variable.path.iter().take(2).cloned().collect::<Vec<_>>().join("/"));
            let root = &variable.path[0];
            match root.as_str() {
                "facts" => scope.pointer(&pointer).is_none_or(Value::is_null),
                "out" | "exit" | "lines" => false,
                // A metric of the cluster, in a Prometheus that scrapes none.
                _ => scope.get(root).is_none_or(|known| known.is_null() || known.pointer("/out/value") == Some(&Value::Null)),
            }
        })
    }

    fn words(&mut self, place: &str, text: &str, scope: &Value) {
        if let Err(error) = template::render(text, scope) {
            self.problem(place, format!("`{text}`: {error}"));
        }
    }

    async fn symptom(&mut self, symptom: &qrh::runbook::model::Symptom) {
        let Some(probe) = &symptom.probe else { return };
        let scope = self.scope();
        // A probe of the other kind of target names what this one does not have.
        let Ok(action) = render::render_action(probe, &scope) else { return };
        let action: Action = serde_json::from_value(action).unwrap();
        let report = self.perform(&symptom.says, &action, Duration::from_secs(10)).await;
        if let (Action::Promql(_), Ending::Failed(why)) = (&action, &report.ending) {
            self.problem(&symptom.says, why);
        }
        let when = symptom.when.as_ref().unwrap();
        if report.out.get("value") != Some(&Value::Null) {
            self.decide(&symptom.says, when, &with(&scope, &report));
        }
    }

    async fn command(&mut self, command: &Command) {
        let (place, scope) = (command.id.0.clone(), self.scope());
        if let Some(when) = &command.when
            && self.decide(&place, when, &scope) != Some(Value::Bool(true))
        {
            return;
        }
        self.words(&place, &command.title.value, &scope);
        let Some(action) = self.action(&place, &command.action, &scope) else { return };
        match command.effect {
            Effect::Mutating => self.change(command, &scope),
            Effect::ReadOnly => {
                let report = self.perform(&place, &action, command.timeout).await;
                self.result(command, &action, &report, &scope);
                self.ran += 1;
            }
        }
    }

    fn action(&mut self, place: &str, spec: &qrh::runbook::model::ActionSpec, scope: &Value) -> Option<Action> {
        let rendered = match render::render_action(spec, scope) {
            Ok(rendered) => rendered,
            Err(error) => {
                self.problem(place, error);
                return None;
            }
        };
        serde_json::from_value(rendered.clone()).map_err(|error| self.problem(place, format!("{error}: {rendered}"))).ok()
    }

    /// Not run: what it would remember, what it would say, and its undo.
    fn change(&mut self, command: &Command, scope: &Value) {
        let mut remembered = Map::new();
        for (name, source) in &command.remember {
            let value = self.decide(&command.id.0, source, scope);
            remembered.insert(name.0.clone(), value.unwrap_or_default());
        }
        for hazard in &command.hazards {
            let holds = hazard.when.as_ref().map(|when| self.decide(&command.id.0, when, scope));
            if holds.is_none_or(|holds| holds == Some(Value::Bool(true))) {
                self.words(&command.id.0, &hazard.says.value, scope);
            }
        }
        let mut scope = scope.clone();
        scope["remember"] = Value::Object(remembered);
        if let Some(undo) = &command.undo {
            self.action(&format!("{} undo", command.id), undo, &scope);
        }
    }

    fn result(&mut self, command: &Command, action: &Action, report: &Report, scope: &Value) {
        let place = command.id.0.clone();
        if report.ending != Ending::Succeeded && self.hands.empty.contains(&place.as_str()) {
            return;
        }
        // A service that is not ready answers so; that is a result.
        if report.ending != Ending::Succeeded && !matches!(action, Action::Http(_) if report.exit.is_some()) {
            self.problem(&place, format!("{}: {}", why(report), report.tail.join(" | ")));
            return;
        }
        let valueless = report.out.get("value") == Some(&Value::Null);
        if let Action::Promql(promql) = action
            && (command.place != Place::Cluster || self.hands.runs())
            && !self.hands.empty.contains(&place.as_str())
            && (report.out["count"] == 0 || (valueless && !MAY_BE_EMPTY.contains(&place.as_str())))
        {
            self.problem(&place, format!("no data: {}", promql.query));
        }
        let inner = with(scope, report);
        let mut expressions: Vec<&Expression> = command.expect.iter().chain(command.watch.iter().map(|watch| &watch.until)).collect();
        expressions.extend(command.value.as_ref().map(|value| &value.value));
        for source in expressions {
            if !valueless {
                self.decide(&place, source, &inner);
            }
        }
        for (name, source) in &command.capture {
            let value = self.decide(&place, source, &inner);
            self.scope.insert(name.0.clone(), value.unwrap_or_default());
        }
        self.scope.insert(place, json!({"out": report.out, "exit": report.exit, "lines": report.lines}));
    }

    async fn perform(&mut self, place: &str, action: &Action, timeout: Duration) -> Report {
        let (conduct, _lines) = conduct(timeout);
        match action {
            Action::Run(run) => host::run(run, &conduct).await,
            Action::Shell(shell) => host::shell(shell, &conduct).await,
            Action::Http(http) => self.hands.http.send(http, &conduct).await,
            Action::Promql(promql) => {
                let mut promql = promql.clone();
                promql.server = self.hands.service.prometheus.clone();
                prometheus::query(&self.hands.http, &promql, &conduct).await
            }
            Action::Kube(kube) => match &self.hands.cluster {
                Kubes::None => panic!("{place} asks a cluster, and there is none"),
                Kubes::Recorded(bench) => crate::reads::kube(bench, kube, &conduct).await,
                // Nobody can hold it to reading: it goes where changes go.
                Kubes::Running(cluster) if matches!(kube, Kube::Exec(_)) => cluster.apply(kube, None, &conduct).await,
                Kubes::Running(cluster) => cluster.read(kube, &conduct).await,
            },
            Action::Ask(ask) => {
                let said = self.hands.said.iter().find(|(asked, _)| *asked == place);
                let answer = said.map_or_else(|| reply(place, &ask.answer), |(_, said)| json!(said));
                ask.check(&answer).unwrap();
                Report { out: answer, ..Report::ended(Ending::Succeeded) }
            }
            Action::Compute(compute) => match expression::evaluate_within(&compute.expression, &self.scope(), Duration::from_secs(5)) {
                Ok(value) => Report { out: value, ..Report::ended(Ending::Succeeded) },
                Err(undecided) => Report::ended(Ending::Failed(undecided.why)),
            },
            Action::Announce(announce) => Report { out: json!(announce.message), ..Report::ended(Ending::Succeeded) },
        }
    }
}

fn with(scope: &Value, report: &Report) -> Value {
    let mut scope = scope.clone();
    for (name, value) in [("out", report.out.clone()), ("exit", json!(report.exit)), ("lines", json!(report.lines))] {
        scope[name] = value;
    }
    scope
}

fn reply(place: &str, answer: &Answer) -> Value {
    match answer {
        Answer::Number => json!(4),
        Answer::Tick => json!(true),
        Answer::Choice(choices) => json!(choices[0]),
        Answer::Text => json!(match place {
            "which_flag" => "sync-json",
            "breaker_flag" => "payments-cache",
            "retries_flag" => "upstream-retries",
            "pod_to_replace" | "stuck_pod" => "web-7c9d8b6f5-x2x9k",
            "label_key" => "app",
            "fixed_release" => "1.4.1",
            "fixed_image" => "registry.example/web@sha256:0123",
            "options_wanted" => "--max-old-space-size=384",
            _ => "as said",
        }),
    }
}
