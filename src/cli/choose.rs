//! Which service and which inputs: from the catalog, or said on the command line.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::args::ServiceArgs;
use super::exit::{Code, Failure};
use super::library::broken;
use super::settings::{self, Settings};
use crate::runbook::catalog::{self, Catalog, ClusterTarget, HostTarget, Service, Target};
use crate::runbook::diagnostic;
use crate::runbook::model::{Card, Input, InputKind, Name, Runbook};
use crate::runbook::vocabulary::shape::duration;

/// The service an incident is about, with the runbook's own card laid over it.
pub fn service(settings: &Settings, args: &ServiceArgs, runbook: &Runbook) -> Result<Service, Failure> {
    let mut service = match said(args) {
        Some(target) => on_the_spot(args, target),
        None => from_catalog(settings, args)?,
    };
    service.url = args.url.clone().or(service.url);
    service.prometheus = args.prometheus.clone().or(service.prometheus);
    lay_over(&mut service.card, &runbook.card);
    let kind = service.target.kind();
    if !runbook.targets.contains(&kind) {
        let kinds: Vec<&str> = runbook.targets.iter().map(|kind| kind.as_str()).collect();
        let message = format!("runbook {} is for {}, and {} is a {}", runbook.id, kinds.join(" and "), service.name, kind.as_str());
        return Err(Failure::new(Code::Usage, message));
    }
    Ok(service)
}

fn said(args: &ServiceArgs) -> Option<Target> {
    if let (Some(context), Some(namespace), Some(workload)) = (&args.context, &args.namespace, &args.workload) {
        return Some(Target::Cluster(ClusterTarget {
            context: context.clone(),
            namespace: namespace.clone(),
            workload: workload.clone(),
            container: None,
            selector: format!("app={workload}"),
        }));
    }
    let named = args.pid.is_some() || args.pid_file.is_some() || args.unit.is_some();
    named.then(|| {
        Target::Host(HostTarget { pid: args.pid, pid_file: args.pid_file.clone(), unit: args.unit.clone(), ..HostTarget::default() })
    })
}

fn on_the_spot(args: &ServiceArgs, target: Target) -> Service {
    let name = match (&args.service, &target) {
        (Some(name), _) => name.clone(),
        (None, Target::Cluster(cluster)) => cluster.workload.clone(),
        (None, Target::Host(host)) => host.unit.clone().unwrap_or_else(|| "local-process".to_owned()),
    };
    Service { name, card: Card::default(), prometheus: None, url: None, vars: Map::new(), target }
}

fn from_catalog(settings: &Settings, args: &ServiceArgs) -> Result<Service, Failure> {
    let Some(catalog) = catalog(settings)? else {
        let message = format!("no service is named, and there is no catalog at {}", settings.services.path.display());
        return Err(Failure::new(Code::Usage, message)
            .hint("name a target (--pid, --pid-file, --unit, or --context with --namespace and --workload), or write a catalog: examples/services.yaml"));
    };
    let names: Vec<&str> = catalog.services.iter().map(|service| service.name.as_str()).collect();
    match (&args.service, catalog.services.as_slice()) {
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Failure::new(Code::Usage, "which service?").hint(format!("--service with one of: {}", names.join(", ")))),
        (Some(wanted), _) => catalog.service(wanted).cloned().ok_or_else(|| {
            let hint =
                diagnostic::did_you_mean(wanted, names.iter().copied()).unwrap_or_else(|| format!("there are: {}", names.join(", ")));
            Failure::new(Code::Usage, format!("the catalog has no service `{wanted}`")).hint(hint)
        }),
    }
}

/// The catalog; `None` where there is no file and none was named.
fn catalog(settings: &Settings) -> Result<Option<Catalog>, Failure> {
    let Some(file) = settings::source(&settings.services)? else { return Ok(None) };
    let (catalog, diagnostics) = catalog::load(&file);
    catalog.map(Some).ok_or_else(|| broken(&file, diagnostics, false))
}

/// What the runbook says of the card wins.
pub fn lay_over(card: &mut Card, over: &Card) {
    let fields = [
        (&mut card.owner, &over.owner),
        (&mut card.dashboard, &over.dashboard),
        (&mut card.logs, &over.logs),
        (&mut card.trace_query, &over.trace_query),
        (&mut card.slo, &over.slo),
        (&mut card.rollback_command, &over.rollback_command),
        (&mut card.feature_flags, &over.feature_flags),
        (&mut card.recent_deploy_command, &over.recent_deploy_command),
    ];
    for (field, over) in fields {
        if over.is_some() {
            field.clone_from(over);
        }
    }
    if !over.dependencies.is_empty() {
        card.dependencies.clone_from(&over.dependencies);
    }
}

/// The runbook's inputs: what was said, else the defaults. All that is wrong is told at once.
pub fn inputs(runbook: &Runbook, said: &[String]) -> Result<BTreeMap<Name, Value>, Failure> {
    let mut problems = Vec::new();
    let mut given = BTreeMap::new();
    for pair in said {
        match pair.split_once('=') {
            Some((name, value)) if runbook.inputs.iter().any(|input| input.name.as_str() == name) => {
                given.insert(name.to_owned(), value.to_owned());
            }
            Some((name, _)) => problems.push(format!("{name}: this runbook has no such input")),
            None => problems.push(format!("{pair}: write it as NAME=VALUE")),
        }
    }
    let mut values = BTreeMap::new();
    for input in &runbook.inputs {
        match value(input, given.get(input.name.as_str())) {
            Ok(value) => {
                values.insert(input.name.clone(), value);
            }
            Err(problem) => problems.push(format!("{}: {problem}", input.name)),
        }
    }
    if problems.is_empty() {
        return Ok(values);
    }
    Err(Failure::new(Code::Usage, format!("the inputs of {} need correcting:\n  {}", runbook.id, problems.join("\n  "))))
}

fn value(input: &Input, said: Option<&String>) -> Result<Value, String> {
    let Some(said) = said else {
        return input.default.clone().ok_or_else(|| format!("needed: --input {}=… ({})", input.name, input.help));
    };
    match &input.kind {
        InputKind::Text => Ok(Value::from(said.as_str())),
        InputKind::Number => {
            let whole = said.parse::<i64>().map(Value::from);
            let fraction = || said.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number);
            whole.ok().or_else(fraction).ok_or_else(|| format!("`{said}` is not a number"))
        }
        InputKind::Bool => said.parse::<bool>().map(Value::from).map_err(|_| format!("`{said}` is neither true nor false")),
        InputKind::Duration => {
            duration(said).map(|_| Value::from(said.as_str())).ok_or_else(|| format!("`{said}` is not a duration such as 30s, 5m or 2h"))
        }
        InputKind::Choice(choices) if choices.contains(said) => Ok(Value::from(said.as_str())),
        InputKind::Choice(choices) => Err(format!("`{said}` is not one of: {}", choices.join(", "))),
    }
}
